// "log": how a site's requests are logged.
#pragma once

#include "policy/configuration.h"
#include "policy/configuration_report.h"

namespace perchild {

void read_log(Report& report, JsonValue log, LogFormat& format);

}  // namespace perchild
