// Who may enter a site, or a part of it, made ready for use.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "policy/access_settings.h"
#include "vhosts/access/address_rules.h"

namespace perchild::access {

class EntryRules {
 public:
  explicit EntryRules(const AccessSettings& settings);

  const AddressRules& addresses() const { return addresses_; }
  // The password list, if there is one to be in.
  std::optional<std::uint32_t> list() const { return list_; }
  // WWW-Authenticate, the whole line.
  std::string_view challenge() const { return challenge_; }

 private:
  AddressRules addresses_;
  std::optional<std::uint32_t> list_;
  std::string challenge_;
};

}  // namespace perchild::access
