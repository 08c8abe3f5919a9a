// Certificates and private keys, as they are found in their files.
//
// Runs in: command, as root for `serve` and `reload`.
// Trusts: files that only root can write; it says which others it met.
#pragma once

#include <string>
#include <vector>

#include "daemon/command/check/source_files.h"
#include "policy/certificate_facts.h"
#include "policy/host_name.h"

namespace perchild {

class CertificateFiles {
 public:
  CertificateFacts read(const std::string& chain_path, const std::string& key_path);

 private:
  void read_chain(const std::string& path, CertificateFacts& facts);
  void read_key(const std::string& path, CertificateFacts& facts);
  SourceFiles files_{"the certificate"};
};

// A key, and a certificate for these hosts that it has signed itself. For trying out: nobody
// trusts it.
Certificate make_self_signed_certificate(const std::vector<HostPattern>& hosts);

}  // namespace perchild
