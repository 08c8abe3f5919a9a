// Numbers as they stand in fields.
#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <string_view>

namespace perchild::files {

using Digits = std::array<char, 20>;  // of any std::uint64_t

inline std::string_view decimal(std::uint64_t number, Digits& digits) {
  const auto done = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  return {digits.data(), static_cast<std::size_t>(done.ptr - digits.data())};
}

}  // namespace perchild::files
