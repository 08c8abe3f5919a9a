// The private keys, and what is done with them.
//
// Runs in: keeper.
// Trusts: the command, which packed the keys and checked that they are good.
// Does not trust: who asks. A key signs handshakes and nothing else.
#pragma once

#include <openssl/evp.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "daemon/keeper/signing.h"
#include "policy/ids.h"
#include "privsep/keeper_messages.h"
#include "privsep/sealed_memory.h"
#include "vhosts/tls/key_ring.h"

namespace perchild {

struct KeyDeleter {
  void operator()(::EVP_PKEY* key) const { ::EVP_PKEY_free(key); }  // wipes what is private
};
using Key = std::unique_ptr<::EVP_PKEY, KeyDeleter>;

// Has OpenSSL look up all that it will ever need; before the lock-down.
bool warm_up_signing();

// The keys of one site, ready for use.
class SiteKeys {
 public:
  explicit SiteKeys(const std::vector<std::string_view>& packed);

  enum class Outcome : std::uint8_t {
    made,
    failed,         // the key cannot: `signature.length` is 0
    not_permitted,  // nobody asks for this who does what he should
  };
  Outcome sign(const Sign& request, Signature& signature);

 private:
  Signing& signing_of(std::uint16_t key, const tls::SignatureScheme& scheme);

  std::vector<Key> keys_;
  std::vector<std::pair<std::uint16_t, Signing>> signings_;  // of those that have been asked for
};

class KeyStore {
 public:
  // Takes the place of the keys before. False if this is no ring of keys.
  bool load(BorrowedFd sealed_memory);

  // Nullptr for a site that has none. They are taken apart for the site's first channel and
  // forgotten with its last.
  std::shared_ptr<SiteKeys> open(SiteId site);

 private:
  std::optional<SealedMapping> memory_;  // what `ring_` is a view of
  std::optional<tls::KeyRing> ring_;
  std::map<SiteId, std::weak_ptr<SiteKeys>> open_;
};

}  // namespace perchild
