// What a site's programs see of the machine besides its files: processes, /tmp, shared memory of
// their own.
//
// Runs in: runner, before its lock-down, in namespaces of its own.
// Trusts: its settings, the kernel.
#pragma once

#include "privsep/result.h"
#include "vhosts/sites/runner_settings.h"

namespace perchild {

// Mounts a /proc that shows this PID namespace alone (an empty one where the kernel does not permit
// that, as below a container's own that hides parts), and an empty /tmp, /var/tmp and /dev/shm in
// memory (for the first two the site's own folder, if it has one for that); and empties folders of
// others. Folders of the site's that lie below one of these are
// still there. What is mounted here does not show elsewhere, the other way round it does. And no
// more user namespaces can be made.
Result<void> make_private_view(const RunnerSettings& settings);

}  // namespace perchild
