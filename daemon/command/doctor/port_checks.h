// Backends at ports of this machine: a port is whoever's took it first, and who listens there in
// the backend's place is sent its site's visitors.
//
// Runs in: command. Looks at nothing itself.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/command/doctor/finding.h"
#include "daemon/command/doctor/kernel_facts.h"

namespace perchild {

struct BackendPort {
  std::string site;
  std::uint16_t port = 0;
};

void check_ports(const KernelFacts& facts, const std::vector<BackendPort>& backends,
                 Diagnosis& diagnosis);

}  // namespace perchild
