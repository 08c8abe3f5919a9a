// What a site's programs see and can do, each beside what shows that the question is a good one.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "test/daemon/runner/runner_under_test.h"
#include "test/support/command.h"
#include "test/support/matches.h"

namespace perchild::test::isolation_test {
namespace {

class Isolation : public ::testing::Test {
 protected:
  std::string output_of(const std::string& text) { return runner_.output_of(text); }

  RunnerUnderTest runner_{script_programs()};
};

TEST_F(Isolation, ProgramsHaveTheSitesIdsAndNoOthers) {
  EXPECT_EQ(output_of("id -u; id -g; id -G"), "20001\n20001\n20001 20002\n");
  const std::string status = output_of("grep -E '^(Cap|NoNew|Seccomp:)' /proc/self/status");
  EXPECT_TRUE(contains(status, "CapEff:\t0000000000000000")) << status;
  EXPECT_TRUE(contains(status, "CapBnd:\t0000000000000000")) << status;
  EXPECT_TRUE(contains(status, "NoNewPrivs:\t1")) << status;
  EXPECT_TRUE(contains(status, "Seccomp:\t2")) << status;
}

TEST_F(Isolation, TheyEndBeforeTheWorkersWhereMemoryIsShort) {
  EXPECT_EQ(output_of("cat /proc/self/oom_score_adj"), "500\n");
}

TEST_F(Isolation, TheyHaveNoDescriptorsButTheirOwn) {
  EXPECT_EQ(output_of("cd /proc/$$/fd; echo *"), "0 1 10 2 3\n");  // 10 is the script, 3 the folder
}

// The runner ignores some and blocks others.
TEST_F(Isolation, SignalsDoWhatTheyDoByThemselves) {
  EXPECT_EQ(output_of("grep -E '^Sig(Blk|Ign)' /proc/self/status"),
            "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
  const std::string runners = output_of("grep -E '^Sig(Blk|Ign)' /proc/1/status");
  EXPECT_FALSE(contains(runners, "SigIgn:\t0000000000000000")) << runners;
  EXPECT_FALSE(contains(runners, "SigBlk:\t0000000000000000")) << runners;
}

TEST_F(Isolation, TheySeeNoProcessesButTheSites) {
  const std::string seen = output_of("cd /proc; echo [0-9]*; cat /proc/1/comm");
  EXPECT_TRUE(contains(seen, "perchild-runner")) << seen;
  EXPECT_LT(seen.size(), 40u) << seen;
  EXPECT_EQ(output_of("kill -0 " + std::to_string(::getpid()) + " && echo reached"), "");
  EXPECT_EQ(output_of("kill -9 1; kill -0 1 && echo lives"), "lives\n");
}

TEST_F(Isolation, TheRunnersMemoryAndDescriptorsAreClosedToThem) {
  EXPECT_EQ(output_of("cat /proc/1/environ /proc/1/maps; ls /proc/1/fd"), "");
}

TEST_F(Isolation, TmpAndSharedMemoryAreTheSitesOwn) {
  const TemporaryDirectory outside;
  ASSERT_TRUE(std::filesystem::exists(outside.path()));
  EXPECT_EQ(output_of("test -e " + outside.path() + " && echo seen; ls /tmp /var/tmp /dev/shm"),
            // The way to the docroot, which lies below /tmp here, is there.
            "/dev/shm:\n\n/tmp:\n" +
                std::filesystem::path(runner_.root()).parent_path().filename().string() +
                "\n\n/var/tmp:\n");
  EXPECT_EQ(output_of("echo kept > /tmp/file; cat /tmp/file"), "kept\n");
  EXPECT_EQ(output_of("cat /tmp/file"), "kept\n");
  EXPECT_FALSE(std::filesystem::exists("/tmp/file"));
  EXPECT_EQ(output_of("fallocate -l 100M /tmp/file && echo fits; rm /tmp/file"), "fits\n");
  EXPECT_EQ(output_of("fallocate -l 300M /tmp/file || echo full"), "full\n");
}

// Which modes keep nobody from looking at.
TEST_F(Isolation, FoldersOfOthersAreNotThere) {
  const TemporaryDirectory home("/srv");
  home.write("open", "open to all");
  for (const std::string& path : {home.path(), home.path() + "/open"}) {
    const std::string look = "test -e " + path + " && echo seen";
    EXPECT_EQ(run_command({"sh", "-c", look}, uid_a).output, "seen\n");
    EXPECT_EQ(output_of(look), "");
  }
  EXPECT_EQ(output_of("test -w /srv && mkdir /srv/x && echo made"), "");
}

TEST(IsolationOfFolders, ThoseOfTheSitesOwnAreThereByEachOfTheirNames) {
  const TemporaryDirectory home("/srv");
  ASSERT_EQ(::chown(home.path().c_str(), uid_a, uid_a), 0);
  const TemporaryDirectory links("/srv");
  const std::string by_link = links.path() + "/link";
  std::filesystem::create_directory_symlink(home.path(), by_link);
  RunnerUnderTest runner(script_programs(), {}, {by_link});
  EXPECT_EQ(runner.output_of("echo x >" + by_link + "/file && cat " + home.path() + "/file"), "x\n")
      << runner.error_log();
  EXPECT_EQ(read_file(home.path() + "/file"), "x\n");
}

TEST_F(Isolation, TheyWriteInTheDocrootAndNowhereElse) {
  EXPECT_EQ(output_of("mkdir made && echo x > made/file && mv made/file . && cat file"), "x\n");
  // Folders that every user of the machine may write in, or this one.
  const std::string home = "/var/lib/perchild-test-" + std::to_string(::getpid());
  std::filesystem::create_directory(home);
  ::chmod(home.c_str(), 0777);
  EXPECT_EQ(output_of("echo x > " + home + "/file && echo written; ls " + home + " && echo listed"),
            "");
  EXPECT_FALSE(std::filesystem::exists(home + "/file"));
  std::filesystem::remove_all(home);
  EXPECT_EQ(output_of("cat /etc/passwd | head -c 5; cat /etc/shadow"), "root:");
  EXPECT_EQ(output_of("ls / && echo listed"), "");
}

TEST_F(Isolation, TheyExecuteWhatIsTheSystemsOrInTheDocroot) {
  EXPECT_EQ(output_of("cp /bin/echo . && ./echo ran"), "ran\n");
  EXPECT_EQ(output_of("cp /bin/echo /tmp/ && /tmp/echo ran"), "");
}

TEST_F(Isolation, SetuidProgramsAreInert) {
  const std::string id = runner_.root() + "/setuid-id";
  std::filesystem::copy_file("/usr/bin/id", id);
  ASSERT_EQ(::chmod(id.c_str(), 06755), 0);  // root's
  EXPECT_EQ(output_of("./setuid-id -u; ./setuid-id -g"), "20001\n20001\n");
}

TEST_F(Isolation, NamespacesAndMountsAreRefusedAndTheProgramLives) {
  EXPECT_EQ(output_of("unshare -U true && echo made; echo goes on"), "goes on\n");
  EXPECT_EQ(output_of("cd /proc/sys/user; cat max_user_namespaces max_inotify_instances"),
            "0\n8\n");
  EXPECT_EQ(output_of("python3 -c 'import ctypes; l = ctypes.CDLL(None, use_errno=True)\n"
                      "print(l.mount(b\"t\", b\"/tmp\", b\"tmpfs\", 0, None), ctypes.get_errno(),\n"
                      " l.ptrace(0, 0, 0, 0), ctypes.get_errno(),\n"
                      " l.syscall(425, 1, 0), ctypes.get_errno())'"),
            "-1 38 -1 38 -1 38\n");
}

TEST_F(Isolation, ThreadsAndProcessesWork) {
  EXPECT_EQ(
      output_of("python3 -c 'import threading, subprocess\n"
                "t = threading.Thread(target=lambda: print(\"thread\", flush=True))\n"
                "t.start(); t.join()\n"
                "print(subprocess.run([\"echo\", \"process\"], capture_output=True).stdout)'"),
      "thread\nb'process\\n'\n");
}

TEST_F(Isolation, PortsOfTheMachineAreNotBound) {
  const std::string port = std::to_string(free_port());
  EXPECT_EQ(output_of("python3 -c 'import socket\n"
                      "s = socket.socket(); s.bind((\"127.0.0.1\", 0)); print(\"any\")\n"
                      "s = socket.socket()\n"
                      "try: s.bind((\"127.0.0.1\", " +
                      port +
                      ")); print(\"bound\")\n"
                      "except PermissionError: print(\"not permitted\")'"),
            "any\nnot permitted\n");
}

TEST_F(Isolation, StraysAreReapedAndEndWithTheRunner) {
  // Each says that it has left the session of the script, which does not end before.
  const std::string leave =
      "mkfifo f; (setsid sh -c 'echo > f; exec sleep TIME' >/dev/null 2>&1 &)\n"
      "read line < f; rm f\n";
  const auto stray_for = [&](const std::string& time) {
    std::string text = leave;
    return text.replace(text.find("TIME"), 4, time);
  };
  EXPECT_EQ(output_of(stray_for("0.01") + stray_for("1000") + "echo up"), "up\n");
  // The runner and the long sleep, but no zombies.
  ASSERT_TRUE(eventually([&] { return runner_.processes().size() == 2; }));
  const auto all = runner_.processes();
  const ::pid_t stray = all[0] == runner_.pid() ? all[1] : all[0];
  EXPECT_EQ(::kill(stray, 0), 0);
  runner_.kill();
  EXPECT_TRUE(eventually([&] { return ::kill(stray, 0) != 0 && errno == ESRCH; }));
}

}  // namespace
}  // namespace perchild::test::isolation_test
