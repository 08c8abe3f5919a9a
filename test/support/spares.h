// Waiting for PHP that is loaded before a site wants it.
#pragma once

#include <string>

#include "test/support/command.h"
#include "test/support/matches.h"
#include "test/support/server.h"

namespace perchild::test {

// As the master knows it: until then a site would do without.
inline bool has_spares(const Server& server, std::size_t count) {
  const std::string number = std::to_string(count);
  return eventually([&] {
    return contains(run_command({bin_directory() + "/perchild", "status", "--json", "--runtime-dir",
                                 server.directory().path() + "/run"})
                        .output,
                    "\"spares\":{\"loaded\":" + number + ",\"wanted\":" + number + "}");
  });
}

}  // namespace perchild::test
