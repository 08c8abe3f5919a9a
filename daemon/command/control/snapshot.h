// All that a caller may know of the running server, at one moment.
//
// Runs in: command, as the caller.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/command/control/control_client.h"

namespace perchild {

struct Snapshot {
  std::string version;
  std::uint32_t pid = 0;
  ServerStatus server{};
  std::vector<SiteStatus> sites;
  std::chrono::steady_clock::time_point taken_at{};
};

// Of one site, if it is named, else of all that the caller may see.
Result<Snapshot> take_snapshot(ControlClient& client, const std::string& site = {});

std::string_view name_of(SiteState state);  // "crash-looping"

// Texts for people: "17", "1.5M", "83.2M"; "650us", "1.24ms", "3.5s"; "0:07.31", "12:03:44".
std::string count_text(std::uint64_t count);
std::string bytes_text(std::uint64_t bytes);
std::string latency_text(double microseconds);
std::string cpu_text(std::uint64_t microseconds);

}  // namespace perchild
