// What the master remembers of a site for whoever asks for its status; kept when its processes have
// gone. A site that has never run has none.
//
// Runs in: master.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "privsep/cgroup.h"
#include "privsep/traffic.h"

namespace perchild {

struct SiteHistory {
  std::uint64_t restarts = 0;  // of processes that had died
  std::string last_error{};    // "worker of a.example (pid 7) was killed by SIGSEGV"
  std::uint64_t refused = 0;   // connections, by routers
  // Of its control group, as it was when somebody asked, and of those before it: a group goes with
  // the last process, of which what it counted may be the reason.
  CgroupUsage usage{};
  CgroupUsage earlier{};
  std::chrono::steady_clock::time_point usage_read_at{};
  // Of processes that have gone.
  Traffic traffic{};
  std::chrono::microseconds cpu{0};
};

}  // namespace perchild
