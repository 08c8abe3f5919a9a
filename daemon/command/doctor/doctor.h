// `perchild doctor`: whether an installation keeps its sites apart as it should, and what mends it
// where it does not.
//
// Runs in: command, as root. It changes nothing.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

namespace perchild {

struct DoctorOptions {
  std::string config_path;
  bool json = false;
  bool verbose = false;
  std::uint64_t names_in_a_root = 200'000;  // that are looked at
};

// The exit status: 0 if nothing is worse than a note, 1 if something is, 2 if something that
// matters could not be looked at: it needs root, and a configuration without mistakes.
[[nodiscard]] int run_doctor(const DoctorOptions& options, std::ostream& out, std::ostream& errors);

}  // namespace perchild
