// What /proc says of a process.
#include "daemon/command/doctor/process_texts.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "policy/role_policy.h"

namespace perchild::test::process_texts_test {
namespace {

constexpr const char* limits_text =
    "Limit                     Soft Limit           Hard Limit           Units     \n"
    "Max cpu time              unlimited            unlimited            seconds   \n"
    "Max file size             unlimited            unlimited            bytes     \n"
    "Max core file size        0                    0                    bytes     \n"
    "Max processes             0                    7                    processes \n"
    "Max open files            1024                 65536                files     \n"
    "Max locked memory         0                    0                    bytes     \n"
    "Max msgqueue size         819200               819200               bytes     \n";

TEST(ProcessLimits, AreTheLargerOfSoftAndHard) {
  const auto limits = parse_process_limits(limits_text);
  ASSERT_TRUE(limits);
  EXPECT_EQ(limits->open_files, 65'536u);
  EXPECT_EQ(limits->processes, 7u);
  EXPECT_EQ(limits->file_size, ResourceLimits::no_limit);
  EXPECT_EQ(limits->core_size, 0u);
  EXPECT_EQ(limits->queued_bytes, 819'200u);
}

TEST(ProcessLimits, AreNoneIfALineIsMissingOrOtherwise) {
  const std::string good = limits_text;
  for (const char* line : {"Max file size", "Max core file size", "Max processes", "Max open files",
                           "Max locked memory", "Max msgqueue size"}) {
    std::string bad = good;
    bad.replace(bad.find(line), 3, "Min");
    EXPECT_FALSE(parse_process_limits(bad)) << line;
    bad = good;
    const std::size_t soft = bad.find_first_of("0123456789u", bad.find(line));
    bad[soft] = '-';
    EXPECT_FALSE(parse_process_limits(bad)) << line;
  }
  EXPECT_FALSE(parse_process_limits(""));
}

TEST(DescriptorKinds, AreToldByTheLinkAndTheTypeTogether) {
  using Kind = DescriptorKind;
  EXPECT_EQ(kind_of_descriptor("socket:[12]", S_IFSOCK), Kind::socket);
  EXPECT_EQ(kind_of_descriptor("pipe:[12]", S_IFIFO), Kind::pipe);
  EXPECT_EQ(kind_of_descriptor("anon_inode:[eventpoll]", 0600), Kind::event_loop);
  EXPECT_EQ(kind_of_descriptor("anon_inode:[signalfd]", 0600), Kind::signals);
  EXPECT_EQ(kind_of_descriptor("anon_inode:[pidfd]", 0600), Kind::process);
  EXPECT_EQ(kind_of_descriptor("anon_inode:[landlock-ruleset]", 0600), Kind::ruleset);
  EXPECT_EQ(kind_of_descriptor("pidfd:[7]", S_IFREG), Kind::process);
  EXPECT_EQ(kind_of_descriptor("anon_inode:[io_uring]", 0600), Kind::other);
  EXPECT_EQ(kind_of_descriptor("anon_inode:bpf-prog", 0600), Kind::other);
  EXPECT_EQ(kind_of_descriptor("net:[4026531840]", S_IFREG), Kind::other);
  EXPECT_EQ(kind_of_descriptor("/memfd:filter (deleted)", S_IFREG), Kind::memory);
  EXPECT_EQ(kind_of_descriptor("/dev/null", S_IFCHR), Kind::null);
  EXPECT_EQ(kind_of_descriptor("/dev/null", S_IFREG), Kind::file);
  EXPECT_EQ(kind_of_descriptor("/dev/sda", S_IFBLK), Kind::other);
  EXPECT_EQ(kind_of_descriptor("/dev/urandom", S_IFCHR), Kind::plain_device);
  EXPECT_EQ(kind_of_descriptor("/dev/mem", S_IFCHR), Kind::other);
  EXPECT_EQ(kind_of_descriptor("/srv/socket:[1]", S_IFREG), Kind::file);
  EXPECT_EQ(kind_of_descriptor("/srv", S_IFDIR), Kind::folder);
}

TEST(ExecutableNames, AreTheLastPartOfThePath) {
  EXPECT_EQ(executable_name("/usr/lib/perchild/perchild-worker").name, "perchild-worker");
  const ExecutableName replaced = executable_name("/x/perchild-router (deleted)");
  EXPECT_EQ(replaced.name, "perchild-router");
  EXPECT_TRUE(replaced.is_replaced);
  EXPECT_EQ(executable_name("").name, "");
}

TEST(Cgroups, AreThoseOfVersion2) {
  EXPECT_EQ(cgroup_of("1:cpu:/a\n0::/system.slice/x\n"), "/system.slice/x");
  EXPECT_EQ(cgroup_of("1:cpu:/a\n"), "");
}

TEST(OpenFlags, AreReadInOctal) {
  EXPECT_EQ(open_flags_of("pos:\t0\nflags:\t02102001\nmnt_id:\t5\n"), 02102001);
  for (const char* none : {"", "pos:\t0\n", "flags:\t\n", "flags:\t9\n", "flags: 01\n"}) {
    EXPECT_FALSE(open_flags_of(none)) << none;
  }
}

TEST(ListeningSockets, AreThoseOfThatState) {
  std::set<std::string> found;
  add_listening_sockets(
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
      "inode\n"
      "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
      "12345 1 0000000000000000 100 0 0 10 0\n"
      "   1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 "
      "12346 1 0000000000000000 20 4 30 10 -1\n   2: 0",
      found);
  EXPECT_EQ(found, std::set<std::string>{"socket:[12345]"});
}

}  // namespace
}  // namespace perchild::test::process_texts_test
