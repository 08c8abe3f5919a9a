#include <dirent.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <map>

#include "privsep/unique_fd.h"
#include "test/hostile/attacks.h"

namespace perchild::test {
namespace {

::key_t key_of(const std::string& text) {
  return static_cast<::key_t>(std::stol(text));
}

// To a name without a path, where `path` begins with a null.
int connect_to_local(const std::string& path, int type) {
  const UniqueFd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  if (!socket.has_value()) return errno;
  ::sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof address.sun_path - 1));
  const auto length = static_cast<::socklen_t>(offsetof(::sockaddr_un, sun_path) + path.size());
  return result_of(::connect(socket.get(), reinterpret_cast<const ::sockaddr*>(&address), length));
}

int connect_to_port(const std::string& port) {
  const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.has_value()) return errno;
  ::sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(port)));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return result_of(
      ::connect(socket.get(), reinterpret_cast<const ::sockaddr*>(&address), sizeof address));
}

// By TCP Fast Open, which connects with the first bytes.
int connect_fast_to_port(const std::string& port) {
  const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.has_value()) return errno;
  ::sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(port)));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return ::sendto(socket.get(), "x", 1, MSG_FASTOPEN, reinterpret_cast<const ::sockaddr*>(&address),
                  sizeof address) == 1
             ? 0
             : errno;
}

int attach_memory(const std::string& key) {
  const int id = ::shmget(key_of(key), 0, 0);
  if (id < 0) return errno;
  void* const memory = ::shmat(id, nullptr, 0);
  if (memory == reinterpret_cast<void*>(-1)) return errno;
  ::shmdt(memory);
  return 0;
}

int open_named_memory(const std::string& name) {
  const UniqueFd memory(::shm_open(name.c_str(), O_RDWR, 0));
  return memory.has_value() ? 0 : errno;
}

int open_named_queue(const std::string& name) {
  const ::mqd_t queue = ::mq_open(name.c_str(), O_RDWR);
  if (queue < 0) return errno;
  ::mq_close(queue);
  return 0;
}

// A key in the session's keyring, which who was started by the same service shares.
int find_key(const std::string& name) {
  return result_of(
      ::syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", name.c_str(), 0));
}

int see_process(const std::string& pid) {
  return result_of(::access(("/proc/" + pid).c_str(), F_OK));
}

int read_arguments(const std::string& pid) {
  const UniqueFd file(::open(("/proc/" + pid + "/cmdline").c_str(), O_RDONLY | O_CLOEXEC));
  return file.has_value() ? 0 : errno;
}

// Whatever an innocent program would not have been given: more than its input, output and errors.
int find_descriptor(const std::string&) {
  for (int fd = 3; fd < 4096; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) return 0;
  }
  return EBADF;
}

const std::map<std::string, Attack> attacks_on_a_neighbour{
    {"connect_path", [](const std::string& path) { return connect_to_local(path, SOCK_STREAM); }},
    {"connect_abstract",
     [](const std::string& name) { return connect_to_local('\0' + name, SOCK_STREAM); }},
    {"connect_port", connect_to_port},
    {"connect_port_fast", connect_fast_to_port},
    {"attach_memory", attach_memory},
    {"find_semaphores",
     [](const std::string& key) { return result_of(::semget(key_of(key), 0, 0)); }},
    {"find_queue", [](const std::string& key) { return result_of(::msgget(key_of(key), 0)); }},
    {"open_named_memory", open_named_memory},
    {"open_named_queue", open_named_queue},
    {"find_key", find_key},
    {"see_process", see_process},
    {"read_arguments", read_arguments},
    {"find_descriptor", find_descriptor},
};

}  // namespace

Attack attack_on_neighbour(const std::string& name) {
  const auto found = attacks_on_a_neighbour.find(name);
  return found == attacks_on_a_neighbour.end() ? nullptr : found->second;
}

}  // namespace perchild::test
