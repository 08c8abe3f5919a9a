// The running service's processes, as the kernel shows them: the master, of which the control
// socket says the number, and what descends from it. Not by name: a name is for anybody to take.
//
// Runs in: command, as root.
// Trusts: the kernel.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "daemon/command/doctor/process_texts.h"
#include "privsep/process_status.h"
#include "privsep/result.h"

namespace perchild {

struct HeldDescriptor {
  int number = 0;
  DescriptorKind kind = DescriptorKind::other;
  std::string target;
  bool writes = false;  // and `appends`: by nothing else
  bool appends = false;
  bool listens = false;         // a socket
  bool is_own_unnamed = false;  // a file of the process's user, to which no name leads
};

struct Namespaces {
  std::string user, pid, mount, ipc, net;  // "user:[4026531837]"
};

struct ProcessFacts {
  ::pid_t pid = 0;
  ::pid_t parent = 0;
  int depth = 0;  // 0: the master, 1: its children, more: programs
  ExecutableName executable{};
  ProcessStatus status{};
  bool is_dumpable = false;
  Namespaces namespaces{};
  std::vector<HeldDescriptor> held{};
  ProcessLimits limits{};
  std::string cgroup{};
};

// An error if it has ended, or cannot be looked into.
Result<ProcessFacts> look_at_process(::pid_t pid);

// The master and all that descends from it; what ends meanwhile is left out. An error is about the
// master.
Result<std::vector<ProcessFacts>> look_at_service(::pid_t master);

// Processes under uids of `sites` that are none of `ours`.
std::map<std::uint32_t, std::vector<::pid_t>> look_for_strangers(
    const std::vector<std::uint32_t>& uids, const std::vector<ProcessFacts>& ours);

}  // namespace perchild
