#include "privsep/detached_mount.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <span>

#include "privsep/fd_passing.h"

namespace perchild {
namespace {

Result<UniqueFd> open_in_own_namespaces(const std::string& path) {
  // open_tree(2) copies mounts of the caller's own mount namespace, and asks for CAP_SYS_ADMIN in
  // it.
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return failure_from_errno("unshare", path);
  UniqueFd directory(static_cast<int>(
      ::syscall(SYS_open_tree, AT_FDCWD, path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)));
  if (!directory.has_value()) return failure_from_errno("open_tree", path);
  struct ::stat facts;
  if (::fstat(directory.get(), &facts) != 0) return failure_from_errno("fstat", path);
  if (!S_ISDIR(facts.st_mode)) return failure({"open_tree", path, ENOTDIR});
  ::mount_attr attributes{};
  attributes.attr_set =
      MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  if (::syscall(SYS_mount_setattr, directory.get(), "", AT_EMPTY_PATH, &attributes,
                sizeof attributes) != 0) {
    return failure_from_errno("mount_setattr", path);
  }
  return directory;
}

// The child's whole life: sends the descriptor, or the errno why there is none.
[[noreturn]] void make_and_send(const std::string& path, BorrowedFd socket) {
  const auto directory = open_in_own_namespaces(path);
  const int error = directory ? 0 : directory.error().error;
  const BorrowedFd fds[] = {directory ? directory->borrow() : socket};
  const auto sent =
      send_with_fds(socket, std::as_bytes(std::span(&error, 1)), std::span(fds, directory ? 1 : 0));
  ::_exit(sent == SendStatus::sent ? 0 : 1);
}

}  // namespace

Result<UniqueFd> detach_directory(const std::string& path) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return failure_from_errno("socketpair");
  }
  const UniqueFd ours(ends[0]);
  UniqueFd childs(ends[1]);
  const ::pid_t child = ::fork();
  if (child < 0) return failure_from_errno("fork");
  if (child == 0) make_and_send(path, childs.borrow());
  childs.reset();
  int status = 0;
  if (::waitpid(child, &status, 0) != child) return failure_from_errno("waitpid");
  int error = EPROTO;
  ReceivedBytes received =
      receive_with_fds(ours.borrow(), std::as_writable_bytes(std::span(&error, 1)));
  const bool complete =
      received.status == ReceiveStatus::message && received.length == sizeof error;
  if (!complete || error != 0 || received.fd_count != 1) {
    return failure({"make a mount of", path, error != 0 ? error : EPROTO});
  }
  return std::move(received.fds[0]);
}

}  // namespace perchild
