#include "privsep/user_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "privsep/capabilities.h"
#include "privsep/unique_fd.h"

namespace perchild {
namespace {

constexpr int map_written = 0;
constexpr int map_refused = 3;
constexpr int parent_gone = 4;

bool write_map(::pid_t pid, const char* file, const std::string& text) {
  const std::string path = "/proc/" + std::to_string(pid) + "/" + file;
  const UniqueFd map(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  // A map takes one write, all at once.
  if (map.has_value() &&
      ::write(map.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size())) {
    return true;
  }
  const std::string line = "<3>perchild: " + SysError::from_errno("write", path).text() + "\n";
  [[maybe_unused]] const ssize_t said = ::write(STDERR_FILENO, line.data(), line.size());
  return false;
}

// Its owner has every right over a namespace, and who makes it is that. The capabilities, of which
// no longer being root takes the effective ones away, are for writing its maps; and to make it they
// are asked for where kernel.unprivileged_userns_clone is 0.
Result<void> be_owner(Uid owner) {
  const auto held = read_capabilities();
  if (!held) return failure(held.error());
  if (::seteuid(owner.value) != 0) return failure_from_errno("seteuid");
  return keep_only_capabilities(held->permitted);
}

// The child's whole life: it stays in the old namespace, where alone a map of more than the
// writer's own id may be written.
[[noreturn]] void write_maps_when_told(UniqueFd told, Uid owner, ::pid_t parent,
                                       const std::string& uids, const std::string& gids) {
  char byte;
  if (!be_owner(owner)) ::_exit(map_refused);
  if (::read(told.get(), &byte, 1) != 1) ::_exit(parent_gone);
  const bool written = write_map(parent, "uid_map", uids) && write_map(parent, "gid_map", gids);
  ::_exit(written ? map_written : map_refused);
}

}  // namespace

Result<void> enter_user_namespace(const IdMap& uids, const IdMap& gids, Uid owner) {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return failure_from_errno("pipe2");
  UniqueFd told(fds[0]);
  UniqueFd tell(fds[1]);
  const ::pid_t self = ::getpid();
  const ::pid_t writer = ::fork();
  if (writer < 0) return failure_from_errno("fork");
  if (writer == 0) {
    tell.reset();
    write_maps_when_told(std::move(told), owner, self, uids.text(), gids.text());
  }
  if (auto owned = be_owner(owner); !owned) return owned;
  // Or its maps would be root's to write. The next change of ids takes this away again.
  if (::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0) return failure_from_errno("PR_SET_DUMPABLE");
  if (::unshare(CLONE_NEWUSER) != 0) return failure_from_errno("unshare", "user namespace");
  if (::write(tell.get(), "", 1) != 1) return failure_from_errno("write", "id map writer");
  int status = 0;
  if (::waitpid(writer, &status, 0) != writer) return failure_from_errno("waitpid");
  if (!WIFEXITED(status) || WEXITSTATUS(status) != map_written) {
    return failure({"write id maps", "of the user namespace", 0});
  }
  return {};
}

}  // namespace perchild
