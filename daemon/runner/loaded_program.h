// A program that a runner has had loaded when it was a spare, and had no site.
//
// Runs in: spare, runner.
#pragma once

#include "daemon/runner/fork_server_client.h"
#include "privsep/unique_fd.h"
#include "vhosts/sites/spare_settings.h"

namespace perchild {

struct LoadedProgram {
  SpareSettings settings;
  ForkServerClient server;
  UniqueFd errors;        // its stderr
  UniqueFd cgroup_procs;  // by which it gets into the site's control group; or /dev/null
};

}  // namespace perchild
