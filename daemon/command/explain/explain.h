// `perchild explain URL`: which listener, site and user would answer, and why.
//
// Runs in: command, as the caller. No server is asked.
// Trusts: the configuration.
#pragma once

#include <iosfwd>
#include <string>

#include "policy/configuration.h"

namespace perchild {

// The answer in lines; false if nobody would serve the URL, or it is none of ours.
[[nodiscard]] bool explain(const Configuration& configuration, const std::string& url,
                           std::ostream& out);

// The exit status: 0; 1 if nobody would serve it, or there are mistakes in the configuration; 2 if
// that cannot be read.
[[nodiscard]] int run_explain(const std::string& config_path, const std::string& url,
                              std::ostream& out, std::ostream& errors);

}  // namespace perchild
