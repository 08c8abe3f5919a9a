// The running processes, compared with the tables by which they were started: policy/role_policy.h,
// policy/held_descriptors.h, and the site table that the master runs by.
//
// Runs in: command. Looks at nothing itself.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemon/command/doctor/finding.h"
#include "daemon/command/doctor/process_facts.h"
#include "policy/ids.h"

namespace perchild {

struct ExpectedSite {
  std::string name;
  Identity identity;
  std::string root{};          // without links; empty: not known
  bool refuses_calls = false;  // to its programs, by a filter on top of the runner's
};

struct ExpectedService {
  Identity master;
  Identity router;
  std::optional<Identity> keeper{};
  std::optional<Identity> spare{};
  std::vector<ExpectedSite> sites{};
  std::string users_of_host{};  // the user namespace that the doctor is in
  std::string empty_root{};     // of routers and the keeper; empty: not known, as log_folder
  std::string log_folder{};
  bool has_challenges = false;  // workers serve those of ACME, from a mount that has no place
};

// What is wrong with a process, and why it matters.
struct Difference {
  std::string wrong;
  std::string why;
};

// "the router", "a worker of a.example"
std::string title_of(const ProcessFacts& process, const ExpectedService& expected);

// All differences of `process`, a descendant of `master` or itself.
std::vector<Difference> differences_of(const ProcessFacts& process, const ProcessFacts& master,
                                       const ExpectedService& expected);

void check_processes(const std::vector<ProcessFacts>& processes, const ExpectedService& expected,
                     const std::string& restart_command, Diagnosis& diagnosis);

void check_strangers(const std::map<std::uint32_t, std::vector<::pid_t>>& strangers,
                     const ExpectedService& expected, Diagnosis& diagnosis);

}  // namespace perchild
