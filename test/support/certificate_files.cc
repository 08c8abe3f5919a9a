#include "test/support/certificate_files.h"

#include <stdexcept>

#include "test/support/command.h"

namespace perchild::test {

std::string CertificateFiles::json(const std::vector<CertificateFiles>& files) {
  std::string list;
  for (const CertificateFiles& each : files) {
    list += list.empty() ? "" : ", ";
    list += R"({ "chain": ")" + each.chain + R"(", "key": ")" + each.key + R"(" })";
  }
  return R"({ "certificates": [)" + list + "] }";
}

CertificateFiles make_certificate(const std::string& folder, const std::string& name,
                                  const std::vector<std::string>& hosts, const std::string& kind) {
  const CertificateFiles files{folder + "/" + name + ".pem", folder + "/" + name + ".key"};
  std::string names;
  for (const std::string& host : hosts) names += (names.empty() ? "DNS:" : ",DNS:") + host;
  std::vector<std::string> command{"openssl", "req",
                                   "-x509",   "-nodes",
                                   "-subj",   "/CN=" + hosts.front(),
                                   "-addext", "subjectAltName=" + names,
                                   "-keyout", files.key,
                                   "-out",    files.chain,
                                   "-newkey", kind};
  if (kind == "ec") command.insert(command.end(), {"-pkeyopt", "ec_paramgen_curve:P-256"});
  const CommandEnd made = run_command(command);
  if (made.status != 0) throw std::runtime_error("openssl req: " + made.output);
  return files;
}

}  // namespace perchild::test
