// Which sites have processes: they are woken by their first visitor, grow while visitors wait, and
// leave when nobody comes.
//
// Runs in: master.
// Does not trust: routers, workers. Whatever they say, no more is started than the table and the
// budget allow.
//
// To leave, a worker retires in two steps, so that no connection is lost: the routers are told to
// let go of it, and it goes when it has read all that they had sent. Who comes meanwhile waits in a
// router, which wakes the site again.
#include <algorithm>

#include "daemon/master/master.h"
#include "privsep/process_status.h"

namespace perchild {
namespace {

constexpr std::chrono::seconds longest_retry_after{30};
// A worker says that it is idle when it has been for so long.
constexpr std::chrono::seconds idle_notice{1};
constexpr std::chrono::seconds memory_interval{2};
constexpr std::chrono::seconds missing_channel_retry{1};
// More than can be started while a visitor waits are not kept waiting.
constexpr std::size_t most_seconds_queued = 5;

// When it has been idle for as long as its site allows.
std::optional<Clock::time_point> retires_at(const WorkerChild& worker, const SiteLife& life) {
  if (!worker.idle_since || worker.child.state != ChildState::serving) return std::nullopt;
  return *worker.idle_since + std::max<Clock::duration>(life.idle - idle_notice, {});
}

// Since when nobody has needed the group; nullopt if somebody does.
std::optional<Clock::time_point> idle_since(const SiteGroup& group) {
  std::optional<Clock::time_point> since;
  for (const auto& worker : group.workers) {
    if (worker->child.state == ChildState::absent && !worker->wanted) continue;
    if (worker->child.state != ChildState::serving || !worker->idle_since) return std::nullopt;
    since = std::max(since.value_or(Clock::time_point::min()), *worker->idle_since);
  }
  return since;
}

}  // namespace

// A router, or the site's own configuration, wants the site to run.
void MasterLoop::wake(SiteId site) {
  const SiteRecord& record = table_.sites[site.value];
  if (record.name.empty() || record.life.suspended) return;  // a router has yet to hear of it
  if (drain_until_) {
    const auto found = groups_.find(site);
    if (found == groups_.end() || !found->second.serves_or_starts()) tell_down(site, 1);
    return;
  }
  SiteGroup& group = groups_[site];
  while (group.workers.size() < record.life.most_workers) {
    group.workers.push_back(
        std::make_unique<WorkerChild>(site, group.workers.size(), routers_.size()));
  }
  for (std::size_t slot = 0; slot < record.life.least_workers; ++slot) {
    WorkerChild& worker = *group.workers[slot];
    if (!worker.wanted && worker.back_off.next_start() <= now_) want(worker);
  }
  tell_if_down(site);
}

// It is started when its turn comes, at the end of this turn of the loop if nothing is against it.
void MasterLoop::want(WorkerChild& worker) {
  worker.wanted = true;
  if (worker.queued || worker.child.state != ChildState::absent) return;
  worker.queued = true;
  starts_.push_back(&worker);
  if (starts_.size() <= table_.groups.starts_per_second * most_seconds_queued) return;
  // Whoever has waited for longest is the likeliest to have gone.
  WorkerChild& dropped = *starts_.front();
  starts_.erase(starts_.begin());
  dropped.wanted = dropped.queued = false;
  tell_if_down(dropped.site);
}

// The newest first: under a flood of starts, its visitor is still there.
void MasterLoop::start_wanted() {
  budget_is_spent_ = false;
  const std::size_t limit = table_.groups.running;
  std::size_t running = starts_.empty() ? 0 : running_groups();
  while (!starts_.empty()) {
    WorkerChild& worker = *starts_.back();
    const bool new_group = !groups_.at(worker.site).serves_or_starts();
    if (new_group && (running >= limit || memory_is_full_)) {
      make_room(std::min<std::size_t>(starts_.size(), table_.groups.starts_per_second), 0);
      return;
    }
    budget_is_spent_ = !start_budget_.take(now_);
    if (budget_is_spent_) return;
    if (new_group) ++running;
    starts_.pop_back();
    worker.queued = false;
    start_worker(worker);
  }
}

// Those on their way out count too: they still hold what they have.
std::size_t MasterLoop::running_groups() const {
  std::size_t count = 0;
  for (const auto& [site, group] : groups_) {
    count += (group.serves_or_starts() ? 1 : 0) + group.retired.size();
  }
  return count;
}

// Retires the least recently used groups that nobody needs: `groups` of them, and as many as hold
// `bytes` of memory.
void MasterLoop::make_room(std::size_t groups, std::uint64_t bytes) {
  std::vector<std::pair<Clock::time_point, SiteGroup*>> idle;
  std::size_t leaving = 0;
  for (auto& [site, group] : groups_) {
    leaving += group.retired.size();
    const auto since = idle_since(group);
    if (since && table_.sites[site.value].life.start == StartPolicy::on_demand) {
      idle.emplace_back(*since, &group);
    }
  }
  groups -= std::min(groups, leaving);
  std::sort(idle.begin(), idle.end());
  std::uint64_t freed = 0;
  for (std::size_t i = 0; i < idle.size() && (i < groups || freed < bytes); ++i) {
    if (bytes > 0) {
      idle[i].second->for_each_running([&](const WorkerChild& worker) {
        freed += anonymous_memory_of(worker.child.pid).value_or(0);
      });
    }
    retire_group(*idle[i].second);
  }
}

void MasterLoop::measure_memory() {
  const std::uint64_t limit = table_.groups.memory;
  if (limit == 0 || groups_.empty() || (measure_at_ && now_ < *measure_at_)) return;
  measure_at_ = now_ + memory_interval;
  std::uint64_t held = 0;
  for (const auto& [site, group] : groups_) {
    group.for_each_running([&](const WorkerChild& worker) {
      held += anonymous_memory_of(worker.child.pid).value_or(0);
    });
  }
  const bool was_full = std::exchange(memory_is_full_, held > limit);
  if (!memory_is_full_) return;
  if (!was_full) {
    log_.line(Priority::warning,
              "workers hold more memory than \"child_groups\" allows: sites that "
              "nobody uses are put to sleep, and none is started");
  }
  make_room(0, held - limit);
}

// Workers beyond the least number leave one by one, the rest of a group together.
void MasterLoop::retire_idle() {
  for (auto& [site, group] : groups_) {
    const SiteLife& life = table_.sites[site.value].life;
    std::vector<WorkerChild*> due;
    std::size_t running = 0;
    for (const auto& worker : group.workers) {
      if (worker->wanted) ++running;
      const auto at = retires_at(*worker, life);
      if (at && *at <= now_) due.push_back(worker.get());
    }
    if (due.empty()) continue;
    if (due.size() == running && life.start == StartPolicy::on_demand) {
      retire_group(group);
      continue;
    }
    for (auto worker = due.rbegin(); worker != due.rend() && running > life.least_workers;
         ++worker, --running) {
      retire(group, (*worker)->slot);
    }
  }
}

void MasterLoop::retire_group(SiteGroup& group) {
  for (std::size_t slot = 0; slot < group.workers.size(); ++slot) {
    if (group.workers[slot]->child.state == ChildState::serving) retire(group, slot);
  }
}

void MasterLoop::retire(SiteGroup& group, std::size_t slot) {
  std::unique_ptr<WorkerChild>& place = group.workers[slot];
  group.retired.push_back(
      std::exchange(place, std::make_unique<WorkerChild>(place->site, slot, routers_.size())));
  WorkerChild& worker = *group.retired.back();
  worker.retired = true;
  for (std::size_t i = 0; i < routers_.size(); ++i) {
    const RouterEnd& kept = worker.router_ends[i];
    if (!kept.end.has_value() || routers_[i].child.state != ChildState::serving) continue;
    send(routers_[i], DetachSite{worker.site, static_cast<std::uint32_t>(slot), kept.channel},
         UniqueFd());
  }
  send(worker, Retire{0});
}

// If no worker of the site runs or may be started now, the routers answer for it until one may.
void MasterLoop::tell_if_down(SiteId site) {
  auto next_start = Clock::time_point::max();
  for (const auto& worker : groups_.at(site).workers) {
    if (worker->child.state != ChildState::absent || worker->queued) return;
    if (worker->slot < table_.sites[site.value].life.least_workers) {
      next_start = std::min(next_start, worker->back_off.next_start());
    }
  }
  const auto left = std::chrono::ceil<std::chrono::seconds>(next_start - now_);
  tell_down(site, static_cast<std::uint32_t>(
                      std::clamp<std::int64_t>(left.count(), 1, longest_retry_after.count())));
}

void MasterLoop::tell_down(SiteId site, std::uint32_t retry_seconds) {
  for (RouterChild& router : routers_) {
    if (router.child.state != ChildState::serving) continue;
    send(router, SiteDown{site, retry_seconds}, UniqueFd());
  }
}

std::optional<Clock::time_point> MasterLoop::next_group_timer() const {
  std::optional<Clock::time_point> first;
  const auto consider = [&](std::optional<Clock::time_point> at) {
    if (at && (!first || *at < *first)) first = at;
  };
  for (const auto& [site, group] : groups_) {
    const SiteLife& life = table_.sites[site.value].life;
    const bool may_all_leave = life.start == StartPolicy::on_demand;
    std::size_t running = 0;
    for (const auto& worker : group.workers) {
      if (worker->wanted) ++running;
      if (worker->wanted && worker->child.state == ChildState::absent && !worker->queued) {
        consider(worker->back_off.next_start());
      }
    }
    if (!may_all_leave && running <= life.least_workers) continue;
    for (const auto& worker : group.workers) {
      // One that is due and yet here waits for the others, which will say that they are idle.
      if (const auto at = retires_at(*worker, life); at && *at > now_) consider(at);
    }
  }
  if (!starts_.empty() && budget_is_spent_) consider(start_budget_.next());
  if (table_.groups.memory != 0 && !groups_.empty()) consider(measure_at_);
  for (const auto& [site, kept] : sessions_) consider(kept.until);
  if (channels_are_missing_) consider(connect_at_);
  return first;
}

void MasterLoop::on_group_timers() {
  for (const auto& [site, group] : groups_) {
    for (const auto& worker : group.workers) {
      if (worker->wanted && worker->back_off.next_start() <= now_) want(*worker);
    }
  }
  if (channels_are_missing_ && connect_at_ <= now_) {
    connect_at_ = now_ + missing_channel_retry;
    connect_all();
  }
  retire_idle();
  measure_memory();
  start_wanted();
  forget_sessions();
  std::erase_if(groups_, [&](const auto& entry) { return entry.second.over(now_); });
}

}  // namespace perchild
