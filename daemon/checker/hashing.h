// Whether a password is the one that a hash was made of.
//
// Runs in: checker.
// Does not trust: the password; the hash, but for its form, which policy/password_hash.h has
// judged.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "policy/password_hash.h"

struct crypt_data;
struct evp_md_st;

namespace perchild {

class Hashing {
 public:
  // Loads what it needs of libcrypto, which the system-call filter would not let it do later.
  Hashing();
  ~Hashing();
  Hashing(const Hashing&) = delete;
  Hashing& operator=(const Hashing&) = delete;

  bool ready() const;
  // Takes as long as the hash's maker wanted it to. `password` holds no NUL.
  bool matches(PasswordScheme scheme, const std::string& hash, const std::string& password);

 private:
  // The same hash anew; empty if that cannot be done.
  std::string hashed(PasswordScheme scheme, const std::string& hash, const std::string& password);
  std::string apr1(std::string_view salt, std::string_view password) const;

  std::unique_ptr<::crypt_data> crypt_;
  ::evp_md_st* md5_;
};

}  // namespace perchild
