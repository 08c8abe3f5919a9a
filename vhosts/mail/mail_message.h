// A message as sendmail is given it: RFC 5322, with lines that end in LF or CRLF; and as it passes
// it on.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace perchild::mail {

// Makes every line end in LF alone. A CR that ends none must not reach another server (RFC 5321,
// 2.3.8), nor become an end, by which a text could turn into fields: it becomes a space.
void make_line_ends_plain(std::string& message);

// Breaks lines that are longer than 998 bytes (RFC 5321, 4.5.3.1.6) as Postfix does: what follows
// begins with a space, which folds a field and is nothing to base64.
void break_long_lines(std::string& message);

// Gives a message without a From one, of `name` if there is one and of `address`.
void add_missing_from(std::string& message, std::string_view name, std::string_view address);

// Takes the fields Bcc out of the head of `message`.
void drop_bcc(std::string& message);

// The addresses in its fields To, Cc and Bcc, in their order, names and comments left out.
std::vector<std::string> recipients_of(std::string_view message);

// Up to the first line that is a single '.'.
void end_at_dot(std::string& message);

}  // namespace perchild::mail
