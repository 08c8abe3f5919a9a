#include "policy/mail_settings.h"

#include <algorithm>

namespace perchild {
namespace {

constexpr std::size_t longest_address = 254;  // RFC 5321, 4.5.3.1.3

constexpr bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// RFC 5322, 3.2.3: a dot-atom.
bool is_local_part(std::string_view text) {
  static constexpr std::string_view others = "!#$%&'*+-/=?^_`{|}~.";
  return !text.empty() && text.front() != '-' && std::all_of(text.begin(), text.end(), [](char c) {
    return is_alphanumeric(c) || others.find(c) != std::string_view::npos;
  });
}

bool is_domain(std::string_view text) {
  return !text.empty() && is_alphanumeric(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_alphanumeric(c) || c == '-' || c == '.'; });
}

char lower_case_of(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

struct Parts {
  std::string_view local, domain;
};
Parts parts_of(std::string_view address) {
  const std::size_t at = address.rfind('@');
  if (at == std::string_view::npos) return {address, {}};
  return {address.substr(0, at), address.substr(at + 1)};
}

bool matches(std::string_view pattern, std::string_view sender) {
  if (sender == null_sender) return pattern.starts_with("*@");
  const Parts wanted = parts_of(pattern);
  const Parts given = parts_of(sender);
  return (wanted.local == "*" || wanted.local == given.local) &&
         std::equal(wanted.domain.begin(), wanted.domain.end(), given.domain.begin(),
                    given.domain.end(),
                    [](char a, char b) { return lower_case_of(a) == lower_case_of(b); });
}

}  // namespace

bool is_mail_address(std::string_view text) {
  const Parts parts = parts_of(text);
  return text.size() <= longest_address && is_local_part(parts.local) && is_domain(parts.domain);
}

bool is_sender_pattern(std::string_view text) {
  const std::string_view local = parts_of(text).local;
  return is_mail_address(text) && (local == "*" || local.find('*') == std::string_view::npos);
}

bool may_send_as(const MailSettings& settings, std::string_view sender) {
  return std::any_of(settings.senders.begin(), settings.senders.end(),
                     [&](const std::string& pattern) { return matches(pattern, sender); });
}

std::string usual_sender(const MailSettings& settings) {
  for (const std::string& sender : settings.senders) {
    if (!sender.starts_with('*')) return sender;
  }
  return "www@" + std::string(parts_of(settings.senders.front()).domain);
}

}  // namespace perchild
