// Sites over TLS: names, certificates, versions, resumption, and what becomes of a dead keeper.
#include <gtest/gtest.h>
#include <signal.h>

#include "test/support/certificate_files.h"
#include "test/support/command.h"
#include "test/support/tls_client.h"
#include "test/system/requests.h"
#include "test/system/secure_sites.h"

namespace perchild::test::tls_test {
namespace {

class Tls : public ::testing::TestWithParam<int> {};  // the version

TEST_P(Tls, EachSiteIsServedByItsOwnWorkerWithItsOwnCertificate) {
  const Server server(secure_sites());
  std::string certificates[2];
  for (const std::size_t site : {0U, 1U}) {
    const std::string host = site == 0 ? "a.example" : "b.example";
    TlsClient client(server.port(), named(host, GetParam()));
    ASSERT_TRUE(client.connected()) << client.problem();
    client.send(request(host));
    EXPECT_TRUE(contains(client.receive_until("of "), "HTTP/1.1 200 OK"));
    certificates[site] = client.certificate();
    EXPECT_EQ(server.workers_of(site).size(), 1u);
  }
  EXPECT_NE(certificates[0], certificates[1]);
  EXPECT_EQ(server.keepers().size(), 1u);
}

TEST_P(Tls, ManyRequestsGoOverOneConnection) {
  const Server server(secure_sites());
  TlsClient client(server.port(), named("a.example", GetParam()));
  for (int i = 0; i < 40; ++i) {
    client.send(request("a.example"));
    ASSERT_TRUE(contains(client.receive_until("of a"), "200 OK")) << i;
  }
  client.send(request("a.example") + request("a.example"));
  std::string both = client.receive_until("of a");
  if (count_of(both, "of a") < 2) both += client.receive_until("of a");
  EXPECT_EQ(count_of(both, "of a"), 2u);
}

TEST_P(Tls, ALargeFileIsWhole) {
  ServerSpec spec = secure_sites();
  std::string large;
  for (int i = 0; large.size() < 5'000'000; ++i) large += std::to_string(i) + ",";
  spec.sites[0].files["large"] = large;
  spec.sites[0].files["medium"] = large.substr(0, 50'000);
  const Server server(spec);
  const auto body_of = [](const std::string& response) {
    return response.substr(std::min(response.size(), response.find("\r\n\r\n") + 4));
  };
  EXPECT_EQ(body_of(tls_get(server.port(), "a.example", named("a.example", GetParam()), "/large")),
            large);
  EXPECT_EQ(body_of(tls_get(server.port(), "a.example", named("a.example", GetParam()), "/medium")),
            large.substr(0, 50'000));
}

TEST_P(Tls, AHandshakeInSmallPiecesIsAWholeOne) {
  const Server server(secure_sites());
  TlsOptions options = named("a.example", GetParam());
  options.piece = 7;
  EXPECT_TRUE(contains(tls_get(server.port(), "a.example", options), "of a"));
}

TEST_P(Tls, ASessionIsResumedUnderTheNameThatItWasMadeFor) {
  const Server server(secure_sites());
  TlsClient first(server.port(), named("a.example", GetParam()));
  first.send(request("a.example"));
  first.receive_until("of a");
  EXPECT_FALSE(first.resumed());
  const auto resumes = [&](const std::string& name) {
    TlsOptions options = named(name, GetParam());
    options.session = first.session();
    TlsClient again(server.port(), options);
    EXPECT_TRUE(again.connected()) << name << ": " << again.problem();
    again.send(request(name));
    EXPECT_TRUE(contains(again.receive_until("of "), "200 OK")) << name;
    return again.resumed();
  };
  EXPECT_TRUE(resumes("a.example"));
  EXPECT_FALSE(resumes("www.a.example"));  // the same site
  EXPECT_FALSE(resumes("b.example"));      // another one
  // The keys of tickets are not the worker's own.
  ASSERT_EQ(::kill(server.workers_of(0).front().pid, SIGKILL), 0);
  EXPECT_TRUE(resumes("a.example"));
}

TEST_P(Tls, WhoAsksForNothingGetsATicketToo) {
  const Server server(secure_sites());
  TlsClient first(server.port(), named("a.example", GetParam()));
  first.close_sending();
  EXPECT_EQ(first.receive_to_end(), "");
  TlsOptions options = named("a.example", GetParam());
  options.session = first.session();
  EXPECT_TRUE(TlsClient(server.port(), options).resumed());
}

// The tickets come with the answer then.
TEST_P(Tls, ARequestCanComeWithTheEndOfTheHandshake) {
  const Server server(secure_sites());
  TlsOptions options = named("a.example", GetParam());
  options.request = request("a.example");
  TlsClient first(server.port(), options);
  EXPECT_TRUE(contains(first.receive_until("of a"), "200 OK"));
  first.send(request("a.example"));
  EXPECT_TRUE(contains(first.receive_until("of a"), "200 OK"));
  options.session = first.session();
  TlsClient again(server.port(), options);
  EXPECT_TRUE(again.resumed());
  EXPECT_TRUE(contains(again.receive_until("of a"), "200 OK"));
}

TEST_P(Tls, Aes128IsTakenOfWhoOffersItAnywhere) {
  const Server server(secure_sites());
  const std::string chosen = TlsClient(server.port(), named("a.example", GetParam())).cipher();
  EXPECT_TRUE(chosen.starts_with("TLS_AES_128_GCM") || contains(chosen, "AES128-GCM")) << chosen;
}

TEST_P(Tls, TheEndOfAConnectionIsTold) {
  const Server server(secure_sites());
  TlsClient client(server.port(), named("a.example", GetParam()));
  client.send(request("a.example", "/", "Connection: close\r\n"));
  EXPECT_TRUE(contains(client.receive_to_end(), "of a"));
  EXPECT_TRUE(client.ended_properly());
}

TEST_P(Tls, WhoClosesHisSideBehindARequestIsAnswered) {
  const Server server(secure_sites());
  TlsClient client(server.port(), named("a.example", GetParam()));
  client.send(request("a.example"));
  client.close_sending();
  EXPECT_TRUE(contains(client.receive_to_end(), "of a"));
}

TEST_P(Tls, SniAndHostOfTwoSitesIsAnswered421) {
  const Server server(secure_sites());
  const std::string response = tls_get(server.port(), "b.example", named("a.example", GetParam()));
  EXPECT_TRUE(response.starts_with("HTTP/1.1 421 ")) << response;
  EXPECT_TRUE(contains(tls_get(server.port(), "www.a.example", named("a.example", GetParam())),
                       "of a"));  // the same site
}

TEST_P(Tls, ANameThatNoSiteHasGetsTheAlertForIt) {
  const Server server(secure_sites());
  for (const char* name : {"x.example", "c.example"}) {
    const TlsClient client(server.port(), named(name, GetParam()));
    EXPECT_FALSE(client.connected());
    EXPECT_EQ(client.problem(), "tlsv1 unrecognized name") << name;
  }
  EXPECT_EQ(server.workers_of(2).size(), 0u);
}

TEST_P(Tls, WithoutANameThereIsNoSite) {
  const Server server(secure_sites());
  const TlsClient client(server.port(), {.server_name = {}, .version = GetParam()});
  EXPECT_FALSE(client.connected());
  EXPECT_EQ(client.problem(), "tlsv13 alert missing extension");
}

TEST_P(Tls, TheDefaultSiteAnswersForNobodysNameAndForThatAlone) {
  const Server server(secure_sites(R"(, "default": "a.example")"));
  EXPECT_TRUE(
      contains(tls_get(server.port(), "x.example", named("x.example", GetParam())), "of a"));
  EXPECT_TRUE(
      contains(tls_get(server.port(), "a.example", named("x.example", GetParam())), "of a"));
  for (const char* host : {"b.example", "y.example"}) {
    const std::string response = tls_get(server.port(), host, named("x.example", GetParam()));
    EXPECT_TRUE(response.starts_with("HTTP/1.1 421 ")) << host << response;
  }
  // A site without a certificate is not replaced by another one.
  EXPECT_FALSE(TlsClient(server.port(), named("c.example", GetParam())).connected());
}

TEST_P(Tls, HandshakesWaitForADeadKeepersSuccessor) {
  const Server server(secure_sites());
  ASSERT_TRUE(contains(tls_get(server.port(), "a.example", named("a.example")), "of a"));
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(::kill(server.keepers().front().pid, SIGKILL), 0);
    EXPECT_TRUE(
        contains(tls_get(server.port(), "a.example", named("a.example", GetParam())), "of a"));
    ASSERT_TRUE(eventually([&] { return server.keepers().size() == 1; }));
  }
}

TEST_P(Tls, TheProtocolIsHttp2OrHttp11OrNone) {
  const Server server(secure_sites());
  TlsOptions options = named("a.example", GetParam());
  EXPECT_EQ(TlsClient(server.port(), options).protocol(), "");
  for (const char* offer : {"\x02h2\x08http/1.1", "\x08http/1.1\x02h2", "\x02h2"}) {
    options.protocols = offer;
    EXPECT_EQ(TlsClient(server.port(), options).protocol(), "h2");
  }
  options.protocols = "\x08http/1.1\x08http/1.0";
  EXPECT_EQ(TlsClient(server.port(), options).protocol(), "http/1.1");
  options.protocols = "\x06spdy/3";
  EXPECT_FALSE(TlsClient(server.port(), options).connected());
}

INSTANTIATE_TEST_SUITE_P(OfEachVersion, Tls, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& each) {
                           return each.param == TLS1_2_VERSION ? "Tls12" : "Tls13";
                         });

TEST(TlsRefusals, VersionsBeforeTls12AreRefused) {
  Server server(secure_sites());
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    TlsOptions options = named("a.example", version);
    options.ciphers = "ALL:@SECLEVEL=0";
    const TlsClient client(server.port(), options);
    EXPECT_FALSE(client.connected());
    EXPECT_EQ(client.problem(), "tlsv1 alert protocol version");
  }
}

// Which OpenSSL's client cannot speak any more.
TEST(TlsRefusals, SslVersion3IsRefused) {
  const Server server(secure_sites());
  // Random, no session, one cipher: RSA, AES-128 and SHA-1; the server's name.
  const std::string hello = std::string("\x16\x03\x00\x00\x41\x01\x00\x00\x3d\x03\x00", 11) +
                            std::string(32, 'r') + std::string("\x00\x00\x02\x00\x2f\x01\x00", 7) +
                            std::string("\x00\x12\x00\x00\x00\x0e\x00\x0c\x00\x00\x09", 11) +
                            "a.example";
  Client client(server.port());
  client.send(hello);
  client.close_sending();
  const std::string alert = client.receive_to_end().value_or("");
  EXPECT_TRUE(alert.starts_with("\x15") && alert.ends_with("\x02\x46")) << alert.size();
}

// What is sent before the end of the handshake could be sent again by anybody.
TEST(TlsRefusals, NoTicketAllowsEarlyData) {
  const Server server(secure_sites());
  TlsClient client(server.port(), named("a.example", TLS1_3_VERSION));
  client.send(request("a.example"));
  EXPECT_TRUE(contains(client.receive_until("of a"), "200 OK"));
  ASSERT_NE(client.session(), nullptr);
  EXPECT_EQ(::SSL_SESSION_get_max_early_data(client.session()), 0u);
}

TEST(TlsRefusals, CiphersWithoutForwardSecrecyAreRefused) {
  const Server server(secure_sites());
  TlsOptions options = named("a.example", TLS1_2_VERSION);
  options.ciphers = "AES128-SHA:AES256-GCM-SHA384:@SECLEVEL=0";
  EXPECT_FALSE(TlsClient(server.port(), options).connected());
  EXPECT_TRUE(error_log_has(server, 0, "no shared cipher"));
}

TEST(TlsRefusals, RenegotiationIsRefusedAndTheConnectionEnds) {
  const Server server(secure_sites());
  TlsClient client(server.port(), named("a.example", TLS1_2_VERSION));
  ASSERT_TRUE(client.connected());
  EXPECT_FALSE(client.renegotiate());
}

TEST(TlsRefusals, PlainHttpIsAnsweredInPlainText) {
  const Server server(secure_sites());
  const HttpResponse response = get(server.port(), "a.example");
  EXPECT_EQ(response.status, 400);
  EXPECT_TRUE(contains(response.body, "TLS")) << response.body;
}

TEST(TlsRefusals, AHandshakeThatIsCutOffOrNoneGetsItsAlert) {
  const Server server(secure_sites());
  const std::pair<std::string, std::string> cases[] = {
      {std::string("\x16\x03\x01\x00\x20\x01", 6), std::string("\x15\x03\x03\x00\x02\x02\x32", 7)},
      {std::string("\x17\x03\x03\x00\x01x", 6), std::string("\x15\x03\x03\x00\x02\x02\x0a", 7)},
      {std::string("\x16\x03\x01\xff\xff", 5), std::string("\x15\x03\x03\x00\x02\x02\x16", 7)}};
  for (const auto& [bytes, alert] : cases) {
    Client client(server.port());
    client.send(bytes);
    client.close_sending();
    EXPECT_EQ(client.receive_to_end(), alert);
  }
}

TEST(TlsRefusals, TheDeadlineOfAHeadHoldsForAHandshakeToo) {
  ServerSpec spec = secure_sites();
  spec.more = R"(, "router": { "processes": 1, "head_timeout": "300ms" })";
  const Server server(spec);
  Client client(server.port());
  client.send(std::string("\x16\x03\x01\x00\x20\x01", 6));
  EXPECT_EQ(client.receive_to_end(), std::string("\x15\x03\x03\x00\x02\x02\x32", 7));
}

TEST(TlsService, IsHttpsToWhateverAsksForIt) {
  ServerSpec spec = secure_sites();
  spec.sites[0].more += R"(, "https": "redirect", "hsts": { "max_age": "1y" })";
  const Server server(spec);
  const std::string response = tls_get(server.port(), "a.example", named("a.example"));
  EXPECT_TRUE(response.starts_with("HTTP/1.1 200 ")) << response;
  EXPECT_TRUE(contains(response, "Strict-Transport-Security: max-age=")) << response;
}

TEST(TlsService, HasNoKeeperWhereThereAreNoKeys) {
  const Server server({.sites = two_sites()});
  EXPECT_EQ(server.keepers().size(), 0u);
}

TEST(TlsService, EndsItsKeeperLast) {
  Server server(secure_sites());
  ASSERT_TRUE(contains(tls_get(server.port(), "a.example", named("a.example")), "of a"));
  EXPECT_EQ(server.stop(), 0) << server.log();
  EXPECT_FALSE(contains(server.log(), "keeper"));
}

TEST(TlsService, ServesCertificatesFromFilesOfTwoKinds) {
  TemporaryDirectory folder;
  const Server server(secure_site_with_all_keys(folder.path()));
  const std::string address = "127.0.0.1:" + std::to_string(server.port());
  for (const std::string algorithms :
       {"RSA-PSS+SHA256", "RSA-PSS+SHA384", "RSA-PSS+SHA512", "ECDSA+SHA256", "ed25519"}) {
    const CommandEnd end =
        run_command({"openssl", "s_client", "-connect", address, "-servername", "a.example",
                     "-sigalgs", algorithms, "-verify_return_error", "-CAfile",
                     folder.path() + "/" +
                         (algorithms.starts_with("RSA")  ? "rsa:2048"
                          : algorithms.starts_with("EC") ? "ec"
                                                         : "ed25519") +
                         ".pem"});
    EXPECT_TRUE(contains(end.output, "Verify return code: 0 (ok)")) << algorithms << end.output;
  }
  for (const std::string algorithms : {"RSA+SHA256", "RSA+SHA512", "ECDSA+SHA256", "ed25519"}) {
    const CommandEnd end = run_command({"openssl", "s_client", "-connect", address, "-servername",
                                        "a.example", "-sigalgs", algorithms, "-tls1_2"});
    EXPECT_TRUE(contains(end.output, "Protocol  : TLSv1.2")) << algorithms << end.output;
    EXPECT_TRUE(contains(end.output, "Secure Renegotiation IS supported")) << end.output;
  }
}

}  // namespace
}  // namespace perchild::test::tls_test
