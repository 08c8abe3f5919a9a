// Ids that keep nobody apart, or that are more than a tenant's.
//
// Runs in: command. Looks at nothing itself.
#pragma once

#include "daemon/command/doctor/finding.h"
#include "daemon/command/doctor/id_facts.h"

namespace perchild {

void check_ids(const IdFacts& facts, Diagnosis& diagnosis);

}  // namespace perchild
