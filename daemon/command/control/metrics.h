// `perchild metrics`: what `perchild status` shows, as OpenMetrics text for Prometheus.
//
// Runs in: command, as the caller.
#pragma once

#include <iosfwd>
#include <string>

#include "daemon/command/control/snapshot.h"

namespace perchild {

// The whole exposition. Its labels are names of configured sites and our own words, so no visitor
// can add a series.
std::string metrics_of(const Snapshot& snapshot);

// Inside the quotes of a label's value.
std::string escaped_label(std::string_view text);

// Prints it once. The exit status: 0, or 1 if no server can be asked.
[[nodiscard]] int run_metrics(const std::string& runtime_dir, std::ostream& out,
                              std::ostream& errors);

}  // namespace perchild
