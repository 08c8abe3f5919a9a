// A certificate from an authority (Pebble) by an ACME client (dehydrated) and the folder of
// challenges, and another one when it is to be renewed: `perchild reload` brings both to who comes,
// and takes nothing from who is there.
#include <gtest/gtest.h>

#include <filesystem>

#include "test/support/background_command.h"
#include "test/support/certificate_files.h"
#include "test/system/reloading.h"
#include "test/system/requests.h"
#include "test/system/secure_sites.h"

namespace perchild::test::acme_client_test {
namespace {

std::string local(std::uint16_t port) {
  return "127.0.0.1:" + std::to_string(port);
}

// An authority to which every name leads to this machine, and whose requests for challenges go to
// `http_port`.
class Authority {
 public:
  Authority(const std::string& folder, std::uint16_t http_port)
      : files_(make_certificate(folder, "authority", {"localhost"})),
        dns_({"pebble-challtestsrv", "-dns01", local(dns_port_), "-management", local(free_port()),
              "-defaultIPv6", "", "-http01", "", "-https01", "", "-tlsalpn01", ""}),
        pebble_({"pebble", "-config", write_configuration(folder, http_port), "-dnsserver",
                 local(dns_port_)},
                // It would refuse one request in twenty, and take half of the names for proven.
                {{"PEBBLE_VA_NOSLEEP", "1"},
                 {"PEBBLE_WFE_NONCEREJECT", "0"},
                 {"PEBBLE_AUTHZREUSE", "0"}}) {}

  bool is_ready() const {
    return dns_.says("Starting") && pebble_.says("Listening on") && pebble_.says("/roots/0");
  }
  std::string log() const { return dns_.output() + pebble_.output(); }
  std::string url() const { return "https://localhost:" + std::to_string(port_) + "/dir"; }
  // What its own door is certified with.
  const std::string& certificate() const { return files_.chain; }
  // What it certifies with, as a file.
  std::string root(const std::string& folder) const {
    const CommandEnd end =
        run_command({"curl", "-s", "--cacert", files_.chain, "-o", folder + "/root.pem",
                     "https://localhost:" + std::to_string(management_port_) + "/roots/0"});
    EXPECT_EQ(end.status, 0) << end.output;
    return folder + "/root.pem";
  }

 private:
  std::string write_configuration(const std::string& folder, std::uint16_t http_port) const {
    const std::string path = folder + "/pebble.json";
    write_file(path, R"({ "pebble": { "listenAddress": ")" + local(port_) +
                         R"(", "managementListenAddress": ")" + local(management_port_) +
                         R"(", "certificate": ")" + files_.chain + R"(", "privateKey": ")" +
                         files_.key + R"(", "httpPort": )" + std::to_string(http_port) +
                         R"(, "tlsPort": 1 } })");
    return path;
  }

  const std::uint16_t port_ = free_port();
  const std::uint16_t management_port_ = free_port();
  const std::uint16_t dns_port_ = free_port();
  const CertificateFiles files_;
  const BackgroundCommand dns_;
  const BackgroundCommand pebble_;
};

class AcmeClient : public ::testing::Test {
 protected:
  AcmeClient() {
    std::filesystem::create_directory(folder_ + "/challenges");
    const CertificateFiles first = make_certificate(folder_, "first", {"a.example"});
    ServerSpec spec = secure_sites();
    spec.listen = R"([{ "address": "127.0.0.1:PORT" }, { "address": ")" + local(tls_port_) +
                  R"(", "tls": true }])";
    spec.more = R"(, "acme_webroot": ")" + folder_ + "/challenges\"";
    spec.sites[0].other_hosts.clear();
    spec.sites[0].more = R"(, "https": "redirect", "tls": )" + CertificateFiles::json({first});
    server_ = std::make_unique<Server>(spec);
    authority_ = std::make_unique<Authority>(folder_, server_->port());
    write_file(folder_ + "/configuration",
               "CA=" + authority_->url() + "\nBASEDIR=" + folder_ + "\nWELLKNOWN=" + folder_ +
                   "/challenges\nCURL_OPTS='--cacert " + authority_->certificate() +
                   "'\nKEY_ALGO=prime256v1\nACCOUNT_KEYSIZE=2048\nIP_VERSION=4\n");
  }

  CommandEnd dehydrated(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(),
                     {"dehydrated", "--config", folder_ + "/configuration", "--accept-terms"});
    return run_command(arguments);
  }

  // What the site shows, as openssl's client sees it who trusts the authority alone.
  std::string shown(const std::string& root) const {
    return run_command({"openssl", "s_client", "-connect", local(tls_port_), "-servername",
                        "a.example", "-verify_hostname", "a.example", "-CAfile", root,
                        "-showcerts"})
        .output;
  }
  // The visitor's connection is there before, and is served by it afterwards.
  CommandEnd reload_around_a_visitor() const {
    TlsClient kept(tls_port_, named("a.example"));
    const auto is_served = [&kept] {
      kept.send(request("a.example"));
      return contains(kept.receive_until("of a"), "200 OK");
    };
    EXPECT_TRUE(is_served());
    CommandEnd end = reload(*server_);
    EXPECT_TRUE(is_served());
    return end;
  }
  std::string certificate() const { return TlsClient(tls_port_, named("a.example")).certificate(); }

  const TemporaryDirectory directory_;
  const std::string folder_ = directory_.path();
  const std::uint16_t tls_port_ = free_port();
  std::unique_ptr<Server> server_;
  std::unique_ptr<Authority> authority_;
};

TEST_F(AcmeClient, GetsACertificateAndRenewsItWhileVisitorsAreThere) {
  ASSERT_TRUE(authority_->is_ready()) << authority_->log();
  const CommandEnd registered = dehydrated({"--register"});
  ASSERT_EQ(registered.status, 0) << registered.output << authority_->log();
  const CommandEnd issued = dehydrated({"--cron", "--domain", "a.example"});
  ASSERT_EQ(issued.status, 0) << issued.output << authority_->log();
  EXPECT_TRUE(access_log_has(*server_, 0, "\"GET /.well-known/acme-challenge/"));
  for (const auto& [from, to] : {std::pair{"first.pem", "certs/a.example/fullchain.pem"},
                                 std::pair{"first.key", "certs/a.example/privkey.pem"}}) {
    edit(*server_, from, to);
  }
  const std::string first = certificate();
  const CommandEnd reloaded = reload_around_a_visitor();
  ASSERT_EQ(reloaded.status, 0) << reloaded.output;
  EXPECT_FALSE(contains(reloaded.output, "has not signed")) << reloaded.output;
  const std::string second = certificate();
  EXPECT_NE(second, first);
  const std::string root = authority_->root(folder_);
  const std::string seen = shown(root);
  EXPECT_TRUE(contains(seen, "Verification: OK")) << seen;
  EXPECT_TRUE(contains(seen, "Pebble Intermediate")) << seen;

  const CommandEnd renewed = dehydrated({"--cron", "--force", "--domain", "a.example"});
  ASSERT_EQ(renewed.status, 0) << renewed.output << authority_->log();
  EXPECT_EQ(certificate(), second) << "until it is told";
  ASSERT_EQ(reload_around_a_visitor().status, 0);
  EXPECT_NE(certificate(), second);
  EXPECT_TRUE(contains(shown(root), "Verification: OK"));
}

}  // namespace
}  // namespace perchild::test::acme_client_test
