// What ordinary programs ask of the kernel: PHP, Perl, Python, Node, git, shells. Left out is what
// administers a machine (mounts, namespaces, modules, clocks, quotas), what looks into other
// processes (ptrace, process_vm_readv, kcmp, pidfd_getfd), and where the kernel's holes have been:
// io_uring, bpf, perf_event_open, userfaultfd, keyrings, vmsplice, handles to files; and protocols
// that Landlock does not know as TCP, though their ports are TCP's (MPTCP), and connecting by what
// it does not know for that (TCP Fast Open).
#include <asm/ioctls.h>
#include <linux/fs.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/socket.h>

#include <initializer_list>
#include <utility>

#include "policy/syscall_rules.h"

namespace perchild {
namespace {

constexpr std::uint64_t all_bits_of_int = 0xffff'ffff;
constexpr std::uint64_t every_new_namespace = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID |
                                              CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
                                              CLONE_NEWCGROUP;

void add(std::vector<SyscallRule>& rules, const char* reason,
         std::initializer_list<const char*> names) {
  for (const char* name : names) rules.push_back({name, reason});
}

void add_values(std::vector<SyscallRule>& rules, const char* name, const char* reason,
                unsigned argument, std::initializer_list<std::uint64_t> values) {
  for (const std::uint64_t value : values) {
    rules.push_back({name, reason, {argument, all_bits_of_int, value}});
  }
}

// Of streams, datagrams and raw sockets, which ask for a capability. What another type would be in
// a protocol of no number (SCTP, DCCP) is left out.
void add_protocols(std::vector<SyscallRule>& rules, const char* reason, std::uint64_t family,
                   std::initializer_list<std::uint64_t> protocols) {
  constexpr std::uint64_t bits_of_other_types = 0xc;
  for (const std::uint64_t protocol : protocols) {
    rules.push_back({"socket",
                     reason,
                     {0, all_bits_of_int, family},
                     {1, bits_of_other_types, 0},
                     {2, all_bits_of_int, protocol}});
  }
}

void add_unconditional(std::vector<SyscallRule>& rules) {
  add(rules, "memory, that which a compiler at run time makes code in included",
      {"brk", "mmap", "munmap", "mremap", "mprotect", "madvise", "mincore", "msync", "mlock",
       "mlock2", "munlock", "mlockall", "munlockall", "membarrier", "pkey_alloc", "pkey_free",
       "pkey_mprotect", "memfd_create"});
  add(rules, "files by their paths; Landlock says which",
      {"open",     "openat",    "openat2",    "creat",     "access",   "faccessat", "faccessat2",
       "stat",     "lstat",     "newfstatat", "statx",     "statfs",   "readlink",  "readlinkat",
       "chmod",    "fchmodat",  "chown",      "lchown",    "fchownat", "truncate",  "rename",
       "renameat", "renameat2", "mkdir",      "mkdirat",   "rmdir",    "link",      "linkat",
       "unlink",   "unlinkat",  "symlink",    "symlinkat", "mknod",    "mknodat",   "utime",
       "utimes",   "utimensat", "futimesat",  "getcwd",    "chdir",    "fchdir",    "umask"});
  add(rules, "files that are open",
      {"read",
       "write",
       "readv",
       "writev",
       "pread64",
       "pwrite64",
       "preadv",
       "pwritev",
       "preadv2",
       "pwritev2",
       "close",
       "close_range",
       "dup",
       "dup2",
       "dup3",
       "fcntl",
       "flock",
       "lseek",
       "fstat",
       "fstatfs",
       "fchmod",
       "fchown",
       "ftruncate",
       "fallocate",
       "fadvise64",
       "readahead",
       "fsync",
       "fdatasync",
       "sync_file_range",
       "sync",
       "syncfs",
       "getdents",
       "getdents64",
       "sendfile",
       "splice",
       "tee",
       "copy_file_range"});
  add(rules, "attributes of files",
      {"getxattr", "lgetxattr", "fgetxattr", "setxattr", "lsetxattr", "fsetxattr", "listxattr",
       "llistxattr", "flistxattr", "removexattr", "lremovexattr", "fremovexattr"});
  add(rules, "waiting for descriptors",
      {"poll",
       "ppoll",
       "select",
       "pselect6",
       "epoll_create",
       "epoll_create1",
       "epoll_ctl",
       "epoll_wait",
       "epoll_pwait",
       "epoll_pwait2",
       "eventfd",
       "eventfd2",
       "signalfd",
       "signalfd4",
       "timerfd_create",
       "timerfd_settime",
       "timerfd_gettime",
       "inotify_init",
       "inotify_init1",
       "inotify_add_watch",
       "inotify_rm_watch",
       "pipe",
       "pipe2"});
  add(rules, "sockets, of the families below",
      {"bind", "connect", "listen", "accept", "accept4", "getsockname", "getpeername", "getsockopt",
       "setsockopt", "shutdown", "recvfrom", "recvmsg", "recvmmsg"});
  add(rules, "processes and threads, all within the site's PID namespace",
      {"fork",
       "vfork",
       "execve",
       "execveat",
       "exit",
       "exit_group",
       "wait4",
       "waitid",
       "kill",
       "tkill",
       "tgkill",
       "getpid",
       "getppid",
       "gettid",
       "getpgid",
       "getpgrp",
       "setpgid",
       "getsid",
       "setsid",
       "pidfd_open",
       "pidfd_send_signal",
       "set_tid_address",
       "set_robust_list",
       "get_robust_list",
       "futex",
       "futex_waitv",
       "rseq",
       "restart_syscall",
       "arch_prctl",
       "prctl",
       "seccomp",
       "uname",
       "sysinfo",
       "getcpu"});
  add(rules, "narrowing themselves further",
      {"landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"});
  add(rules, "ids, of which none but the site's own exist",
      {"getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid", "getgroups", "setuid",
       "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "setfsuid",
       "setfsgid", "capget", "capset"});
  add(rules, "signals, within the site's PID namespace",
      {"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigsuspend",
       "rt_sigtimedwait", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "sigaltstack", "pause"});
  add(rules, "telling the time and waiting for it, not setting it",
      {"time", "gettimeofday", "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep",
       "times", "alarm", "getitimer", "setitimer", "timer_create", "timer_settime", "timer_gettime",
       "timer_getoverrun", "timer_delete"});
  add(rules, "limits and priorities, which can be lowered",
      {"getrlimit",
       "setrlimit",
       "prlimit64",
       "getrusage",
       "getpriority",
       "setpriority",
       "ioprio_get",
       "ioprio_set",
       "sched_yield",
       "sched_getaffinity",
       "sched_setaffinity",
       "sched_getparam",
       "sched_setparam",
       "sched_getscheduler",
       "sched_setscheduler",
       "sched_get_priority_max",
       "sched_get_priority_min",
       "sched_rr_get_interval",
       "sched_getattr",
       "sched_setattr"});
  add(rules, "System V IPC, in a namespace of the site's own",
      {"shmget", "shmat", "shmctl", "shmdt", "semget", "semop", "semtimedop", "semctl", "msgget",
       "msgsnd", "msgrcv", "msgctl"});
  add(rules, "random numbers", {"getrandom"});
}

void add_conditional(std::vector<SyscallRule>& rules) {
  // Not clone3(2), whose flags a filter cannot see: the C library then uses this one.
  rules.push_back(
      {"clone", "processes and threads; no new namespace", {0, every_new_namespace, 0}});
  add_values(rules, "socket", "files' sockets", 0, {AF_UNIX});
  add_protocols(rules, "the internet", AF_INET, {IPPROTO_IP, IPPROTO_TCP, IPPROTO_UDP});
  add_protocols(rules, "ping", AF_INET, {IPPROTO_ICMP});
  add_protocols(rules, "the internet", AF_INET6, {IPPROTO_IP, IPPROTO_TCP, IPPROTO_UDP});
  add_protocols(rules, "ping", AF_INET6, {IPPROTO_ICMPV6});
  add_protocols(rules, "asking for network interfaces", AF_NETLINK, {NETLINK_ROUTE});
  // With MSG_FASTOPEN each of them connects, to any port: Landlock is not asked.
  for (const auto& [name, flags] : {std::pair("sendto", 3U), {"sendmsg", 2U}, {"sendmmsg", 3U}}) {
    rules.push_back({name, "sending on what is connected", {flags, MSG_FASTOPEN, 0}});
  }
  add_values(rules, "socketpair", "pipes in both directions", 0, {AF_UNIX});
  add_values(rules, "personality", "asking for it, and the ordinary one", 0,
             {PER_LINUX, all_bits_of_int});
  // No device but /dev/null and its like is within reach; and no terminal is to be typed into.
  add_values(rules, "ioctl", "descriptors: blocking, length, close-on-exec", 1,
             {FIONBIO, FIOASYNC, FIONREAD, TIOCOUTQ, FIOCLEX, FIONCLEX});
  add_values(rules, "ioctl", "is it a terminal? of which size?", 1,
             {TCGETS, TCSETS, TCSETSW, TCSETSF, TIOCGWINSZ, TIOCGPGRP, TIOCSPGRP});
  add_values(rules, "ioctl", "network interfaces", 1,
             {SIOCGIFCONF, SIOCGIFNAME, SIOCGIFFLAGS, SIOCGIFADDR, SIOCGIFNETMASK, SIOCGIFINDEX,
              SIOCGIFMTU, SIOCGIFHWADDR});
  add_values(rules, "ioctl", "copies that share their blocks", 1, {FICLONE, FICLONERANGE});
}

}  // namespace

std::vector<SyscallRule> syscall_rules_of_programs() {
  std::vector<SyscallRule> rules;
  add_unconditional(rules);
  add_conditional(rules);
  return rules;
}

}  // namespace perchild
