// What a client says in Authorization (RFC 7617).
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "policy/password_hash.h"

namespace perchild::access {

inline constexpr std::size_t longest_password = 256;
// "name:password", decoded.
inline constexpr std::size_t longest_credentials = longest_user_name + 1 + longest_password;

struct Credentials {
  std::string_view user;
  std::string_view password;
};

// Of `field`, "Basic BASE64"; the views point into `buffer`, which needs longest_credentials bytes.
// Nullopt for another scheme, for what is not strict base64, and for what no user can have.
std::optional<Credentials> parse_basic_credentials(std::string_view field, std::span<char> buffer);

}  // namespace perchild::access
