#include "vhosts/access/remembered_passwords.h"

#include <algorithm>
#include <string_view>

namespace perchild::access {

// A user name holds no NUL and has a bound, so that no two different things are hashed as the same.
Hash128 RememberedPasswords::hash_of(std::uint32_t list, const Credentials& credentials) const {
  std::array<char, sizeof list + longest_credentials> text;
  auto at = std::copy_n(reinterpret_cast<const char*>(&list), sizeof list, text.begin());
  at = std::copy(credentials.user.begin(), credentials.user.end(), at);
  *at++ = '\0';
  at = std::copy(credentials.password.begin(), credentials.password.end(), at);
  return keyed_hash(key_, {text.data(), static_cast<std::size_t>(at - text.begin())});
}

// By comparing 128 bits of a hash that nobody outside can compute: how long it takes tells nothing.
bool RememberedPasswords::knows(std::uint32_t list, const Credentials& credentials,
                                Time now) const {
  const Hash128 hash = hash_of(list, credentials);
  return std::any_of(entries_.begin(), entries_.end(),
                     [&](const Entry& entry) { return entry.until > now && entry.hash == hash; });
}

void RememberedPasswords::remember(std::uint32_t list, const Credentials& credentials, Time now) {
  Entry& oldest =
      *std::min_element(entries_.begin(), entries_.end(),
                        [](const Entry& a, const Entry& b) { return a.until < b.until; });
  oldest = {hash_of(list, credentials), now + lifetime};
}

}  // namespace perchild::access
