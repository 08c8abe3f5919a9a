// perchild-sendmail: what a site's programs call to send mail. It hands the message to the site's
// runner, which may refuse it, and starts the SMTP client.
//
// Runs in: sendmail, a program of a site's like any other, under its filter and its paths.
// Trusts: its caller.
#include <sysexits.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include "daemon/sendmail/handing_in.h"

namespace perchild {
namespace {

constexpr std::size_t longest_message = 32UL * 1024 * 1024;

// All of stdin; false if it is too much or cannot be read.
bool read_message(std::string& message) {
  std::array<char, 65536> part;
  for (;;) {
    const ssize_t got = ::read(STDIN_FILENO, part.data(), part.size());
    if (got == 0) return true;
    if (got < 0 || message.size() + static_cast<std::size_t>(got) > longest_message) return false;
    message.append(part.data(), static_cast<std::size_t>(got));
  }
}

mail::MailAnswer run(const std::vector<std::string>& arguments) {
  const auto parsed = parse_arguments(arguments);
  if (!parsed) {
    return {
        EX_USAGE,
        "messages can be sent, and nothing else: a program that has -bs can be told to use -t -i"};
  }
  std::string message;
  if (!read_message(message)) return {EX_NOINPUT, "the message cannot be read, or is too long"};
  return hand_in(*parsed, std::move(message));
}

}  // namespace
}  // namespace perchild

int main(int count, char** words) {
  const perchild::mail::MailAnswer answer = perchild::run({words + 1, words + count});
  if (!answer.sentence.empty()) std::fprintf(stderr, "sendmail: %s\n", answer.sentence.c_str());
  return answer.status;
}
