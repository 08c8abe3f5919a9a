#include "policy/syscall_rules.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

namespace perchild {
namespace {

// The kernel reads these arguments as int: the low half decides.
constexpr std::uint64_t int_bits = 0xffff'ffff;

constexpr ArgumentTest equals(unsigned index, std::uint64_t value) {
  return {index, int_bits, value};
}
constexpr ArgumentTest is_null(unsigned index) {
  return {index, ~std::uint64_t{0}, 0};
}
constexpr ArgumentTest lacks(unsigned index, std::uint64_t bits) {
  return {index, bits, 0};
}

// What any C++ program needs to allocate, to tell the time and to end. What not every role makes in
// a run of all tests (test/syscalls/run) says "rarely".
constexpr SyscallRule every_role[] = {
    {"brk", "rarely: malloc needs more than there was at the start"},
    {"mmap", "rarely: likewise in large blocks; what is written is never executed",
     lacks(2, PROT_EXEC)},
    {"munmap", "rarely: free of large blocks"},
    {"mremap", "rarely: realloc of large blocks"},
    {"exit_group", "rarely: exit, where it is not ended"},
    {"rt_sigprocmask", "rarely: abort; OpenSSL's jobs change stacks by it"},
    {"rt_sigaction", "rarely: abort restores the default action"},
    {"getpid", "rarely: abort, which process to raise in; OpenSSL, whether it has been forked"},
    {"gettid", "rarely: abort, which thread to raise in"},
    {"tgkill", "rarely: abort raises SIGABRT in itself", equals(2, 6)},
    {"clock_gettime", "rarely: the time, where the vDSO cannot tell it"},
    {"getrandom", "rarely: hash seeds; OpenSSL's generator, which is seeded anew each hour"},
    {"write", "rarely: log lines; why an assertion does not hold"},
    {"close", "every descriptor ends"},
#ifdef PERCHILD_SANITIZE
    {"futex", "sanitizer: its locks"},
    {"madvise", "sanitizer: its allocator gives memory back"},
    {"rt_sigreturn", "sanitizer: a signal's return"},
    {"sigaltstack", "sanitizer: reports on a stack of its own"},
    {"mprotect", "sanitizer: guards its shadow memory"},
    {"readlink", "sanitizer: names itself in a report"},
    {"openat", "sanitizer: /proc/self/maps for a report"},
    {"read", "sanitizer: /proc/self/maps for a report"},
    {"newfstatat", "sanitizer: /proc/self/maps for a report"},
    {"sched_yield", "sanitizer: its locks"},
    {"prlimit64", "sanitizer: stack bounds"},
    {"sched_getaffinity", "sanitizer: stack bounds"},
#endif
};

// A call of the hot paths has an argument test only where isolation asks for one: what is allowed
// whatever its arguments the kernel answers from a bitmap, without running any filter.

// What a process needs that serves sockets it was given. None of it makes, binds or connects one:
// not even by MSG_FASTOPEN, which is a connect(2) that Landlock does not see, on a listener that a
// shutdown for reading has made an unconnected socket again (for every process that shares it).
constexpr SyscallRule socket_loop[] = {
    {"epoll_wait", "the event loop"},
    {"epoll_ctl", "interest in a socket"},
    {"recvmsg", "messages of channels"},
    {"sendmsg", "messages of channels; a head and a body in one call", lacks(2, MSG_FASTOPEN)},
    {"recvfrom", "client bytes"},
    {"shutdown", "the end of a response", equals(1, SHUT_WR)},
};

constexpr SyscallRule router_only[] = {
    {"sendto", "a refusal to a client", lacks(3, MSG_FASTOPEN), is_null(4)},
    {"pwritev2", "log lines, to a pipe that may be full"},
    {"fcntl", "is the route table of a reload sealed?", equals(1, F_GET_SEALS)},
    {"lseek", "how large is the route table of a reload?"},
    {"sendmmsg", "several connections to one worker", lacks(3, MSG_FASTOPEN)},
    {"accept4", "connections"},
    {"setsockopt", "a partial head must not keep its socket readable", equals(1, SOL_SOCKET),
     equals(2, SO_RCVLOWAT)},
    {"dup", "the descriptor kept in reserve against EMFILE"},
};

constexpr SyscallRule worker_only[] = {
    {"openat2", "files of the docroot; the root directory is the docroot, Landlock allows no more"},
    {"fstat", "what was opened"},
    {"newfstatat", "is a file in the cache as it was? what is served is opened and then judged"},
    {"readlinkat", "where a link of the docroot leads, if its owner is asked first"},
    {"getdents64", "the names in a folder of the docroot, where it is to be listed"},
    {"pread64", "small files into the cache, others into an encoder; a body that is kept"},
    {"pwrite64", "a body that is kept; of a log, which only appends, it is write(2)"},
    {"sendfile", "large files to a client"},
    {"getsockopt", "is a passed descriptor a TCP socket? does a slow client take anything?"},
    {"getsockname", "a program is told at which address its request has come"},
    {"dup3", "a log that was opened anew takes the place of the old one"},
    {"memfd_create", "what a script is told; a body that its program does not wait for"},
    {"fcntl", "nobody changes what a script is told", equals(1, F_ADD_SEALS)},
    {"futex", "what OpenSSL and libstdc++ do once; one thread never waits in it"},
};

// It hashes what it is asked about, and opens nothing: password files are open before the
// lock-down.
constexpr SyscallRule checker_only[] = {
    {"ppoll", "the loop"},
    {"recvmsg", "messages of channels"},
    {"sendmsg", "messages of channels", lacks(2, MSG_FASTOPEN)},
    {"fstat", "has a password file changed since it was read?"},
    {"futex", "what OpenSSL does once; one thread never waits in it"},
};

// It answers on channels that it is given, with keys in memory that it is given.
constexpr SyscallRule keeper_only[] = {
    {"epoll_wait", "the event loop"},
    {"epoll_ctl", "interest in a channel"},
    {"recvmsg", "messages of channels"},
    {"sendmsg", "messages of channels", lacks(2, MSG_FASTOPEN)},
    {"fcntl", "are the keys in sealed memory?", equals(1, F_GET_SEALS)},
    {"lseek", "how long is it?"},
    {"mlock", "no key is ever written to swap"},
    {"futex", "rarely: what OpenSSL does once, and has not done before the lock-down"},
};

// The master's own work.
constexpr SyscallRule master_loop[] = {
    {"ppoll", "the loop"},
    {"epoll_ctl", "interest in a site's process"},
    {"epoll_wait", "which of the sites' processes has said something"},
    {"recvmsg", "messages of children"},
    {"socketpair", "channels", equals(0, AF_UNIX)},
    {"read", "signalfd, /proc/PID/status"},
    {"openat", "log files, /proc/PID/status"},
    {"mkdirat", "a site's control group"},
    {"unlinkat", "a site's control group"},
    {"fstat", "is it the log file that it should be?"},
    {"newfstatat", "the same, as libc calls it"},
    {"memfd_create", "a worker's settings"},
    {"ftruncate", "what workers of a site share"},
    {"fcntl", "seal a worker's settings; the size of what it shares", equals(1, F_ADD_SEALS)},
    {"clone", "fork; no new namespace",
     lacks(0, CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
                  CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_THREAD)},
    {"clone", "a runner, in namespaces of its own", equals(0, own_namespaces_flags | SIGCHLD)},
    {"clone", "a spare, likewise, by a process between that is not its parent",
     equals(0, own_namespaces_flags | CLONE_PARENT | SIGCHLD)},
    {"set_robust_list", "fork"},
    {"pidfd_open", "a handle on a child that cannot come to mean another"},
    {"pidfd_send_signal", "end a child"},
    {"waitid", "reap a child"},
};

constexpr SyscallRule exporter_only[] = {
    {"poll", "the loop; waiting for the master"},
    {"ppoll", "rarely: the same, on other machines"},
    {"restart_syscall", "rarely: a wait in poll goes on when a terminal has stopped it"},
    {"accept4", "who scrapes"},
    {"recvfrom", "requests"},
    {"sendto", "answers", lacks(3, MSG_FASTOPEN), is_null(4)},
    {"recvmsg", "the master's answers"},
    {"sendmsg", "questions to the master", lacks(2, MSG_FASTOPEN)},
};

// A filter holds for all descendants, so the master's allows what a child does between fork and the
// end of its own lock-down: lock_down.cc, then the loader. And, for the runner's sake, all that
// programs may call.
constexpr SyscallRule child_start[] = {
    {"fcntl", "descriptors into their places", equals(1, F_DUPFD_CLOEXEC)},
    {"fcntl", "is the memory sealed?", equals(1, F_GET_SEALS)},
    {"fcntl", "the executable's own descriptor ends with the exec", equals(1, F_SETFD)},
    {"dup2", "descriptors into their places"},
    {"close_range", "nothing unlisted is inherited"},
    {"prlimit64", "resource limits"},
    {"prctl", "bounding set, securebits, no_new_privs, dumpable, parent-death signal, name"},
    {"setgroups", "ids; only mapped ones exist"},
    {"setresgid", "ids; only mapped ones exist"},
    {"setresuid", "ids; only mapped ones exist"},
    {"capset", "drop capabilities"},
    {"capget", "prove"},
    {"execveat", "the role's executable, by descriptor"},
    {"umask", "log files and nothing else are ever made"},
    {"fchdir", "into the new root"},
    {"chdir", "into the new root"},
    {"chroot", "the new root"},
    {"setsid", "no terminal, whose signals and ioctls would reach it"},
    {"mlock", "keeper: no key is ever written to swap"},
    {"mlock2", "keeper: the same, as OpenSSL calls it"},
    {"landlock_create_ruleset", "Landlock"},
    {"landlock_add_rule", "Landlock"},
    {"landlock_restrict_self", "Landlock"},
    {"seccomp", "the role's own filter"},
    {"open", "loader"},
    {"access", "loader"},
    {"mmap", "loader: program text"},
    {"mprotect", "loader: RELRO"},
    {"pread64", "loader"},
    {"lseek", "loader; settings"},
    {"arch_prctl", "loader: thread pointer"},
    {"set_tid_address", "loader"},
    {"rseq", "loader"},
    {"getuid", "loader"},
    {"geteuid", "loader"},
    {"getgid", "loader"},
    {"getegid", "loader"},
    {"uname", "loader, on other machines"},
    {"epoll_create1", "the child's loop, before its filter"},
    {"readlink", "time zone"},
    {"sched_getaffinity", "libstdc++"},
    {"sysinfo", "malloc"},
    {"mount", "runner: a /proc and a /tmp of its own, in its own namespace"},
};

template <typename Rules>
void append(std::vector<SyscallRule>& rules, const Rules& more) {
  for (const SyscallRule& rule : more) rules.push_back(rule);
}

}  // namespace

std::vector<SyscallRule> syscall_rules_of(Role role) {
  std::vector<SyscallRule> rules;
  append(rules, every_role);
  switch (role) {
    case Role::master:
      append(rules, master_loop);
      append(rules, child_start);
      append(rules, socket_loop);
      append(rules, router_only);
      append(rules, worker_only);
      append(rules, syscall_rules_of_programs());
      break;
    case Role::router:
      append(rules, socket_loop);
      append(rules, router_only);
      break;
    case Role::worker:
      append(rules, socket_loop);
      append(rules, worker_only);
      break;
    case Role::checker:
      append(rules, checker_only);
      break;
    case Role::exporter:
      append(rules, exporter_only);
      break;
    case Role::keeper:
      append(rules, keeper_only);
      break;
    case Role::runner:
    case Role::spare:  // loads none: it becomes a runner
      append(rules, syscall_rules_of_programs());
      break;
  }
  return rules;
}

UnlistedCall unlisted_call_of(Role role) {
  return role == Role::master || role == Role::runner ? UnlistedCall::refuse : UnlistedCall::kill;
}

}  // namespace perchild
