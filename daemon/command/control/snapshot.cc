#include "daemon/command/control/snapshot.h"

#include <array>
#include <cstdio>

namespace perchild {
namespace {

// Three digits and a unit; whole below the first one.
std::string scaled(std::uint64_t value, std::uint64_t step, std::string_view units) {
  if (value < step) return std::to_string(value);
  auto number = static_cast<double>(value);
  std::size_t unit = 0;
  for (number /= static_cast<double>(step); number >= 999.5 && unit + 1 < units.size(); ++unit) {
    number /= static_cast<double>(step);
  }
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%.*f%c",
                number < 9.995   ? 2
                : number < 99.95 ? 1
                                 : 0,
                number, units[unit]);
  return text.data();
}

}  // namespace

Result<Snapshot> take_snapshot(ControlClient& client, const std::string& site) {
  Snapshot snapshot;
  snapshot.version = client.server().version.view();
  snapshot.pid = client.server().pid;
  auto server = client.server_status();
  if (!server) return failure(server.error());
  snapshot.server = *server;
  if (site.empty()) {
    auto done =
        client.for_each_site([&](const SiteStatus& status) { snapshot.sites.push_back(status); });
    if (!done) return failure(done.error());
  } else {
    const auto found = client.find_site(site);
    if (!found) return failure(found.error());
    if (!*found) {
      return failure({"find", "a site of yours with " + site + " as its first host", 0});
    }
    snapshot.sites.push_back(**found);
  }
  snapshot.taken_at = std::chrono::steady_clock::now();
  return snapshot;
}

std::string_view name_of(SiteState state) {
  switch (state) {
    case SiteState::idle:
      return "idle";
    case SiteState::starting:
      return "starting";
    case SiteState::serving:
      return "serving";
    case SiteState::draining:
      return "draining";
    case SiteState::crash_looping:
      return "crash-looping";
    case SiteState::suspended:
      return "suspended";
  }
  __builtin_unreachable();
}

std::string count_text(std::uint64_t count) {
  // Exact for as long as that is readable.
  return count < 100'000 ? std::to_string(count) : scaled(count, 1000, "kMGTPE");
}

std::string bytes_text(std::uint64_t bytes) {
  return scaled(bytes, 1024, "KMGTPE");
}

std::string latency_text(double microseconds) {
  std::array<char, 32> text;
  if (microseconds < 999.5) {
    std::snprintf(text.data(), text.size(), "%.0fus", microseconds);
  } else if (microseconds < 999'500) {
    std::snprintf(text.data(), text.size(), "%.3gms", microseconds / 1000);
  } else {
    std::snprintf(text.data(), text.size(), "%.3gs", microseconds / 1'000'000);
  }
  return text.data();
}

std::string cpu_text(std::uint64_t microseconds) {
  const auto hundredths = static_cast<unsigned long long>(microseconds / 10'000);
  const auto seconds = hundredths / 100;
  std::array<char, 48> text;
  if (seconds < 3600) {
    std::snprintf(text.data(), text.size(), "%llu:%02llu.%02llu", seconds / 60, seconds % 60,
                  hundredths % 100);
  } else {
    std::snprintf(text.data(), text.size(), "%llu:%02llu:%02llu", seconds / 3600, seconds / 60 % 60,
                  seconds % 60);
  }
  return text.data();
}

}  // namespace perchild
