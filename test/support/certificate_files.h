// Certificates in files, as an operator has them.
#pragma once

#include <string>
#include <vector>

namespace perchild::test {

struct CertificateFiles {
  std::string chain;
  std::string key;

  // The value of a vhost's "tls" that names these, and maybe those of `more`.
  static std::string json(const std::vector<CertificateFiles>& files);
};

// Makes one for these hosts that nobody has signed but itself, as FOLDER/NAME.pem and .key, for
// root alone. `kind` is openssl-req(1)'s: "rsa:2048", "ec" (of P-256), "ed25519". Throws if there
// is no openssl.
CertificateFiles make_certificate(const std::string& folder, const std::string& name,
                                  const std::vector<std::string>& hosts,
                                  const std::string& kind = "ec");

}  // namespace perchild::test
