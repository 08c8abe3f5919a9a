// A process under a site's ids, for the command: it comes to be as a worker does, by way of the
// master's place in the service's user namespace, and locks itself down as one.
//
// Runs in: command, as root; between fork and exec in the child.
// Does not trust: that process, which reads the site's files.
#pragma once

#include <string>
#include <vector>

#include "daemon/command/site_process/child_output.h"
#include "policy/configuration.h"
#include "privsep/result.h"

namespace perchild {

struct SiteProcess {
  std::string executable;         // "perchild-explainer"
  BorrowedFd filter;              // a worker's: it finds it as descriptor 3
  std::vector<BorrowedFd> given;  // what it finds from descriptor 4 on
  OutputBounds bounds{};
};

// What it writes to its standard output, or, where it does not come to run, why, in a line of its
// own that begins with "  no answer: ".
Result<ChildOutput> ask_site_process(const Configuration& configuration, const Site& site,
                                     const SiteProcess& process);

}  // namespace perchild
