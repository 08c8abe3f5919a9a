// What packaging/perchild.service takes from the service: it serves all the same.
// (All of the unit, on a real systemd: test/guest.)
#include <gtest/gtest.h>

#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "test/system/requests.h"

namespace perchild::test {
namespace {

// The words behind "KEY=".
std::vector<std::string> unit_setting(const std::string& key) {
  std::istringstream unit(read_file(PERCHILD_SOURCE_DIRECTORY "/packaging/perchild.service"));
  for (std::string line; std::getline(unit, line);) {
    if (!line.starts_with(key + "=")) continue;
    std::istringstream words(line.substr(key.size() + 1));
    return {std::istream_iterator<std::string>(words), {}};
  }
  return {};
}

// systemd keeps it by a filter that takes openat2 away, by which workers open files.
TEST(Unit, ItLeavesThemOpenat2) {
  EXPECT_EQ(unit_setting("RestrictSUIDSGID"), std::vector<std::string>{"no"});
}

// systemd would give it back to root at every reload.
TEST(Unit, ItLeavesTheLogsToTheMaster) {
  EXPECT_TRUE(unit_setting("LogsDirectory").empty());
  EXPECT_EQ(unit_setting("ReadWritePaths"), std::vector<std::string>{"/var/log/perchild"});
}

}  // namespace
}  // namespace perchild::test
