#include "daemon/keeper/key_store.h"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <sys/mman.h>

#include <array>
#include <optional>
#include <string>

#include "vhosts/tls/signature_scheme.h"

namespace perchild {
namespace {

using tls::KeyKind;
using tls::Padding;
using tls::SignatureScheme;

struct DigestDeleter {
  void operator()(::EVP_MD_CTX* context) const { ::EVP_MD_CTX_free(context); }
};

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Key parse(std::string_view pkcs8) {
  const unsigned char* at = bytes_of(pkcs8);
  return Key(::d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(pkcs8.size())));
}

std::optional<KeyKind> kind_of(const ::EVP_PKEY* key) {
  if (::EVP_PKEY_is_a(key, "RSA") == 1) return KeyKind::rsa;
  if (::EVP_PKEY_is_a(key, "EC") == 1) return KeyKind::ecdsa;
  if (::EVP_PKEY_is_a(key, "ED25519") == 1) return KeyKind::ed25519;
  return std::nullopt;
}

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

// The length of the signature; 0 if there is none.
std::size_t make_signature(::EVP_PKEY* key, const SignatureScheme& scheme, std::string_view content,
                           std::array<char, max_signature>& into) {
  const std::unique_ptr<::EVP_MD_CTX, DigestDeleter> context(::EVP_MD_CTX_new());
  const std::string digest(scheme.digest);
  ::EVP_PKEY_CTX* parameters = nullptr;
  std::size_t length = into.size();
  const bool made =
      context != nullptr &&
      ::EVP_DigestSignInit_ex(context.get(), &parameters, digest.empty() ? nullptr : digest.c_str(),
                              nullptr, nullptr, key, nullptr) == 1 &&
      set_padding(parameters, scheme.padding) &&
      ::EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(into.data()), &length,
                       bytes_of(content), content.size()) == 1;
  ::ERR_clear_error();
  return made ? length : 0;
}

bool try_key(const char* type, const char* parameter, std::uint16_t code) {
  const Key key(::EVP_PKEY_Q_keygen(nullptr, nullptr, type, parameter));
  std::array<char, max_signature> signature;
  return key != nullptr && make_signature(key.get(), *tls::find_scheme(code), "x", signature) > 0;
}

}  // namespace

bool warm_up_signing() {
  unsigned char byte = 0;
  return ::RAND_priv_bytes(&byte, 1) == 1 && try_key("EC", "P-256", 0x0403) &&
         try_key("ED25519", nullptr, 0x0807);
}

SiteKeys::SiteKeys(const std::vector<std::string_view>& packed) {
  for (const std::string_view key : packed) keys_.push_back(parse(key));
}

SiteKeys::Outcome SiteKeys::sign(const Sign& request, Signature& signature) const {
  const SignatureScheme* scheme = tls::find_scheme(request.scheme);
  const std::string_view content(request.content.data(), request.length);
  if (request.key >= keys_.size() || scheme == nullptr || !tls::is_handshake_content(content)) {
    return Outcome::not_permitted;
  }
  ::EVP_PKEY* key = keys_[request.key].get();
  signature = {.number = request.number, .length = 0, .bytes = {}};
  if (key == nullptr || kind_of(key) != scheme->kind) return Outcome::failed;
  signature.length =
      static_cast<std::uint32_t>(make_signature(key, *scheme, content, signature.bytes));
  return signature.length > 0 ? Outcome::made : Outcome::failed;
}

bool KeyStore::load(BorrowedFd sealed_memory) {
  auto memory = SealedMapping::map(sealed_memory);
  // It is the same memory as everybody's who has the descriptor: none of it goes to swap.
  if (!memory || ::mlock(memory->bytes().data(), memory->bytes().size()) != 0) return false;
  auto ring = tls::KeyRing::unpack(memory->bytes());
  if (!ring) return false;
  open_.clear();
  ring_ = std::move(*ring);
  memory_ = std::move(*memory);
  return true;
}

std::shared_ptr<const SiteKeys> KeyStore::open(SiteId site) {
  if (!ring_ || ring_->keys_of(site).empty()) return nullptr;
  std::weak_ptr<const SiteKeys>& known = open_[site];
  std::shared_ptr<const SiteKeys> keys = known.lock();
  if (keys == nullptr) {
    keys = std::make_shared<const SiteKeys>(ring_->keys_of(site));
    known = keys;
  }
  return keys;
}

}  // namespace perchild
