// Where a private key is, and where it is not: looked for in the memory of every process, with a
// right that no attacker has.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "test/support/certificate_files.h"
#include "test/support/command.h"
#include "test/support/open_files.h"
#include "test/support/server.h"
#include "test/support/tls_client.h"

namespace perchild::test::keeper_test {
namespace {

// Whether the process has `bytes` anywhere in what it can read itself.
bool has_in_memory(::pid_t pid, const std::string& bytes) {
  const std::string folder = "/proc/" + std::to_string(pid);
  const UniqueFd memory(::open((folder + "/mem").c_str(), O_RDONLY | O_CLOEXEC));
  std::istringstream maps(read_file(folder + "/maps"));
  for (std::string line; std::getline(maps, line);) {
    std::size_t begin = 0, end = 0;
    char readable = '-';
    if (std::sscanf(line.c_str(), "%zx-%zx %c", &begin, &end, &readable) != 3) continue;
    if (readable != 'r' || line.ends_with("[vvar]")) continue;
    std::string region(end - begin, '\0');
    const ssize_t got =
        ::pread64(memory.get(), region.data(), region.size(), static_cast<off64_t>(begin));
    if (got > 0 && region.find(bytes) != std::string::npos) return true;
  }
  return false;
}

class PrivateKey : public ::testing::Test {
 protected:
  void SetUp() override {
    const CertificateFiles files =
        make_certificate(folder_.path(), "a.example", {"a.example"}, "rsa:2048");
    const std::string der = folder_.path() + "/key.der";
    ASSERT_EQ(
        run_command({"openssl", "pkey", "-in", files.key, "-outform", "DER", "-out", der}).status,
        0);
    // From the middle of what only the private half has; the numbers in it as the file has them,
    // and as a little-endian machine keeps them.
    secret_ = read_file(der).substr(350, 64);
    reversed_ = std::string(secret_.rbegin(), secret_.rend());
    server_ = std::make_unique<Server>(
        ServerSpec{.sites = {{"a.example",
                              {{"index.html", "of a"}},
                              R"(, "tls": )" + CertificateFiles::json({files})}},
                   .listen = R"([{ "address": "127.0.0.1:PORT", "tls": true }])"});
    ASSERT_NE(tls_get(server_->port(), "a.example", {.server_name = "a.example"}).find("of a"),
              std::string::npos);
  }

  bool is_known_to(::pid_t pid) const {
    return has_in_memory(pid, secret_) || has_in_memory(pid, reversed_);
  }

  TemporaryDirectory folder_;
  std::unique_ptr<Server> server_;
  std::string secret_, reversed_;
};

TEST_F(PrivateKey, IsInTheKeepersMemoryAndInNobodyElses) {
  for (const ProcessFacts& process : server_->processes()) {
    EXPECT_EQ(is_known_to(process.pid), process.name == "perchild-keeper") << process.name;
  }
  EXPECT_EQ(server_->workers_of(0).size(), 1u);
}

TEST_F(PrivateKey, HasNoDescriptorThatLeadsToItButTheMastersAndTheKeepers) {
  for (const ProcessFacts& process : server_->processes()) {
    const auto files = open_files(process.pid);
    const auto leads = std::count_if(files.begin(), files.end(), [](const std::string& file) {
      return file.starts_with("/memfd:keys") || file.ends_with(".key");
    });
    EXPECT_EQ(leads, process.name == "perchild-master" ? 1 : 0) << process.name;
  }
}

// One to the master, one to the worker, whatever comes to the worker meanwhile.
TEST_F(PrivateKey, IsHeldByWhoHasTwoChannelsAndNoConnection) {
  TlsClient client(server_->port(), {.server_name = "a.example"});
  ASSERT_TRUE(client.connected());
  const auto files = open_files(server_->keepers().at(0).pid);
  std::set<std::string> kinds;
  std::size_t sockets = 0;
  for (const std::string& file : files) {
    kinds.insert(file.substr(0, file.find(':')));
    sockets += file.starts_with("socket:") ? 1U : 0U;
  }
  EXPECT_EQ(sockets, 2u);
  const std::set<std::string> expected{"/dev/null", "/memfd", "anon_inode", "pipe", "socket"};
  for (const std::string& kind : kinds) EXPECT_TRUE(expected.contains(kind)) << kind;
}

TEST_F(PrivateKey, IsOutOfReachOfItsSitesUser) {
  const std::string keeper = "/proc/" + std::to_string(server_->keepers().at(0).pid);
  for (const char* name : {"/mem", "/maps", "/environ"}) {
    EXPECT_NE(run_command({"head", "-c", "1", keeper + name}, uid_a).status, 0) << name;
  }
  EXPECT_NE(run_command({"ls", keeper + "/fd/"}, uid_a).status, 0);
  EXPECT_NE(run_command({"cat", folder_.path() + "/a.example.key"}, uid_a).status, 0);
  // The control.
  const std::string own = "/proc/self/maps";
  EXPECT_EQ(run_command({"head", "-c", "1", own}, uid_a).status, 0);
}

TEST_F(PrivateKey, IsLockedInMemory) {
  std::istringstream status(
      read_file("/proc/" + std::to_string(server_->keepers().at(0).pid) + "/status"));
  std::size_t locked = 0;
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmLck:")) locked = std::stoul(line.substr(6));
  }
  EXPECT_GT(locked, 1024u);
}

}  // namespace
}  // namespace perchild::test::keeper_test
