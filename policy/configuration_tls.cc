#include "policy/configuration_tls.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>

#include "policy/configuration_ciphers.h"
#include "policy/configuration_values.h"

namespace perchild {
namespace {

using std::chrono::days;

constexpr std::string_view tls_keys[] = {"certificates", "ciphers", "min_version"};
constexpr std::string_view certificate_keys[] = {"chain", "key"};
constexpr std::string_view tls_forms =
    R"("tls" is {"certificates": [{"chain": "/FILE", "key": "/FILE"}]}, or "self-signed")";
constexpr std::size_t most_certificates = 8;
constexpr days short_of_expiry{14};

std::string date_text(std::chrono::sys_seconds time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d", &parts);
  return text.data();
}

std::string text_of(const HostPattern& host) {
  return (host.wildcard ? "*." : "") + std::string(host.name.view());
}

class CertificateReader {
 public:
  CertificateReader(Report& report, SystemView& system, TlsValues& values)
      : report_(report), system_(system), values_(values) {}

  void read(JsonValue element) {
    if (!report_.expect_keys(element, "a certificate", certificate_keys)) return;
    const auto chain = element.find("chain");
    const auto key = element.find("key");
    if (!chain || !key) {
      report_.error(element, R"(a certificate needs a "chain" and a "key")",
                    std::string(tls_forms));
      return;
    }
    const auto chain_path = read_absolute_path(report_, *chain);
    const auto key_path = read_absolute_path(report_, *key);
    if (!chain_path || !key_path) return;
    CertificateFacts facts = system_.read_certificate(*chain_path, *key_path);
    for (const Mistake& objection : facts.objections) {
      report_.add(objection, objection.sentence, objection.hint);
    }
    if (!are_usable(*chain, *key, facts)) return;
    if (std::find(kinds_.begin(), kinds_.end(), facts.kind) != kinds_.end()) {
      report_.error(element, "there are two certificates with " + facts.kind + " keys",
                    "one of each kind is used: RSA, EC, ED25519");
      return;
    }
    kinds_.push_back(facts.kind);
    warn_of_dates(*chain, facts);
    warn_of_chain(*chain, facts);
    values_.named.push_back({*chain, std::move(facts.names)});
    values_.certificates.push_back(std::move(facts.certificate));
  }

  // Of the keys that the certificates are for.
  const std::vector<std::string>& kinds() const { return kinds_; }

 private:
  bool are_usable(JsonValue chain, JsonValue key, const CertificateFacts& facts) {
    bool usable = true;
    const auto complain = [&](JsonValue at, std::string sentence, std::string hint = {}) {
      report_.error(at, std::move(sentence), std::move(hint));
      usable = false;
    };
    if (!facts.chain_problem.empty()) {
      complain(chain, "no certificate can be read from " + in_quotes(chain.text()) + ": " +
                          facts.chain_problem);
    }
    if (!facts.key_problem.empty()) {
      complain(key, "no key can be read from " + in_quotes(key.text()) + ": " + facts.key_problem);
    }
    if (facts.key_is_public) {
      complain(key, "everybody on this machine can read the key " + in_quotes(key.text()),
               "chmod go= it, and think of it as stolen");
    }
    if (!usable) return false;
    if (!facts.key_fits) {
      complain(key, "the key " + in_quotes(key.text()) + " is not that of the certificate in " +
                        in_quotes(chain.text()));
    } else if (!facts.refused.empty()) {
      complain(chain, "the certificate in " + in_quotes(chain.text()) +
                          " cannot be used: " + facts.refused);
    }
    if (facts.key_is_unchecked) {
      report_.warning(key,
                      "whether the key is that of the certificate was not checked: only root "
                      "can read it");
    }
    return usable;
  }

  void warn_of_dates(JsonValue chain, const CertificateFacts& facts) {
    const auto now = system_.now();
    if (facts.not_after < now) {
      report_.warning(chain, "the certificate has expired on " + date_text(facts.not_after),
                      "browsers refuse it: renew it");
    } else if (facts.not_after - now < short_of_expiry) {
      report_.warning(chain, "the certificate expires on " + date_text(facts.not_after));
    }
    if (facts.not_before > now) {
      report_.warning(chain,
                      "the certificate is good only from " + date_text(facts.not_before) + " on");
    }
  }

  void warn_of_chain(JsonValue chain, const CertificateFacts& facts) {
    if (facts.misplaced != 0) {
      report_.warning(chain,
                      "certificate " + std::to_string(facts.misplaced) + " in " +
                          in_quotes(chain.text()) + " has not signed the one before it",
                      "the site's own comes first, then the one that signed it, and so on");
    } else if (facts.certificate.chain.size() == 1 && !facts.signs_itself) {
      report_.warning(chain,
                      "there is one certificate in " + in_quotes(chain.text()) +
                          ", without the one that signed it: clients may not trust it",
                      "name the file with the whole chain, often called fullchain.pem");
    }
  }

  Report& report_;
  SystemView& system_;
  TlsValues& values_;
  std::vector<std::string> kinds_;
};

void read_self_signed(Report& report, JsonValue value, TlsValues& values) {
  values.self_signed = value.text() == "self-signed";
  if (values.self_signed) return;
  report.error(value, in_quotes(value.text()) + " is no way to get a certificate",
               std::string(tls_forms));
}

}  // namespace

bool name_covers(std::string_view name, const HostPattern& host) {
  const std::string wanted = text_of(host);
  if (name == wanted) return true;
  if (!name.starts_with("*.")) return false;
  // The star stands for one label.
  const std::size_t dot = wanted.find('.');
  return dot != std::string::npos && !host.wildcard && name.substr(1) == wanted.substr(dot);
}

TlsValues read_tls(Report& report, SystemView& system, JsonValue tls) {
  TlsValues values;
  if (tls.is(JsonKind::string)) {
    read_self_signed(report, tls, values);
    return values;
  }
  if (!report.expect_keys(tls, R"("tls")", tls_keys)) return values;
  const auto list = tls.find("certificates");
  if (!list) {
    report.error(tls, R"("tls" needs "certificates")", std::string(tls_forms));
    return values;
  }
  if (list->is(JsonKind::string)) {
    read_self_signed(report, *list, values);
    const std::string kinds[] = {"EC"};
    values.settings = read_tls_settings(report, tls, kinds);
    return values;
  }
  if (!report.expect(*list, JsonKind::array)) return values;
  if (list->empty()) report.error(*list, "there is no certificate", std::string(tls_forms));
  CertificateReader reader(report, system, values);
  for (JsonValue element : *list) {
    if (values.certificates.size() == most_certificates) break;  // there are not so many kinds
    reader.read(element);
  }
  values.settings = read_tls_settings(report, tls, reader.kinds());
  return values;
}

void check_tls_hosts(Report& report, const TlsValues& values,
                     const std::vector<HostPattern>& hosts) {
  for (const TlsValues::Named& named : values.named) {
    for (const HostPattern& host : hosts) {
      const bool covered =
          std::any_of(named.names.begin(), named.names.end(),
                      [&](const std::string& name) { return name_covers(name, host); });
      if (covered) continue;
      report.warning(named.place, "the certificate is not for the host " + in_quotes(text_of(host)),
                     "it is for " + listed(std::vector<std::string_view>(named.names.begin(),
                                                                         named.names.end())));
    }
  }
}

std::vector<std::string> names_of(const TlsValues& values) {
  std::vector<std::string> names;
  for (const TlsValues::Named& named : values.named) {
    names.insert(names.end(), named.names.begin(), named.names.end());
  }
  return names;
}

std::vector<Certificate> certificates_of(TlsValues values, SystemView& system,
                                         const std::vector<HostPattern>& hosts) {
  if (values.self_signed) return {system.make_self_signed(hosts)};
  return std::move(values.certificates);
}

}  // namespace perchild
