// Runs a program to its end.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace perchild::test {

struct CommandEnd {
  int status = 0;      // its exit status; 128 and the signal's number if one killed it
  std::string output;  // standard output and standard error
};

// `arguments`: a program's path, or its name to be looked for in $PATH, and what it is called with.
// `as`: the uid and gid to run it under. Gives up, and kills, after two minutes.
CommandEnd run_command(const std::vector<std::string>& arguments,
                       std::optional<::uid_t> as = std::nullopt);

}  // namespace perchild::test
