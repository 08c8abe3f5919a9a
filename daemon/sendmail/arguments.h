// The arguments of sendmail, as programs give them to it since it exists.
//
// Runs in: sendmail, a program of a site's.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace perchild {

struct SendmailArguments {
  bool recipients_in_message = false;  // -t
  bool goes_on_after_dot = false;      // -i, -oi
  std::string sender{};                // -f, -r; "<>" if nobody; empty if the site's usual one
  std::string name{};                  // -F: of a From that is to be made
  std::vector<std::string> recipients{};
};

// None if it is asked for something else than to send a message.
std::optional<SendmailArguments> parse_arguments(std::span<const std::string> arguments);

}  // namespace perchild
