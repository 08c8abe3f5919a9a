#include "policy/configuration_ciphers.h"

#include <algorithm>
#include <optional>

#include "policy/configuration_values.h"
#include "policy/spelling.h"

namespace perchild {
namespace {

constexpr std::string_view versions[] = {"1.2", "1.3"};  // by TlsVersion

std::vector<std::string_view> cipher_names() {
  std::vector<std::string_view> names;
  for (const TlsCipher& cipher : tls_ciphers) names.push_back(cipher.name);
  return names;
}

std::optional<std::uint8_t> read_cipher(Report& report, JsonValue element) {
  if (!report.expect(element, JsonKind::string)) return std::nullopt;
  const std::vector<std::string_view> names = cipher_names();
  const auto found = std::find(names.begin(), names.end(), element.text());
  if (found != names.end()) return static_cast<std::uint8_t>(found - names.begin());
  const std::string_view meant = nearest(element.text(), names);
  report.error(
      element,
      in_quotes(element.text()) +
          " is no cipher with forward secrecy and authenticated encryption, by the name "
          "that OpenSSL has for it",
      meant.empty() ? "there are " + listed(names) : "did you mean " + in_quotes(meant) + "?");
  return std::nullopt;
}

void read_ciphers(Report& report, JsonValue list, TlsSettings& settings) {
  if (!report.expect(list, JsonKind::array)) return;
  if (list.empty()) {
    report.error(list, "\"ciphers\" names none",
                 "name some, or take it away: there are " + listed(cipher_names()));
  }
  for (JsonValue element : list) {
    const auto cipher = read_cipher(report, element);
    if (!cipher) continue;
    if (std::find(settings.ciphers.begin(), settings.ciphers.end(), *cipher) !=
        settings.ciphers.end()) {
      report.error(element, in_quotes(element.text()) + " is listed twice");
    } else if (tls_ciphers[*cipher].version < settings.least) {
      report.warning(element, in_quotes(element.text()) + " is a cipher of TLS 1.2, which is off",
                     R"("min_version" is "1.3")");
    } else {
      settings.ciphers.push_back(*cipher);
    }
  }
}

void warn_of_keys(Report& report, JsonValue list, const TlsSettings& settings,
                  std::span<const std::string> kinds) {
  bool any = false;
  bool rsa = false;
  bool ecdsa = false;
  for (const std::uint8_t index : settings.ciphers) {
    const TlsCipher& cipher = tls_ciphers[index];
    if (cipher.version != TlsVersion::tls_1_2) continue;
    any = true;
    rsa = rsa || cipher.rsa_keys;
    ecdsa = ecdsa || cipher.ecdsa_keys;
  }
  if (!any) return;
  for (const std::string& kind : kinds) {
    if (kind == "RSA" ? rsa : ecdsa) continue;
    report.warning(
        list, "TLS 1.2 cannot use the vhost's " + kind + " key: none of its ciphers is for it",
        std::string("add one of those that begin with ECDHE-") + (kind == "RSA" ? "RSA" : "ECDSA"));
  }
}

}  // namespace

TlsSettings read_tls_settings(Report& report, JsonValue tls, std::span<const std::string> kinds) {
  TlsSettings settings;
  if (const auto version = tls.find("min_version")) {
    if (const auto choice = read_choice(report, *version, versions)) {
      settings.least = static_cast<TlsVersion>(*choice);
    }
  }
  if (const auto list = tls.find("ciphers")) {
    read_ciphers(report, *list, settings);
    warn_of_keys(report, *list, settings, kinds);
  }
  return settings;
}

}  // namespace perchild
