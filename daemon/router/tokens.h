// What an epoll event of the router is about.
//
// Runs in: router.
#pragma once

#include <cstdint>

namespace perchild {

enum class TokenKind : std::uint8_t { master, listener, stranger, channel };

class Token {
 public:
  // `value`: the listener's index, the stranger's place in the pool, the channel's number.
  // `generation`: of that place, so that a late event does not reach who has it now.
  constexpr Token(TokenKind kind, std::uint64_t value, std::uint32_t generation = 0)
      : bits_(std::uint64_t{static_cast<std::uint8_t>(kind)} << kind_shift |
              (std::uint64_t{generation} & generation_mask) << generation_shift | value) {}
  constexpr explicit Token(std::uint64_t bits) : bits_(bits) {}

  constexpr std::uint64_t bits() const { return bits_; }
  constexpr TokenKind kind() const { return static_cast<TokenKind>(bits_ >> kind_shift); }
  constexpr std::uint32_t generation() const {
    return static_cast<std::uint32_t>(bits_ >> generation_shift & generation_mask);
  }
  constexpr std::uint64_t value() const {
    return bits_ & ((std::uint64_t{1} << generation_shift) - 1);
  }

  static constexpr std::uint64_t generation_mask = 0xffff;

 private:
  static constexpr unsigned kind_shift = 56;
  static constexpr unsigned generation_shift = 40;
  std::uint64_t bits_;
};

}  // namespace perchild
