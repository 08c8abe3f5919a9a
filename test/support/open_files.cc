#include "test/support/open_files.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>
#include <string>

#include "test/support/in_child.h"
#include "test/support/server.h"
#include "test/support/temporary_directory.h"

namespace perchild::test {

std::multiset<std::string> open_files(::pid_t pid) {
  std::multiset<std::string> links;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
    std::error_code gone;
    links.insert(std::filesystem::read_symlink(entry.path(), gone).string());
  }
  return links;
}

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
