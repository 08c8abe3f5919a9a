// The name of a virtual host, in the one form in which names are compared: lower-case ASCII, no
// port, no trailing dot. Parsed once; afterwards nobody takes a string for it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace perchild {

class HostName {
 public:
  static constexpr std::size_t max_length = 253;  // RFC 1035, 2.3.4, without the trailing dot

  // Takes a DNS name (letters, digits, '-', '_'; labels of 1 to 63; one trailing dot is dropped),
  // an IPv4 address, or an IPv6 address in brackets. Upper case is folded. Allocates nothing.
  // Anything else, a port included, is nullopt.
  static std::optional<HostName> parse(std::string_view text);
  // Whether it does.
  static bool is_valid(std::string_view text);

  std::string_view view() const { return {text_.data(), length_}; }

  friend bool operator==(const HostName& a, const HostName& b) { return a.view() == b.view(); }

 private:
  HostName() = default;
  // The length of what has been written into `folded`; 0 if `text` is no name.
  static std::size_t fold(std::string_view text, std::array<char, max_length>& folded);

  std::array<char, max_length> text_;
  std::uint8_t length_ = 0;
};

// A host as the configuration names it: `name` itself, or, with `wildcard`, every name below it
// ("*.bob.example" covers a.bob.example and a.b.bob.example, not bob.example). An exact name beats
// every wildcard; among wildcards the longest wins.
struct HostPattern {
  HostName name;
  bool wildcard = false;

  // "name" or "*.name".
  static std::optional<HostPattern> parse(std::string_view text);
  bool matches(const HostName& host) const;
  friend bool operator==(const HostPattern&, const HostPattern&) = default;
};

}  // namespace perchild
