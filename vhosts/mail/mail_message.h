// A message as sendmail is given it: RFC 5322, with lines that end in LF or CRLF.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace perchild::mail {

// Takes the fields Bcc out of the head of `message`.
void drop_bcc(std::string& message);

// The addresses in its fields To, Cc and Bcc, in their order, names and comments left out.
std::vector<std::string> recipients_of(std::string_view message);

// Up to the first line that is a single '.'.
void end_at_dot(std::string& message);

}  // namespace perchild::mail
