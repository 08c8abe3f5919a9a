// `perchild reload` of certificates: who comes is shown the renewed one, who is there goes on, and
// a mistake changes nothing.
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <memory>
#include <thread>

#include "test/support/certificate_files.h"
#include "test/system/asking.h"
#include "test/system/reloading.h"
#include "test/system/requests.h"
#include "test/system/secure_sites.h"

namespace perchild::test::tls_reload_test {
namespace {

class TlsReload : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const std::string site : {"a", "b"}) make_certificate(folder_, site, {site + ".example"});
    ServerSpec spec = secure_sites();
    spec.sites[0].more = R"(, "tls": )" + CertificateFiles::json({files_of("a")});
    spec.sites[0].other_hosts.clear();
    spec.sites[1].more = R"(, "tls": )" + CertificateFiles::json({files_of("b")});
    server_ = std::make_unique<Server>(spec);
    before_ = certificate_of("a.example");
    ASSERT_NE(before_, "");
  }

  CertificateFiles files_of(const std::string& name) const {
    return {folder_ + "/" + name + ".pem", folder_ + "/" + name + ".key"};
  }

  // As an ACME client does.
  void renew(const std::string& kind = "ec") {
    make_certificate(folder_, "a", {"a.example"}, kind);
  }

  // What a connection of its own is shown, once it has been served by it.
  std::string certificate_of(const std::string& host) const {
    TlsClient client(server_->port(), named(host));
    client.send(request(host));
    EXPECT_TRUE(contains(client.receive_until("of "), "200 OK")) << host << client.problem();
    return client.certificate();
  }

  TemporaryDirectory directory_;
  const std::string folder_ = directory_.path();
  std::unique_ptr<Server> server_;
  std::string before_;
};

TEST_F(TlsReload, ARenewedCertificateIsShownToWhoComesAndWhoIsThereGoesOn) {
  const std::string of_b = certificate_of("b.example");
  const auto keeper = server_->keepers().at(0).pid;
  const auto worker_of_b = server_->workers_of(1).at(0).pid;
  TlsClient kept(server_->port(), named("a.example"));
  kept.send(request("a.example"));
  ASSERT_TRUE(contains(kept.receive_until("of a"), "200 OK"));
  for (const std::string kind : {"ec", "rsa:2048", "ed25519"}) {
    renew(kind);
    const CommandEnd end = reload(*server_);
    ASSERT_EQ(end.status, 0) << end.output;
    EXPECT_TRUE(contains(end.output, "changed a.example\n2 sites are unchanged")) << end.output;
    const std::string renewed = certificate_of("a.example");
    EXPECT_NE(renewed, before_);
    before_ = renewed;
  }
  kept.send(request("a.example"));
  EXPECT_TRUE(contains(kept.receive_until("of a"), "Connection: close"));
  EXPECT_EQ(certificate_of("b.example"), of_b);
  EXPECT_EQ(server_->workers_of(1).at(0).pid, worker_of_b);
  EXPECT_EQ(server_->keepers().at(0).pid, keeper);
  EXPECT_EQ(server_->stop(), 0);
  EXPECT_FALSE(contains(server_->log(), "keeper")) << server_->log();
}

TEST_F(TlsReload, OfTheSameCertificatesTouchesNothing) {
  const auto worker = server_->workers_of(0).at(0).pid;
  const CommandEnd end = reload(*server_);
  EXPECT_EQ(end.status, 0) << end.output;
  EXPECT_TRUE(contains(end.output, "3 sites are unchanged")) << end.output;
  EXPECT_EQ(certificate_of("a.example"), before_);
  EXPECT_EQ(server_->workers_of(0).at(0).pid, worker);
}

TEST_F(TlsReload, AHandshakeThatHasBegunIsFinishedWithTheKeyOfBefore) {
  const auto connections = [&] { return status_of_site(*server_, "a.example").at("connections"); };
  // The one that has shown what was before is gone, and this is known.
  ASSERT_TRUE(eventually([&] { return connections() == 0; }));
  // The keeper stands still, so a signature is asked for before the reload and made after it.
  const auto keeper = server_->keepers().at(0).pid;
  stop_process(keeper);
  std::unique_ptr<TlsClient> client;
  std::thread handshake(
      [&] { client = std::make_unique<TlsClient>(server_->port(), named("a.example")); });
  EXPECT_TRUE(eventually([&] { return connections() == 1; }));
  renew();
  const CommandEnd end = reload(*server_);
  EXPECT_EQ(end.status, 0) << end.output;
  ASSERT_EQ(::kill(keeper, SIGCONT), 0);
  handshake.join();
  ASSERT_TRUE(client->connected()) << client->problem();
  EXPECT_EQ(client->certificate(), before_);
  client->send(request("a.example"));
  EXPECT_TRUE(contains(client->receive_until("of a"), "200 OK"));
  EXPECT_NE(certificate_of("a.example"), before_);
}

TEST_F(TlsReload, AKeyThatDoesNotMatchChangesNothing) {
  make_certificate(folder_, "other", {"a.example"});
  std::filesystem::copy_file(folder_ + "/other.key", folder_ + "/a.key",
                             std::filesystem::copy_options::overwrite_existing);
  const auto worker = server_->workers_of(0).at(0).pid;
  const CommandEnd end = reload(*server_);
  EXPECT_EQ(end.status, 1);
  EXPECT_TRUE(contains(end.output, "key")) << end.output;
  EXPECT_TRUE(contains(end.output, "nothing has been changed")) << end.output;
  EXPECT_EQ(certificate_of("a.example"), before_);
  EXPECT_EQ(server_->workers_of(0).at(0).pid, worker);
}

TEST_F(TlsReload, ASessionOfBeforeIsNotResumedAndTheOthersAre) {
  const auto resumes = [&](TlsClient& first, const std::string& host) {
    TlsOptions options = named(host);
    options.session = first.session();
    TlsClient again(server_->port(), options);
    again.send(request(host));
    EXPECT_TRUE(contains(again.receive_until("of "), "200 OK"));
    return again.resumed();
  };
  TlsClient of_a(server_->port(), named("a.example"));
  TlsClient of_b(server_->port(), named("b.example"));
  of_a.send(request("a.example"));
  of_a.receive_until("of a");
  of_b.send(request("b.example"));
  of_b.receive_until("of b");
  EXPECT_TRUE(resumes(of_a, "a.example"));
  renew();
  ASSERT_EQ(reload(*server_).status, 0);
  EXPECT_FALSE(resumes(of_a, "a.example"));
  EXPECT_TRUE(resumes(of_b, "b.example"));
}

TEST_F(TlsReload, ASitesNumberAndItsKeysGoToAnother) {
  edit(*server_, "a.example", "d.example");
  make_certificate(folder_, "a", {"d.example"});
  const CommandEnd end = reload(*server_);
  ASSERT_EQ(end.status, 0) << end.output;
  EXPECT_NE(certificate_of("d.example"), before_);
  EXPECT_FALSE(TlsClient(server_->port(), named("a.example")).connected());
  // A keeper that starts later has the keys of now.
  ASSERT_EQ(::kill(server_->keepers().at(0).pid, SIGKILL), 0);
  certificate_of("d.example");
}

TEST(TlsReloads, TheFirstCertificateAndTheAddressForItCome) {
  Server server({.sites = two_sites()});
  ASSERT_EQ(get(server.port(), "a.example").body, "of a");
  ASSERT_EQ(server.keepers().size(), 0u);
  const std::uint16_t secure = free_port();
  edit(server, R"([{ "address": )",
       R"([{ "address": "127.0.0.1:)" + std::to_string(secure) +
           R"(", "tls": true }, { "address": )");
  edit(server, R"(["a.example"],)", R"(["a.example"], "tls": "self-signed",)");
  const CommandEnd end = reload(server);
  ASSERT_EQ(end.status, 0) << end.output;
  EXPECT_TRUE(contains(tls_get(secure, "a.example", named("a.example")), "of a"));
  EXPECT_EQ(get(server.port(), "a.example").body, "of a");
  EXPECT_EQ(server.keepers().size(), 1u);
  edit(server, R"("tls": "self-signed",)", "");
  EXPECT_EQ(reload(server).status, 0);
  EXPECT_FALSE(TlsClient(secure, named("a.example")).connected());
  EXPECT_EQ(get(server.port(), "a.example").body, "of a");
  EXPECT_EQ(server.stop(), 0) << server.log();
}

}  // namespace
}  // namespace perchild::test::tls_reload_test
