// What `perchild serve` says when it starts, and when it does not.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <sstream>

#include "test/support/command.h"
#include "test/system/requests.h"

namespace perchild::test::start_test {
namespace {

CommandEnd serve(const std::string& configuration) {
  return run_command({bin_directory() + "/perchild", "serve", "--config", configuration});
}

// A socket as a service manager has it.
class NotifySocket {
 public:
  explicit NotifySocket(const std::string& path)
      : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    ::sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<::sockaddr*>(&address), sizeof address), 0);
  }

  std::string receive() const {
    ::pollfd polled{socket_.get(), POLLIN, 0};
    if (::poll(&polled, 1, 10'000) != 1) return "nothing";
    char buffer[256];
    const ssize_t got = ::recv(socket_.get(), buffer, sizeof buffer, 0);
    return got < 0 ? "nothing" : std::string(buffer, static_cast<std::size_t>(got));
  }

 private:
  UniqueFd socket_;
};

TEST(Start, TheServiceManagerIsToldWhenItIsReadyAndWhenItStops) {
  const TemporaryDirectory folder;
  const std::string path = folder.path() + "/notify";
  const NotifySocket socket(path);
  Server server({.sites = two_sites(), .environment = {{"NOTIFY_SOCKET", path}}});
  EXPECT_EQ(socket.receive(),
            "FDSTORE=1\nFDNAME=listen-127.0.0.1_" + std::to_string(server.port()));
  EXPECT_EQ(socket.receive(), "READY=1");
  EXPECT_EQ(get(server.port(), "a.example").status, 200);
  EXPECT_EQ(server.stop(), 0);
  EXPECT_EQ(socket.receive(), "STOPPING=1");
}

TEST(Start, TheJournalIsToldHowGraveEachLineIs) {
  Server server({.sites = two_sites(), .environment = {{"JOURNAL_STREAM", "8:1"}}});
  EXPECT_EQ(get(server.port(), "a.example").status, 200);
  EXPECT_EQ(get(server.port(), "nobody.example").status, 421);
  ASSERT_EQ(::kill(server.workers_of(0).at(0).pid, SIGKILL), 0);
  EXPECT_TRUE(server.wait_for_log("<3>perchild: worker of a.example"));
  EXPECT_TRUE(server.wait_for_log("<6>perchild-router: 127.0.0.1: refused with 421"));
  EXPECT_EQ(server.stop(), 0);
  std::istringstream lines(server.log());
  for (std::string line; std::getline(lines, line);) {
    EXPECT_TRUE(line.size() > 3 && line[0] == '<' && line[2] == '>') << line;
  }
}

TEST(Start, WithoutAJournalLinesHaveNoNumbers) {
  Server server({.sites = two_sites()});
  EXPECT_EQ(get(server.port(), "nobody.example").status, 421);
  EXPECT_TRUE(server.wait_for_log("\nperchild-router: 127.0.0.1: refused with 421"));
  EXPECT_TRUE(server.log().starts_with("perchild: ready\n"));
}

TEST(Start, ALogThatNobodyReadsAnyMoreDoesNotEndTheServer) {
  Server server({.sites = two_sites()});
  server.close_log();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(get(server.port(), "nobody.example").status, 421);
  EXPECT_EQ(get(server.port(), "a.example").status, 200);
  ASSERT_EQ(::kill(server.workers_of(0).at(0).pid, SIGKILL), 0);  // the master speaks
  EXPECT_EQ(get(server.port(), "a.example").status, 200);
  EXPECT_EQ(server.stop(), 0);
}

TEST(Start, MistakesInTheConfigurationAreAllNamedAndNothingStarts) {
  const TemporaryDirectory folder;
  const std::uint16_t port = free_port();
  const std::string path = folder.write(
      "mistakes.json", "{ \"listen\": [{ \"address\": \"127.0.0.1:" + std::to_string(port) +
                           "\" }],\n" +
                           R"(  "service_ids": { "master": { "uid": 19001, "gid": 19001 },
                   "router": { "uid": 19002, "gid": 19002 } },
  "runtime_dir": ")" + folder.path() +
                           R"(/run", "log_dir": ")" + folder.path() + R"(/log",
  "vhosts": [{ "hosts": ["a.example"], "uid": 0, "gid": 20001, "root": "/",
    "indexx": [] }] })");
  const CommandEnd end = serve(path);
  EXPECT_EQ(end.status, 1);
  EXPECT_TRUE(contains(end.output, path + ":5:47: error: ")) << end.output;
  EXPECT_TRUE(contains(end.output, path + ":6:5: error: ")) << end.output;
  EXPECT_TRUE(contains(end.output, "\"indexx\"")) << end.output;
  EXPECT_TRUE(contains(end.output, "did you mean")) << end.output;
  EXPECT_FALSE(std::filesystem::exists(folder.path() + "/run"));
  EXPECT_FALSE(std::filesystem::exists(folder.path() + "/log"));
  EXPECT_THROW(Client client(port), std::runtime_error);
}

TEST(Start, AConfigurationThatIsNotThereEndsWithStatus2) {
  const TemporaryDirectory folder;
  const CommandEnd end = serve(folder.path() + "/missing.json");
  EXPECT_EQ(end.status, 2);
  EXPECT_TRUE(contains(end.output, folder.path() + "/missing.json: cannot be read: No such file"))
      << end.output;
}

// The configuration of a running server with the first `before` of it replaced, and with a runtime
// directory of its own.
std::string another_configuration(const Server& server, const std::string& before = {},
                                  const std::string& after = {}) {
  std::string text = read_file(server.configuration());
  const std::string runtime = server.directory().path() + "/run\"";
  text.replace(text.find(runtime), runtime.size(), server.directory().path() + "/run2\"");
  text.replace(text.find(before), before.size(), after);
  return server.directory().write("another.json", text);
}

TEST(Start, APortInUseIsNamed) {
  Server server({.sites = two_sites()});
  const CommandEnd end = serve(another_configuration(server));
  EXPECT_EQ(end.status, 1);
  EXPECT_EQ(end.output, "perchild: bind 127.0.0.1:" + std::to_string(server.port()) +
                            ": Address already in use\n");
  EXPECT_EQ(get(server.port(), "a.example").status, 200);
}

TEST(Start, WithoutRootItSaysWhatRootIsNeededFor) {
  const TemporaryDirectory folder;
  // Out of the build tree, which other users may not enter.
  const std::string command = folder.path() + "/perchild";
  std::filesystem::copy_file(bin_directory() + "/perchild", command);
  const CommandEnd end = run_command({command, "serve", "--config", "/dev/null"}, uid_a);
  EXPECT_EQ(end.status, 1);
  EXPECT_EQ(end.output,
            "perchild: serve needs root, to bind ports and to give each site its user\n");
}

TEST(Start, ALogDirectoryInWhichOthersMayWriteIsRefused) {
  Server server({.sites = two_sites()});
  const std::string logs = server.directory().path() + "/open";
  std::filesystem::create_directory(logs);
  std::filesystem::permissions(logs, std::filesystem::perms::all);
  const CommandEnd end =
      serve(another_configuration(server, server.log_directory() + "\"", logs + "/log\""));
  EXPECT_EQ(end.status, 1);
  EXPECT_TRUE(contains(end.output, logs + ": others may write in it")) << end.output;
}

}  // namespace
}  // namespace perchild::test::start_test
