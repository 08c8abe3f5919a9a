// From the files that an administrator writes to the Configuration that the service runs by. All
// that is wrong is found in one go; a configuration comes out only if nothing is.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "policy/configuration.h"
#include "policy/configuration_source.h"
#include "policy/mistake.h"
#include "policy/system_view.h"

namespace perchild {

struct ReadConfiguration {
  std::optional<Configuration> configuration;  // has a value if no mistake is an error
  std::vector<Mistake> mistakes;               // by file, line and column
  std::string unreadable;                      // why the first file could not be read; else empty
};

[[nodiscard]] ReadConfiguration read_configuration(const std::string& path,
                                                   ConfigurationFiles& files, SystemView& system);

}  // namespace perchild
