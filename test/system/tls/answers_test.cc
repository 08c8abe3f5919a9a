// What a visitor by TLS gets, as `perchild explain` tells it beforehand, and where there is nobody
// to answer him.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <vector>

#include "test/support/command.h"
#include "test/system/asking.h"
#include "test/system/reloading.h"
#include "test/system/requests.h"
#include "test/system/secure_sites.h"

namespace perchild::test::answers_test {
namespace {

TEST(ExplainTls, SaysWhatAVisitorGetsByTls) {
  ServerSpec spec = secure_sites();
  spec.sites[0].more += R"(, "https": "redirect", "canonical": "www", "hsts": { "max_age": "1d" })";
  const Server server(spec);
  const auto explained = [&](const std::string& host) {
    const CommandEnd end =
        run_command({bin_directory() + "/perchild", "explain", "--config", server.configuration(),
                     "https://" + host + ":" + std::to_string(server.port()) + "/"});
    EXPECT_EQ(end.status, 0) << end.output;
    return end.output;
  };
  const std::string text = explained("www.a.example");
  for (const char* line : {"speaks:   TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1\n", "answer:   200\n",
                           "header:   Strict-Transport-Security: max-age=86400\n"}) {
    EXPECT_TRUE(contains(text, line)) << text;
  }
  // Not to https: that is where it has come by.
  const std::string moved = explained("a.example");
  EXPECT_TRUE(contains(moved, "canonical: the site is reached by another of its names")) << moved;
  EXPECT_TRUE(contains(moved, "Location: https://www.a.example:" + std::to_string(server.port())))
      << moved;
}

TEST(TlsTrouble, IsAnAlertToVisitorsAndHasItsReasonInTheLog) {
  ServerSpec spec = secure_sites();
  spec.sites[0].more += R"(, "suspended": true)";
  Server server(spec);
  const auto problem_of = [&](const std::string& host) {
    return TlsClient(server.port(), named(host)).problem();
  };
  EXPECT_EQ(problem_of("a.example"), "tlsv1 alert internal error");
  EXPECT_TRUE(server.wait_for_log("refused with alert 80: the site is suspended"));
  EXPECT_TRUE(server.workers_of(0).empty());
  Client plain(server.port()), early(server.port());
  plain.send(request("a.example"));
  EXPECT_EQ(plain.receive().status, 400);
  EXPECT_TRUE(server.wait_for_log("refused with 400: not TLS, on an address that speaks TLS"));
  early.send({"\x16\x03\x01\x02\x00\x01", 6});
  early.close_sending();
  EXPECT_FALSE(early.receive_some().empty());
  EXPECT_TRUE(server.wait_for_log("refused with alert 50: the ClientHello ends early"));
  // A worker that cannot start: its root is closed to it.
  ASSERT_EQ(::chmod(server.docroot(1).c_str(), 0), 0);
  ASSERT_EQ(::chown(server.docroot(1).c_str(), 0, 0), 0);
  EXPECT_EQ(problem_of("b.example"), "tlsv1 alert internal error");
  EXPECT_TRUE(server.wait_for_log("refused with alert 80: the site's worker cannot be started"));
  // And when it is open again.
  ASSERT_EQ(::chown(server.docroot(1).c_str(), uid_b, uid_b), 0);
  ASSERT_EQ(::chmod(server.docroot(1).c_str(), 0700), 0);
  EXPECT_TRUE(eventually(
      [&] { return contains(tls_get(server.port(), "b.example", named("b.example")), "of b"); }));
}

// A whole ClientHello.
std::string hello_for(const std::string& name) {
  const std::unique_ptr<::SSL_CTX, decltype(&::SSL_CTX_free)> context(
      ::SSL_CTX_new(::TLS_client_method()), &::SSL_CTX_free);
  const std::unique_ptr<::SSL, decltype(&::SSL_free)> ssl(::SSL_new(context.get()), &::SSL_free);
  ::BIO* const out = ::BIO_new(::BIO_s_mem());
  ::SSL_set_bio(ssl.get(), ::BIO_new(::BIO_s_mem()), out);
  // SSL_set_tlsext_host_name, without its cast.
  ::SSL_ctrl(ssl.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             const_cast<char*>(name.c_str()));
  ::SSL_connect(ssl.get());
  char* data = nullptr;
  const auto length = static_cast<std::size_t>(BIO_get_mem_data(out, &data));
  return {data, length};
}

TEST(TlsTrouble, WhoWaitsForASiteThatIsRemovedIsToldThatItIsNot) {
  ServerSpec spec = secure_sites();
  spec.sites[0].more += R"(, "limits": { "connections": 1 })";
  Server server(spec);
  // One that the worker serves, one more for each router, and who waits.
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<Client>(server.port()));
    clients.back()->send(hello_for("a.example"));
  }
  ASSERT_TRUE(eventually([&] { return status_of_site(server, "a.example")["queue"] == 1; }));
  edit(server, "a.example", "elsewhere.example");
  ASSERT_EQ(reload(server).status, 0);
  EXPECT_EQ(clients.back()->receive_to_end(), std::string("\x15\x03\x03\x00\x02\x02\x70", 7));
  EXPECT_TRUE(server.wait_for_log("refused with alert 112: the site has been removed"));
}

}  // namespace
}  // namespace perchild::test::answers_test
