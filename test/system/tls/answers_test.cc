// What a visitor by TLS gets, as `perchild explain` tells it beforehand, and where there is nobody
// to answer him.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/support/command.h"
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

}  // namespace
}  // namespace perchild::test::answers_test
