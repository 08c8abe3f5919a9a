// Reads the configuration and says all that is wrong with it.
//
// Runs in: command, as the caller.
// Trusts: the configuration's author, once it is certain that nobody else could have written it.
#pragma once

#include <iosfwd>
#include <string>

#include "policy/configuration_json.h"
#include "policy/system_view.h"

namespace perchild {

// The configuration in the file `path` and those that it includes.
[[nodiscard]] ReadConfiguration load_configuration(const std::string& path, SystemView& system);

// Says what is wrong, and in the end, on one line, whether the configuration is good; as text or as
// one JSON object.
void write_findings(const std::string& path, const ReadConfiguration& read, bool json,
                    std::ostream& out);

// `perchild check`: 0 if the configuration is good, 1 if there are errors, 2 if it cannot be read.
inline constexpr int exit_good = 0;
inline constexpr int exit_mistakes = 1;
inline constexpr int exit_unreadable = 2;
[[nodiscard]] int run_check(const std::string& config_path, bool json, std::ostream& out);

}  // namespace perchild
