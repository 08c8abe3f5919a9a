// What the tests of `perchild reload` have in common.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "test/support/command.h"
#include "test/support/server.h"

namespace perchild::test {

inline CommandEnd reload(const Server& server, std::optional<::uid_t> as = std::nullopt) {
  return run_command({bin_directory() + "/perchild", "reload", "--config", server.configuration()},
                     as);
}

// Puts `to` in the place of `from` in the configuration.
inline void edit(const Server& server, const std::string& from, const std::string& to) {
  std::string text = read_file(server.configuration());
  const std::size_t at = text.find(from);
  ASSERT_NE(at, std::string::npos) << from << " in " << text;
  write_file(server.configuration(), text.replace(at, from.size(), to));
}

}  // namespace perchild::test
