#include "test/hostile/tenants_program.h"

#include <fcntl.h>
#include <linux/keyctl.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include "test/support/server.h"

namespace perchild::test {
namespace {

constexpr const char* sessions = "/var/lib/php/sessions";

void give(const std::string& path) {
  if (::chown(path.c_str(), uid_b, uid_b) != 0) throw std::runtime_error("chown");
}

UniqueFd listen_at_name(const std::string& name) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ::sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, name.data(), name.size());
  const auto length = static_cast<::socklen_t>(offsetof(::sockaddr_un, sun_path) + name.size());
  if (::bind(socket.get(), reinterpret_cast<const ::sockaddr*>(&address), length) != 0 ||
      ::listen(socket.get(), SOMAXCONN) != 0) {
    throw std::runtime_error("a socket of the neighbour's");
  }
  return socket;
}

}  // namespace

Neighbourhood::Neighbourhood()
    : home_("/srv"),
      name_("perchild-test-" + std::to_string(::getpid())),
      key_(static_cast<::key_t>(0x7065'0000 + ::getpid() % 0xffff)) {
  make_files();
  make_sockets();
  make_shared_objects();
  process_ = ::fork();
  if (process_ == 0) {
    if (::setresgid(uid_b, uid_b, uid_b) == 0 && ::setresuid(uid_b, uid_b, uid_b) == 0) {
      ::execlp("sleep", "sleep", "1000", nullptr);
    }
    ::_exit(127);
  }
  const std::string arguments = "/proc/" + std::to_string(process_) + "/cmdline";
  if (!eventually([&] { return read_file(arguments).starts_with("sleep"); })) {
    throw std::runtime_error("the neighbour's process");
  }
}

void Neighbourhood::make_files() {
  give(home_.path());
  give(home_.write("open", "left open"));
  give(home_.write("secret", "kept secret", 0600));
  give(left_in_tmp_.write("left", "left behind"));
  if (std::filesystem::exists(sessions)) {
    session_ = std::string(sessions) + "/sess_" + name_;
    write_file(session_, "user|s:1:\"b\";", 0600);
    give(session_);
  }
}

void Neighbourhood::make_sockets() {
  at_path_ = listen_at_name(home_.path() + "/socket");
  ::chmod((home_.path() + "/socket").c_str(), 0777);
  abstract_ = listen_at_name('\0' + name_);
  port_ = std::to_string(free_port());
  unused_port_ = std::to_string(free_port());
  listener_ = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ::sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(port_)));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener_.get(), reinterpret_cast<const ::sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_.get(), SOMAXCONN) != 0) {
    throw std::runtime_error("a port of the neighbour's");
  }
}

void Neighbourhood::make_shared_objects() {
  const ::mode_t before = ::umask(0);
  memory_ = ::shmget(key_, 4096, IPC_CREAT | 0666);
  semaphores_ = ::semget(key_, 1, IPC_CREAT | 0666);
  queue_ = ::msgget(key_, IPC_CREAT | 0666);
  const UniqueFd named(::shm_open(("/" + name_).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  ::mq_attr small{};  // nine of the usual size are root's share
  small.mq_maxmsg = 1;
  small.mq_msgsize = 16;
  const UniqueFd messages(::mq_open(("/" + name_).c_str(), O_RDWR | O_CREAT, 0666, &small));
  const long key =
      ::syscall(SYS_add_key, "user", name_.c_str(), "secret", 6, KEY_SPEC_SESSION_KEYRING);
  ::umask(before);
  if (memory_ < 0 || semaphores_ < 0 || queue_ < 0 || !named.has_value() || !messages.has_value() ||
      key < 0) {
    throw std::runtime_error("the neighbour's shared objects");
  }
}

Neighbourhood::~Neighbourhood() {
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
  ::shmctl(memory_, IPC_RMID, nullptr);
  ::semctl(semaphores_, 0, IPC_RMID);
  ::msgctl(queue_, IPC_RMID, nullptr);
  ::shm_unlink(("/" + name_).c_str());
  ::mq_unlink(("/" + name_).c_str());
  if (!session_.empty()) ::unlink(session_.c_str());
}

std::vector<TenantsAttack> Neighbourhood::attacks() const {
  const std::string home = home_.path();
  const std::string pid = std::to_string(process_);
  const std::string key = std::to_string(key_);
  const std::string shared = "/" + name_;
  const auto plain = Stand::plain;
  const auto as_owner = Stand::as_owner;
  const auto as_root = Stand::as_root;
  std::vector<TenantsAttack> all{
      // Files that their modes protect, and such that they do not.
      {"read", home + "/secret", ENOENT, as_owner},
      {"read", home + "/open", ENOENT, plain},
      {"write", home + "/open", ENOENT, as_owner},
      {"make", home + "/made", ENOENT, as_owner},
      {"list", home, ENOENT, plain},
      {"look_at", home + "/secret", ENOENT, plain},
      {"watch", home, ENOENT, plain},
      {"connect_path", home + "/socket", ENOENT, plain},
      {"read", left_in_tmp_.path() + "/left", ENOENT, plain},
      {"write", "/etc/passwd", EACCES, as_root},
      {"write", "/proc/sys/kernel/core_pattern", EACCES, as_root},
      {"list", "/sys/fs/cgroup", EACCES, plain},
      // Other processes, be they of one's own uid.
      {"see_process", pid, ENOENT, plain},
      {"read_arguments", pid, ENOENT, plain},
      {"proc_environ", pid, ENOENT, as_owner},
      {"proc_mem", pid, ENOENT, as_owner},
      {"proc_cwd", pid, ENOENT, as_owner},
      {"proc_fd", pid, ENOENT, as_owner},
      {"proc_root", pid, ENOENT, as_owner},
      {"read_memory", pid, ENOSYS, as_owner},
      {"write_memory", pid, ENOSYS, as_owner},
      {"attach", pid, ENOSYS, as_owner},
      {"take_descriptor", pid, ESRCH, as_owner},
      {"signal", pid, ESRCH, as_owner},
      {"signal_handle", pid, ESRCH, as_owner},
      {"raise_limits", pid, ESRCH, as_owner},
      // What has a name for all of the machine.
      {"attach_memory", key, ENOENT, plain},
      {"find_semaphores", key, ENOENT, plain},
      {"find_queue", key, ENOENT, plain},
      {"open_named_memory", shared, ENOENT, plain},
      {"open_named_queue", shared, ENOSYS, plain},
      {"find_key", name_, ENOSYS, plain},
      {"connect_abstract", name_, EPERM, plain},
      {"listen_at", unused_port_, EACCES, plain},
      {"listen_multipath_at", unused_port_, ENOSYS, plain},
      {"list_connections", "-", ENOSYS, plain},
      // Being somebody else.
      {"become", "0", EINVAL, as_root},
      {"become", std::to_string(uid_b), EINVAL, as_root},
      {"join_group", "0", EPERM, as_root},
      {"join_group", std::to_string(uid_b), EPERM, as_root},
      {"read_by_chroot", home + "/secret", ENOSYS, as_root},
      {"read_by_nested_namespace", home + "/open", ENOSYS, plain},
      {"user_namespace", "-", ENOSYS, plain},
      {"user_and_net_namespace", "-", ENOSYS, plain},
      {"new_namespace", "-", ENOSYS, plain},
      {"mount", "/mnt", ENOSYS, as_root},
      {"open_by_handle", home + "/secret", ENOSYS, as_root},
      // The kernel, and what it has for all.
      {"make_ring", "-", ENOSYS, as_root},
      {"load_bpf", "-", ENOSYS, as_root},
      {"count_events", "-", ENOSYS, as_root},
      {"handle_faults", "-", ENOSYS, as_root},
      {"trace_child", "-", ENOSYS, plain},
      {"read_kernel_log", "-", ENOSYS, as_root},
      {"set_host_name", "-", ENOSYS, as_root},
      {"go_first", "-", EPERM, as_root},
      {"leave_core", "-", EPERM, as_root},
      {"watch_by_many", "9", EMFILE, plain},
      {"queue_signals", "1025", EAGAIN, plain},
      {"start_many", "600", EAGAIN, plain},
  };
  if (!session_.empty()) all.push_back({"read", session_, EACCES, as_owner});
  return all;
}

}  // namespace perchild::test
