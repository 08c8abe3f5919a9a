#include "daemon/command/doctor/process_checks.h"

#include <algorithm>

#include "daemon/command/doctor/descriptor_checks.h"
#include "daemon/command/doctor/shell_word.h"

namespace perchild {
namespace {

using Differences = std::vector<Difference>;

bool has_uid(const ProcessFacts& process, const Identity& identity) {
  return !process.status.uids.empty() && process.status.uids.front() == identity.uid.value;
}

// Of a spare, or of what it has loaded.
bool has_no_site_yet(const ProcessFacts& process, const ExpectedService& expected) {
  return expected.spare && has_uid(process, *expected.spare);
}

std::optional<Role> role_of(const ProcessFacts& process, const ExpectedService& expected) {
  // Once it has a site it is a runner.
  if (process.executable.name == executable_of(Role::spare)) {
    return has_no_site_yet(process, expected) ? Role::spare : Role::runner;
  }
  if (process.executable.name == tls_worker_executable) return Role::worker;
  for (const Role role :
       {Role::master, Role::router, Role::worker, Role::checker, Role::keeper, Role::runner}) {
    if (process.executable.name == executable_of(role)) return role;
  }
  return std::nullopt;
}

bool is_of_site(Role role) {
  return role == Role::worker || role == Role::checker || role == Role::runner;
}

bool is_program(const ProcessFacts& process) {
  return process.depth > 1;
}

// Several sites may have one uid, and differ in their groups.
std::vector<Identity> identities_for(const ProcessFacts& process, Role role,
                                     const ExpectedService& expected) {
  if (role == Role::master) return {expected.master};
  if (role == Role::router) return {expected.router};
  if (role == Role::spare) return {*expected.spare};
  if (role == Role::keeper) {
    return expected.keeper ? std::vector<Identity>{*expected.keeper} : std::vector<Identity>{};
  }
  std::vector<Identity> all;
  for (const ExpectedSite& site : expected.sites) {
    if (has_uid(process, site.identity)) all.push_back(site.identity);
  }
  return all;
}

std::vector<const ExpectedSite*> sites_of(const ProcessFacts& process,
                                          const ExpectedService& expected) {
  std::vector<const ExpectedSite*> sites;
  for (const ExpectedSite& site : expected.sites) {
    if (has_uid(process, site.identity)) sites.push_back(&site);
  }
  return sites;
}

void compare_status(const ProcessFacts& process, Role role, const ProcessFacts& master,
                    const ExpectedService& expected, Differences& differences) {
  // The service may have been started under filters of a container's or the service manager's; each
  // child has one more than the master, once it is what it is to be.
  const std::uint32_t own = role == Role::master || role == Role::spare ? 0 : 1;
  const std::uint32_t filters = std::max(master.status.seccomp_filters, 1U) + own;
  const auto identities = identities_for(process, role, expected);
  if (identities.empty()) {
    differences.push_back({"runs under uid " + std::to_string(process.status.uids.front()) +
                               ", which no site of the running configuration has",
                           "nobody knows whose files and connections it has"});
  }
  std::optional<std::string> difference;
  for (const Identity& identity : identities) {
    difference = difference_from_policy(process.status, role, identity, filters);
    if (!difference) return;
  }
  if (difference) {
    differences.push_back(
        {"is not what its role's policy says: " + *difference,
         "the master starts none that differs, so it has changed since, or is none of its"});
  }
}

void compare_namespaces(const ProcessFacts& process, Role role, const ProcessFacts& master,
                        const ExpectedService& expected, Differences& differences) {
  const Namespaces& own = process.namespaces;
  if (own.user == expected.users_of_host) {
    differences.push_back({"is in the machine's user namespace",
                           "uid 0 exists there, and a setuid program or a bug leads to it"});
  }
  if (role == Role::master) return;
  const Namespaces& service = master.namespaces;
  if (policy_of(role).own_namespaces) {
    if (own.user == service.user || own.pid == service.pid || own.mount == service.mount ||
        own.ipc == service.ipc) {
      differences.push_back({"shares a namespace with the master",
                             "its site's programs would see the machine's processes, /tmp or IPC"});
    }
  } else if (own.user != service.user || own.pid != service.pid) {
    differences.push_back(
        {"is in another user or PID namespace than the master", "no role but a runner makes one"});
  }
}

void compare_limits(const ProcessFacts& process, Role role, Differences& differences) {
  const ResourceLimits& policy = policy_of(role).limits;
  const ProcessLimits& own = process.limits;
  for (const auto& [name, is, most] :
       {std::tuple("open files", own.open_files, policy.open_files),
        std::tuple("processes", own.processes, policy.processes),
        std::tuple("file size", own.file_size, policy.file_size),
        std::tuple("core size", own.core_size, policy.core_size),
        std::tuple("message queues", own.queued_bytes, policy.queued_bytes),
        std::tuple("locked memory", own.locked_memory, policy.locked_memory)}) {
    if (is <= most) continue;
    differences.push_back({std::string("has a limit of ") + name + " of " + std::to_string(is) +
                               ", above " + std::to_string(most),
                           "its role needs no more"});
  }
}

// On top of the master's: the runner's, and what the site's programs are refused besides. Not what
// the runner sends mail by.
std::uint32_t least_filters_of_program(const ProcessFacts& process,
                                       const ExpectedService& expected) {
  const auto sites = sites_of(process, expected);
  const bool is_refused = !sites.empty() && process.executable.name != "msmtp" &&
                          std::all_of(sites.begin(), sites.end(),
                                      [](const ExpectedSite* site) { return site->refuses_calls; });
  return is_refused ? 2 : 1;
}

// A site's program: its user's, inside the runner's walls.
Differences differences_of_program(const ProcessFacts& process, const ProcessFacts& master,
                                   const ExpectedService& expected) {
  Differences differences;
  const ProcessStatus& status = process.status;
  if (process.namespaces.user == master.namespaces.user ||
      process.namespaces.user == expected.users_of_host) {
    differences.push_back({"is in the service's or the machine's user namespace",
                           "other ids than its site's exist there"});
  }
  // In whose namespace no ids exist: its capabilities are over nothing.
  if (has_no_site_yet(process, expected)) return differences;
  const bool is_one_uid = std::all_of(status.uids.begin(), status.uids.end(),
                                      [&](auto uid) { return uid == status.uids.front(); });
  if (!is_one_uid || identities_for(process, Role::runner, expected).empty()) {
    differences.push_back({"does not run under its site's uid alone",
                           "only a setuid program changes uids, and these are to be inert"});
  }
  if ((status.permitted | status.effective | status.inheritable | status.ambient |
       status.bounding) != 0) {
    differences.push_back({"has capabilities, or could get them by an exec",
                           "no program of a site's has or needs one"});
  }
  if (status.no_new_privs != 1 ||
      status.seccomp_filters <
          master.status.seccomp_filters + least_filters_of_program(process, expected)) {
    differences.push_back({"has no no_new_privs, or not the system-call filters of its site",
                           "both are inherited, so it does not come from a runner"});
  }
  return differences;
}

}  // namespace

std::string title_of(const ProcessFacts& process, const ExpectedService& expected) {
  const auto role = role_of(process, expected);
  std::string title = role && !is_program(process) ? "the " + std::string(name_of(*role)) : "";
  if (is_program(process)) title = "the program " + shell_word(process.executable.name);
  if (title.empty()) title = "the process " + shell_word(process.executable.name);
  if (is_program(process) || (role && is_of_site(*role))) {
    for (const ExpectedSite& site : expected.sites) {
      if (!has_uid(process, site.identity)) continue;
      title += " of " + site.name;
      break;
    }
  }
  return title + ", pid " + std::to_string(process.pid) + ",";
}

std::vector<Difference> differences_of(const ProcessFacts& process, const ProcessFacts& master,
                                       const ExpectedService& expected) {
  if (is_program(process)) return differences_of_program(process, master, expected);
  const auto role = role_of(process, expected);
  if (!role || (*role == Role::master) != (process.depth == 0)) {
    return {{"is none of perchild's roles", "the master starts nothing else"}};
  }
  Differences differences;
  compare_status(process, *role, master, expected, differences);
  compare_namespaces(process, *role, master, expected, differences);
  compare_limits(process, *role, differences);
  compare_descriptors(process, *role, master, sites_of(process, expected), expected, differences);
  if (process.is_dumpable) {
    differences.push_back({"is dumpable", "its uid can trace it and read its memory"});
  }
  return differences;
}

void check_processes(const std::vector<ProcessFacts>& processes, const ExpectedService& expected,
                     const std::string& restart_command, Diagnosis& diagnosis) {
  if (processes.empty()) return;
  const ProcessFacts& master = processes.front();
  bool is_replaced = false;
  for (const ProcessFacts& process : processes) {
    const auto differences = differences_of(process, master, expected);
    is_replaced |= !is_program(process) && process.executable.is_replaced;
    for (const Difference& difference : differences) {
      diagnosis.add(
          {Severity::error, "processes", title_of(process, expected), difference.wrong,
           difference.why,
           process.depth == 0 ? restart_command : "kill -KILL " + std::to_string(process.pid)});
    }
    if (differences.empty()) {
      diagnosis.is_in_order("processes: " + title_of(process, expected) +
                            " is what its policy says");
    }
  }
  if (is_replaced) {
    diagnosis.add({Severity::warning, "processes", "the service",
                   "runs executables that have been replaced since",
                   "what the new ones mend is not mended in it", restart_command});
  }
}

void check_strangers(const std::map<std::uint32_t, std::vector<::pid_t>>& strangers,
                     const ExpectedService& expected, Diagnosis& diagnosis) {
  for (const auto& [uid, pids] : strangers) {
    std::string name;
    for (const ExpectedSite& site : expected.sites) {
      if (site.identity.uid.value == uid) name = site.name;
    }
    std::string numbers;
    constexpr std::size_t most = 5;
    for (std::size_t i = 0; i < std::min(pids.size(), most); ++i) {
      numbers += (i == 0 ? "" : ",") + std::to_string(pids[i]);
    }
    diagnosis.add({Severity::note, "processes", name,
                   "has " + std::to_string(pids.size()) +
                       " processes of its uid that are none of the service's",
                   "logins and jobs of its user, perhaps: outside of perchild's walls they change "
                   "the site's files, and can signal its processes",
                   "ps -o user,pid,lstart,args -p " + numbers});
  }
}

}  // namespace perchild
