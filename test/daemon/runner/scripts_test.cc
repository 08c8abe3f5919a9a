// CGI scripts: how one is found, what it is given, and how it ends.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "test/daemon/runner/runner_under_test.h"
#include "test/support/matches.h"

namespace perchild::test::scripts_test {
namespace {

class CgiScripts : public ::testing::Test {
 protected:
  AskingWorker::Answer run(const std::string& path) {
    worker_.run({path, {}});
    return worker_.answer();
  }
  // What becomes of a script that is as it must be but for what `spoil` does to it.
  NotAcquiredReason refusal_of(const std::string& path) {
    const auto answer = run(path);
    EXPECT_FALSE(answer.acquired()) << path;
    return answer.refusal;
  }
  std::string path_of(const std::string& name) const { return runner_.root() + "/" + name; }

  RunnerUnderTest runner_{script_programs()};
  AskingWorker worker_ = runner_.attach();
};

TEST_F(CgiScripts, HaveTheGivenEnvironmentTheirFolderAndOneSocketForBothStreams) {
  runner_.add_script("cgi-bin/show", R"(#!/bin/sh
echo "$REQUEST_METHOD:$OF_THE_SITE:$PATH:$HOME:$TMPDIR"
pwd
env | wc -l
cat
)");
  worker_.run({"cgi-bin/show", {"REQUEST_METHOD=POST", "OF_THE_SITE=2", "CONTENT_LENGTH=6"}});
  const auto script = worker_.answer();
  ASSERT_TRUE(script.acquired()) << runner_.error_log();
  ::send(script.connection.get(), "a body", 6, MSG_NOSIGNAL);
  ::shutdown(script.connection.get(), SHUT_WR);
  const std::string said = read_to_end(script.connection.borrow());
  EXPECT_TRUE(contains(said, "POST:2:/usr/local/bin:/usr/bin:/bin:/tmp:/tmp\n")) << said;
  EXPECT_TRUE(contains(said, path_of("cgi-bin") + "\n")) << said;
  EXPECT_TRUE(contains(said, "\n8\n")) << said;  // PWD is the shell's own
  EXPECT_TRUE(said.ends_with("a body")) << said;
}

TEST_F(CgiScripts, WriteTheirErrorsToTheSitesLogLineByLine) {
  runner_.add_script("err", "#!/bin/sh\nprintf 'one\\ntwo\\033[m\\nthr' >&2\nprintf ee >&2\n");
  const auto script = run("err");
  ASSERT_TRUE(script.acquired());
  EXPECT_TRUE(runner_.logs("cgi: three")) << runner_.error_log();
  EXPECT_TRUE(contains(runner_.error_log(), "[error] cgi: one\n")) << runner_.error_log();
  EXPECT_TRUE(contains(runner_.error_log(), "cgi: two\\x1B[m")) << runner_.error_log();
}

TEST_F(CgiScripts, CannotFillTheDiskByTheirErrors) {
  runner_.add_script("flood", "#!/bin/sh\nyes flood | head -c 3000000 >&2\necho done\n");
  const auto script = run("flood");
  ASSERT_TRUE(script.acquired());
  EXPECT_EQ(read_to_end(script.connection.borrow(), 60'000), "done\n");
  EXPECT_LT(runner_.error_log().size(), 200'000u);
  EXPECT_TRUE(contains(runner_.error_log(), "cgi: flood"));
}

TEST_F(CgiScripts, ThatAreNotAsTheyMustBeAreNotStarted) {
  const std::string text = "#!/bin/sh\necho ran\n";
  const auto add = [&](const std::string& name) { runner_.add_script(name, text); };
  add("good");
  EXPECT_EQ(read_to_end(run("good").connection.borrow()), "ran\n");

  EXPECT_EQ(refusal_of("missing"), NotAcquiredReason::not_found);
  EXPECT_EQ(refusal_of("good/x"), NotAcquiredReason::not_found);
  EXPECT_NE(refusal_of("../site/good"), NotAcquiredReason{});
  add("folder/in");
  EXPECT_EQ(refusal_of("folder"), NotAcquiredReason::forbidden);

  add("not-executable");
  ::chmod(path_of("not-executable").c_str(), 0600);
  EXPECT_EQ(refusal_of("not-executable"), NotAcquiredReason::forbidden);
  for (const unsigned mode : {0720U, 0702U}) {
    add("writable");
    ::chmod(path_of("writable").c_str(), mode);
    EXPECT_EQ(refusal_of("writable"), NotAcquiredReason::forbidden) << mode;
  }
  for (const unsigned mode : {04755U, 02755U}) {
    add("set-id");
    ::chmod(path_of("set-id").c_str(), mode);
    EXPECT_EQ(refusal_of("set-id"), NotAcquiredReason::forbidden) << mode;
  }
  EXPECT_TRUE(runner_.logs("a script is not started: set-id is set-uid or set-gid"));
  add("of-another-group");
  ASSERT_EQ(::chown(path_of("of-another-group").c_str(), uid_a, uid_b), 0);
  EXPECT_EQ(refusal_of("of-another-group"), NotAcquiredReason::forbidden);
  EXPECT_TRUE(runner_.logs("of-another-group is not a file of the site's group"));
  add("another's");
  ASSERT_EQ(::chown(path_of("another's").c_str(), uid_b, uid_a), 0);
  ::chmod(path_of("another's").c_str(), 0755);
  EXPECT_EQ(refusal_of("another's"), NotAcquiredReason::forbidden);
  ASSERT_EQ(::symlink("good", path_of("link").c_str()), 0);
  EXPECT_EQ(refusal_of("link"), NotAcquiredReason::forbidden);
  ASSERT_EQ(::symlink("folder", path_of("folder-link").c_str()), 0);
  EXPECT_EQ(refusal_of("folder-link/in"), NotAcquiredReason::forbidden);

  EXPECT_EQ(read_to_end(run("folder/in").connection.borrow()), "ran\n");
  ::chmod(path_of("folder").c_str(), 0770);
  EXPECT_EQ(refusal_of("folder/in"), NotAcquiredReason::forbidden);
  ::chmod(path_of("folder").c_str(), 0755);
  ASSERT_EQ(::chown(path_of("folder").c_str(), uid_b, uid_a), 0);
  EXPECT_EQ(refusal_of("folder/in"), NotAcquiredReason::forbidden);
  EXPECT_TRUE(runner_.logs("a script is not started: folder is not a folder of the site's user"))
      << runner_.error_log();
}

TEST_F(CgiScripts, ThatCannotBeRunAreSaidWithTheReason) {
  struct Case {
    std::string name, text, said;
  };
  const Case cases[] = {
      {"from-windows", "#!/bin/sh\r\necho\r\n",
       "its first line ends in CR LF, and so there is no such interpreter: /bin/sh"},
      {"of-nothing", "#! /no/such/thing -x\n", "its interpreter is missing: /no/such/thing"},
      {"bare", "echo ran\n", "it is no program, and its first line names no interpreter"},
      {"empty", "", "it is no program, and its first line names no interpreter"},
      {"of-a-folder", "#!/usr\n", "Permission denied"},
  };
  for (const Case& one : cases) {
    runner_.add_script("bin/" + one.name, one.text);
    EXPECT_EQ(refusal_of("bin/" + one.name), NotAcquiredReason::cannot_run) << one.name;
    EXPECT_TRUE(runner_.logs("a script bin/" + one.name + " cannot be run: " + one.said))
        << runner_.error_log();
  }
}

TEST_F(CgiScripts, ThatAreBeingWrittenMayRunLater) {
  runner_.add_script("new", "#!/bin/sh\necho ran\n");
  UniqueFd writer(::open(path_of("new").c_str(), O_WRONLY | O_CLOEXEC));
  EXPECT_EQ(refusal_of("new"), NotAcquiredReason::cannot_start);
  writer.reset();
  EXPECT_EQ(read_to_end(run("new").connection.borrow()), "ran\n");
}

TEST_F(CgiScripts, EndWithTheirGroupWhenTheyAreReleased) {
  runner_.add_script("sleeper", "#!/bin/sh\ntrap '' TERM\nsleep 1000 & echo up\nsleep 1000\n");
  const auto script = run("sleeper");
  ASSERT_TRUE(script.acquired());
  char line[3];
  ASSERT_TRUE(
      eventually([&] { return ::recv(script.connection.get(), line, sizeof line, 0) == 3; }));
  EXPECT_TRUE(eventually([&] { return runner_.processes().size() == 4; }));
  worker_.release(script.instance, true);
  EXPECT_TRUE(eventually([&] { return runner_.processes().size() == 1; }));
}

TEST_F(CgiScripts, EndWithWhatHasLeftTheirGroupWhenTheirTimeIsUp) {
  runner_.add_script(
      "leaver", "#!/bin/sh\nsetsid sleep 1000 &\nsetsid sh -c 'sleep 1001; :' &\nsleep 1002\n");
  const auto other = run("leaver");
  ASSERT_TRUE(other.acquired());
  EXPECT_TRUE(eventually([&] { return runner_.processes().size() == 6; }));
  const auto late = run("leaver");
  ASSERT_TRUE(late.acquired());
  EXPECT_TRUE(eventually([&] { return runner_.processes().size() == 11; }));
  worker_.say_silent(late.instance);
  EXPECT_TRUE(eventually([&] { return runner_.processes().size() == 6; }));
  // Whoever is done leaves behind what he likes.
  worker_.release(other.instance, false);
  EXPECT_TRUE(eventually([&] { return runner_.processes().size() == 4; }));
}

// Of the site's scripts all are in one session: who does not lead it may change groups.
TEST_F(CgiScripts, EndThoughTheyHaveGoneToAnotherGroup) {
  runner_.add_script("mover",
                     "#!/usr/bin/perl\n$SIG{TERM} = 'IGNORE';\nsetpgrp(0, getpgrp(1)) or die $!;\n"
                     "syswrite(STDOUT, 'up');\nsleep(1000);\n");
  const auto script = run("mover");
  ASSERT_TRUE(script.acquired());
  char word[2];
  ASSERT_TRUE(eventually([&] {
    return ::recv(script.connection.get(), word, sizeof word, 0) == 2;
  })) << runner_.error_log();
  worker_.release(script.instance, true);
  EXPECT_TRUE(eventually([&] { return runner_.processes().size() == 1; }));
}

TEST_F(CgiScripts, WaitWhereMoreAreAskedForThanMayRun) {
  runner_.add_script("reader", "#!/bin/sh\ncat\n");
  std::vector<AskingWorker::Answer> running;
  for (int i = 0; i < 4; ++i) {
    worker_.run({"reader", {"CONTENT_LENGTH=1"}});
    running.push_back(worker_.answer());
    ASSERT_TRUE(running.back().acquired());
  }
  worker_.run({"reader", {}});
  EXPECT_EQ(worker_.answer(200).number, 0u);
  ::shutdown(running.front().connection.get(), SHUT_WR);  // its end is the script's
  EXPECT_TRUE(worker_.answer().acquired());
}

TEST_F(CgiScripts, OfWorkersThatHaveGoneAreEnded) {
  runner_.add_script("sleeper", "#!/bin/sh\nsleep 1000\n");
  {
    AskingWorker other = runner_.attach();
    other.run({"sleeper", {}});
    ASSERT_TRUE(other.answer().acquired());
  }
  EXPECT_TRUE(eventually([&] { return runner_.processes().size() == 1; }));
}

TEST_F(CgiScripts, ThatCrashAreSaidToHaveDoneSo) {
  runner_.add_script("crash", "#!/bin/sh\nkill -SEGV $$\n");
  ASSERT_TRUE(run("crash").acquired());
  EXPECT_TRUE(runner_.logs("was killed by SIGSEGV")) << runner_.error_log();
}

}  // namespace
}  // namespace perchild::test::scripts_test
