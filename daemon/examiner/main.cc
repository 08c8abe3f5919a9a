// perchild-examiner: looks at the names in a site's root for `perchild doctor`, under the site's
// uid and behind a worker's walls, so that whatever the site's user does meanwhile, it sees no more
// than he does.
//
// Runs in: examiner, a child of the command; locked down as a worker is.
// Trusts: the command, which placed its descriptors, by the numbers that an explainer has them
// under (privsep/inherited_fds.h).
// Does not trust: the site's files. It opens none.
#include <fcntl.h>
#include <unistd.h>

#include "daemon/examiner/root_walk.h"
#include "privsep/answer_to_command.h"
#include "privsep/inherited_fds.h"
#include "privsep/lock_down.h"
#include "privsep/sealed_memory.h"

namespace perchild {
namespace {

Result<void> run() {
  const auto packed = SealedMapping::map(BorrowedFd(ExplainerFds::settings));
  if (!packed) return failure(packed.error());
  const auto examination = RootExamination::unpack(packed->bytes());
  if (!examination) return failure({"load", "what is to be examined", 0});
  const auto filter = SealedMapping::map(BorrowedFd(ExplainerFds::filter));
  if (!filter) return failure(filter.error());
  const RootOwner owner{::geteuid(), ::getegid(), examination->shares_group};
  const UniqueFd root(::open(examination->root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.has_value()) return failure_from_errno("open", examination->root);
  const auto proof = lock_down<Role::worker>({.filter = filter->bytes(),
                                              .new_root = root.borrow(),
                                              .root_is_readable = true,
                                              .landlock = examination->needs_landlock
                                                              ? Requirement::required
                                                              : Requirement::if_available});
  if (!proof) return failure(proof.error());
  answer_command(walk_root(root.borrow(), *examination, owner).pack());
  return {};
}

}  // namespace
}  // namespace perchild

int main() {
  return perchild::answer_command_by("perchild-examiner", perchild::run);
}
