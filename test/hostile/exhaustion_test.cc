// A site's programs against what all sites have in common: disks and the number of their files,
// memory that has the form of files, and logs. Where they are bounded, by a quota, by the site's
// own view of the machine or by a limit, a neighbour goes on; where they are not, the same attack
// takes them from him.
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "test/hostile/sites_of_attackers.h"
#include "test/support/command.h"
#include "test/support/own_mounts.h"
#include "test/system/requests.h"

namespace perchild::test::exhaustion_test {
namespace {

constexpr const char* write_script = "<?php echo @file_put_contents(__DIR__ . '/made', 'made');";

using Folders = std::vector<std::string>;

// These folders on a disk of so much, and nothing else: what a quota for all that is in them is.
void put_on_disk(const std::string& parent, const Folders& folders, const std::string& size) {
  const std::string disk = parent + "/disk-" + folders.front();
  const bool mounted = ::mkdir(disk.c_str(), 0755) == 0 &&
                       ::mount("tmpfs", disk.c_str(), "tmpfs", 0, size.c_str()) == 0;
  if (!mounted) throw std::runtime_error("mount " + disk);
  for (const std::string& folder : folders) {
    const std::string from = parent + "/" + folder;
    const std::string to = disk + "/" + folder;
    ::mkdir(from.c_str(), 0755);
    const CommandEnd copy = run_command({"cp", "-a", from, to});
    if (copy.status != 0 || ::mount(to.c_str(), from.c_str(), nullptr, MS_BIND, nullptr) != 0) {
      throw std::runtime_error("move " + from + ": " + copy.output);
    }
  }
}

// A server whose folders are on disks, which only this process and its children see.
class ServerOnDisks {
 public:
  ServerOnDisks(const std::vector<Folders>& disks, const std::string& size,
                const std::string& limits_of_a = {})
      : folders_(disks), server_(spec(size, limits_of_a)) {
    server_.add_file(0, "cgi-bin/attack", hostile_program(), 0700);
  }
  ~ServerOnDisks() {
    for (const Folders& disk : folders_) {
      for (const std::string& folder : disk) ::umount2(path(folder).c_str(), MNT_DETACH);
      ::umount2(path("disk-" + disk.front()).c_str(), MNT_DETACH);
    }
  }

  Server& operator*() { return server_; }
  Server* operator->() { return &server_; }
  std::string path(const std::string& name) const {
    return server_.directory().path() + "/" + name;
  }

 private:
  ServerSpec spec(const std::string& size, const std::string& limits_of_a) const {
    if (!have_own_mounts()) throw std::runtime_error("mounts of its own");
    const std::map<std::string, std::string> of_a{
        {"index.html", "of a"}, {"attack.php", attackers_php}, {"cgi-bin/x", ""}};
    const std::map<std::string, std::string> of_b{{"index.html", "of b"},
                                                  {"write.php", write_script}};
    const std::string limits = R"(, "limits": { )" + limits_of_a + " }";
    return {.sites = {{"a.example", of_a, R"(, "cgi": true, "php": true)" + limits},
                      {"b.example", of_b, R"(, "php": true)"}},
            .more = if_available,
            .before_exec = [this, size](const std::string& directory) {
              for (const Folders& disk : folders_) put_on_disk(directory, disk, size);
            }};
  }

  const std::vector<Folders> folders_;
  Server server_;
};

std::string answer(Server& server, const std::string& target) {
  Client client(server.port());
  client.send(request("a.example", target, "Connection: close\r\n"));
  return body_of(client.receive_to_end(30'000).value_or(""));
}

class TenantsExhaustion : public ::testing::TestWithParam<const char*> {
 protected:
  static std::string attack(Server& server, const std::string& query) {
    return answer(server, GetParam() + ("?" + query));
  }
};

const std::string no_space = std::to_string(ENOSPC) + "\n";

// What is b's is served and logged with the disk full, too; only what he writes there is not.
void expect_b_goes_on(Server& server, bool writes) {
  EXPECT_EQ(get(server.port(), "b.example").body, "of b");
  EXPECT_EQ(get(server.port(), "b.example", "/write.php").body, writes ? "4" : "");
  EXPECT_TRUE(eventually(
      [&] { return contains(server.access_log(1), "\"GET /write.php HTTP/1.1\" 200"); }));
  EXPECT_EQ(get(server.port(), "a.example").body, "of a");
  EXPECT_EQ(server.stop(), 0);
  EXPECT_EQ(count_of(server.log(), "\n"), 3u) << server.log();  // that it is ready, and its end
}

constexpr const char* small_disk = "size=2m,nr_inodes=200,mode=0755";
const std::vector<Folders> a_disk_each{{"site0"}, {"site1"}};
const std::vector<Folders> one_disk{{"site0", "site1"}};

TEST_P(TenantsExhaustion, OfADiskThatHasAQuotaIsItsOwn) {
  ServerOnDisks server(a_disk_each, small_disk);
  EXPECT_EQ(attack(*server, "take_space+4000000:" + server->docroot(0)), no_space);
  expect_b_goes_on(*server, true);
}

TEST_P(TenantsExhaustion, OfADiskWithoutAQuotaIsItsNeighboursToo) {
  ServerOnDisks server(one_disk, small_disk);
  EXPECT_EQ(attack(*server, "take_space+4000000:" + server->docroot(0)), no_space);
  expect_b_goes_on(*server, false);
}

TEST_P(TenantsExhaustion, OfInodesThatHaveAQuotaIsItsOwn) {
  ServerOnDisks server(a_disk_each, small_disk);
  EXPECT_EQ(attack(*server, "take_files+200:" + server->docroot(0)), no_space);
  expect_b_goes_on(*server, true);
}

TEST_P(TenantsExhaustion, OfInodesWithoutAQuotaIsItsNeighboursToo) {
  ServerOnDisks server(one_disk, small_disk);
  EXPECT_EQ(attack(*server, "take_files+200:" + server->docroot(0)), no_space);
  expect_b_goes_on(*server, false);
}

// Of memory: a folder has half of what the site may have, and a file counts for 4 KiB.
TEST_P(TenantsExhaustion, OfFoldersInMemoryEndsAtTheSitesShare) {
  constexpr const char* of_the_machine = "/dev/shm";
  const std::string space = "take_space+9000000:";
  const std::string files = "take_files+2100:";
  ServerOnDisks server({}, "", R"("memory": "16M")");
  for (const std::string folder : {"/tmp", "/var/tmp", of_the_machine}) {
    EXPECT_EQ(attack(*server, files + folder), no_space) << folder;
    EXPECT_EQ(attack(*server, space + folder), no_space) << folder;
  }
  EXPECT_EQ(get(server->port(), "a.example").body, "of a");

  const TemporaryDirectory outside(of_the_machine);
  ::chmod(outside.path().c_str(), 0777);
  for (const std::string& query : {space, files}) {
    const std::size_t end_of_name = query.find('+');
    EXPECT_EQ(run_command({bin_directory() + "/hostile-program", query.substr(0, end_of_name),
                           query.substr(end_of_name + 1) + outside.path()},
                          uid_a)
                  .output,
              "0\n");
  }
}

// Of what the kernel keeps for a uid outside of its memory.
TEST_P(TenantsExhaustion, OfMessageQueuesIsNotPossible) {
  ServerOnDisks server({}, "");
  EXPECT_EQ(attack(*server, "make_queue+/own"), std::to_string(ENOSYS) + "\n");
  EXPECT_EQ(run_command({bin_directory() + "/hostile-program", "make_queue", "/own"}, uid_a).output,
            "0\n");
}

INSTANTIATE_TEST_SUITE_P(By, TenantsExhaustion, ::testing::Values("/cgi-bin/attack", "/attack.php"),
                         [](const auto& each) -> std::string {
                           return contains(each.param, "php") ? "Php" : "Cgi";
                         });

// ---- logs, on a disk of their own

constexpr const char* disk_of_logs = "size=2m,mode=0755";
constexpr std::size_t mebi = 1024 * 1024;

class TenantsFlood : public ::testing::Test {
 protected:
  // By requests of a's own: 1.5 MiB of them. Each is a line of more than 6 KiB.
  static void flood_access_log(Server& server) {
    Client client(server.port());
    const std::string target = "/missing?" + std::string(4000, 't');
    const std::string fields =
        "Referer: " + std::string(1024, 'r') + "\r\nUser-Agent: " + std::string(1024, 'u') + "\r\n";
    for (int i = 0; i < 250; ++i) {
      client.send(request("a.example", target, fields));
      ASSERT_EQ(client.receive().status, 404);
    }
  }
  static bool has_line_of_b(Server& server, const std::string& target) {
    EXPECT_EQ(get(server.port(), "b.example", target).status, 404);
    return eventually([&] { return contains(server.access_log(1), target); }, 500);
  }
  static std::size_t size_of(const Server& server, const std::string& log) {
    return std::filesystem::file_size(server.log_directory() + "/" + log);
  }
};

TEST_F(TenantsFlood, OfALogThatHasALimitLeavesRoomForItsNeighbours) {
  ServerOnDisks server({{"log"}}, disk_of_logs, R"("log": "1M")");
  ASSERT_NO_FATAL_FAILURE(flood_access_log(*server));
  EXPECT_TRUE(has_line_of_b(*server, "/after"));
  EXPECT_GE(size_of(*server, "a.example.access.log"), mebi);
  EXPECT_LE(size_of(*server, "a.example.access.log"), mebi + 64 * 1024);
  EXPECT_TRUE(contains(server->error_log(0), "the access log is as large as it may be"));

  // Rotated, it has lines again, and what was lost is said.
  const std::string log = server->log_directory() + "/a.example.access.log";
  ASSERT_EQ(::rename(log.c_str(), (log + ".1").c_str()), 0);
  const CommandEnd reopened =
      run_command({bin_directory() + "/perchild", "reopen", "--runtime-dir", server.path("run")});
  ASSERT_EQ(reopened.status, 0) << reopened.output;
  EXPECT_EQ(get(server->port(), "a.example", "/rotated").status, 404);
  EXPECT_TRUE(eventually([&] { return contains(server->access_log(0), "/rotated"); }));
  EXPECT_TRUE(eventually([&] {
    return contains(server->error_log(0), "lines of the access log lost while it could not be");
  }));
}

TEST_F(TenantsFlood, OfALogWithoutALimitIsItsNeighboursLossWhoIsServedAllTheSame) {
  ServerOnDisks server({{"log"}}, disk_of_logs, "");
  ASSERT_NO_FATAL_FAILURE(flood_access_log(*server));
  ASSERT_NO_FATAL_FAILURE(flood_access_log(*server));
  EXPECT_FALSE(has_line_of_b(*server, "/lost"));
  EXPECT_EQ(get(server->port(), "b.example").body, "of b");
  // What had been kept back of his comes when there is room, and the service has not noticed. A
  // write that has failed is tried again with another request.
  ASSERT_EQ(::truncate((server->log_directory() + "/a.example.access.log").c_str(), 0), 0);
  EXPECT_TRUE(eventually([&] { return has_line_of_b(*server, "/behind"); }));
  EXPECT_TRUE(contains(server->access_log(1), "/lost"));
  EXPECT_EQ(server->stop(), 0);
  EXPECT_EQ(count_of(server->log(), "\n"), 3u) << server->log();
}

// A program has a hundred lines a second, of 1 KiB; a longer one is several.
TEST_F(TenantsFlood, OfErrorsIsHeldToARateAndSaid) {
  constexpr std::size_t most_a_second = 101 * 1200;
  ServerOnDisks server({}, "");
  const std::int64_t begin = now_ms();
  for (const std::string length : {"10", "65536"}) {
    EXPECT_EQ(answer(*server, "/cgi-bin/attack?complain+4000000:" + length), "0\n");
  }
  EXPECT_TRUE(eventually([&] {
    answer(*server, "/cgi-bin/attack?complain+1:10");
    return contains(server->error_log(0), "lines left out, too many within a second: ");
  }));
  const auto seconds = static_cast<std::size_t>((now_ms() - begin) / 1000 + 2);
  EXPECT_LE(server->error_log(0).size(), seconds * most_a_second);
}

}  // namespace
}  // namespace perchild::test::exhaustion_test
