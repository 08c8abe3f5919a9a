#include "test/support/open_files.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "test/support/in_child.h"
#include "test/support/server.h"
#include "test/support/temporary_directory.h"

namespace perchild::test {

::rlimit limit_of_open_files(::pid_t pid) {
  constexpr const char* name = "Max open files";
  const std::string limits = read_file("/proc/" + std::to_string(pid) + "/limits");
  const std::size_t at = limits.find(name);
  EXPECT_NE(at, std::string::npos);
  std::istringstream numbers(limits.substr(at + std::char_traits<char>::length(name)));
  ::rlimit limit{};
  EXPECT_TRUE(numbers >> limit.rlim_cur >> limit.rlim_max);
  return limit;
}

void limit_open_files(::pid_t pid, ::rlimit limit) {
  const ChildEnd end = in_child_as(master_uid, master_uid,
                                   [&] { return ::prlimit(pid, RLIMIT_NOFILE, &limit, nullptr); });
  EXPECT_TRUE(end.exited && end.status == 0) << pid;
}

}  // namespace perchild::test
