// `perchild status`: what runs, as a table or as JSON.
//
// Runs in: command, as the caller.
#pragma once

#include <iosfwd>
#include <string>

namespace perchild {

struct StatusOptions {
  std::string runtime_dir;
  std::string site{};  // empty: all that the caller may see
  bool json = false;
};

// The exit status: 0, or 1 if there is no such site or no server to ask.
[[nodiscard]] int run_status(const StatusOptions& options, std::ostream& out, std::ostream& errors);

}  // namespace perchild
