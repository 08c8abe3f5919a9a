// Sessions of PHP lie in the memory of a site's runner, and would go with it when the site sleeps.
// So the runner leaves them in a memory that is the master's, of a sealed size, for the next one;
// the master never looks into it. Nothing of the site runs meanwhile.
//
// Runs in: master.
// Does not trust: runners. One that does not leave is ended, and what it leaves is its site's
// alone.
#include <sys/stat.h>

#include <algorithm>

#include "daemon/master/master.h"
#include "privsep/shared_memory.h"

namespace perchild {
namespace {

constexpr std::chrono::seconds time_to_leave{5};
constexpr std::uint64_t bytes_of_block = 512;  // inode(7)

// What has been written to it; 0 if nothing has.
std::uint64_t bytes_in(BorrowedFd memory) {
  struct ::stat status;
  if (::fstat(memory.get(), &status) != 0) return 0;
  return static_cast<std::uint64_t>(status.st_blocks) * bytes_of_block;
}

}  // namespace

// Instead of being ended at once.
bool MasterLoop::may_finish(RunnerChild& runner) {
  const SiteRecord& record = table_.sites[runner.site.value];
  const bool is_of_site =
      record.name == runner.site_name && Generation{record.generation} == runner.generation;
  if (is_ending() || !is_of_site || runner.child.state != ChildState::serving) return false;
  if (runner.child.leave_by) return true;
  if (record.session.count() == 0 || table_.groups.sessions == 0 || !runner.control) return false;
  auto memory = make_shared_memory("sessions", session_memory);
  if (!memory) return false;
  runner.sessions = std::move(*memory);
  runner.child.leave_by = now_ + time_to_leave;
  send(runner, KeepSessions{0}, runner.sessions.borrow());
  return true;
}

void MasterLoop::keep_sessions(RunnerChild& runner) {
  const SiteRecord& record = table_.sites[runner.site.value];
  const std::uint64_t bytes = bytes_in(runner.sessions.borrow());
  if (bytes == 0 || record.uid.uid() != runner.identity.uid) return;
  sessions_.insert_or_assign(runner.site,
                             KeptSessions{std::move(runner.sessions), runner.identity.uid, now_,
                                          now_ + record.session, bytes});
}

// Once: from now on they are what it makes of them.
void MasterLoop::give_sessions(RunnerChild& runner) {
  const auto kept = sessions_.extract(runner.site);
  if (kept.empty() || kept.mapped().uid != runner.identity.uid) return;
  send(runner, TakeSessions{0}, kept.mapped().memory.borrow());
}

// Those whose time is up, and those that have been kept for longest when there are too many.
void MasterLoop::forget_sessions() {
  std::erase_if(sessions_, [&](const auto& each) { return each.second.until <= now_; });
  std::uint64_t bytes = 0;
  for (const auto& [site, kept] : sessions_) bytes += kept.bytes;
  while (bytes > table_.groups.sessions || sessions_.size() > table_.groups.running) {
    const auto oldest = std::min_element(
        sessions_.begin(), sessions_.end(),
        [](const auto& one, const auto& other) { return one.second.since < other.second.since; });
    bytes -= oldest->second.bytes;
    sessions_.erase(oldest);
  }
}

}  // namespace perchild
