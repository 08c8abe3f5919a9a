// "system_calls": what a site's programs may ask of the kernel less, or more, than those of others.
#pragma once

#include "policy/configuration_report.h"
#include "policy/program_calls.h"
#include "policy/system_view.h"

namespace perchild {

// Of its keys those that are there, in place of what is inherited.
void read_calls(Report& report, SystemView& system, JsonValue value, ProgramCalls& calls);

}  // namespace perchild
