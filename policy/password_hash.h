// Password hashes as they stand in a configuration or an .htpasswd file: which kinds are taken, and
// how costly a hash may be. Looks at the text only; daemon/checker does the hashing.
#pragma once

#include <cstdint>
#include <string_view>

namespace perchild {

enum class PasswordScheme : std::uint8_t {
  bcrypt,     // $2a$ $2b$ $2y$
  sha_crypt,  // $5$ $6$
  yescrypt,   // $y$
  apr1,       // $apr1$: MD5, 1000 rounds; what old .htpasswd files hold
};

enum class HashFault : std::uint8_t {
  none,
  not_a_hash,  // plain text, crypt's DES, {SHA}, or an unknown scheme
  malformed,   // a known scheme, but not as long or not of the characters that it has
  too_costly,  // one check would take seconds, or memory that a site must not take
};

struct PasswordHash {
  HashFault fault = HashFault::not_a_hash;
  PasswordScheme scheme{};  // with HashFault::none
};

PasswordHash classify_password_hash(std::string_view text);

// "is not a password hash", for a sentence.
std::string_view text_of(HashFault fault);

inline constexpr std::size_t longest_password_hash = 256;
inline constexpr std::size_t longest_user_name = 128;

// RFC 7617, 2: without a colon; nor, so that it can stand in a file and a log, a control character.
bool is_user_name(std::string_view text);

}  // namespace perchild
