// What a visitor by TLS gets where there is nobody to answer him.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/system/requests.h"
#include "test/system/secure_sites.h"

namespace perchild::test::answers_test {
namespace {

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
