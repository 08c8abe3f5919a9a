// Who may see a site, or a part of it: as the configuration says it, and as it is packed.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "policy/address_block.h"

namespace perchild {

struct PasswordUser {
  std::string name;
  std::string hash;
};

// The users of one "auth": in a file, or here.
struct PasswordList {
  std::string file;  // absolute; empty if there is none
  std::vector<PasswordUser> users;
};

struct AuthSettings {
  bool required = true;  // false: what is inherited is switched off
  std::string realm;
  std::uint32_t list = 0;  // into Site::password_lists
};

struct AddressRule {
  AddressBlock block;
  bool allow = false;
};

// What is left out is inherited.
struct AccessSettings {
  std::optional<AuthSettings> auth;
  std::optional<std::vector<AddressRule>> addresses;
};

// A bucket of `burst` that fills by `count` in each `per`. None if `count` is 0.
struct RateSettings {
  std::uint32_t count = 0;
  std::chrono::milliseconds per{1000};
  std::uint32_t burst = 0;
};

}  // namespace perchild
