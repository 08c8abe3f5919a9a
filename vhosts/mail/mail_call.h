// What a program asks its site's runner to do with a message, which comes as a descriptor beside
// it; and what it is told.
//
// Does not trust: who packed it, in the runner.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace perchild::mail {

struct MailCall {
  static constexpr std::size_t max_recipients = 100;
  static constexpr std::size_t max_bytes = 32 * 1024;  // packed

  std::string sender;  // of the envelope; null_sender; empty: the site's usual one
  std::vector<std::string> recipients;

  // Addresses all, but for a null sender, and at least one recipient.
  bool valid() const;

  std::string pack() const;
  // None if it is not valid(), or not as pack() makes it.
  static std::optional<MailCall> unpack(std::string_view bytes);
};

struct MailAnswer {
  static constexpr std::size_t max_bytes = 1024;  // packed

  int status = 0;  // of sysexits.h
  std::string sentence{};

  std::string pack() const;
  static std::optional<MailAnswer> unpack(std::string_view bytes);
};

}  // namespace perchild::mail
