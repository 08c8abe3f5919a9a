// `perchild doctor` sees from outside what a process has kept that it should have given up.
#include <gtest/gtest.h>

#include <filesystem>

#include "test/hostile/replaced_role.h"
#include "test/support/client.h"
#include "test/support/command.h"
#include "test/support/matches.h"

namespace perchild::test::hostile_doctor_test {
namespace {

CommandEnd doctor(const Server& server) {
  return run_command({bin_directory() + "/perchild", "doctor", "--config", server.configuration()});
}

TEST(Doctor, FindsAWorkerThatHasNotLockedItselfDown) {
  const ReplacedRole doubles(Role::worker);
  std::filesystem::copy_file(bin_directory() + "/open-worker", doubles.bin() + "/perchild-worker",
                             std::filesystem::copy_options::overwrite_existing);
  Server server({.sites = {{"a.example", {{"index.html", "of a"}}}},
                 .more = R"(, "drain_timeout": "1s")",
                 .bin = doubles.bin()});
  Client client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return !server.workers_of(0).empty(); }));
  const std::string worker = "error: processes: the worker of a.example, pid " +
                             std::to_string(server.workers_of(0).at(0).pid) + ", ";
  const CommandEnd end = doctor(server);
  EXPECT_EQ(end.status, 1);
  EXPECT_TRUE(contains(end.output, worker + "is dumpable\n")) << end.output;
  EXPECT_TRUE(contains(end.output, worker + "has a limit of processes of ")) << end.output;
  EXPECT_TRUE(contains(end.output, worker + "holds a device, /dev/zero, as descriptor "))
      << end.output;
}

TEST(Doctor, FindsNothingInOneThatHas) {
  Server server({.sites = {{"a.example", {{"index.html", "of a"}}}}});
  ASSERT_EQ(get(server.port(), "a.example").status, 200);
  EXPECT_FALSE(contains(doctor(server).output, "error: processes: "));
}

}  // namespace
}  // namespace perchild::test::hostile_doctor_test
