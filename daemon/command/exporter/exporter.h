// `perchild metrics --listen`: the metrics of the running server, for Prometheus to fetch.
//
// Runs in: command, as root for a moment: connects to the master, binds, and goes on as an
// exporter. Trusts: its caller.
#pragma once

#include <iosfwd>
#include <string>

namespace perchild {

struct ExporterOptions {
  std::string runtime_dir;
  std::string listen;  // "127.0.0.1:9145", "[::1]:9145", "/run/perchild-metrics.sock"
  std::string user;    // a name or a number
};

// Until the server has gone, or a signal. The exit status: 1, with the reason on `errors`.
[[nodiscard]] int run_exporter(const ExporterOptions& options, std::ostream& errors);

}  // namespace perchild
