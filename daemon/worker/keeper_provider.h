// Keys that OpenSSL takes for its own, but which are the keeper's: a provider(7) that has their
// public halves here, and sends what is to be signed to the keeper.
//
// Runs in: worker.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <cstdint>
#include <memory>

namespace perchild {

class KeeperClient;

struct PublicKeyDeleter {
  void operator()(::EVP_PKEY* key) const { ::EVP_PKEY_free(key); }
};
using KeeperKey = std::unique_ptr<::EVP_PKEY, PublicKeyDeleter>;

// Once in a process, before any key is made. Behind load_tls_algorithms(), whose provider answers
// whoever does not ask for one by its name.
bool load_keeper_provider();

// The key of this certificate, which is number `index` of the site's. Nullptr if it is of a kind
// that has no signatures here.
KeeperKey make_keeper_key(const ::X509& certificate, std::uint32_t index, KeeperClient& keeper);

}  // namespace perchild
