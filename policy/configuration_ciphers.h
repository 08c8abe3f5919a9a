// The "min_version" and "ciphers" of a vhost's "tls".
#pragma once

#include <span>
#include <string>

#include "policy/configuration_report.h"
#include "policy/tls_settings.h"

namespace perchild {

// `kinds`: of the keys of the vhost's certificates, as in CertificateFacts. Warns of what these
// ciphers leave without use.
TlsSettings read_tls_settings(Report& report, JsonValue tls, std::span<const std::string> kinds);

}  // namespace perchild
