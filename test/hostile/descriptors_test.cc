// What each process of the service holds open, as root sees it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>
#include <sstream>

#include "test/hostile/attacks.h"
#include "test/support/client.h"
#include "test/support/in_child.h"
#include "test/support/open_files.h"
#include "test/support/server.h"

namespace perchild::test::descriptors_test {
namespace {

// "socket:[INODE]" of every listening TCP socket.
std::set<std::string> listeners() {
  std::set<std::string> found;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::istringstream lines(read_file(table));
    std::string line;
    std::getline(lines, line);
    while (std::getline(lines, line)) {
      std::istringstream fields(line);
      std::array<std::string, 10> field;
      for (std::string& one : field) fields >> one;
      if (field[3] == "0A") found.insert("socket:[" + field[9] + "]");
    }
  }
  return found;
}

// "socket:[INODE]" of every Unix socket that has a name, by which others could find it.
std::set<std::string> named_sockets() {
  std::set<std::string> found;
  std::istringstream lines(read_file("/proc/net/unix"));
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    std::istringstream fields(line);
    std::array<std::string, 8> field;
    for (std::string& one : field) fields >> one;
    if (!field[7].empty()) found.insert("socket:[" + field[6] + "]");
  }
  return found;
}

bool any_of(const std::multiset<std::string>& files, const std::set<std::string>& wanted) {
  for (const std::string& file : files) {
    if (wanted.count(file) > 0) return true;
  }
  return false;
}

std::size_t count_starting(const std::multiset<std::string>& files, const std::string& prefix) {
  std::size_t count = 0;
  for (const std::string& file : files) count += file.starts_with(prefix) ? 1U : 0U;
  return count;
}

class Descriptors : public ::testing::Test {
 protected:
  Descriptors()
      : server_({.sites = {{"a.example", {{"index.html", "of a"}}},
                           {"b.example", {{"index.html", "of b"}}}},
                 .routers = 2}) {
    EXPECT_EQ(get(server_.port(), "a.example").status, 200);
    EXPECT_EQ(get(server_.port(), "b.example").status, 200);
  }
  std::multiset<std::string> of_worker(std::size_t site) const {
    return open_files(server_.workers_of(site).at(0).pid);
  }
  Server server_;
};

TEST_F(Descriptors, NoWorkerHoldsAListenerAndRoutersDo) {
  EXPECT_TRUE(any_of(open_files(server_.routers().at(0).pid), listeners()));
  EXPECT_TRUE(any_of(open_files(server_.routers().at(1).pid), listeners()));
  EXPECT_FALSE(any_of(of_worker(0), listeners()));
  EXPECT_FALSE(any_of(of_worker(1), listeners()));
}

TEST_F(Descriptors, NoTwoWorkersShareASocketOrAFileThatIsNotTheSameForAll) {
  const auto of_a = of_worker(0);
  const auto of_b = of_worker(1);
  for (const std::string& file : of_a) {
    const bool common = file == "/dev/null" || file.starts_with("/memfd:filter") ||
                        file.starts_with("anon_inode:") || file.starts_with("/memfd:settings");
    EXPECT_TRUE(common || of_b.count(file) == 0) << file;
  }
}

TEST_F(Descriptors, AWorkerHoldsItsLogsItsRootItsChannelsAndNothingElse) {
  // Its connections have ended; one channel to the master, one to each router.
  ASSERT_TRUE(eventually([&] { return count_starting(of_worker(0), "socket:") == 3; }));
  const auto files = of_worker(0);
  EXPECT_EQ(files.count("/dev/null"), 2u);
  EXPECT_EQ(files.count(server_.log_directory() + "/a.example.access.log"), 1u);
  EXPECT_EQ(files.count(server_.log_directory() + "/a.example.error.log"), 1u);
  EXPECT_LE(count_starting(files, "/memfd:"), 2u);
  EXPECT_EQ(count_starting(files, "anon_inode:[eventpoll]"), 1u);
  const std::size_t of_docroot = count_starting(files, server_.docroot(0));
  EXPECT_EQ(files.size(), 2 + 2 + count_starting(files, "/memfd:") + 1 + 3 + of_docroot);
  EXPECT_EQ(count_starting(files, server_.docroot(1)), 0u);
}

TEST_F(Descriptors, ARouterHoldsNoFileOfTheMachine) {
  for (const std::string& file : open_files(server_.routers().at(0).pid)) {
    EXPECT_TRUE(file == "/dev/null" || file.starts_with("socket:") || file.starts_with("/memfd:") ||
                file.starts_with("pipe:") || file.starts_with("anon_inode:"))
        << file;
  }
}

TEST_F(Descriptors, NoSocketButTheTwoThatCommandsConnectToHasANameToBeFoundBy) {
  const auto named = named_sockets();
  for (const ProcessFacts& process : server_.processes()) {
    const auto files = open_files(process.pid);
    const auto count = std::count_if(files.begin(), files.end(),
                                     [&](const auto& file) { return named.count(file) > 0; });
    EXPECT_EQ(count, process.pid == server_.master() ? 2 : 0) << process.name;
  }
}

// As the master opens it and a worker holds it: for appending, by an owner that the worker is not.
class LogDescriptor : public ::testing::Test {
 protected:
  int as_worker(const std::string& name, int flags) {
    const std::string path = folder_.write("log", "a line\n");
    const UniqueFd log(::open(path.c_str(), flags | O_CLOEXEC));
    return in_child_as(uid_a, uid_a, [&] { return attack(name, std::to_string(log.get())); })
        .status;
  }
  TemporaryDirectory folder_;
};

TEST_F(LogDescriptor, IsNeitherReadBackNorMappedWhereItIsOpenForAppending) {
  for (const char* name : {"read_back", "map_shared"}) {
    EXPECT_NE(as_worker(name, O_WRONLY | O_APPEND), 0) << name;
    EXPECT_EQ(as_worker(name, O_RDWR | O_APPEND), 0) << name;
  }
}

// pwrite(2): on Linux it appends, whatever it is told.
TEST_F(LogDescriptor, IsOnlyAppendedToByWhoIsToldWhereToWrite) {
  EXPECT_EQ(as_worker("write_at", O_WRONLY | O_APPEND), 0);
  EXPECT_EQ(read_file(folder_.path() + "/log"), "a line\nX");
  EXPECT_EQ(as_worker("write_at", O_WRONLY), 0);
  EXPECT_EQ(read_file(folder_.path() + "/log"), "X line\n");
}

TEST_F(LogDescriptor, IsCutOffAndRewrittenByWhoHasNoFilter) {
  // The control of the filter's tests: file permissions alone do not stop these.
  for (const char* name : {"clear_append", "write_at_start", "cut_off"}) {
    EXPECT_EQ(as_worker(name, O_WRONLY | O_APPEND), 0) << name;
  }
}

}  // namespace
}  // namespace perchild::test::descriptors_test
