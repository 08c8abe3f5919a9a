#include "test/fuzz/states/masters_children.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>

#include "privsep/checker_messages.h"
#include "privsep/inherited_fds.h"
#include "privsep/keeper_messages.h"
#include "privsep/process_status.h"
#include "privsep/runner_messages.h"
#include "privsep/spare_messages.h"

namespace perchild::fuzz {
namespace {

constexpr std::uint32_t filters_on_master = 1;

Processes* kernel = nullptr;

// What the kernel shows of a process that is as its policy has it.
ProcessStatus status_as(Role role, const Identity& identity, std::uint32_t filters) {
  const RolePolicy& policy = policy_of(role);
  ProcessStatus status;
  status.uids.assign(4, identity.uid.value);
  status.gids.assign(4, identity.gid.value);
  for (const Gid group : identity.groups) status.groups.push_back(group.value);
  status.permitted = status.effective = status.inheritable = status.ambient = policy.capabilities;
  status.bounding = policy.bounding_set;
  status.pids = {1000, 1};
  status.threads = 1;
  status.no_new_privs = 1;
  status.seccomp_mode = 2;
  status.seccomp_filters = filters;
  return status;
}

// Takes whatever is written to it.
UniqueFd null() {
  return UniqueFd(::open("/dev/null", O_WRONLY | O_CLOEXEC));
}

// For who has its ids from elsewhere.
Identity identity_in(BorrowedFd memory) {
  std::uint32_t ids[2] = {};
  check(::pread(memory.get(), ids, sizeof ids, 0) == sizeof ids, "there are ids to take");
  return {Uid{ids[0]}, Gid{ids[1]}};
}

template <typename Self>
ChildDouble::Meaning meaning_of(const Letter& letter, std::uint32_t pid) {
  const auto message = read_letter<Self, Master>(letter);
  if (!message) return {};
  ChildDouble::Meaning meaning{.is_message = true};
  std::visit(
      [&]<typename M>(const M& said) {
        if constexpr (std::is_same_v<M, LockDownComplete>) meaning.is_start = said.pid == pid;
        if constexpr (std::is_same_v<M, SpareLoaded>) meaning.is_start = true;
        if constexpr (std::is_same_v<M, Wake>) meaning.wakes = said.site.value;
        meaning.accuses = std::is_same_v<M, PeerViolation> || std::is_same_v<M, WorkerViolation>;
      },
      *message);
  return meaning;
}

// Calls `act` with the role as a type.
template <typename Act>
auto as_role(Role role, Act act) {
  switch (role) {
    case Role::router:
      return act(static_cast<Router*>(nullptr));
    case Role::worker:
      return act(static_cast<Worker*>(nullptr));
    case Role::checker:
      return act(static_cast<Checker*>(nullptr));
    case Role::keeper:
      return act(static_cast<Keeper*>(nullptr));
    case Role::runner:
      return act(static_cast<Runner*>(nullptr));
    case Role::spare:
      return act(static_cast<Spare*>(nullptr));
    case Role::master:
    case Role::exporter:
      break;
  }
  std::abort();
}

}  // namespace

// In the place of others, as in stage.cc.
Result<SpawnedProcess> spawn_double(const SpawnPlan&) __asm__(
    "__wrap__ZN8perchild5spawnERKNS_9SpawnPlanE");
Result<SpawnedProcess> spawn_double(const SpawnPlan& plan) {
  return kernel->spawn(plan);
}

void kill_double(BorrowedFd) __asm__("__wrap__ZN8perchild10kill_childENS_10BorrowedFdE");
void kill_double(BorrowedFd pidfd) {
  kernel->kill(pidfd);
}

std::optional<EndedChild> reap_double() __asm__("__wrap__ZN8perchild10reap_childEv");
std::optional<EndedChild> reap_double() {
  return kernel->reap();
}

Result<ProcessStatus> status_double(::pid_t) __asm__("__wrap__ZN8perchild19read_process_statusEi");
Result<ProcessStatus> status_double(::pid_t pid) {
  if (pid == ::getpid()) {
    return status_as(Role::master, {Uid{::geteuid()}, Gid{::getegid()}}, filters_on_master);
  }
  const ChildDouble* child = kernel->find(pid);
  if (child == nullptr) return failure({"open", "a process that has ended", ENOENT});
  const std::uint32_t own = child->role == Role::spare ? 0 : 1;
  ProcessStatus status = status_as(child->role, child->identity, filters_on_master + own);
  if (!child->conforms) status.effective ^= 1;
  return status;
}

ChildDouble::ChildDouble(const SpawnPlan& plan, ::pid_t number, BorrowedFd masters_pidfd)
    : pid(number), pidfd(masters_pidfd), role(plan.role), identity(plan.identity) {
  const auto space = plan.title.find(' ');
  if (space != std::string::npos) site = plan.title.substr(space + 1);
  for (const PlacedFd& placed : plan.fds) {
    if (placed.number == ChildFds::control) {
      end = UniqueFd(::fcntl(placed.fd.get(), F_DUPFD_CLOEXEC, 0));
    } else if (placed.number == ChildFds::identity && role == Role::worker) {
      identity = identity_in(placed.fd);
    }
  }
  check(end.has_value(), "a child has a channel to the master");
}

Letter ChildDouble::write(Script& script) const {
  return as_role(role, [&]<typename Self>(Self*) { return write_letter<Self, Master>(script); });
}

ChildDouble::Meaning ChildDouble::read(const Letter& letter) const {
  // A runner is the first of its namespace.
  const std::uint32_t own = role == Role::runner ? 1 : static_cast<std::uint32_t>(pid);
  return as_role(role, [&]<typename Self>(Self*) { return meaning_of<Self>(letter, own); });
}

Letter ChildDouble::start_letter() const {
  if (role == Role::spare) return letter_of(SpareLoaded{1});
  return letter_of(LockDownComplete{role == Role::runner ? 1 : static_cast<std::uint32_t>(pid)});
}

template <typename Self>
void ChildDouble::listen_as() {
  Channel<Self, Master> channel(std::move(end));
  read_all(channel, [&]<typename M>(const M& message, UniqueFd fd) {
    if constexpr (std::is_same_v<M, TakePart>) {
      check(is_loaded, "a spare gets nothing before it has been looked at");
      if (message.part == SparePart::identity) {
        identity = identity_in(fd.borrow());
        role = Role::runner;
      }
    } else {
      check(is_verified, "a child gets nothing before it has been verified");
      // Some leave something.
      if constexpr (std::is_same_v<M, KeepSessions>) {
        if (pid % 2 == 0) check(::pwrite(fd.get(), "n", 1, 0) == 1, "it can be written to");
      }
      if constexpr (std::is_same_v<M, SiteDown> || std::is_same_v<M, DetachSite>) {
        int& left = wakes.try_emplace(message.site.value, 1).first->second;
        left = std::min(left + 1, UINT8_MAX);
      }
    }
  });
  end = std::move(channel).take_socket();
}

void ChildDouble::listen() {
  if (!end.has_value() || is_deaf) return;
  // A spare's part is complete with what comes behind its ids.
  as_role(role == Role::runner && !is_verified && is_loaded ? Role::spare : role,
          [&]<typename Self>(Self*) { listen_as<Self>(); });
}

Processes::Processes() {
  kernel = this;
}

Processes::~Processes() {
  kernel = nullptr;
}

Result<SpawnedProcess> Processes::spawn(const SpawnPlan& plan) {
  if (std::exchange(next_start_fails, false)) return failure({"vfork", "", EAGAIN});
  if (plan.role == Role::worker) ++workers_started;
  SpawnedProcess process{++last_pid_, UniqueFd(::eventfd(0, EFD_CLOEXEC))};
  if (plan.role == Role::spare) {
    process.id_maps = {null(), null()};
  }
  living.push_back(std::make_unique<ChildDouble>(plan, process.pid, process.pidfd.borrow()));
  return process;
}

void Processes::kill(BorrowedFd pidfd) {
  for (const auto& child : living) {
    if (child->pidfd == pidfd) child->was_killed = true;
  }
}

ChildDouble* Processes::find(::pid_t pid) {
  for (const auto& child : living) {
    if (child->pid == pid) return child.get();
  }
  return nullptr;
}

void Processes::die(ChildDouble& child, int status) {
  if (child.role == Role::worker) ++workers_died;
  dead_.push_back({child.pid, status, std::chrono::microseconds(1)});
  std::erase_if(living, [&](const auto& one) { return one.get() == &child; });
  signals.raise(SIGCHLD);
}

std::optional<EndedChild> Processes::reap() {
  if (dead_.empty()) return std::nullopt;
  const EndedChild first = dead_.front();
  dead_.pop_front();
  return first;
}

}  // namespace perchild::fuzz
