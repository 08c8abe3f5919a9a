#include "daemon/command/doctor/kernel_checks.h"

#include <charconv>
#include <optional>

#include "daemon/command/doctor/shell_word.h"

namespace perchild {
namespace {

constexpr int abi_with_scopes = 6;
constexpr int newest_call = 5012;  // mount_setattr(2)

// A number that is to be `least` or more; what matters for users with a shell, and for sites that
// have programs, where perchild has nothing of its own in force.
struct SettingRule {
  const char* name;
  long least;
  long wanted;
  Severity severity;
  const char* why;
};
constexpr SettingRule rules[] = {
    {"fs.protected_symlinks", 1, 1, Severity::warning,
     "in /tmp a user can lead root's commands to other files by a link; perchild follows none, but "
     "other services do"},
    {"fs.protected_hardlinks", 1, 1, Severity::warning,
     "a user can link others' files into his own folders, and whoever changes the owner or mode of "
     "these as root changes the others'"},
    {"fs.protected_fifos", 1, 1, Severity::note,
     "in /tmp a user can put a FIFO in the way of another's file; sites' programs have a /tmp of "
     "their own, users with a shell have not"},
    {"fs.protected_regular", 1, 1, Severity::note,
     "in /tmp a user can put his own file in the way of another's; sites' programs have a /tmp of "
     "their own, users with a shell have not"},
    {"kernel.randomize_va_space", 2, 2, Severity::warning,
     "a bug in a program is easier to exploit where addresses are known"},
    {"kernel.dmesg_restrict", 1, 1, Severity::note,
     "every user reads the kernel's messages; sites' programs cannot (syslog is not in their "
     "filter), users with a shell can"},
    {"kernel.kptr_restrict", 1, 1, Severity::note,
     "/proc shows kernel addresses to who may ask for them, which helps to exploit its bugs"},
    {"kernel.unprivileged_bpf_disabled", 1, 1, Severity::note,
     "users with a shell can load programs into the kernel; sites' programs cannot (bpf is not in "
     "their filter)"},
    {"kernel.perf_event_paranoid", 2, 2, Severity::note,
     "users with a shell can watch the kernel by perf_event_open; sites' programs cannot (it is "
     "not in their filter)"},
};

// Open settings that matter to no process of perchild's: said, but nothing to be done.
struct Substitute {
  const char* name;
  const char* in_force;
};
constexpr Substitute substitutes[] = {
    {"kernel.yama.ptrace_scope",
     "whatever it is: no process of perchild is dumpable, and programs' filter has no ptrace but "
     "where \"system_calls\" allow a site's to trace each other"},
    {"kernel.io_uring_disabled", "whatever it is: no filter of perchild's has io_uring"},
};

std::optional<long> setting_as_number(const std::string& text) {
  long number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// For now and after the next boot.
std::string setting(const std::string& name, long value) {
  const std::string line = name + " = " + std::to_string(value);
  return "echo " + shell_word(line) + " > /etc/sysctl.d/99-" + name + ".conf && sysctl -w " + name +
         "=" + std::to_string(value);
}

void check_rules(const KernelFacts& facts, Diagnosis& diagnosis) {
  for (const SettingRule& rule : rules) {
    const auto found = facts.settings.find(rule.name);
    if (found == facts.settings.end()) continue;
    const auto value = setting_as_number(found->second);
    if (value && *value >= rule.least) {
      diagnosis.is_in_order("kernel: " + std::string(rule.name) + " is " + found->second);
      continue;
    }
    diagnosis.add({rule.severity, "kernel", rule.name, "is " + shell_word(found->second), rule.why,
                   setting(rule.name, rule.wanted)});
  }
  for (const Substitute& one : substitutes) {
    const auto found = facts.settings.find(one.name);
    const std::string value = found != facts.settings.end() ? found->second : "not there";
    diagnosis.is_in_order("kernel: " + std::string(one.name) + " is " + shell_word(value) + "; " +
                          one.in_force);
  }
}

void check_landlock(const KernelFacts& facts, const KernelNeeds& needs, Diagnosis& diagnosis) {
  if (facts.landlock_abi == 0) {
    diagnosis.add(
        {Severity::error, "kernel", "Landlock", "is not there",
         needs.landlock_is_required
             ? "the configuration requires it, so the service does not start"
             : "a site's programs can read and write whatever their user may, not only "
               "the site's folders; workers still have their root and uid. Linux 5.13 has "
               "it, where lsm= of the kernel's command line lists it",
         ""});
  } else if (facts.landlock_abi < abi_with_scopes) {
    std::string missing = "abstract sockets and signals are held by no scope (Linux 6.12)";
    if (facts.landlock_abi < abi_with_ports) missing += ", and TCP ports by nothing (Linux 6.7)";
    diagnosis.add({Severity::note, "kernel", "Landlock",
                   "is of version " + std::to_string(facts.landlock_abi),
                   missing +
                       "; in force instead: filters in which workers have neither socket nor kill, "
                       "and for programs a PID namespace",
                   ""});
  } else {
    diagnosis.is_in_order("kernel: Landlock is of version " + std::to_string(facts.landlock_abi));
  }
}

void check_ports_of_landlock(const KernelFacts& facts, const KernelNeeds& needs,
                             Diagnosis& diagnosis) {
  if (!needs.names_ports || facts.landlock_abi >= abi_with_ports) return;
  diagnosis.add(
      {Severity::error, "kernel", "Landlock", "does not know ports",
       needs.landlock_is_required
           ? "programs of sites that have \"connect_ports\" do not start: Linux 6.7 has it"
           : "programs connect to any port, \"connect_ports\" or not: Linux 6.7 has it",
       ""});
}

void check_namespaces(const KernelFacts& facts, const KernelNeeds& needs, Diagnosis& diagnosis) {
  const auto value_of = [&](const char* name) -> std::optional<long> {
    const auto found = facts.settings.find(name);
    return found == facts.settings.end() ? std::nullopt : setting_as_number(found->second);
  };
  const auto before = diagnosis.findings.size();
  const auto most = value_of("user.max_user_namespaces");
  if (!most || *most < 16) {
    diagnosis.add({Severity::error, "kernel", "user.max_user_namespaces",
                   most ? "is " + std::to_string(*most) : "is not there",
                   "the service lives in a user namespace, and each site's programs in one more",
                   setting("user.max_user_namespaces", 16384)});
  }
  if (value_of("kernel.unprivileged_userns_clone") == 0) {
    diagnosis.add(
        {needs.has_programs ? Severity::error : Severity::warning, "kernel",
         "kernel.unprivileged_userns_clone", "is 0",
         "under the packaged unit the service cannot make its user namespace, nor can the "
         "master, which is not root, make those of sites' programs",
         setting("kernel.unprivileged_userns_clone", 1)});
  }
  if (value_of("kernel.apparmor_restrict_unprivileged_userns") == 1 && needs.has_programs) {
    diagnosis.add({Severity::error, "kernel", "kernel.apparmor_restrict_unprivileged_userns",
                   "is 1",
                   "the master, which is not root, cannot make the namespaces of sites' programs "
                   "unless a profile of AppArmor permits perchild-master \"userns\"",
                   setting("kernel.apparmor_restrict_unprivileged_userns", 0)});
  }
  if (diagnosis.findings.size() == before) {
    diagnosis.is_in_order("kernel: user namespaces can be made");
  }
}

void check_core_dumps(const KernelFacts& facts, const KernelNeeds& needs, Diagnosis& diagnosis) {
  const auto dumpable = facts.settings.find("fs.suid_dumpable");
  if (dumpable != facts.settings.end() && dumpable->second == "1") {
    diagnosis.add(
        {Severity::warning, "kernel", "fs.suid_dumpable", "is 1",
         "a process that has changed its uid can be read and traced by that uid; those of "
         "perchild say otherwise for themselves, other services' do not",
         setting("fs.suid_dumpable", 0)});
  } else {
    diagnosis.is_in_order("kernel: what changes its uid is not dumpable");
  }
  const auto pattern = facts.settings.find("kernel.core_pattern");
  if (pattern == facts.settings.end() || !pattern->second.starts_with("|") || !needs.has_programs) {
    diagnosis.is_in_order("kernel: no core of a site's process is written (RLIMIT_CORE is 0)");
    return;
  }
  diagnosis.add({Severity::note, "kernel", "kernel.core_pattern",
                 "is the program " + shell_word(pattern->second.substr(1)),
                 "a pipe takes no heed of RLIMIT_CORE: where a site's program crashes, root runs "
                 "this on its memory. perchild's own processes are not dumpable and make none",
                 "echo " + shell_word("kernel.core_pattern = core") +
                     " > /etc/sysctl.d/99-kernel.core_pattern.conf && sysctl -w "
                     "kernel.core_pattern=core"});
}

void check_proc(const KernelFacts& facts, Diagnosis& diagnosis) {
  if (facts.hidepid.empty() || facts.hidepid_has_gid) {
    diagnosis.is_in_order(
        "kernel: /proc lets the master see its children; workers have no /proc, and sites' "
        "programs one of their own processes");
    return;
  }
  diagnosis.add({Severity::error, "kernel", "/proc", "is mounted with " + shell_word(facts.hidepid),
                 "the master, which is not root, cannot see what its children are, and trusts none "
                 "of them; sites' programs have a /proc of their own anyway",
                 "mount -o remount,hidepid=0 /proc"});
}

void check_calls(const KernelFacts& facts, const KernelNeeds& needs, Diagnosis& diagnosis) {
  const std::string version =
      std::to_string(facts.version / 1000) + "." + std::to_string(facts.version % 1000);
  if (facts.version < newest_call || !facts.has_pidfd) {
    diagnosis.add({Severity::error, "kernel", "Linux " + version, "is too old, or lacks calls",
                   "perchild needs openat2, close_range, mount_setattr and pidfd_open: Linux 5.12",
                   ""});
  } else {
    diagnosis.is_in_order("kernel: Linux " + version + " has the calls that perchild needs");
  }
  const auto actions = facts.settings.find("kernel.seccomp.actions_avail");
  if (actions == facts.settings.end() ||
      actions->second.find("kill_process") == std::string::npos) {
    diagnosis.add({Severity::error, "kernel", "seccomp", "has no filters that kill a process",
                   "without them no role of perchild starts", ""});
  } else {
    diagnosis.is_in_order("kernel: seccomp has filters");
  }
  if (!needs.has_quotas || facts.has_cgroup2) {
    diagnosis.is_in_order(facts.has_cgroup2 ? "kernel: cgroup v2 is mounted"
                                            : "kernel: no site has limits that need cgroup v2");
  } else {
    diagnosis.add({needs.cgroup_is_required ? Severity::error : Severity::warning, "kernel",
                   "cgroup v2", "is not mounted",
                   "the limits of sites (memory, processes, cpu, io) are held by it; "
                   "\"if-available\" lets the service start without. Of systemd it is asked for by "
                   "systemd.unified_cgroup_hierarchy=1 on the kernel's command line",
                   ""});
  }
}

}  // namespace

std::vector<std::string> kernel_settings() {
  std::vector<std::string> names{"user.max_user_namespaces",
                                 "kernel.unprivileged_userns_clone",
                                 "kernel.apparmor_restrict_unprivileged_userns",
                                 "fs.suid_dumpable",
                                 "kernel.core_pattern",
                                 "kernel.seccomp.actions_avail",
                                 "net.ipv4.ip_local_port_range",
                                 "net.ipv4.ip_local_reserved_ports"};
  for (const SettingRule& rule : rules) names.emplace_back(rule.name);
  for (const Substitute& one : substitutes) names.emplace_back(one.name);
  return names;
}

void check_kernel(const KernelFacts& facts, const KernelNeeds& needs, Diagnosis& diagnosis) {
  check_calls(facts, needs, diagnosis);
  check_landlock(facts, needs, diagnosis);
  check_ports_of_landlock(facts, needs, diagnosis);
  check_namespaces(facts, needs, diagnosis);
  check_proc(facts, diagnosis);
  check_core_dumps(facts, needs, diagnosis);
  check_rules(facts, diagnosis);
}

}  // namespace perchild
