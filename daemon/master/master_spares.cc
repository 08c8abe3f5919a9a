// Spares: children that have begun namespaces of their own and loaded PHP before there is a site
// for them. The master gives one a site when that needs a runner, and starts another. They are of
// different kinds, by what they have loaded; a site whose kind has none at hand has a runner
// started as if there were no spares.
//
// Runs in: master.
// Does not trust: spares. What one says is either permitted now, or the end of it.
#include <unistd.h>

#include <algorithm>

#include "daemon/master/hear.h"
#include "daemon/master/master.h"
#include "privsep/identity_memory.h"
#include "privsep/inherited_fds.h"
#include "privsep/process_status.h"

namespace perchild {
namespace {

constexpr const char* a_spare = "a spare";
// Another is loaded then, and with it what has been installed meanwhile.
constexpr std::chrono::hours longest_life{1};
// Before a spare that has gone to a site is replaced: its visitor is still to be answered.
constexpr std::chrono::milliseconds pause{50};

}  // namespace

void MasterLoop::start_spare(std::string_view kind) {
  const auto give_up = [&](const SysError& error) {
    log_.line(Priority::error, std::string(a_spare) + " cannot be started: " + error.text());
    spare_back_off_.on_death(now_, Clock::duration::zero());
  };
  const auto settings = make_sealed_memory("settings", std::string(kind));
  if (!settings) return give_up(settings.error());
  auto pair = make_channel_pair();
  if (!pair) return give_up(pair.error());
  SpawnPlan plan{.role = Role::spare,
                 .identity = {table_.spare->uid, table_.spare->gid, {}},
                 .executable = BorrowedFd(MasterFds::spare_executable),
                 .title = std::string(executable_of(Role::spare)),
                 .fds = {{BorrowedFd(STDIN_FILENO), STDIN_FILENO},
                         {BorrowedFd(STDIN_FILENO), STDOUT_FILENO},
                         {BorrowedFd(STDERR_FILENO), ChildFds::log},
                         {pair->second.borrow(), ChildFds::control},
                         {BorrowedFd(MasterFds::runner_filter), ChildFds::filter},
                         {settings->borrow(), ChildFds::settings}},
                 .environment = {}};
  if (!log_.environment().empty()) plan.environment.push_back(log_.environment());
  auto process = spawn(plan);
  if (!process) return give_up(process.error());
  SpareChild& spare = *spares_.emplace_back(std::make_unique<SpareChild>(kind));
  spare.child = {ChildState::locking_down, process->pid, std::move(process->pidfd), now_};
  spare.control.emplace(std::move(pair->first));
  spare.id_maps = std::move(process->id_maps);
}

// It may have become a runner since it was looked for.
void MasterLoop::on_spare_readable(int fd) {
  const auto found = std::find_if(spares_.begin(), spares_.end(), [fd](const auto& spare) {
    return spare->control && spare->control->fd().get() == fd;
  });
  if (found == spares_.end()) return;
  SpareChild& spare = **found;
  constexpr int messages_at_once = 1;
  hear(
      spare.control, spare.child, now_, messages_at_once,
      [&](const auto& message) { return on_message(spare, message); },
      [&](Offence offence) { end(spare.child, std::string(a_spare) + " " + text_of(offence)); });
}

bool MasterLoop::on_message(SpareChild& spare, const SpareLoaded&) {
  if (spare.child.state != ChildState::locking_down) return false;
  const auto status = read_process_status(spare.child.pid);
  const Identity identity{table_.spare->uid, table_.spare->gid, {}};
  const auto difference = status
                              ? difference_from_policy(*status, Role::spare, identity, own_filters_)
                              : std::optional(status.error().text());
  if (difference) {
    log_.line(Priority::error, std::string(a_spare) + " is not what it should be: " + *difference);
    return false;
  }
  spare.child.state = ChildState::serving;
  return true;
}

void MasterLoop::on_spare_death(const SpareChild& spare, int status) {
  if (spare.child.state != ChildState::ending) {
    log_.line(Priority::error, describe_death(a_spare, spare.child.pid, status));
  }
  if (spare.child.state != ChildState::ending || !spare.child.ended_because.empty()) {
    spare_back_off_.on_death(now_, now_ - spare.child.started_at);
  }
  std::erase_if(spares_, [&](const auto& one) { return one.get() == &spare; });
}

// False if there is none, or if that fails: the runner is then to be started.
bool MasterLoop::make_of_spare(RunnerChild& runner, const OfRunner& parts) {
  runner.was_spare = false;
  if (runner.spare_kind.empty() || runner.spare_has_failed) return false;
  const auto found = std::find_if(spares_.begin(), spares_.end(), [&](const auto& spare) {
    return spare->child.state == ChildState::serving && spare->control &&
           spare->settings == runner.spare_kind;
  });
  if (found == spares_.end()) return false;
  SpareChild& spare = **found;
  if (const auto given = give_parts(spare, runner, parts); !given) {
    end(spare.child,
        std::string(a_spare) + " cannot become the " + runner.name + ": " + given.error().text());
    return false;
  }
  runner.child = std::move(spare.child);
  runner.child.state = ChildState::locking_down;
  runner.child.started_at = now_;
  runner.was_spare = true;
  next_spare_ = now_ + pause;
  runner.control.emplace(std::move(*spare.control).take_socket());
  spares_.erase(found);
  return true;
}

// The ids come to be here; it takes them when it reads of them.
Result<void> MasterLoop::give_parts(SpareChild& spare, const RunnerChild& runner,
                                    const OfRunner& parts) {
  const auto identity = make_identity_memory(runner.identity);
  if (!identity) return failure(identity.error());
  const auto procs = parts.cgroup ? open_cgroup_procs(*parts.cgroup) : Result<UniqueFd>();
  if (!procs) return failure(procs.error());
  if (auto moved = parts.cgroup ? move_to_cgroup(*parts.cgroup, spare.child.pid) : Result<void>();
      !moved) {
    return moved;
  }
  if (auto written = write_id_maps(*spare.id_maps, runner.identity); !written) return written;
  if (auto watched = site_channels_.watch(runner.site, spare.control->fd()); !watched) {
    return watched;
  }
  const BorrowedFd nowhere(STDIN_FILENO);
  for (const auto& [part, fd] :
       {std::pair(SparePart::log, parts.error_log),
        std::pair(SparePart::cgroup, procs->has_value() ? procs->borrow() : nowhere),
        std::pair(SparePart::identity, identity->borrow()),
        std::pair(SparePart::settings, parts.settings)}) {
    if (spare.control->send(TakePart{part}, fd) != SendStatus::sent) {
      return failure({"tell", "it so", 0});
    }
  }
  return {};
}

bool MasterLoop::is_wanted(const SpareChild& spare) const {
  return !is_ending() && now_ - spare.child.started_at < longest_life &&
         std::find(table_.spares.begin(), table_.spares.end(), spare.settings) !=
             table_.spares.end();
}

// One that is ending is there until it is gone: where a disk hangs, a killed one does not die, and
// there would be ever more.
std::optional<std::string_view> MasterLoop::missing_kind_of_spare() const {
  for (const std::string_view kind : table_.spares) {
    const auto are = std::count_if(spares_.begin(), spares_.end(),
                                   [&](const auto& spare) { return spare->settings == kind; });
    if (static_cast<std::uint32_t>(are) < table_.groups.spares) return kind;
  }
  return std::nullopt;
}

// One after another, so that their loading leaves the machine to visitors.
void MasterLoop::keep_spares() {
  bool is_any_loading = false;
  for (const auto& spare : spares_) {
    const auto deadline = deadline_of(spare->child);
    if (deadline && *deadline <= now_) end(spare->child, a_spare + complaint_about(spare->child));
    if (!is_wanted(*spare)) end(spare->child, "");
    is_any_loading |= spare->child.state == ChildState::locking_down;
  }
  if (is_ending() || !announced_ready_ || is_any_loading) return;
  const auto missing = missing_kind_of_spare();
  if (missing && next_spare_start() <= now_) start_spare(*missing);
}

std::optional<Clock::time_point> MasterLoop::next_spare_timer() const {
  std::optional<Clock::time_point> first;
  const auto consider = [&](Clock::time_point at) { first = std::min(first.value_or(at), at); };
  bool is_any_loading = false;
  for (const auto& spare : spares_) {
    if (spare->child.state == ChildState::ending) continue;
    consider(deadline_of(spare->child).value_or(spare->child.started_at + longest_life));
    is_any_loading |= spare->child.state == ChildState::locking_down;
  }
  const bool may_start = !is_ending() && announced_ready_ && !is_any_loading;
  if (may_start && missing_kind_of_spare()) consider(next_spare_start());
  return first;
}

}  // namespace perchild
