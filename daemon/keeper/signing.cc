#include "daemon/keeper/signing.h"

#include <openssl/err.h>
#include <openssl/rsa.h>

#include <string>

namespace perchild {
namespace {

using tls::Padding;

struct DigestDeleter {
  void operator()(::EVP_MD_CTX* context) const { ::EVP_MD_CTX_free(context); }
};

bool set_padding(::EVP_PKEY_CTX* context, Padding padding) {
  switch (padding) {
    case Padding::none:
      return true;
    case Padding::pkcs1:
      return ::EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
    case Padding::pss:
      // RFC 8446, 4.2.3: the salt is as long as the digest.
      return ::EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
             ::EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
  }
  return false;
}

bool sign_whole(::EVP_PKEY& key, std::string_view content, unsigned char* into,
                std::size_t& length) {
  const std::unique_ptr<::EVP_MD_CTX, DigestDeleter> context(::EVP_MD_CTX_new());
  return context != nullptr &&
         ::EVP_DigestSignInit_ex(context.get(), nullptr, nullptr, nullptr, nullptr, &key,
                                 nullptr) == 1 &&
         ::EVP_DigestSign(context.get(), into, &length,
                          reinterpret_cast<const unsigned char*>(content.data()),
                          content.size()) == 1;
}

bool sign_digest(const ::EVP_MD* digest, ::EVP_PKEY_CTX* context, std::string_view content,
                 unsigned char* into, std::size_t& length) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash;
  unsigned int hash_length = 0;
  return ::EVP_Digest(content.data(), content.size(), hash.data(), &hash_length, digest, nullptr) ==
             1 &&
         ::EVP_PKEY_sign(context, into, &length, hash.data(), hash_length) == 1;
}

}  // namespace

Signing::Signing(::EVP_PKEY& key, const tls::SignatureScheme& scheme) : key_(key), scheme_(scheme) {
  if (!scheme_.digest.empty() && !prepare()) context_.reset();
  ::ERR_clear_error();
}

bool Signing::prepare() {
  digest_.reset(::EVP_MD_fetch(nullptr, std::string(scheme_.digest).c_str(), nullptr));
  context_.reset(::EVP_PKEY_CTX_new_from_pkey(nullptr, &key_, nullptr));
  return digest_ != nullptr && context_ != nullptr && ::EVP_PKEY_sign_init(context_.get()) == 1 &&
         ::EVP_PKEY_CTX_set_signature_md(context_.get(), digest_.get()) == 1 &&
         set_padding(context_.get(), scheme_.padding);
}

std::size_t Signing::sign(std::string_view content, std::array<char, max_signature>& into) {
  auto* bytes = reinterpret_cast<unsigned char*>(into.data());
  std::size_t length = into.size();
  const bool made = scheme_.digest.empty()
                        ? sign_whole(key_, content, bytes, length)
                        : context_ != nullptr &&
                              sign_digest(digest_.get(), context_.get(), content, bytes, length);
  ::ERR_clear_error();
  return made ? length : 0;
}

}  // namespace perchild
