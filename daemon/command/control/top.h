// `perchild top`: what the sites are doing now, for as long as somebody looks.
//
// Runs in: command, as the caller.
#pragma once

#include <iosfwd>
#include <string>

#include "daemon/command/control/snapshot.h"
#include "daemon/command/control/terminal.h"

namespace perchild {

enum class TopOrder : std::uint8_t { requests, cpu, memory, bytes_out, connections, name };

// What the screen shows: as many lines as fit, none longer than it is wide. Rates are those
// between the two snapshots.
std::string screen_of(const Snapshot& before, const Snapshot& now, TopOrder order,
                      Terminal::Size size);

// Until q, or a signal. The exit status: 0, or 1 if there is no terminal or no server.
[[nodiscard]] int run_top(const std::string& runtime_dir, std::ostream& errors);

}  // namespace perchild
