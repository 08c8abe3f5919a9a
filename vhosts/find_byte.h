// Looking for a byte of some kind, sixteen bytes at a time.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace perchild {

// The first byte from `from` on that `is_wanted`; text.size() if there is none. `is_wanted` is
// asked of one byte and of a vector of them, by operators that have both: '<', '==', '|', no '&&'.
template <typename IsWanted>
std::size_t find_byte(std::string_view text, std::size_t from, IsWanted is_wanted) {
  using Block = std::uint8_t __attribute__((vector_size(16)));
  static_assert(std::endian::native == std::endian::little);
  while (text.size() - from >= sizeof(Block)) {
    Block block;
    std::memcpy(&block, text.data() + from, sizeof block);
    const auto wanted = is_wanted(block);  // all bits of a byte, or none
    std::array<std::uint64_t, 2> halves;
    static_assert(sizeof wanted == sizeof halves);
    std::memcpy(halves.data(), &wanted, sizeof halves);
    if ((halves[0] | halves[1]) == 0) {
      from += sizeof block;
      // The last ones together with some that have been looked at.
      if (from < text.size() && text.size() - from < sizeof block)
        from = text.size() - sizeof block;
      continue;
    }
    const int bits =
        halves[0] != 0 ? std::countr_zero(halves[0]) : 64 + std::countr_zero(halves[1]);
    return from + static_cast<std::size_t>(bits) / 8;
  }
  while (from < text.size() && !is_wanted(static_cast<std::uint8_t>(text[from]))) ++from;
  return from;
}

}  // namespace perchild
