// What the machine runs out of, and who dies, while visitors are served: what they see of it, and
// what the log says.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <thread>

#include "test/support/command.h"
#include "test/support/open_files.h"
#include "test/system/reloading.h"
#include "test/system/requests.h"

namespace perchild::test::faults_test {
namespace {

std::size_t open_files(::pid_t pid) {
  const std::filesystem::directory_iterator files("/proc/" + std::to_string(pid) + "/fd");
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

// Lets a process open `more` files than it has, until this goes.
class FewDescriptors {
 public:
  FewDescriptors(::pid_t pid, std::size_t more) : pid_(pid), before_(limit_of_open_files(pid)) {
    limit_open_files(pid, {open_files(pid) + more, before_.rlim_max});
  }
  ~FewDescriptors() { limit_open_files(pid_, before_); }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;

 private:
  ::pid_t pid_;
  ::rlimit before_;
};

std::string visit(const Server& server, const std::string& host) {
  Client client(server.port());
  client.send(request(host, "/", "Connection: close\r\n"));
  return client.receive().body;
}

struct Visits {
  std::atomic<int> served = 0;
  std::atomic<int> failed = 0;
};

// Has `host` visited again and again, on a connection each, while `fault` happens.
void under_load(const Server& server, const std::string& host, const std::string& body,
                Visits& visits, const std::function<void()>& fault) {
  constexpr int visitors = 3;
  std::atomic<bool> over = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < visitors; ++i) {
    threads.emplace_back([&] {
      while (!over) ++(visit(server, host) == body ? visits.served : visits.failed);
    });
  }
  const auto serve_more = [&] {
    const int before = visits.served;
    EXPECT_TRUE(eventually([&] { return visits.served > before + 20; }));
  };
  serve_more();
  fault();
  serve_more();
  over = true;
  for (std::thread& thread : threads) thread.join();
}

TEST(Faults, AMasterOutOfDescriptorsServesWhatRunsAndTheRestWhenItHasSomeAgain) {
  Server server({.sites = two_sites()});
  EXPECT_EQ(get(server.port(), "b.example").body, "of b");
  {
    const FewDescriptors few(server.master(), 0);
    EXPECT_EQ(get(server.port(), "a.example").status, 503);
    EXPECT_TRUE(server.wait_for_log("Too many open files"));
    EXPECT_EQ(get(server.port(), "b.example").body, "of b");
  }
  EXPECT_TRUE(eventually([&] { return visit(server, "a.example") == "of a"; }, 20'000));
}

// Enough for the worker itself, not for its channel to the last of the routers.
TEST(Faults, AChannelThatCouldNotBeMadeIsMadeLater) {
  bool channel_was_missing = false;
  for (std::size_t more = 3; more < 16 && !channel_was_missing; ++more) {
    Server server({.sites = two_sites(), .routers = 3});
    {
      const FewDescriptors few(server.master(), more);
      static_cast<void>(visit(server, "a.example"));
      channel_was_missing = contains(server.log(), "worker of a.example: socketpair");
    }
    // Every router reaches it: none is left that would wait in vain.
    for (int i = 0; i < 30; ++i) {
      EXPECT_TRUE(eventually([&] { return visit(server, "a.example") == "of a"; })) << more;
    }
  }
  EXPECT_TRUE(channel_was_missing);
}

TEST(Faults, ARouterOutOfDescriptorsShedsTheOldestAndServesOn) {
  Server server({.sites = two_sites()});
  EXPECT_EQ(get(server.port(), "a.example").body, "of a");
  std::vector<std::unique_ptr<Client>> nameless;
  {
    const FewDescriptors few(server.routers().at(0).pid, 3);
    for (int i = 0; i < 6; ++i) {
      nameless.push_back(std::make_unique<Client>(server.port()));
      nameless.back()->send("GET / HT");
    }
    EXPECT_TRUE(server.wait_for_log("accept: out of file descriptors"));
    EXPECT_TRUE(server.wait_for_log("evicted, too many connections"));
    EXPECT_TRUE(nameless.front()->closed_by_server());
    EXPECT_TRUE(eventually([&] { return visit(server, "a.example") == "of a"; }));
  }
  EXPECT_EQ(visit(server, "a.example"), "of a");
}

TEST(Faults, AWorkerOutOfDescriptorsLosesAConnectionSaysSoAndServesOn) {
  Server server({.sites = two_sites()});
  Client before(server.port());
  before.send(request("a.example"));
  EXPECT_EQ(before.receive().body, "of a");
  const ::pid_t worker = server.workers_of(0).at(0).pid;
  const ::rlimit limit = limit_of_open_files(worker);
  limit_open_files(worker, {0, limit.rlim_max});
  Client lost(server.port());
  lost.send(request("a.example"));
  EXPECT_TRUE(lost.closed_by_server());
  EXPECT_TRUE(error_log_has(server, 0, "out of file descriptors: a connection is lost"));
  limit_open_files(worker, limit);
  before.send(request("a.example"));
  EXPECT_EQ(before.receive().body, "of a");
  EXPECT_EQ(visit(server, "a.example"), "of a");
  EXPECT_EQ(server.workers_of(0).at(0).pid, worker);
}

// A disk of their own for the logs of a server, which goes with it.
class SmallDisk {
 public:
  static void mount(const std::string& directory) {
    const std::string log = directory + "/log";
    ::mkdir(log.c_str(), 0755);
    if (::mount("none", log.c_str(), "tmpfs", 0, "size=512k") != 0) ::_exit(99);
  }

  explicit SmallDisk(const Server& server) : path_(server.log_directory()) {}
  ~SmallDisk() { EXPECT_EQ(::umount2(path_.c_str(), MNT_DETACH), 0); }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  void fill() const {
    const UniqueFd file(::open(filler().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    const std::string block(4096, 'x');
    while (::write(file.get(), block.data(), block.size()) > 0) {
    }
  }
  void make_room() const { std::filesystem::remove(filler()); }

 private:
  std::string filler() const { return path_ + "/filler"; }
  std::string path_;
};

TEST(Faults, WithAFullDiskUnderTheLogsAllAreServedAndTheirLinesFollowWhenThereIsRoom) {
  Server server({.sites = two_sites(), .before_exec = SmallDisk::mount});
  const SmallDisk disk(server);
  EXPECT_EQ(visit(server, "a.example"), "of a");
  disk.fill();
  // More than what is left of the log's last page holds.
  for (int i = 0; i < 100; ++i) EXPECT_EQ(visit(server, "a.example"), "of a");
  EXPECT_LT(count_of(server.access_log(0), "GET / HTTP/1.1"), 101u);
  disk.make_room();
  EXPECT_EQ(visit(server, "a.example"), "of a");
  EXPECT_TRUE(eventually([&] { return count_of(server.access_log(0), "GET / HTTP/1.1") == 102; }))
      << server.access_log(0);
  EXPECT_EQ(server.stop(), 0);
}

TEST(Faults, TheLinesOfAFullDiskFollowWhenThereIsRoomThoughNobodyComes) {
  Server server({.sites = two_sites(), .before_exec = SmallDisk::mount});
  const SmallDisk disk(server);
  EXPECT_EQ(visit(server, "a.example"), "of a");
  disk.fill();
  std::string missing;
  while (missing.size() < 1500) missing += "/missing";
  for (int i = 0; i < 30; ++i) EXPECT_EQ(get(server.port(), "a.example", missing).status, 404);
  ASSERT_EQ(ask(server, request("a.example", "/", {}, "PUT")).status, 405);
  disk.make_room();
  EXPECT_TRUE(access_log_has(server, 0, "\"PUT / HTTP/1.1\" 405"));
  EXPECT_TRUE(error_log_has(server, 0, "PUT /: method not allowed"));
  EXPECT_EQ(count_of(server.access_log(0), "\n"), 32u);
}

TEST(Faults, WhatAFullDiskCostsTheLogsIsCountedInThem) {
  Server server({.sites = two_sites(), .before_exec = SmallDisk::mount});
  const SmallDisk disk(server);
  EXPECT_EQ(visit(server, "a.example"), "of a");
  disk.fill();
  // More than a worker keeps of what it cannot write.
  const std::string target = "/" + std::string(1500, 'x');
  for (int i = 0; i < 60; ++i) EXPECT_EQ(get(server.port(), "a.example", target).status, 404);
  disk.make_room();
  EXPECT_TRUE(eventually([&] {
    return visit(server, "a.example") == "of a" &&
           contains(server.error_log(0), "lines of the access log lost");
  })) << server.error_log(0);
  EXPECT_EQ(server.stop(), 0);
}

// Only what the killed process had begun may fail: of each visitor, the request under way.
TEST(Faults, AKilledWorkerCostsAtMostTheRequestsThatItHadBegun) {
  Server server({.sites = two_sites()});
  EXPECT_EQ(get(server.port(), "b.example").body, "of b");
  EXPECT_EQ(get(server.port(), "a.example").body, "of a");
  Visits visits;
  under_load(server, "a.example", "of a", visits, [&] {
    const auto worker = server.workers_of(0).at(0).pid;
    ASSERT_EQ(::kill(worker, SIGKILL), 0);
    EXPECT_TRUE(server.wait_for_log("worker of a.example (pid " + std::to_string(worker) +
                                    ") was killed by SIGKILL"));
    EXPECT_EQ(get(server.port(), "b.example").body, "of b");
  });
  EXPECT_LE(visits.failed, 3);
  EXPECT_EQ(server.stop(), 0);
}

TEST(Faults, AKilledRouterCostsAtMostTheConnectionsThatItHeld) {
  Server server({.sites = two_sites(), .routers = 2});
  EXPECT_EQ(get(server.port(), "a.example").body, "of a");
  const auto worker = server.workers_of(0).at(0).pid;
  Visits visits;
  under_load(server, "a.example", "of a", visits, [&] {
    ASSERT_EQ(::kill(server.routers().at(0).pid, SIGKILL), 0);
    EXPECT_TRUE(server.wait_for_log("was killed by SIGKILL"));
    EXPECT_TRUE(eventually([&] { return server.routers().size() == 2; }));
  });
  EXPECT_LE(visits.failed, 3);
  EXPECT_EQ(server.workers_of(0).at(0).pid, worker);
  EXPECT_EQ(server.stop(), 0);
}

TEST(Faults, AConfigurationThatIsReplacedAgainAndAgainIsReadAsOneOrTheOther) {
  Server server({.sites = two_sites()});
  const std::string one = read_file(server.configuration());
  std::string other = one;
  const std::string host = "[\"b.example\"],";
  other.replace(other.find(host), host.size(), "[\"b.example\"], \"suspended\": true,");
  std::atomic<bool> over = false;
  std::thread panel([&] {
    for (int i = 0; !over; ++i) {
      const std::string next = server.configuration() + ".next";
      write_file(next, i % 2 == 0 ? other : one);
      std::filesystem::rename(next, server.configuration());
    }
  });
  for (int i = 0; i < 8; ++i) {
    const CommandEnd end =
        run_command({bin_directory() + "/perchild", "reload", "--config", server.configuration()});
    EXPECT_EQ(end.status, 0) << end.output;
    EXPECT_EQ(get(server.port(), "a.example").body, "of a");
    const int status = get(server.port(), "b.example").status;
    EXPECT_TRUE(status == 200 || status == 503) << status;
  }
  over = true;
  panel.join();
}

// The server ends as it should, and whoever reloads is told what has become of it.
TEST(Faults, SigtermDuringAReloadEndsBoth) {
  for (int i = 0; i < 8; ++i) {
    Server server({.sites = two_sites(), .routers = 2});
    EXPECT_EQ(get(server.port(), "a.example").body, "of a");
    edit(server, "[\"b.example\"],", "[\"b.example\"], \"suspended\": true,");
    CommandEnd end;
    std::thread panel([&] { end = reload(server); });
    // Each time at another moment of the reload.
    const std::int64_t until = now_ms() + 6 * i;
    EXPECT_TRUE(eventually([&] { return now_ms() >= until; }));
    EXPECT_EQ(server.stop(), 0) << server.log();
    panel.join();
    const bool said = end.status == 0 || contains(end.output, "the server is stopping") ||
                      contains(end.output, "none is running") ||
                      contains(end.output, "it has gone") ||
                      contains(end.output, "it has closed the connection");
    EXPECT_TRUE(said) << end.output;
    EXPECT_EQ(end.status == 0, !contains(end.output, "nothing has been changed")) << end.output;
  }
}

// Accounts as a file of this test's, which the commands find in the place of the machine's.
class Accounts {
 public:
  void write(const std::string& lines) const {
    write_file(path(), "root:x:0:0::/:/bin/sh\n" + lines);
  }
  CommandEnd run(const Server& server, const std::string& command) const {
    return run_command({"unshare", "--mount", "sh", "-c",
                        "mount --bind \"$1\" /etc/passwd && exec \"$2\" \"$3\" --config \"$4\"",
                        "sh", path(), bin_directory() + "/perchild", command,
                        server.configuration()});
  }

 private:
  std::string path() const { return folder_.path() + "/passwd"; }
  TemporaryDirectory folder_;
};

TEST(Faults, AUserThatIsRemovedBetweenCheckAndReloadIsNamedAndNothingChanges) {
  Server server({.sites = two_sites()});
  EXPECT_EQ(get(server.port(), "a.example").body, "of a");
  const auto worker = server.workers_of(0).at(0).pid;
  std::string text = read_file(server.configuration());
  const std::string ids = "\"uid\": 20002, \"gid\": 20002";
  text.replace(text.find(ids), ids.size(), "\"user\": \"perchild-test-b\"");
  const std::string host = "[\"a.example\"],";
  text.replace(text.find(host), host.size(), "[\"a.example\"], \"suspended\": true,");
  write_file(server.configuration(), text);
  const Accounts accounts;
  accounts.write("perchild-test-b:x:20002:20002::/:/bin/sh\n");
  const CommandEnd checked = accounts.run(server, "check");
  EXPECT_EQ(checked.status, 0) << checked.output;
  accounts.write("");
  const CommandEnd refused = accounts.run(server, "reload");
  EXPECT_EQ(refused.status, 1) << refused.output;
  EXPECT_TRUE(contains(refused.output, "perchild-test-b")) << refused.output;
  EXPECT_TRUE(contains(refused.output, "nothing has been changed")) << refused.output;
  EXPECT_EQ(get(server.port(), "a.example").body, "of a");
  EXPECT_EQ(get(server.port(), "b.example").body, "of b");
  EXPECT_EQ(server.workers_of(0).at(0).pid, worker);
  // The control: with the user there it is done.
  accounts.write("perchild-test-b:x:20002:20002::/:/bin/sh\n");
  const CommandEnd done = accounts.run(server, "reload");
  EXPECT_EQ(done.status, 0) << done.output;
  EXPECT_EQ(get(server.port(), "a.example").status, 503);
}

}  // namespace
}  // namespace perchild::test::faults_test
