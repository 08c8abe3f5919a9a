// A reload: other tables and listeners in place of those that the service runs by, all of them or
// none. Sites and listeners keep their numbers, so what has not changed is not touched.
//
// Runs in: master.
// Trusts: root, who alone can connect to the control socket, for what the tables say; checks that
// they are whole, and made from those that it runs by.
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "daemon/master/master.h"
#include "privsep/inherited_fds.h"
#include "privsep/service_manager.h"

namespace perchild {
namespace {

bool listens(BorrowedFd fd) {
  int accepting = 0;
  ::socklen_t length = sizeof accepting;
  return ::getsockopt(fd.get(), SOL_SOCKET, SO_ACCEPTCONN, &accepting, &length) == 0 &&
         accepting == 1;
}

}  // namespace

bool MasterLoop::on_message(ControlPeer& peer, const AskTable&, UniqueFd) {
  peer.send(RunningTable{table_.generation.value}, BorrowedFd(MasterFds::site_table));
  return true;
}

bool MasterLoop::on_message(ControlPeer& peer, const OfferTable& message, UniqueFd fd) {
  peer.offer.tables[static_cast<std::size_t>(message.kind)] = std::move(fd);
  return true;
}

bool MasterLoop::on_message(ControlPeer& peer, const OfferListener& message, UniqueFd fd) {
  peer.offer.listeners[message.index] = std::move(fd);
  return true;
}

bool MasterLoop::on_message(ControlPeer& peer, const Reload& message, UniqueFd) {
  if (peer.reloading) return false;
  OfferedTables offer = std::exchange(peer.offer, {});
  const ReloadOutcome outcome = take_offer(offer, Generation{message.based_on});
  if (outcome != ReloadOutcome::done) {
    peer.send(ReloadDone{outcome});
    return true;
  }
  peer.reloading = true;
  tell_who_reloads();
  return true;
}

ReloadOutcome MasterLoop::take_offer(OfferedTables& offer, Generation based_on) {
  if (is_ending()) return ReloadOutcome::stopping;
  if (based_on != table_.generation) return ReloadOutcome::not_current;
  auto memory = SealedMapping::map(offer.of(TableKind::sites));
  if (!memory) return ReloadOutcome::incomplete;
  auto table = SiteTable::unpack(memory->bytes());
  if (!table || !fits(*table, offer)) return ReloadOutcome::incomplete;
  // Into the places where a router that starts later finds them. These are taken, so none fails.
  for (const auto& [kind, place] :
       {std::pair(TableKind::sites, MasterFds::site_table),
        std::pair(TableKind::routes, MasterFds::route_table),
        std::pair(TableKind::router_settings, MasterFds::router_settings),
        std::pair(TableKind::keys, MasterFds::keys)}) {
    PERCHILD_ASSERT(::dup2(offer.of(kind).get(), place) == place);
  }
  const SealedMapping memory_before = std::exchange(table_memory_, std::move(*memory));
  const SiteTable before = std::exchange(table_, std::move(*table));
  start_budget_ = StartBudget(table_.groups.starts_per_second);
  take_keys();
  take_listeners(before, offer);
  take_sites(before);
  log_.line(Priority::info,
            "reloaded: generation " + std::to_string(table_.generation.value) + " of the tables");
  return ReloadOutcome::done;
}

// Whether `table` goes on where the running one stands, and all that it needs has been offered.
bool MasterLoop::fits(const SiteTable& table, const OfferedTables& offer) const {
  if (!SealedMapping::map(offer.of(TableKind::routes)) ||
      !SealedMapping::map(offer.of(TableKind::router_settings)) ||
      !SealedMapping::map(offer.of(TableKind::keys))) {
    return false;
  }
  if (table.generation.value != table_.generation.value + 1 || table.routers != table_.routers ||
      table.router != table_.router || table.keeper != table_.keeper ||
      table.sites.size() < table_.sites.size() ||
      table.listeners.size() < table_.listeners.size()) {
    return false;
  }
  for (std::size_t i = 0; i < table_.sites.size(); ++i) {
    const SiteRecord& is = table_.sites[i];
    const SiteRecord& wants = table.sites[i];
    if (!is.is_hole() && !wants.is_hole() && is.name != wants.name) return false;
  }
  for (std::uint32_t i = 0; i < table.listeners.size(); ++i) {
    const bool is_there = i < table_.listeners.size() && !table_.listeners[i].empty();
    if (table.listeners[i].empty()) continue;
    if (is_there && table.listeners[i] != table_.listeners[i]) return false;
    if (is_there) continue;
    const auto offered = offer.listeners.find(i);
    if (offered == offer.listeners.end() || !listens(offered->second.borrow())) return false;
  }
  return true;
}

void MasterLoop::tell_tables(RouterChild& router) {
  send(router, TakeRoutes{table_.generation.value}, copy_of(BorrowedFd(MasterFds::route_table)));
  send(router, TakeRouterSettings{0}, copy_of(BorrowedFd(MasterFds::router_settings)));
}

// Tells the routers all that is new for them. A router that is about to serve is told then.
void MasterLoop::take_listeners(const SiteTable& before, OfferedTables& offer) {
  const std::size_t count = table_.listeners.size();
  listeners_.resize(count);
  std::vector<std::uint32_t> added;
  std::vector<std::uint32_t> removed;
  for (std::uint32_t i = 0; i < count; ++i) {
    const bool was_there = i < before.listeners.size() && !before.listeners[i].empty();
    if (table_.listeners[i].empty()) {
      listeners_[i].reset();
      if (!was_there) continue;
      removed.push_back(i);
      if (listeners_are_kept_) forget_listener(BorrowedFd(MasterFds::notify), before.listeners[i]);
    } else if (!was_there) {
      listeners_[i] = std::move(offer.listeners.at(i));
      added.push_back(i);
    }
  }
  if (!added.empty() && listeners_are_kept_) store_listeners();
  for (RouterChild& router : routers_) {
    router.wakes.resize(table_.sites.size(), 1);
    if (router.child.state != ChildState::serving) continue;
    tell_tables(router);
    for (const std::uint32_t i : added) send_listener(router, i);
    for (const std::uint32_t i : removed) send(router, RemoveListener{i}, UniqueFd());
    send(router, ListenersComplete{static_cast<std::uint32_t>(count)}, UniqueFd());
  }
}

void MasterLoop::take_sites(const SiteTable& before) {
  for (std::uint32_t i = 0; i < table_.sites.size(); ++i) {
    const SiteRecord& now = table_.sites[i];
    const bool was_there = i < before.sites.size() && !before.sites[i].is_hole();
    if (!was_there) {
      if (now.life.start == StartPolicy::always) wake(SiteId{i});
    } else if (now.is_hole() || now.generation != before.sites[i].generation) {
      replace_group(SiteId{i}, before.sites[i]);
    }
  }
}

// The site's processes go on with what they have begun, and others take their place: at once if
// they ran. Those of a site that is no more, is suspended, or is another user's now, may not go on
// for as long as they like.
void MasterLoop::replace_group(SiteId site, const SiteRecord& before) {
  const SiteRecord& now = table_.sites[site.value];
  const bool is_to_run = !now.is_hole() && !now.life.suspended;
  const auto found = groups_.find(site);
  bool runs = false;
  if (found != groups_.end()) {
    SiteGroup& group = found->second;
    runs = group.serves_or_starts();
    retire_group(group);
    for (auto& worker : group.workers) {
      std::erase(starts_, worker.get());
      worker->wanted = worker->queued = false;
      if (worker->child.state == ChildState::absent) {
        worker = std::make_unique<WorkerChild>(site, worker->slot, routers_.size());
      } else if (worker->child.state == ChildState::locking_down) {
        worker->outdated = true;
        worker->wanted = is_to_run;
        end(worker->child, "");
      }
    }
    for (auto& worker : group.retired) {
      if (!is_to_run || now.uid != before.uid) worker->child.leave_by = now_ + table_.drain;
      // A successor of one that has died on its way out; another is started from what is so now.
      if (worker->child.state == ChildState::locking_down) {
        worker->outdated = true;
        end(worker->child, "");
      }
    }
  }
  if (now.is_hole()) histories_.erase(site);
  if (now.is_hole() || now.uid != before.uid) sessions_.erase(site);
  if (runs || now.life.start == StartPolicy::always) wake(site);
}

void MasterLoop::tell_who_reloads() {
  for (const RouterChild& router : routers_) {
    const bool serves = router.child.state == ChildState::serving;
    if (serves && router.generation != table_.generation) return;
  }
  control_peers_.for_each([](ControlPeer& peer) {
    if (std::exchange(peer.reloading, false)) peer.send(ReloadDone{ReloadOutcome::done});
  });
}

}  // namespace perchild
