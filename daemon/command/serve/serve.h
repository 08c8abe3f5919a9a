// `perchild serve`: everything that needs root, once, and then this process becomes the master.
//
// Runs in: command, as root, for a moment.
// Trusts: the configuration file, which only root may write.
#pragma once

#include <string>

#include "daemon/command/serve/inheritance.h"
#include "policy/configuration.h"
#include "privsep/result.h"
#include "privsep/server_log.h"

namespace perchild {

// Becomes the master of a service that goes by `configuration`, checked. Returns only to say why
// not; until then nothing of what is inherited has changed.
SysError start_service(Configuration& configuration, Inheritance inherited, const ServerLog& log);

// Does not return on success. The exit status: 1 mistakes in the configuration or the machine says
// no, 2 the configuration cannot be read.
int run_serve(const std::string& configuration_path);

}  // namespace perchild
