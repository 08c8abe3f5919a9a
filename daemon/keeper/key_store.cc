#include "daemon/keeper/key_store.h"

#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "vhosts/tls/signature_scheme.h"

namespace perchild {
namespace {

using tls::KeyKind;
using tls::SignatureScheme;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// Made once: to find OpenSSL's decoders takes ten times as long as to decode a key by them, and a
// site's first visitor would wait for it.
class KeyDecoder {
 public:
  KeyDecoder()
      : context_(::OSSL_DECODER_CTX_new_for_pkey(&key_, "DER", "PrivateKeyInfo", nullptr,
                                                 EVP_PKEY_KEYPAIR, nullptr, nullptr)) {}
  KeyDecoder(const KeyDecoder&) = delete;
  KeyDecoder& operator=(const KeyDecoder&) = delete;
  ~KeyDecoder() { ::OSSL_DECODER_CTX_free(context_); }

  Key decode(std::string_view pkcs8) {
    const unsigned char* at = bytes_of(pkcs8);
    std::size_t left = pkcs8.size();
    ::OSSL_DECODER_from_data(context_, &at, &left);  // nothing but a key is of interest
    ::ERR_clear_error();
    return Key(std::exchange(key_, nullptr));
  }

 private:
  ::EVP_PKEY* key_ = nullptr;  // where the context puts what it has decoded
  ::OSSL_DECODER_CTX* context_;
};

Key parse(std::string_view pkcs8) {
  static KeyDecoder decoder;
  return decoder.decode(pkcs8);
}

std::optional<KeyKind> kind_of(const ::EVP_PKEY* key) {
  if (::EVP_PKEY_is_a(key, "RSA") == 1) return KeyKind::rsa;
  if (::EVP_PKEY_is_a(key, "EC") == 1) return KeyKind::ecdsa;
  if (::EVP_PKEY_is_a(key, "ED25519") == 1) return KeyKind::ed25519;
  return std::nullopt;
}

bool try_key(const char* type, const char* parameter, std::uint16_t code) {
  const Key key(::EVP_PKEY_Q_keygen(nullptr, nullptr, type, parameter));
  std::array<char, max_signature> signature;
  return key != nullptr && Signing(*key, *tls::find_scheme(code)).sign("x", signature) > 0;
}

}  // namespace

bool warm_up_signing() {
  parse({});  // has the decoders found
  unsigned char byte = 0;
  return ::RAND_priv_bytes(&byte, 1) == 1 && try_key("EC", "P-256", 0x0403) &&
         try_key("ED25519", nullptr, 0x0807);
}

SiteKeys::SiteKeys(const std::vector<std::string_view>& packed) {
  for (const std::string_view key : packed) keys_.push_back(parse(key));
}

SiteKeys::Outcome SiteKeys::sign(const Sign& request, Signature& signature) {
  const SignatureScheme* scheme = tls::find_scheme(request.scheme);
  const std::string_view content(request.content.data(), request.length);
  if (request.key >= keys_.size() || scheme == nullptr || !tls::is_handshake_content(content)) {
    return Outcome::not_permitted;
  }
  ::EVP_PKEY* key = keys_[request.key].get();
  signature = {.number = request.number, .length = 0, .bytes = {}};
  if (key == nullptr || kind_of(key) != scheme->kind) return Outcome::failed;
  signature.length =
      static_cast<std::uint32_t>(signing_of(request.key, *scheme).sign(content, signature.bytes));
  return signature.length > 0 ? Outcome::made : Outcome::failed;
}

Signing& SiteKeys::signing_of(std::uint16_t key, const SignatureScheme& scheme) {
  const auto found = std::find_if(signings_.begin(), signings_.end(), [&](const auto& each) {
    return each.first == key && &each.second.scheme() == &scheme;
  });
  if (found != signings_.end()) return found->second;
  return signings_.emplace_back(key, Signing(*keys_[key], scheme)).second;
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

std::shared_ptr<SiteKeys> KeyStore::open(SiteId site) {
  if (!ring_ || ring_->keys_of(site).empty()) return nullptr;
  std::weak_ptr<SiteKeys>& known = open_[site];
  std::shared_ptr<SiteKeys> keys = known.lock();
  if (keys == nullptr) {
    keys = std::make_shared<SiteKeys>(ring_->keys_of(site));
    known = keys;
  }
  return keys;
}

}  // namespace perchild
