#include <gtest/gtest.h>

#include "test/support/client.h"
#include "test/support/server.h"
#include "test/support/temporary_directory.h"

namespace perchild::test::serving_test {
namespace {

TEST(Serving, EachSiteIsServedByAWorkerUnderItsOwnUid) {
  Server server({.sites = {{"a.example", {{"index.html", "of a"}}},
                           {"b.example", {{"index.html", "of b"}}}}});
  EXPECT_EQ(get(server.port(), "a.example").body, "of a");
  EXPECT_EQ(get(server.port(), "b.example").body, "of b");
  EXPECT_EQ(server.workers_of(0).size(), 1u);
  EXPECT_EQ(server.workers_of(1).size(), 1u);
  EXPECT_EQ(server.stop(), 0);
}

TEST(Serving, TheCommandsEnvironmentReachesNoWorker) {
  Server server({.sites = {{"a.example", {{"index.html", "of a"}}}}});
  EXPECT_EQ(get(server.port(), "a.example").body, "of a");
  const auto workers = server.workers_of(0);
  ASSERT_EQ(workers.size(), 1u);
  EXPECT_EQ(read_file("/proc/" + std::to_string(workers[0].pid) + "/environ"),
            std::string("GLIBC_TUNABLES=glibc.malloc.tcache_count=64") + '\0');
}

}  // namespace
}  // namespace perchild::test::serving_test
