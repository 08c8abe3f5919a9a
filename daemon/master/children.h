// What the master keeps of its children.
//
// Runs in: master.
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "policy/ids.h"
#include "privsep/channel.h"
#include "privsep/checker_messages.h"
#include "privsep/child_namespaces.h"
#include "privsep/keeper_messages.h"
#include "privsep/runner_messages.h"
#include "privsep/site_table.h"
#include "privsep/spare_messages.h"
#include "privsep/unique_fd.h"
#include "vhosts/deadline_list.h"

namespace perchild {

enum class ChildState : std::uint8_t {
  absent,        // not running
  locking_down,  // running; has been given nothing of value
  serving,       // verified
  ending,        // has been killed, not reaped yet
};

// When to start a child again that died: at once the first time, then later and later.
class BackOff {
 public:
  // `lived`: since its last start. A child that ran for a while starts with a clean slate.
  void on_death(Clock::time_point now, Clock::duration lived) {
    failures_ = lived > clean_after ? 1 : failures_ + 1;
    next_start_ = now + delay();
  }
  Clock::time_point next_start() const { return next_start_; }
  unsigned failures() const { return failures_; }
  bool forgotten(Clock::time_point now) const {
    return failures_ == 0 || next_start_ + clean_after <= now;
  }
  std::chrono::milliseconds delay() const {
    if (failures_ <= 1) return std::chrono::milliseconds(0);
    const unsigned doublings = failures_ - 2 < 7 ? failures_ - 2 : 7;
    return std::min(first_delay * (1U << doublings), longest_delay);
  }

 private:
  static constexpr std::chrono::seconds clean_after{60};
  static constexpr std::chrono::milliseconds first_delay{250};
  static constexpr std::chrono::milliseconds longest_delay{30'000};
  unsigned failures_ = 0;
  Clock::time_point next_start_{};
};

struct Child {
  ChildState state = ChildState::absent;
  ::pid_t pid = 0;
  UniqueFd pidfd;
  Clock::time_point started_at{};
  std::optional<Clock::time_point> hung_up_at{};  // its channel has ended, it has not
  std::optional<Clock::time_point> asked_at{};    // whether it is there; has not answered
  std::optional<Clock::time_point> leave_by{};    // if it has been told to leave, and may not stay
  std::string ended_because{};                    // if it was us who did
  // As it was when somebody asked; of one that has ended, in all.
  std::chrono::microseconds cpu{0};
  std::uint64_t memory = 0;
  Clock::time_point measured_at{};
};

// The reports that a child may still send, and what it has said in the last one.
template <typename Report>
struct Reports {
  std::uint32_t left = Report::permitted_at_first;
  Report last{};

  // False if it was not permitted.
  bool take(const Report& report) {
    if (left == 0) return false;
    --left;
    last = report;
    return true;
  }
};

// How often a router may say that a queue stands. It says so four times a second for each site that
// is awake, and what waited in its channel while the master was busy comes at once.
class QueueNotices {
 public:
  // False if it says more.
  bool take(Clock::time_point now, std::size_t awake_sites) {
    const std::chrono::duration<double> passed = now - counted_at_;
    counted_at_ = now;
    const double per_second =
        of_a_site_in_a_second * static_cast<double>(awake_sites + spare_sites);
    left_ = std::min(left_ + passed.count() * per_second, at_once + per_second);
    if (left_ < 1) return false;
    left_ -= 1;
    return true;
  }

 private:
  static constexpr double of_a_site_in_a_second = 8;
  static constexpr double at_once = 1024;
  static constexpr std::size_t spare_sites = 8;  // that have gone to sleep meanwhile
  double left_ = at_once;
  Clock::time_point counted_at_{};
};

// By when it must have done what is expected of it next, if anything is; and what to say if not.
std::optional<Clock::time_point> deadline_of(const Child& child);
std::string complaint_about(const Child& child);

struct RouterChild {
  using Message = Direction<Master, Router>::Messages;

  Child child;
  std::optional<Channel<Master, Router>> control;
  std::deque<std::pair<Message, UniqueFd>> outbox;  // what its socket had no room for yet
  Clock::time_point read_at{};                      // when it last took something of that
  // By SiteId: how often it may still say Wake. One, and one for each time that it was told that
  // the site has no worker for it.
  std::vector<std::uint8_t> wakes;
  Generation generation{0};  // of the tables that it goes by
  BackOff back_off;
  Reports<RouterReport> reports;
  std::uint32_t queue_reports_left = QueueReport::most_in_a_report;
  QueueNotices queue_notices;
  std::map<SiteId, std::uint32_t> waiting;  // connections, where there are any

  void allow_wake(SiteId site) {
    if (wakes[site.value] < UINT8_MAX) ++wakes[site.value];
  }
};

// The worker's end of its channel to one router. Kept, so that what is queued in it outlives the
// worker; empty where the router is not running.
struct RouterEnd {
  UniqueFd end;
  std::uint32_t channel = 0;  // see AttachSite
};

struct KeeperChild {
  bool needed = false;  // a site has keys
  Child child;
  std::optional<Channel<Master, Keeper>> control;
  BackOff back_off;
  std::uint32_t last_channel = 0;                   // to a worker, counted over all keepers
  bool keys_due = false;                            // it has those of before a reload
  std::optional<Clock::time_point> introduce_at{};  // it had no room for that; try again
};

struct WorkerChild {
  WorkerChild(SiteId of, std::size_t place, std::size_t routers)
      : site(of), slot(place), router_ends(routers) {}

  const SiteId site;
  const std::size_t slot;
  Child child;
  BackOff back_off;
  std::optional<Channel<Master, Worker>> control;
  std::uint32_t signer_channel = 0;  // to the keeper; 0: none
  std::vector<RouterEnd> router_ends;
  bool wanted = false;       // to run, as soon as it may
  bool queued = false;       // among those that may be started
  bool retired = false;      // has been told to leave
  bool outdated = false;     // was ended at its start, since its site has changed
  std::string name{};        // of the site that it was started for
  Generation generation{0};  // likewise
  std::optional<Clock::time_point> idle_since;  // by its own word
  Clock::time_point pinged_at{};                // the last time
  Reports<WorkerReport> reports;
  std::uint32_t checker_channel = 0;  // the one that it was given last; 0: none
  std::uint32_t runner_channel = 0;   // likewise
};

// A process beside the workers of a site, and for those of them that go by the same generation of
// it: what they number, programs and lists of passwords, means the same to it. A reload does not
// touch it, so it is started from what it keeps, which is not what the tables say any more.
struct CompanionChild {
  CompanionChild(SiteId of, const SiteRecord& record, const char* kind,
                 std::string_view its_settings)
      : site(of),
        generation{record.generation},
        identity{record.uid.uid(), record.gid, record.groups},
        limits(record.limits),
        settings(its_settings),
        site_name(record.name),
        name(kind + (" of " + site_name)) {}

  const SiteId site;
  const Generation generation;
  const Identity identity;
  const CgroupLimits limits;
  const std::string settings;
  const std::string site_name;
  const std::string name;  // for messages
  Child child;
  BackOff back_off;
};

// Checks passwords.
struct CheckerChild : CompanionChild {
  using Attach = AttachWorker;           // for it
  using AttachToWorker = AttachChecker;  // for the worker
  CheckerChild(SiteId of, const SiteRecord& record)
      : CompanionChild(of, record, "checker", record.checker_settings) {}
  std::optional<Channel<Master, Checker>> control;
};

// Starts the site's programs.
struct RunnerChild : CompanionChild {
  using Attach = AttachClient;          // for it
  using AttachToWorker = AttachRunner;  // for the worker
  RunnerChild(SiteId of, const SiteRecord& record)
      : CompanionChild(of, record, "runner", record.runner_settings) {}
  std::string spare_kind{};       // packed SpareSettings; empty: no spare can become it
  bool was_spare = false;         // the one that runs
  bool spare_has_failed = false;  // no other is tried
  UniqueFd sessions;  // where it is to put them before it leaves, if it has been told to
  std::optional<Channel<Master, Runner>> control;
};

// Becomes some site's runner: loads before what that would have to load while a visitor waits.
struct SpareChild {
  explicit SpareChild(std::string_view its_settings) : settings(its_settings) {}

  const std::string settings;  // packed SpareSettings: its kind
  Child child;                 // serving: loaded
  std::optional<Channel<Master, Spare>> control;
  std::optional<IdMapFiles> id_maps;
};

// Of a site that sleeps: what its runner has left for the next.
struct KeptSessions {
  UniqueFd memory;
  Uid uid;  // the site's
  Clock::time_point since, until;
  std::uint64_t bytes;
};

// One for each generation of the site that has a worker.
template <typename Kind>
using Companions = std::vector<std::unique_ptr<Kind>>;

template <typename Kind>
Kind* companion_of(const Companions<Kind>& companions, Generation generation) {
  for (const auto& one : companions) {
    if (one->generation == generation) return one.get();
  }
  return nullptr;
}

template <typename Kind, typename Act>
void for_each_running(const Companions<Kind>& companions, Act act) {
  for (const auto& one : companions) {
    if (one->child.state != ChildState::absent) act(*one);
  }
}

// The workers of a site that is awake. Each is restarted for itself: one that keeps dying does not
// keep the others from serving.
struct SiteGroup {
  std::vector<std::unique_ptr<WorkerChild>> workers;  // by slot, whether they run or not
  std::vector<std::unique_ptr<WorkerChild>> retired;  // on their way out; a slot has another
  // What workers of one generation share; its settings, and the site itself, may be others in the
  // next.
  UniqueFd visitors{};
  Generation visitors_of{0};
  Companions<CheckerChild> checkers;  // of a site with passwords
  Companions<RunnerChild> runners;    // of a site with programs
  // How many there have been between its workers and these: a number means one of them.
  std::uint32_t channels = 0;

  // Calls `act` for each worker that runs, also for those on their way out.
  template <typename Act>
  void for_each_running(Act act) const {
    for (const auto* list : {&workers, &retired}) {
      for (const auto& worker : *list) {
        if (worker->child.state != ChildState::absent) act(*worker);
      }
    }
  }
  bool runs() const { return serves_or_starts() || !retired.empty(); }
  bool runs(Generation generation) const {
    bool any = false;
    for_each_running([&](const WorkerChild& worker) { any |= worker.generation == generation; });
    return any;
  }
  bool serves_or_starts() const {
    return std::any_of(workers.begin(), workers.end(), [](const auto& worker) {
      return worker->child.state != ChildState::absent;
    });
  }
  // Neither runs nor is to run, and has no trouble to be remembered.
  bool over(Clock::time_point now) const {
    if (!checkers.empty() || !runners.empty()) return false;
    return retired.empty() && std::all_of(workers.begin(), workers.end(), [&](const auto& worker) {
             return worker->child.state == ChildState::absent && !worker->wanted &&
                    worker->back_off.forgotten(now);
           });
  }
};

// So many starts a second, and as many at once after a second without any.
class StartBudget {
 public:
  explicit StartBudget(std::uint32_t per_second) : per_second_(per_second), left_(per_second) {}

  bool take(Clock::time_point now) {
    const std::chrono::duration<double> passed = now - counted_at_;
    counted_at_ = now;
    left_ = std::min<double>(per_second_, left_ + passed.count() * per_second_);
    if (left_ < 1) return false;
    left_ -= 1;
    return true;
  }
  // When there is one again, if there was none.
  Clock::time_point next() const {
    const std::chrono::duration<double> wait((1 - left_) / per_second_);
    return counted_at_ + std::chrono::ceil<std::chrono::milliseconds>(wait);
  }

 private:
  double per_second_;
  double left_;
  Clock::time_point counted_at_{};
};

}  // namespace perchild
