// What a site has chosen of TLS's versions and ciphers, as openssl's own client finds it.
#include <gtest/gtest.h>

#include "policy/tls_settings.h"
#include "test/support/command.h"
#include "test/system/requests.h"
#include "test/system/secure_sites.h"

namespace perchild::test::protocols_test {
namespace {

ServerSpec spec_with(const std::string& more_of_tls) {
  ServerSpec spec = secure_sites();
  spec.sites[0].more = R"(, "tls": { "certificates": "self-signed")" + more_of_tls + " }";
  return spec;
}

// "TLSv1.3, TLS_AES_128_GCM_SHA256", or what went wrong.
std::string agreed_on(const Server& server, const std::vector<std::string>& options = {},
                      const std::string& host = "a.example") {
  std::vector<std::string> command{"openssl",     "s_client",
                                   "-connect",    "127.0.0.1:" + std::to_string(server.port()),
                                   "-servername", host};
  command.insert(command.end(), options.begin(), options.end());
  const std::string output = run_command(command).output;
  for (const std::string alert : {"alert protocol version", "alert handshake failure"}) {
    if (contains(output, alert)) return alert;
  }
  const std::size_t at = output.find("New, ");
  const std::size_t cipher = output.find(", Cipher is ", at);
  if (cipher == std::string::npos) return output;
  const std::size_t name = cipher + std::string(", Cipher is ").size();
  return output.substr(at + 5, cipher - at - 5) + ", " +
         output.substr(name, output.find('\n', name) - name);
}

TEST(TlsProtocols, ASiteThatSaysNothingSpeaksBothVersions) {
  const Server server(spec_with(""));
  EXPECT_EQ(agreed_on(server), "TLSv1.3, TLS_AES_128_GCM_SHA256");
  EXPECT_EQ(agreed_on(server, {"-tls1_2"}), "TLSv1.2, ECDHE-ECDSA-AES128-GCM-SHA256");
  for (const TlsCipher& cipher : tls_ciphers) {
    if (!cipher.ecdsa_keys) continue;
    const std::string name(cipher.name);
    const bool is_1_3 = cipher.version == TlsVersion::tls_1_3;
    EXPECT_EQ(agreed_on(server, is_1_3 ? std::vector<std::string>{"-ciphersuites", name}
                                       : std::vector<std::string>{"-tls1_2", "-cipher", name}),
              (is_1_3 ? "TLSv1.3, " : "TLSv1.2, ") + name);
  }
}

TEST(TlsProtocols, TheLeastVersionIsTheSitesOwn) {
  const Server server(spec_with(R"(, "min_version": "1.3")"));
  EXPECT_EQ(agreed_on(server), "TLSv1.3, TLS_AES_128_GCM_SHA256");
  EXPECT_EQ(agreed_on(server, {"-tls1_2"}), "alert protocol version");
  EXPECT_EQ(agreed_on(server, {"-tls1_2"}, "b.example"), "TLSv1.2, ECDHE-ECDSA-AES128-GCM-SHA256");
  EXPECT_TRUE(error_log_has(server, 0, "the TLS handshake failed unsupported protocol"));
}

TEST(TlsProtocols, CiphersAreThoseThatAreNamedInTheirOrder) {
  const Server server(spec_with(R"(, "ciphers": ["ECDHE-ECDSA-AES128-GCM-SHA256",
      "ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"])"));
  EXPECT_EQ(agreed_on(server), "TLSv1.3, TLS_CHACHA20_POLY1305_SHA256");
  EXPECT_EQ(agreed_on(server, {"-ciphersuites", "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256"}),
            "TLSv1.3, TLS_AES_128_GCM_SHA256");
  EXPECT_EQ(agreed_on(server, {"-tls1_2"}), "TLSv1.2, ECDHE-ECDSA-AES128-GCM-SHA256");
  EXPECT_EQ(agreed_on(server, {"-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"}),
            "alert handshake failure");
  EXPECT_EQ(agreed_on(server, {"-tls1_3", "-ciphersuites", "TLS_AES_256_GCM_SHA384"}),
            "alert handshake failure");
}

TEST(TlsProtocols, AVersionOfWhichNoCipherIsNamedHasAllOfItsOwn) {
  const Server server(spec_with(R"(, "ciphers": ["ECDHE-ECDSA-AES128-GCM-SHA256"])"));
  EXPECT_EQ(agreed_on(server), "TLSv1.3, TLS_AES_128_GCM_SHA256");
  EXPECT_EQ(agreed_on(server, {"-tls1_2"}), "TLSv1.2, ECDHE-ECDSA-AES128-GCM-SHA256");
}

// Keys and signatures of kinds that the worker itself does not use.
TEST(TlsProtocols, IssuersMayHaveKeysOfOtherKinds) {
  const TemporaryDirectory folder;
  const std::string script = R"(
    cd "$0" && umask 077
    echo subjectAltName=DNS:a.example >names
    echo basicConstraints=CA:TRUE >issues
    openssl req -x509 -nodes -subj /CN=root -newkey rsa:2048 -sha512 -keyout root.key -out root.pem
    parent=root
    for issuer in rsa-pss ED448 ED25519 ec; do
      options=; [ $issuer != ec ] || options='-pkeyopt ec_paramgen_curve:P-521'
      openssl req -nodes -subj /CN=$issuer -newkey $issuer $options -keyout $issuer.key -out $issuer.csr
      openssl x509 -req -in $issuer.csr -CA $parent.pem -CAkey $parent.key -extfile issues -out $issuer.pem
      parent=$issuer
    done
    openssl req -nodes -subj /CN=a.example -newkey ec -pkeyopt ec_paramgen_curve:P-384 -keyout a.key -out a.csr
    openssl x509 -req -in a.csr -CA ec.pem -CAkey ec.key -sha384 -extfile names -out a.pem
    cat a.pem ec.pem ED25519.pem ED448.pem rsa-pss.pem root.pem >chain.pem
  )";
  const CommandEnd made = run_command({"sh", "-ec", script, folder.path()});
  ASSERT_EQ(made.status, 0) << made.output;
  ServerSpec spec = secure_sites();
  spec.sites[0].other_hosts.clear();
  spec.sites[0].more =
      R"(, "tls": )" +
      CertificateFiles::json({{folder.path() + "/chain.pem", folder.path() + "/a.key"}});
  const Server server(spec);
  const CommandEnd verified = run_command(
      {"openssl", "s_client", "-connect", "127.0.0.1:" + std::to_string(server.port()),
       "-servername", "a.example", "-CAfile", folder.path() + "/root.pem", "-verify_return_error"});
  EXPECT_TRUE(contains(verified.output, "Verify return code: 0 (ok)")) << verified.output;
}

}  // namespace
}  // namespace perchild::test::protocols_test
