#include "daemon/sendmail/arguments.h"

#include <string_view>

namespace perchild {
namespace {

// Their value follows, in the same word or in the next one.
constexpr std::string_view with_value = "BCDFLNORVXfhpr";
constexpr std::string_view other_modes = "bq";  // a server, a queue's run, aliases

}  // namespace

std::optional<SendmailArguments> parse_arguments(std::span<const std::string> arguments) {
  SendmailArguments parsed;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (word == "--") {
      for (const std::string& rest : arguments.subspan(i + 1)) parsed.recipients.push_back(rest);
      break;
    }
    if (word.size() < 2 || word.front() != '-') {
      parsed.recipients.push_back(word);
      continue;
    }
    const char option = word[1];
    if (word == "-t" || word == "-ti" || word == "-it") parsed.recipients_in_message = true;
    if (word == "-i" || word == "-oi" || word == "-ti" || word == "-it") {
      parsed.goes_on_after_dot = true;
    }
    if (other_modes.find(option) != std::string_view::npos && word != "-bm") return std::nullopt;
    if (with_value.find(option) == std::string_view::npos) continue;
    std::string value = word.substr(2);
    if (value.empty() && i + 1 < arguments.size()) value = arguments[++i];
    if (option == 'f' || option == 'r') parsed.sender = value;
    if (option == 'F') parsed.name = value;
  }
  return parsed;
}

}  // namespace perchild
