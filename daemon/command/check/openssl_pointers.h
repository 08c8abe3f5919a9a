// Owners of OpenSSL's objects.
//
// Runs in: command.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

namespace perchild {

template <auto free>
struct FreeBy {
  template <typename T>
  void operator()(T* object) const {
    free(object);
  }
};

using BioPtr = std::unique_ptr<::BIO, FreeBy<&::BIO_free_all>>;
using KeyPtr = std::unique_ptr<::EVP_PKEY, FreeBy<&::EVP_PKEY_free>>;
using X509Ptr = std::unique_ptr<::X509, FreeBy<&::X509_free>>;
using TlsContextPtr = std::unique_ptr<::SSL_CTX, FreeBy<&::SSL_CTX_free>>;
using ExtensionPtr = std::unique_ptr<::X509_EXTENSION, FreeBy<&::X509_EXTENSION_free>>;
using NamesPtr = std::unique_ptr<::GENERAL_NAMES, FreeBy<&::GENERAL_NAMES_free>>;
using Pkcs8Ptr = std::unique_ptr<::PKCS8_PRIV_KEY_INFO, FreeBy<&::PKCS8_PRIV_KEY_INFO_free>>;

}  // namespace perchild
