// What an attacker would call, under each role's filter, beside the same call without it.
#include "privsep/syscall_filter.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <memory>
#include <vector>

#include "policy/role_policy.h"
#include "policy/syscall_rules.h"
#include "test/privsep/role_bits.h"
#include "test/support/in_child.h"

namespace perchild::test::syscall_filter_test {
namespace {

constexpr unsigned of_serving = of_router | of_worker;   // sockets
constexpr unsigned of_helpers = of_checker | of_keeper;  // no client's connection
constexpr unsigned of_children = of_serving | of_helpers;
// What programs may, the runner may, and the master, whose filter its children inherit.
constexpr unsigned of_confined = of_children | of_exporter;
constexpr unsigned of_all = of_master | of_confined | of_runner;

struct Call {
  const char* name;
  unsigned roles;  // whose filter it is tried under
  void (*make)();
};

// Whether the last call was answered as those are that a filter refuses.
bool was_refused = false;

template <typename... Arguments>
void call(long number, Arguments... arguments) {
  was_refused = ::syscall(number, arguments...) == -1 && errno == ENOSYS;
}

void fork_and_end(long number, unsigned long flags) {
  const long pid = ::syscall(number, flags, nullptr, nullptr, nullptr, 0);
  if (pid == 0) ::_exit(0);
  was_refused = pid == -1 && errno == ENOSYS;
}

// Every one harmless, root or not: what it asks for does not exist.
const Call forbidden[] = {
    {"execve", of_confined, [] { call(SYS_execve, "/nowhere", nullptr, nullptr); }},
    {"execveat", of_children, [] { call(SYS_execveat, -1, "", nullptr, nullptr, 0); }},
    {"fork", of_confined, [] { fork_and_end(SYS_fork, 0); }},
    {"clone", of_children, [] { fork_and_end(SYS_clone, SIGCHLD); }},
    {"clone_newuser", of_all, [] { fork_and_end(SYS_clone, CLONE_NEWUSER | SIGCHLD); }},
    {"clone_newns", of_all, [] { fork_and_end(SYS_clone, CLONE_NEWNS | SIGCHLD); }},
    {"a_namespace_more_than_a_runners", of_all,
     [] { fork_and_end(SYS_clone, own_namespaces_flags | CLONE_NEWNET | SIGCHLD); }},
    {"a_namespace_less_than_a_runners", of_all,
     [] { fork_and_end(SYS_clone, CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | SIGCHLD); }},
    {"type_into_a_terminal", of_all, [] { call(SYS_ioctl, -1, TIOCSTI, nullptr); }},
    {"packets", of_all, [] { call(SYS_socket, AF_PACKET, SOCK_RAW, 0); }},
    {"multipath_tcp", of_all, [] { call(SYS_socket, AF_INET, SOCK_STREAM, IPPROTO_MPTCP); }},
    {"multipath_tcp_6", of_all, [] { call(SYS_socket, AF_INET6, SOCK_STREAM, IPPROTO_MPTCP); }},
    {"sctp", of_all, [] { call(SYS_socket, AF_INET, SOCK_STREAM, IPPROTO_SCTP); }},
    {"sctp_by_its_type", of_all, [] { call(SYS_socket, AF_INET, SOCK_SEQPACKET, 0); }},
    {"all_connections", of_all,
     [] { call(SYS_socket, AF_NETLINK, SOCK_DGRAM, NETLINK_SOCK_DIAG); }},
    {"vmsplice", of_all, [] { call(SYS_vmsplice, -1, nullptr, 0, 0); }},
    {"clone3", of_all, [] { call(SYS_clone3, nullptr, 0); }},
    {"socket", of_confined, [] { call(SYS_socket, AF_INET, SOCK_STREAM, 0); }},
    {"socket_unix", of_confined, [] { call(SYS_socket, AF_UNIX, SOCK_STREAM, 0); }},
    {"connect", of_confined, [] { call(SYS_connect, -1, nullptr, 0); }},
    {"bind", of_confined, [] { call(SYS_bind, -1, nullptr, 0); }},
    {"listen", of_confined, [] { call(SYS_listen, -1, 1); }},
    {"accept", of_confined, [] { call(SYS_accept, -1, nullptr, nullptr); }},
    {"openat2", of_router | of_helpers, [] { call(SYS_openat2, -1, "", nullptr, 0); }},
    {"recv", of_helpers, [] { call(SYS_recvfrom, -1, nullptr, 0, 0, nullptr, nullptr); }},
    {"accept4", of_worker | of_helpers,
     [] { call(SYS_accept4, -1, nullptr, nullptr, SOCK_CLOEXEC); }},
    {"connect_by_sendto", of_confined,
     [] {
       const ::sockaddr_in to{AF_INET, htons(9), {htonl(INADDR_LOOPBACK)}, {}};
       call(SYS_sendto, -1, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL, &to, sizeof to);
     }},
    {"send_to_an_address", of_confined,
     [] {
       const ::sockaddr_in to{AF_INET, htons(9), {htonl(INADDR_LOOPBACK)}, {}};
       call(SYS_sendto, -1, "x", 1, MSG_NOSIGNAL, &to, sizeof to);
     }},
    {"connect_by_sendmsg", of_confined, [] { call(SYS_sendmsg, -1, nullptr, MSG_FASTOPEN); }},
    {"connect_by_sendmmsg", of_confined, [] { call(SYS_sendmmsg, -1, nullptr, 1, MSG_FASTOPEN); }},
    {"undo_a_listener", of_confined, [] { call(SYS_shutdown, -1, SHUT_RD); }},
    {"undo_a_listener_both", of_confined, [] { call(SYS_shutdown, -1, SHUT_RDWR); }},
    {"ptrace", of_all, [] { call(SYS_ptrace, PTRACE_PEEKUSER, 0, 0, 0); }},
    {"process_vm_readv", of_all, [] { call(SYS_process_vm_readv, 1, nullptr, 0, nullptr, 0, 0); }},
    {"process_vm_writev", of_all,
     [] { call(SYS_process_vm_writev, 1, nullptr, 0, nullptr, 0, 0); }},
    {"pidfd_getfd", of_all, [] { call(SYS_pidfd_getfd, -1, 0, 0); }},
    {"pidfd_open", of_children, [] { call(SYS_pidfd_open, ::getppid(), 0); }},
    {"kill", of_confined, [] { call(SYS_kill, ::getpid(), 0); }},
    {"tkill", of_confined, [] { call(SYS_tkill, ::getpid(), 0); }},
    {"tgkill_another_signal", of_confined, [] { call(SYS_tgkill, ::getpid(), ::getpid(), 0); }},
    {"mount", of_confined | of_runner, [] { call(SYS_mount, "x", "/nowhere", "x", 0, nullptr); }},
    {"umount2", of_all, [] { call(SYS_umount2, "/nowhere", 0); }},
    {"open_tree", of_all, [] { call(SYS_open_tree, -1, "", 0); }},
    {"fsopen", of_all, [] { call(SYS_fsopen, "nothing", 0); }},
    {"pivot_root", of_all, [] { call(SYS_pivot_root, "", ""); }},
    {"chroot", of_children | of_runner, [] { call(SYS_chroot, "/nowhere"); }},
    {"chdir", of_children, [] { call(SYS_chdir, "/nowhere"); }},
    {"unshare", of_all, [] { call(SYS_unshare, 0); }},
    {"setns", of_all, [] { call(SYS_setns, -1, 0); }},
    {"bpf", of_all, [] { call(SYS_bpf, -1, nullptr, 0); }},
    {"io_uring_setup", of_all, [] { call(SYS_io_uring_setup, 0, nullptr); }},
    {"userfaultfd", of_all, [] { call(SYS_userfaultfd, ~0U); }},
    {"perf_event_open", of_all, [] { call(SYS_perf_event_open, nullptr, 0, -1, -1, 0); }},
    {"keyctl", of_all, [] { call(SYS_keyctl, -1, 0, 0, 0, 0); }},
    {"add_key", of_all, [] { call(SYS_add_key, nullptr, nullptr, nullptr, 0, 0); }},
    {"request_key", of_all, [] { call(SYS_request_key, nullptr, nullptr, nullptr, 0); }},
    {"memfd_create", of_router | of_helpers, [] { call(SYS_memfd_create, "x", ~0U); }},
    {"memfd_secret", of_all, [] { call(SYS_memfd_secret, ~0U); }},
    {"open", of_children, [] { call(SYS_open, "/nowhere", O_RDONLY); }},
#ifndef PERCHILD_SANITIZE  // whose runtime may open and protect
    {"openat", of_children, [] { call(SYS_openat, AT_FDCWD, "/nowhere", O_RDONLY); }},
    {"read", of_children, [] { call(SYS_read, -1, nullptr, 0); }},
    {"give_memory_back", of_confined, [] { call(SYS_madvise, 0, 0, -1); }},
    {"mprotect_exec", of_children, [] { call(SYS_mprotect, 0, 0, PROT_READ | PROT_EXEC); }},
    {"newfstatat", of_router | of_helpers, [] { call(SYS_newfstatat, -1, "", nullptr, 0); }},
    {"readlink", of_children, [] { call(SYS_readlink, "", nullptr, 0); }},
    {"prlimit64", of_children, [] { call(SYS_prlimit64, 0, RLIMIT_NOFILE, nullptr, nullptr); }},
#endif
    {"send_to_a_client", of_worker | of_helpers,
     [] { call(SYS_sendto, -1, "", 0, 0, nullptr, 0); }},
    {"read_of_a_client", of_helpers,
     [] { call(SYS_recvfrom, -1, nullptr, 0, MSG_PEEK, nullptr, nullptr); }},
    {"lock_memory", of_serving | of_checker, [] { call(SYS_mlock, 0, 0); }},
    {"creat", of_confined, [] { call(SYS_creat, "/nowhere/x", 0600); }},
    {"open_by_handle_at", of_all, [] { call(SYS_open_by_handle_at, -1, nullptr, 0); }},
    {"name_to_handle_at", of_all, [] { call(SYS_name_to_handle_at, -1, "", nullptr, nullptr, 0); }},
    {"chmod", of_confined, [] { call(SYS_chmod, "/nowhere", 0); }},
    {"fchmod", of_confined, [] { call(SYS_fchmod, -1, 0); }},
    {"chown", of_confined, [] { call(SYS_chown, "/nowhere", 0, 0); }},
    {"unlink", of_confined, [] { call(SYS_unlink, "/nowhere"); }},
    {"rename", of_confined, [] { call(SYS_rename, "/nowhere", "/nowhere"); }},
    {"link", of_confined, [] { call(SYS_link, "/nowhere", "/nowhere"); }},
    {"symlink", of_confined, [] { call(SYS_symlink, "", "/nowhere/x"); }},
    {"mknod", of_confined, [] { call(SYS_mknod, "/nowhere/x", 0, 0); }},
    {"mkdirat", of_children, [] { call(SYS_mkdirat, -1, "x", 0); }},
    {"unlinkat", of_children, [] { call(SYS_unlinkat, -1, "x", 0); }},
    {"mkdir", of_confined, [] { call(SYS_mkdir, "/nowhere/x", 0); }},
    {"setxattr", of_confined, [] { call(SYS_setxattr, "/nowhere", "x", nullptr, 0, 0); }},
    {"truncate", of_confined, [] { call(SYS_truncate, "/nowhere", 0); }},
    {"ftruncate", of_children, [] { call(SYS_ftruncate, -1, 0); }},
    {"fallocate", of_confined, [] { call(SYS_fallocate, -1, 0, 0, 1); }},
    {"pwrite64", of_confined & ~of_worker, [] { call(SYS_pwrite64, -1, nullptr, 0, 0); }},
    {"writev", of_confined, [] { call(SYS_writev, -1, nullptr, 0); }},
    {"splice", of_confined, [] { call(SYS_splice, -1, nullptr, -1, nullptr, 0, 0); }},
    {"copy_file_range", of_confined,
     [] { call(SYS_copy_file_range, -1, nullptr, -1, nullptr, 0, 0); }},
    {"clear_append", of_confined, [] { call(SYS_fcntl, STDERR_FILENO, F_SETFL, 0); }},
    {"fcntl_setown", of_confined, [] { call(SYS_fcntl, -1, F_SETOWN, 0); }},
    {"ioctl", of_all, [] { call(SYS_ioctl, -1, 0, 0); }},
    {"mmap_exec", of_children,
     [] { call(SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }},
    {"pkey_mprotect", of_confined, [] { call(SYS_pkey_mprotect, 0, 0, PROT_EXEC, -1); }},
    {"personality", of_confined, [] { call(SYS_personality, 0xffffffff); }},
    {"prctl", of_children, [] { call(SYS_prctl, PR_GET_DUMPABLE, 0, 0, 0, 0); }},
    {"seccomp", of_children, [] { call(SYS_seccomp, ~0U, 0, nullptr); }},
    {"setresuid", of_children, [] { call(SYS_setresuid, -1, -1, -1); }},
    {"setuid", of_confined, [] { call(SYS_setuid, ::getuid()); }},
    {"setgroups", of_children, [] { call(SYS_setgroups, -1, nullptr); }},
    {"setfsuid", of_confined, [] { call(SYS_setfsuid, -1); }},
    {"capset", of_children, [] { call(SYS_capset, nullptr, nullptr); }},
    {"setrlimit", of_confined, [] { call(SYS_setrlimit, -1, nullptr); }},
    {"setpriority", of_confined, [] { call(SYS_setpriority, -1, 0, 0); }},
    {"shmget", of_confined, [] { call(SYS_shmget, 0, 0, 0); }},
    {"mq_open", of_all, [] { call(SYS_mq_open, "", 0, 0, nullptr); }},
    {"inotify_init1", of_confined, [] { call(SYS_inotify_init1, -1); }},
    {"finit_module", of_all, [] { call(SYS_finit_module, -1, "", 0); }},
    {"reboot", of_all, [] { call(SYS_reboot, 0, 0, 0, nullptr); }},
    {"getsockopt", of_router | of_helpers,
     [] { call(SYS_getsockopt, -1, SOL_SOCKET, SO_PROTOCOL, nullptr, nullptr); }},
    {"setsockopt_other", of_confined,
     [] { call(SYS_setsockopt, -1, SOL_SOCKET, SO_REUSEPORT, nullptr, 0); }},
    {"bpf_on_a_socket", of_confined,
     [] { call(SYS_setsockopt, -1, SOL_SOCKET, SO_ATTACH_FILTER, nullptr, 0); }},
    {"nodelay", of_confined,
     [] { call(SYS_setsockopt, -1, IPPROTO_TCP, TCP_NODELAY, nullptr, 0); }},
    {"low_water_mark", of_worker | of_helpers,
     [] { call(SYS_setsockopt, -1, SOL_SOCKET, SO_RCVLOWAT, nullptr, 0); }},
    {"socketpair", of_children, [] { call(SYS_socketpair, AF_UNIX, 0, 0, nullptr); }},
    {"socketpair_inet", of_all, [] { call(SYS_socketpair, AF_INET, 0, 0, nullptr); }},
#ifdef __x86_64__
// getpid, which every filter allows, through the two side doors of the machine.
#ifndef PERCHILD_SANITIZE  // whose runtime takes the fault of a kernel that has no such door
    {"int_0x80", of_all,
     [] {
       long result = 20;
       asm volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
     }},
#endif
    {"x32", of_all, [] { call(0x4000'0000L | SYS_getpid); }},
#endif
};

// What each role lives by, of which a filter that is too strict would show only under load.
const Call allowed[] = {
    {"write", of_all, [] { call(SYS_write, STDERR_FILENO, "", 0); }},
    {"time", of_all, [] { call(SYS_clock_gettime, CLOCK_REALTIME, nullptr); }},
    {"mmap", of_all,
     [] { call(SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }},
    {"epoll_wait", of_master | of_serving | of_keeper,
     [] { call(SYS_epoll_wait, -1, nullptr, 1, 0); }},
    {"sendmsg", of_all, [] { call(SYS_sendmsg, -1, nullptr, MSG_DONTWAIT | MSG_NOSIGNAL); }},
    {"send", of_master | of_router,
     [] { call(SYS_sendto, -1, "", 0, MSG_NOSIGNAL | MSG_MORE, nullptr, 0); }},
    {"recvmsg", of_all, [] { call(SYS_recvmsg, -1, nullptr, MSG_CMSG_CLOEXEC); }},
    {"peek", of_master | of_serving,
     [] { call(SYS_recvfrom, -1, nullptr, 0, MSG_PEEK, nullptr, nullptr); }},
    {"shutdown", of_master | of_serving, [] { call(SYS_shutdown, -1, SHUT_WR); }},
    {"mlock", of_keeper, [] { call(SYS_mlock, 0, 0); }},
    {"seals", of_keeper, [] { call(SYS_fcntl, -1, F_GET_SEALS); }},
    {"accept4", of_router, [] { call(SYS_accept4, -1, nullptr, nullptr, SOCK_CLOEXEC); }},
    {"openat2", of_worker, [] { call(SYS_openat2, -1, "", nullptr, 0); }},
    {"getdents64", of_worker, [] { call(SYS_getdents64, -1, nullptr, 0); }},
    {"readlinkat", of_worker, [] { call(SYS_readlinkat, -1, "", nullptr, 0); }},
    {"sendfile", of_worker, [] { call(SYS_sendfile, -1, -1, nullptr, 0); }},
    {"ppoll", of_checker,
     [] {
       const ::timespec at_once{};
       call(SYS_ppoll, nullptr, 0, &at_once, nullptr, 0);
     }},
    {"fstat", of_worker | of_checker, [] { call(SYS_fstat, -1, nullptr); }},
    {"new_threads", of_runner, [] { fork_and_end(SYS_clone, SIGCHLD); }},
    {"exec", of_runner, [] { call(SYS_execve, "/nowhere", nullptr, nullptr); }},
    {"sockets_of_the_internet", of_runner, [] { call(SYS_socket, AF_INET, SOCK_STREAM, 0); }},
    {"datagrams", of_runner,
     [] { call(SYS_socket, AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP); }},
    {"interfaces", of_runner, [] { call(SYS_socket, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE); }},
    {"files", of_runner, [] { call(SYS_openat, AT_FDCWD, "/nowhere", O_RDONLY); }},
    {"code_made_at_run_time", of_runner,
     [] { call(SYS_mprotect, 0, 0, PROT_READ | PROT_WRITE | PROT_EXEC); }},
    {"a_runner", of_master,
     [] { fork_and_end(SYS_clone, static_cast<unsigned long>(own_namespaces_flags) | SIGCHLD); }},
    {"fork", of_master, [] { fork_and_end(SYS_clone, SIGCHLD); }},
    {"cgroup", of_master, [] { call(SYS_mkdirat, -1, "x", 0); }},
    {"ids", of_master, [] { call(SYS_setresuid, -1, -1, -1); }},
    {"loader", of_master, [] { call(SYS_mprotect, 0, 0, PROT_READ | PROT_EXEC); }},
};

const std::string& filter_of(Role role) {
  static const auto filters = [] {
    std::map<Role, std::string> all;
    for (const Role each : {Role::master, Role::router, Role::worker, Role::checker, Role::keeper,
                            Role::exporter, Role::runner}) {
      all[each] = compile_syscall_filter(each).value();
    }
    return all;
  }();
  return filters.at(role);
}

ChildEnd make_under(const std::string* filter, const Call& call) {
  return in_child([&] {
    if (filter != nullptr &&
        (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || !load_syscall_filter(*filter))) {
      return 98;
    }
    call.make();
    ::_exit(was_refused ? ENOSYS : 0);
  });
}

class SyscallFilter : public ::testing::TestWithParam<Role> {};

TEST_P(SyscallFilter, DeniesWhatItsRoleMayNotCallAndTheSameCallReturnsWithoutIt) {
  for (const Call& call : forbidden) {
    if ((call.roles & bit_of(GetParam())) == 0) continue;
    const ChildEnd control = make_under(nullptr, call);
    // A kernel that has no such side door faults, and there is nothing to be denied.
    if (!control.exited && control.status == SIGSEGV) continue;
    EXPECT_TRUE(control.exited || control.status != SIGSYS) << call.name;
    const ChildEnd end = make_under(&filter_of(GetParam()), call);
    // Through a side door of the machine it is killed for by every filter.
    const bool killed = !end.exited && end.status == SIGSYS;
    const bool refused = end.exited && end.status == ENOSYS;
    EXPECT_TRUE(killed || (refused && unlisted_call_of(GetParam()) == UnlistedCall::refuse))
        << call.name << " " << end.status;
  }
}

TEST_P(SyscallFilter, LetsPassWhatItsRoleLivesBy) {
  for (const Call& call : allowed) {
    if ((call.roles & bit_of(GetParam())) == 0) continue;
    const ChildEnd end = make_under(&filter_of(GetParam()), call);
    EXPECT_TRUE(end.exited) << call.name << " " << end.status;
    EXPECT_EQ(end.status, 0) << call.name;
  }
}

TEST_P(SyscallFilter, NeedsNoNewPrivsOfWhoIsNotPrivileged) {
  const std::string& filter = filter_of(GetParam());
  EXPECT_EQ(in_child_as(20001, 20001, [&] { return load_syscall_filter(filter) ? 1 : 0; }).status,
            0);
}

INSTANTIATE_TEST_SUITE_P(OfEachRole, SyscallFilter,
                         ::testing::Values(Role::master, Role::router, Role::worker, Role::checker,
                                           Role::keeper, Role::exporter, Role::runner),
                         [](const auto& each) { return std::string(name_of(each.param)); });

TEST(SyscallFilterLoading, AProgramOfAnImpossibleSizeIsRefused) {
  const std::string good = filter_of(Role::worker);
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, good.size() - 1}) {
    EXPECT_EQ(in_child([&] {
                ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
                return load_syscall_filter(std::string_view(good).substr(0, size)) ? 1 : 0;
              }).status,
              0)
        << size;
  }
}

TEST(SyscallFilterLoading, AProgramThatTheKernelDoesNotTakeIsAnError) {
  EXPECT_EQ(in_child([] {
              ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
              return load_syscall_filter(std::string(80, '\xff')) ? 1 : 0;
            }).status,
            0);
}

}  // namespace
}  // namespace perchild::test::syscall_filter_test
