#include "test/hostile/attacks.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <string_view>

#include "privsep/unique_fd.h"

namespace perchild::test {
namespace {

::uid_t id_of(const std::string& text) {
  return static_cast<::uid_t>(std::stoul(text));
}

int open_with(const std::string& path, int flags) {
  const UniqueFd file(::open(path.c_str(), flags | O_CLOEXEC, 0600));
  return file.has_value() ? 0 : errno;
}

// By the one call that a worker's filter has for it.
int open2_with(const std::string& path, std::uint64_t flags) {
  ::open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.mode = (flags & O_CREAT) != 0 ? 0600 : 0;
  const UniqueFd file(
      static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how)));
  return file.has_value() ? 0 : errno;
}

int become(const std::string& id) {
  return result_of(::setresuid(id_of(id), id_of(id), id_of(id)));
}

int join_group(const std::string& id) {
  const ::gid_t group = id_of(id);
  return result_of(::setgroups(1, &group));
}

// Runs a setuid-root id(1) and looks whom it finds itself to be.
int execute_setuid(const std::string& path) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno;
  const UniqueFd from(ends[0]);
  UniqueFd to(ends[1]);
  const ::pid_t pid = ::fork();
  if (pid < 0) return errno;
  if (pid == 0) {
    ::dup2(to.get(), STDOUT_FILENO);
    ::execl(path.c_str(), "id", "-u", nullptr);
    ::_exit(127);
  }
  to.reset();
  char text[32];
  const ssize_t got = ::read(from.get(), text, sizeof text);
  ::waitpid(pid, nullptr, 0);
  return got > 0 && std::string_view(text, static_cast<std::size_t>(got)) == "0\n" ? 0 : EPERM;
}

// Ends with the program's status.
int execute(const std::string& path) {
  ::execl(path.c_str(), path.c_str(), nullptr);
  return errno;
}

int mount_over(const std::string& path) {
  // In a mount namespace of its own, so that it harms nobody where it works.
  if (::unshare(CLONE_NEWNS) != 0) return errno;
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return errno;
  return result_of(::mount("none", path.c_str(), "tmpfs", 0, nullptr));
}

// "Be root of a new root, then read the old one's."
int read_by_chroot(const std::string& path) {
  const UniqueFd outside(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const std::string folder = path.substr(0, path.rfind('/'));
  if (::chroot(folder.c_str()) != 0) return errno;
  if (::fchdir(outside.get()) != 0) return errno;
  if (::chroot(".") != 0) return errno;
  return open_with(path, O_RDONLY);
}

// All capabilities there are, in a namespace of one's own.
int read_by_nested_namespace(const std::string& path) {
  if (::unshare(CLONE_NEWUSER) != 0) return errno;
  return open_with(path, O_RDONLY);
}

int enter_first_namespace(const std::string&) {
  const UniqueFd first(::open("/proc/1/ns/mnt", O_RDONLY | O_CLOEXEC));
  if (!first.has_value()) return errno;
  return result_of(::setns(first.get(), CLONE_NEWNS));
}

int bind_port(const std::string& port) {
  const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ::sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(port)));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return result_of(::bind(socket.get(), reinterpret_cast<::sockaddr*>(&address), sizeof address));
}

int set_host_name(const std::string&) {
  char name[256];
  if (::gethostname(name, sizeof name) != 0) return errno;
  return result_of(::sethostname(name, std::string_view(name).size()));
}

int open_by_handle(const std::string& path) {
  alignas(::file_handle) char bytes[sizeof(::file_handle) + MAX_HANDLE_SZ];
  auto* handle = reinterpret_cast<::file_handle*>(bytes);
  handle->handle_bytes = MAX_HANDLE_SZ;
  int mount = 0;
  const std::string folder = path.substr(0, path.rfind('/'));
  const UniqueFd at(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (::name_to_handle_at(AT_FDCWD, folder.c_str(), handle, &mount, 0) != 0) return errno;
  const UniqueFd opened(::open_by_handle_at(at.get(), handle, O_RDONLY | O_CLOEXEC));
  return opened.has_value() ? 0 : errno;
}

int make_setuid_root(const std::string& path) {
  if (::chown(path.c_str(), 0, 0) != 0) return errno;
  return result_of(::chmod(path.c_str(), 04755));
}

// On a log, open as its process has it.
int log_fd(const std::string& number) {
  return std::stoi(number);
}
int clear_append(const std::string& fd) {
  return result_of(::fcntl(log_fd(fd), F_SETFL, 0));
}
int write_at_start(const std::string& fd) {
  if (::fcntl(log_fd(fd), F_SETFL, 0) != 0) return errno;
  return result_of(::pwrite(log_fd(fd), "X", 1, 0));
}
int write_at(const std::string& fd) {
  return result_of(::pwrite(log_fd(fd), "X", 1, 0));
}
int cut_off(const std::string& fd) {
  return result_of(::ftruncate(log_fd(fd), 0));
}
int map_shared(const std::string& fd) {
  void* mapped = ::mmap(nullptr, 1, PROT_READ | PROT_WRITE, MAP_SHARED, log_fd(fd), 0);
  if (mapped == MAP_FAILED) return errno;
  ::munmap(mapped, 1);
  return 0;
}
int read_back(const std::string& fd) {
  char byte;
  return result_of(::pread(log_fd(fd), &byte, 1, 0));
}

const std::map<std::string, Attack> attacks{
    {"read", [](const std::string& path) { return open_with(path, O_RDONLY); }},
    {"write", [](const std::string& path) { return open_with(path, O_WRONLY | O_APPEND); }},
    {"make", [](const std::string& path) { return open_with(path, O_WRONLY | O_CREAT | O_EXCL); }},
    {"read2", [](const std::string& path) { return open2_with(path, O_RDONLY); }},
    {"write2", [](const std::string& path) { return open2_with(path, O_WRONLY | O_APPEND); }},
    {"truncate2", [](const std::string& path) { return open2_with(path, O_RDONLY | O_TRUNC); }},
    {"make2", [](const std::string& path) { return open2_with(path, O_WRONLY | O_CREAT); }},
    {"make_nameless2",
     [](const std::string& path) { return open2_with(path, O_WRONLY | O_TMPFILE); }},
    {"look_at",
     [](const std::string& path) {
       struct ::stat status;
       return result_of(::stat(path.c_str(), &status));
     }},
    {"link", [](const std::string& path) { return result_of(::link(path.c_str(), "linked")); }},
    {"watch",
     [](const std::string& path) {
       const UniqueFd watches(::inotify_init1(IN_CLOEXEC));
       if (!watches.has_value()) return errno;
       return result_of(::inotify_add_watch(watches.get(), path.c_str(), IN_ALL_EVENTS));
     }},
    {"list", [](const std::string& path) { return open_with(path, O_RDONLY | O_DIRECTORY); }},
    {"become", become},
    {"join_group", join_group},
    {"execute", execute},
    {"execute_setuid", execute_setuid},
    {"mount", mount_over},
    {"read_by_chroot", read_by_chroot},
    {"read_by_nested_namespace", read_by_nested_namespace},
    {"enter_first_namespace", enter_first_namespace},
    {"bind", bind_port},
    {"set_host_name", set_host_name},
    {"open_by_handle", open_by_handle},
    {"make_setuid_root", make_setuid_root},
    {"change_root", [](const std::string& path) { return result_of(::chroot(path.c_str())); }},
    {"clear_append", clear_append},
    {"write_at_start", write_at_start},
    {"write_at", write_at},
    {"cut_off", cut_off},
    {"map_shared", map_shared},
    {"read_back", read_back},
    {"new_socket", [](const std::string&) { return result_of(::socket(AF_INET, SOCK_STREAM, 0)); }},
    {"new_process",
     [](const std::string&) {
       const ::pid_t pid = ::fork();
       if (pid == 0) ::_exit(0);
       return result_of(pid);
     }},
    {"executable_memory",
     [](const std::string&) {
       void* memory = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
       return memory == MAP_FAILED ? errno : 0;
     }},
    {"new_namespace", [](const std::string&) { return result_of(::unshare(CLONE_NEWUSER)); }},
};

}  // namespace

int attack(const std::string& name, const std::string& argument) {
  for (const auto find : {attack_on_process, attack_on_neighbour, attack_on_machine}) {
    if (const Attack found = find(name)) return found(argument);
  }
  const auto found = attacks.find(name);
  return found == attacks.end() ? ENOSYS : found->second(argument);
}

}  // namespace perchild::test
