// The "tls" of a vhost: certificates with their keys, from files, or one made for trying out.
#pragma once

#include <optional>
#include <vector>

#include "policy/certificate_facts.h"
#include "policy/configuration.h"
#include "policy/configuration_report.h"
#include "policy/system_view.h"

namespace perchild {

// What a vhost says; the hosts that it is for may come later.
struct TlsValues {
  bool self_signed = false;
  TlsSettings settings;
  std::vector<Certificate> certificates;
  struct Named {
    JsonValue place;
    std::vector<std::string> names;
  };
  std::vector<Named> named;  // what the certificates are for
};

TlsValues read_tls(Report& report, SystemView& system, JsonValue tls);

// Warns of hosts that none of the certificates is for.
void check_tls_hosts(Report& report, const TlsValues& values,
                     const std::vector<HostPattern>& hosts);

// What the certificates are for. One made for trying out is for the vhost's own hosts, and names
// none.
std::vector<std::string> names_of(const TlsValues& values);

std::vector<Certificate> certificates_of(TlsValues values, SystemView& system,
                                         const std::vector<HostPattern>& hosts);

// Whether a certificate's `name` is good for `host` (RFC 6125, 6.4.3).
bool name_covers(std::string_view name, const HostPattern& host);

}  // namespace perchild
