#include "daemon/keeper/ticket_key_store.h"

#include <openssl/rand.h>

#include "privsep/result.h"

namespace perchild {
namespace {

TicketKeys::Key random_key() {
  TicketKeys::Key key;
  for (auto [bytes, size] : {std::pair(key.name.data(), key.name.size()),
                             std::pair(key.cipher.data(), key.cipher.size()),
                             std::pair(key.authentication.data(), key.authentication.size())}) {
    // Without randomness nothing here is of any use.
    PERCHILD_ASSERT(::RAND_priv_bytes(bytes, static_cast<int>(size)) == 1);
  }
  return key;
}

}  // namespace

const TicketKeys& TicketKeyStore::of(SiteId site, Generation generation) {
  const auto [found, is_new] = sites_.try_emplace(site);
  if (is_new || found->second.generation != generation) {
    // The previous one has made no ticket.
    found->second = {generation, {random_key(), random_key()}};
  }
  return found->second.keys;
}

const TicketKeys* TicketKeyStore::find(SiteId site, Generation generation) const {
  const auto found = sites_.find(site);
  const bool is_it = found != sites_.end() && found->second.generation == generation;
  return is_it ? &found->second.keys : nullptr;
}

void TicketKeyStore::renew(Clock::time_point now) {
  renew_at_ = now + period;
  for (auto& [site, of_site] : sites_) of_site.keys = {random_key(), of_site.keys.current};
}

}  // namespace perchild
