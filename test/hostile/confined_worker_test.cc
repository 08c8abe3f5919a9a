// A worker that has been taken over, after the real lock-down and under the real filter, as the
// master has started and verified it. Beside each attack the same one from the same place where the
// lock-down is left out.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "test/hostile/replaced_role.h"
#include "test/support/client.h"
#include "test/support/server.h"

namespace perchild::test::confined_worker_test {
namespace {

constexpr int killed = 1000;  // by the filter

// Each attack has a site of its own, whose worker makes it when the site is woken.
class ConfinedWorker : public ::testing::Test {
 protected:
  // Names of sites by order.
  void plan(const std::string& order, const std::map<std::string, std::string>& files = {}) {
    SiteSpec site{.host = "s" + std::to_string(orders_.size()) + ".example", .files = files};
    site.files["order"] = order;
    site.files["index.html"] = "index";
    orders_.push_back(order);
    spec_.sites.push_back(site);
  }

  void start() {
    spec_.bin = worker_.bin();
    spec_.more = R"(, "drain_timeout": "500ms")";  // these workers do not heed it
    server_ = std::make_unique<Server>(spec_);
  }

  // Wakes the site of this order and waits for what becomes of the attack.
  int result_of(const std::string& order) {
    const std::size_t site = static_cast<std::size_t>(
        std::find(orders_.begin(), orders_.end(), order) - orders_.begin());
    const std::string host = spec_.sites.at(site).host;
    Client client(server_->port());
    client.send("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
    int result = -1;
    eventually([&] {
      const auto reported = reported_attacks(server_->error_log(site));
      if (!reported.empty()) result = reported.begin()->second;
      const std::string log = server_->log();
      const std::size_t line = log.find("worker of " + host + " (pid ");
      if (line != std::string::npos &&
          log.find("was killed by SIGSYS", line) < log.find('\n', line)) {
        result = killed;
      }
      return result != -1;
    });
    return result;
  }

  ReplacedRole worker_{Role::worker};
  ServerSpec spec_;
  std::vector<std::string> orders_;
  std::unique_ptr<Server> server_;
};

TEST_F(ConfinedWorker, OpensNothingOutsideOfItsDocumentRoot) {
  const TemporaryDirectory machine;
  // For everybody to read and to write: permissions do not protect it.
  const std::string open_to_all = machine.write("open", "to all", 0666);
  for (const char* manner : {"locked", "unlocked"}) {
    for (const std::string& path :
         {open_to_all, std::string("/etc/passwd"), "../../../../../../../.." + open_to_all,
          std::string("/proc/self/status"), std::string("/")}) {
      plan(manner + std::string(" read2 ") + path);
    }
    plan(manner + std::string(" write2 ") + open_to_all);
    plan(manner + std::string(" truncate2 ") + open_to_all);
  }
  start();
  for (const std::string& order : orders_) {
    const int result = result_of(order);
    if (order.starts_with("unlocked")) {
      EXPECT_EQ(result, 0) << order;
    } else if (order == "locked read2 /") {
      EXPECT_EQ(result, 0) << order;  // which is its docroot
    } else {
      EXPECT_EQ(result, ENOENT) << order;
    }
  }
}

TEST_F(ConfinedWorker, ReadsItsOwnFilesAndChangesNone) {
  plan("locked read2 /index.html");
  for (const char* attack :
       {"write2 /index.html", "truncate2 /index.html", "make2 /new", "make_nameless2 /"}) {
    plan(std::string("locked ") + attack);
  }
  start();
  EXPECT_EQ(result_of(orders_[0]), 0);
  for (std::size_t i = 1; i < orders_.size(); ++i) {
    EXPECT_EQ(result_of(orders_[i]), EACCES) << orders_[i];
  }
  EXPECT_EQ(read_file(server_->docroot(2) + "/index.html"), "index");
}

TEST_F(ConfinedWorker, WithoutTheLockDownChangesItsOwnFiles) {
  plan("unlocked make2 made-by-the-control");
  spec_.sites[0].files["order"] = "unlocked write2 /dev/null";
  orders_[0] = "unlocked write2 /dev/null";
  start();
  EXPECT_EQ(result_of(orders_[0]), 0);
}

TEST_F(ConfinedWorker, IsKilledForEveryCallThatItDoesNotNeed) {
  const std::string by_name[] = {
      "read /index.html", "new_socket -",      "new_process -", "executable_memory -",
      "new_namespace -",  "become 0",          "join_group 0",  "change_root /",
      "clear_append 2",   "cut_off 2",         "bind 0",        "attach 1",
      "read_memory 1",    "take_descriptor 1", "signal 1",      "list_descriptors self"};
  for (const std::string& attack : by_name) plan("locked " + attack);
  // What is mapped from a log that is open for appending only is refused without the filter's help.
  plan("locked map_shared 2");
  plan("locked read_back 2");
  // Below the master's own filter, which is the tree's and as wide as programs need, nothing is
  // killed: ids and roots are refused by the namespace, or taken where they are no escape.
  plan("unlocked new_process -");
  plan("unlocked become 0");
  plan("unlocked become 20002");
  plan("unlocked join_group 0");
  plan("unlocked change_root /");
  plan("unlocked read_back 2");
  plan("unlocked new_socket -");
  plan("unlocked attach 1");
  start();
  for (const std::string& attack : by_name) {
    EXPECT_EQ(result_of("locked " + attack), killed) << attack;
  }
  EXPECT_EQ(result_of("locked map_shared 2"), EACCES);
  EXPECT_EQ(result_of("locked read_back 2"), EBADF);
  EXPECT_EQ(result_of("unlocked new_process -"), 0);
  EXPECT_EQ(result_of("unlocked become 0"), EINVAL);
  EXPECT_EQ(result_of("unlocked become 20002"), EPERM);
  EXPECT_EQ(result_of("unlocked join_group 0"), EPERM);
  EXPECT_EQ(result_of("unlocked change_root /"), 0);
  EXPECT_EQ(result_of("unlocked read_back 2"), EBADF);
  EXPECT_EQ(result_of("unlocked new_socket -"), 0);
  EXPECT_EQ(result_of("unlocked attach 1"), ENOSYS);
}

}  // namespace
}  // namespace perchild::test::confined_worker_test
