// Sites that speak TLS.
#pragma once

#include <string>
#include <vector>

#include "test/support/certificate_files.h"
#include "test/support/server.h"
#include "test/support/tls_client.h"

namespace perchild::test {

inline constexpr const char* tls_listener = R"([{ "address": "127.0.0.1:PORT", "tls": true }])";

// a.example and www.a.example, b.example, and c.example that has no certificate.
inline ServerSpec secure_sites(const std::string& more_of_listener = {}) {
  std::string listen = tls_listener;
  listen.insert(listen.find(" }"), more_of_listener);
  const std::string tls = R"(, "tls": "self-signed")";
  return {.sites = {{"a.example", {{"index.html", "of a"}}, tls, {"www.a.example"}},
                    {"b.example", {{"index.html", "of b"}}, tls},
                    {"c.example", {{"index.html", "of c"}}}},
          .listen = listen};
}

// a.example alone, with certificates in `folder` of a key of each kind.
inline ServerSpec secure_site_with_all_keys(const std::string& folder) {
  std::vector<CertificateFiles> files;
  for (const std::string kind : {"rsa:2048", "ec", "ed25519"}) {
    files.push_back(make_certificate(folder, kind, {"a.example"}, kind));
  }
  ServerSpec spec = secure_sites();
  spec.sites[0].more = R"(, "tls": )" + CertificateFiles::json(files);
  spec.sites[0].other_hosts.clear();
  return spec;
}

inline TlsOptions named(const std::string& name, int version = 0) {
  return {.server_name = name, .version = version};
}

}  // namespace perchild::test
