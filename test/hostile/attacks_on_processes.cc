#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <map>

#include "privsep/unique_fd.h"
#include "test/hostile/attacks.h"

namespace perchild::test {
namespace {

// Something to read in another process, at the same address in every process forked from this one.
const char landmark[] = "landmark";

int open_in_proc(const std::string& pid, const char* file, int flags) {
  const std::string path = "/proc/" + pid + "/" + file;
  const UniqueFd opened(::open(path.c_str(), flags | O_CLOEXEC));
  if (!opened.has_value()) return errno;
  return 0;
}

int read_memory(const std::string& pid) {
  char bytes[sizeof landmark];
  const ::iovec here{bytes, sizeof bytes};
  const ::iovec there{const_cast<char*>(landmark), sizeof landmark};
  if (::process_vm_readv(std::stoi(pid), &here, 1, &there, 1, 0) >= 0) return 0;
  return errno == EFAULT ? 0 : errno;  // it may look, there is only nothing at that address
}

int write_memory(const std::string& pid) {
  const ::iovec here{const_cast<char*>(landmark), sizeof landmark};
  const ::iovec there{nullptr, sizeof landmark};
  if (::process_vm_writev(std::stoi(pid), &here, 1, &there, 1, 0) >= 0) return 0;
  return errno == EFAULT ? 0 : errno;
}

int attach(const std::string& pid) {
  const ::pid_t target = std::stoi(pid);
  if (::ptrace(PTRACE_SEIZE, target, nullptr, nullptr) != 0) return errno;
  ::ptrace(PTRACE_INTERRUPT, target, nullptr, nullptr);
  ::waitpid(target, nullptr, __WALL);
  ::ptrace(PTRACE_DETACH, target, nullptr, nullptr);
  return 0;
}

int take_descriptor(const std::string& pid) {
  const UniqueFd handle(static_cast<int>(::syscall(SYS_pidfd_open, std::stoi(pid), 0)));
  if (!handle.has_value()) return errno;
  const UniqueFd taken(static_cast<int>(::syscall(SYS_pidfd_getfd, handle.get(), 0, 0)));
  return taken.has_value() ? 0 : errno;
}

int list_descriptors(const std::string& pid) {
  ::DIR* folder = ::opendir(("/proc/" + pid + "/fd").c_str());
  if (folder == nullptr) return errno;
  ::closedir(folder);
  return 0;
}

int signal_it(const std::string& pid) {
  return ::kill(std::stoi(pid), 0) == 0 ? 0 : errno;
}

int signal_its_handle(const std::string& pid) {
  const UniqueFd handle(static_cast<int>(::syscall(SYS_pidfd_open, std::stoi(pid), 0)));
  if (!handle.has_value()) return errno;
  return ::syscall(SYS_pidfd_send_signal, handle.get(), 0, nullptr, 0) == 0 ? 0 : errno;
}

int raise_its_limits(const std::string& pid) {
  return ::syscall(SYS_prlimit64, std::stoi(pid), 7, nullptr, nullptr) == 0 ? 0 : errno;
}

const std::map<std::string, Attack> attacks_by_name{
    {"read_memory", read_memory},
    {"write_memory", write_memory},
    {"attach", attach},
    {"take_descriptor", take_descriptor},
    {"list_descriptors", list_descriptors},
    {"signal", signal_it},
    {"signal_handle", signal_its_handle},
    {"raise_limits", raise_its_limits},
    {"proc_mem", [](const std::string& pid) { return open_in_proc(pid, "mem", O_RDWR); }},
    {"proc_environ", [](const std::string& pid) { return open_in_proc(pid, "environ", O_RDONLY); }},
    {"proc_maps", [](const std::string& pid) { return open_in_proc(pid, "maps", O_RDONLY); }},
    {"proc_auxv", [](const std::string& pid) { return open_in_proc(pid, "auxv", O_RDONLY); }},
    {"proc_root", [](const std::string& pid) { return open_in_proc(pid, "root", O_DIRECTORY); }},
    {"proc_cwd", [](const std::string& pid) { return open_in_proc(pid, "cwd", O_DIRECTORY); }},
    {"proc_exe", [](const std::string& pid) { return open_in_proc(pid, "exe", O_RDONLY); }},
    {"proc_fd", [](const std::string& pid) { return open_in_proc(pid, "fd/0", O_PATH); }},
    {"proc_fdinfo", [](const std::string& pid) { return open_in_proc(pid, "fdinfo/0", O_RDONLY); }},
    {"proc_namespace",
     [](const std::string& pid) { return open_in_proc(pid, "ns/user", O_RDONLY); }},
};

}  // namespace

Attack attack_on_process(const std::string& name) {
  const auto found = attacks_by_name.find(name);
  return found == attacks_by_name.end() ? nullptr : found->second;
}

}  // namespace perchild::test
