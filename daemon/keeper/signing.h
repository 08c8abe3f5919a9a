// A key, made ready for signatures of one scheme: what OpenSSL looks up for each of them otherwise
// is a sixth of the work.
//
// Runs in: keeper.
#pragma once

#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <memory>
#include <string_view>

#include "privsep/keeper_messages.h"
#include "vhosts/tls/signature_scheme.h"

namespace perchild {

class Signing {
 public:
  // `key` outlives it.
  Signing(::EVP_PKEY& key, const tls::SignatureScheme& scheme);

  const tls::SignatureScheme& scheme() const { return scheme_; }
  // The length of the signature; 0 if there is none.
  std::size_t sign(std::string_view content, std::array<char, max_signature>& into);

 private:
  bool prepare();

  struct Deleter {
    void operator()(::EVP_MD* digest) const { ::EVP_MD_free(digest); }
    void operator()(::EVP_PKEY_CTX* context) const { ::EVP_PKEY_CTX_free(context); }
  };

  ::EVP_PKEY& key_;
  const tls::SignatureScheme& scheme_;
  // Null where the kind of key has a digest of its own.
  std::unique_ptr<::EVP_MD, Deleter> digest_;
  std::unique_ptr<::EVP_PKEY_CTX, Deleter> context_;
};

}  // namespace perchild
