#include "daemon/checker/hashing.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>

namespace perchild {
namespace {

constexpr std::string_view apr1_prefix = "$apr1$";
constexpr std::size_t md5_bytes = 16;
using Digest = std::array<unsigned char, md5_bytes>;

std::string_view view_of(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

// One MD5 of several parts.
class Md5 {
 public:
  explicit Md5(const EVP_MD* md5)
      : context_(EVP_MD_CTX_new()),
        good_(context_ != nullptr && EVP_DigestInit_ex2(context_, md5, nullptr) == 1) {}
  ~Md5() { EVP_MD_CTX_free(context_); }
  Md5(const Md5&) = delete;
  Md5& operator=(const Md5&) = delete;

  void add(std::string_view bytes) {
    good_ = good_ && EVP_DigestUpdate(context_, bytes.data(), bytes.size()) == 1;
  }
  bool finish(Digest& digest) {
    return good_ && EVP_DigestFinal_ex(context_, digest.data(), nullptr) == 1;
  }

 private:
  EVP_MD_CTX* context_;
  bool good_;
};

// The digest in crypt(5)'s base64, its bytes in the order of MD5-crypt.
std::string encoded(const Digest& digest) {
  constexpr std::string_view digits =
      "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  constexpr std::size_t order[][3] = {{0, 6, 12}, {1, 7, 13}, {2, 8, 14}, {3, 9, 15}, {4, 10, 5}};
  std::string text;
  const auto append = [&](unsigned bits, int count) {
    for (; count > 0; --count, bits >>= 6) text.push_back(digits[bits & 63]);
  };
  for (const auto& [high, middle, low] : order) {
    append(static_cast<unsigned>(digest[high]) << 16 | static_cast<unsigned>(digest[middle]) << 8 |
               digest[low],
           4);
  }
  append(digest[11], 2);
  return text;
}

}  // namespace

Hashing::Hashing() : crypt_(std::make_unique<::crypt_data>()), md5_(nullptr) {
  // No configuration of the machine's decides what is loaded into this process.
  if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr) != 1) return;
  md5_ = EVP_MD_fetch(nullptr, "MD5", nullptr);
}

Hashing::~Hashing() {
  EVP_MD_free(md5_);
}

bool Hashing::ready() const {
  return md5_ != nullptr && !apr1("salt", "password").empty();
}

bool Hashing::matches(PasswordScheme scheme, const std::string& hash, const std::string& password) {
  const std::string again = hashed(scheme, hash, password);
  return again.size() == hash.size() && CRYPTO_memcmp(again.data(), hash.data(), hash.size()) == 0;
}

std::string Hashing::hashed(PasswordScheme scheme, const std::string& hash,
                            const std::string& password) {
  if (scheme == PasswordScheme::apr1) {
    const std::size_t salt = apr1_prefix.size();
    return apr1(std::string_view(hash).substr(salt, hash.find('$', salt) - salt), password);
  }
  const char* text = ::crypt_rn(password.c_str(), hash.c_str(), crypt_.get(), sizeof *crypt_);
  std::string result = text == nullptr ? std::string() : std::string(text);
  // It keeps intermediate values of the password in there.
  OPENSSL_cleanse(crypt_.get(), sizeof *crypt_);
  return result;
}

// MD5-crypt under Apache's name. libcrypt has it, but knows "$1$" alone; MD5 itself is libcrypto's.
std::string Hashing::apr1(std::string_view salt, std::string_view password) const {
  Digest digest;
  Md5 inner(md5_);
  for (const std::string_view part : {password, salt, password}) inner.add(part);
  if (!inner.finish(digest)) return {};
  Md5 outer(md5_);
  for (const std::string_view part : {password, apr1_prefix, salt}) outer.add(part);
  for (std::size_t left = password.size(); left > 0; left -= std::min(left, md5_bytes)) {
    outer.add(view_of(digest).substr(0, std::min(left, md5_bytes)));
  }
  const std::string_view nul("\0", 1);
  for (std::size_t bits = password.size(); bits > 0; bits >>= 1) {
    outer.add((bits & 1) != 0 ? nul : password.substr(0, 1));
  }
  if (!outer.finish(digest)) return {};
  for (int round = 0; round < 1000; ++round) {
    Md5 next(md5_);
    const Digest last = digest;
    next.add(round % 2 != 0 ? password : view_of(last));
    if (round % 3 != 0) next.add(salt);
    if (round % 7 != 0) next.add(password);
    next.add(round % 2 != 0 ? view_of(last) : password);
    if (!next.finish(digest)) return {};
  }
  return std::string(apr1_prefix).append(salt).append("$").append(encoded(digest));
}

}  // namespace perchild
