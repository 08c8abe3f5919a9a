// Whether a client may enter: by its address, by how often it comes, and by a password.
//
// Runs in: worker.
// Does not trust: the client.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "policy/address_block.h"
#include "vhosts/access/credentials.h"
#include "vhosts/access/keyed_hash.h"
#include "vhosts/access/rate_table.h"
#include "vhosts/access/remembered_passwords.h"
#include "vhosts/access/visitor_memory.h"
#include "vhosts/sites/site_settings.h"

namespace perchild {

// What a worker remembers of its visitors, and with it the site's other workers.
class Admission {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::nanoseconds;

  // `shared`: by them, if there are others; it outlives this.
  explicit Admission(const SiteSettings& settings, access::VisitorMemory* shared = nullptr);

  // How long a visitor has to wait before its next request; 0 if it need not, and then this is one.
  Duration take_request(const AddressBytes& client, Time now);

  // How long until a password may be tried; each failure makes it longer for the visitor, and for
  // the user, whoever fails.
  Duration wait_of(const AddressBytes& client, std::string_view user, Time now) const;
  void on_failure(const AddressBytes& client, std::string_view user, Time now);

  access::RememberedPasswords passwords;

 private:
  std::uint64_t key_of(const AddressBytes& client) const;
  std::uint64_t key_of_user(std::string_view user) const;

  const access::HashKey key_;
  std::optional<access::RateTable> requests_;
  access::RateTable failures_;
  access::RateTable failures_of_users_;
};

}  // namespace perchild
