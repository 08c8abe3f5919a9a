// A key as the command packs it for the keeper: PKCS #8, DER.
#pragma once

#include <openssl/x509.h>

#include <string>

#include "daemon/keeper/key_store.h"

namespace perchild::test {

inline std::string packed(const Key& key) {
  ::PKCS8_PRIV_KEY_INFO* info = ::EVP_PKEY2PKCS8(key.get());
  std::string der(static_cast<std::size_t>(::i2d_PKCS8_PRIV_KEY_INFO(info, nullptr)), '\0');
  auto* at = reinterpret_cast<unsigned char*>(der.data());
  ::i2d_PKCS8_PRIV_KEY_INFO(info, &at);
  ::PKCS8_PRIV_KEY_INFO_free(info);
  return der;
}

}  // namespace perchild::test
