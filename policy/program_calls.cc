#include "policy/program_calls.h"

#include <sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdint>

namespace perchild {
namespace {

constexpr std::uint64_t bits_of_family = 0xffff'ffff;

// A rule, and the group that it is in; a call may be named by itself too.
struct GroupedRule {
  std::string_view group;
  SyscallRule rule;
};

constexpr SyscallRule of_family(std::uint64_t family) {
  return {"socket", "a family of sockets", {0, bits_of_family, family}};
}

// Of what all programs may.
constexpr GroupedRule usual_groups[] = {
    // All of the network, UDP and raw questions to the kernel about it included.
    {"@internet", of_family(AF_INET)},
    {"@internet", of_family(AF_INET6)},
    {"@internet", of_family(AF_NETLINK)},
    // Threads stay: a resolver or a garbage collector has some.
    {"@processes", {"clone", "other processes", {0, CLONE_THREAD, 0}}},
    {"@processes", {"fork", "other processes"}},
    {"@processes", {"vfork", "other processes"}},
    {"@sysv-ipc", {"shmget", "shared memory"}},
    {"@sysv-ipc", {"shmat", "shared memory"}},
    {"@sysv-ipc", {"shmctl", "shared memory"}},
    {"@sysv-ipc", {"shmdt", "shared memory"}},
    {"@sysv-ipc", {"semget", "semaphores"}},
    {"@sysv-ipc", {"semop", "semaphores"}},
    {"@sysv-ipc", {"semtimedop", "semaphores"}},
    {"@sysv-ipc", {"semctl", "semaphores"}},
    {"@sysv-ipc", {"msgget", "messages"}},
    {"@sysv-ipc", {"msgsnd", "messages"}},
    {"@sysv-ipc", {"msgrcv", "messages"}},
    {"@sysv-ipc", {"msgctl", "messages"}},
};

// What harms nobody but who may make it. All of it ends at the site's PID namespace, in which
// nobody but its programs can be looked into: its runner is not dumpable, its workers are
// elsewhere.
constexpr GroupedRule extra[] = {
    {"@debug", {"ptrace", "debuggers, and what reports its own crash"}},
    {"@debug", {"process_vm_readv", "likewise"}},
    {"@debug", {"process_vm_writev", "likewise"}},
    {"@debug", {"pidfd_getfd", "likewise"}},
    {"@debug", {"kcmp", "likewise"}},
    {"@numa", {"get_mempolicy", "on which node's memory a process lives"}},
    {"@numa", {"set_mempolicy", "likewise"}},
    {"@numa", {"mbind", "likewise"}},
};

// What the loader of a program with shared libraries cannot do without, and the program's end.
constexpr std::string_view needed[] = {
    "execve", "brk",     "mmap",  "mprotect",   "munmap",     "read",       "write",       "openat",
    "close",  "pread64", "fstat", "newfstatat", "arch_prctl", "exit_group", "rt_sigreturn"};

// What daemon/fork_server calls in the program: its adoption, its forks, its messages.
constexpr std::string_view of_fork_server[] = {
    "@processes",   "accept4",   "clone",     "dup",       "dup2",      "fchdir",
    "fork",         "getpid",    "poll",      "prctl",     "recvmsg",   "seccomp",
    "rt_sigaction", "sendmsg",   "setsid",    "vfork",     "wait4",     "capset",
    "fcntl",        "prlimit64", "setgroups", "setresgid", "setresuid", "landlock_restrict_self"};

struct Danger {
  std::string_view name;
  std::string_view why;
};
constexpr std::string_view of_namespaces =
    "in namespaces of its own a program is root over parts of the kernel that are made for root";
constexpr std::string_view of_mounts = "with mounts a program changes what its walls stand on";
constexpr std::string_view of_rings =
    "what is asked for by a ring goes round every system-call filter";
constexpr std::string_view of_keys = "keyrings are the whole machine's, and kept by uid";
constexpr std::string_view of_aio =
    "one program can use up the requests that the whole machine may have (fs.aio-max-nr)";
constexpr std::string_view of_handles = "a handle leads to files that no path leads to";
constexpr std::string_view of_kernel = "it changes the kernel itself, for all sites";
constexpr Danger dangers[] = {
    {"io_uring_setup", of_rings},
    {"io_uring_enter", of_rings},
    {"io_uring_register", of_rings},
    {"unshare", of_namespaces},
    {"setns", of_namespaces},
    {"clone3", "a filter cannot see whether it asks for namespaces; programs do without it"},
    {"mount", of_mounts},
    {"umount2", of_mounts},
    {"pivot_root", of_mounts},
    {"chroot", of_mounts},
    {"open_tree", of_mounts},
    {"move_mount", of_mounts},
    {"mount_setattr", of_mounts},
    {"fsopen", of_mounts},
    {"fsmount", of_mounts},
    {"fsconfig", of_mounts},
    {"fspick", of_mounts},
    {"bpf", "it puts code into the kernel"},
    {"perf_event_open", "it measures the kernel and other processes, and its holes are many"},
    {"userfaultfd", "it stops the kernel where a program likes, which is what exploits need"},
    {"add_key", of_keys},
    {"request_key", of_keys},
    {"keyctl", of_keys},
    {"io_setup", of_aio},
    {"io_submit", of_aio},
    {"open_by_handle_at", of_handles},
    {"name_to_handle_at", of_handles},
    {"init_module", of_kernel},
    {"finit_module", of_kernel},
    {"delete_module", of_kernel},
    {"kexec_load", of_kernel},
    {"kexec_file_load", of_kernel},
    {"reboot", of_kernel},
};

template <typename List>
bool holds(const List& list, std::string_view name) {
  return std::find(std::begin(list), std::end(list), name) != std::end(list);
}

// Each once, in the order in which they come.
void add_name(std::vector<std::string_view>& names, std::string_view name) {
  if (!holds(names, name)) names.push_back(name);
}

const std::vector<SyscallRule>& usual_rules() {
  static const std::vector<SyscallRule> rules = syscall_rules_of_programs();
  return rules;
}

bool is_usual(std::string_view name) {
  const auto& rules = usual_rules();
  return std::any_of(rules.begin(), rules.end(),
                     [&](const SyscallRule& rule) { return name == rule.name; });
}

bool is_of(const GroupedRule& one, std::string_view name) {
  return one.group == name || (one.rule.name == name && one.rule.first.mask == 0);
}

template <typename Table>
bool is_in(const Table& table, std::string_view name) {
  return std::any_of(std::begin(table), std::end(table),
                     [&](const GroupedRule& one) { return is_of(one, name); });
}

template <typename Table>
void append_of(std::vector<SyscallRule>& rules, const Table& table, std::string_view name) {
  for (const GroupedRule& one : table) {
    if (is_of(one, name)) rules.push_back(one.rule);
  }
}

}  // namespace

CallStanding standing_of(std::string_view name) {
  if (holds(needed, name)) return CallStanding::needed;
  if (is_usual(name) || is_in(usual_groups, name)) return CallStanding::usual;
  return is_in(extra, name) ? CallStanding::extra : CallStanding::never;
}

std::string_view danger_of(std::string_view name) {
  const auto found = std::find_if(std::begin(dangers), std::end(dangers),
                                  [&](const Danger& danger) { return danger.name == name; });
  return found == std::end(dangers) ? std::string_view() : found->why;
}

std::span<const std::string_view> allowable_calls() {
  static const std::vector<std::string_view> all = [] {
    std::vector<std::string_view> names;
    for (const GroupedRule& one : extra) add_name(names, one.group);
    for (const GroupedRule& one : extra) add_name(names, one.rule.name);
    return names;
  }();
  return all;
}

std::span<const std::string_view> forbiddable_calls() {
  static const std::vector<std::string_view> all = [] {
    std::vector<std::string_view> names;
    for (const GroupedRule& one : usual_groups) add_name(names, one.group);
    for (const SyscallRule& rule : usual_rules()) {
      if (!holds(needed, std::string_view(rule.name))) add_name(names, rule.name);
    }
    for (const std::string_view name : allowable_calls()) add_name(names, name);
    return names;
  }();
  return all;
}

std::vector<SyscallRule> rules_to_forbid(std::span<const std::string> names) {
  std::vector<SyscallRule> rules;
  for (const std::string& name : names) {
    append_of(rules, usual_groups, name);
    append_of(rules, extra, name);
    // Whatever its arguments.
    const auto usual = std::find_if(usual_rules().begin(), usual_rules().end(),
                                    [&](const SyscallRule& rule) { return name == rule.name; });
    if (usual != usual_rules().end()) rules.push_back({usual->name, usual->reason});
  }
  return rules;
}

std::vector<SyscallRule> rules_to_allow(std::span<const std::string> names) {
  std::vector<SyscallRule> rules;
  for (const std::string& name : names) append_of(rules, extra, name);
  return rules;
}

bool keep_from_forking(std::span<const std::string> forbidden) {
  return std::any_of(forbidden.begin(), forbidden.end(),
                     [](const std::string& name) { return holds(of_fork_server, name); });
}

}  // namespace perchild
