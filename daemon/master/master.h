// The master: starts and supervises routers and workers. It reads no client's byte, parses no text
// but /proc/PID/status, and forks from its own table only: a child can ask for "site 17", never for
// a uid, a path or a program.
//
// Runs in: master, locked down: five capabilities inside the service's user namespace, none
// outside. Trusts: its tables, made by the command; the kernel. Does not trust: routers and
// workers. A message that is malformed, or not permitted now, ends its sender.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/master/children.h"
#include "daemon/master/control_peers.h"
#include "daemon/master/site_history.h"
#include "privsep/lock_down.h"
#include "privsep/server_log.h"
#include "privsep/site_table.h"

namespace perchild {

class MasterLoop {
 public:
  // `signals` is a signalfd(2) for SIGCHLD, SIGTERM and SIGINT, which are blocked.
  MasterLoop(LockedDown<Role::master> proof, const SiteTable& table, UniqueFd signals,
             const ServerLog& log);

  // Serves until it has drained. The process's exit status.
  int run();

 private:
  bool prove_own_state();
  // master.cc: the loop
  void wait_and_dispatch();
  void on_signals();
  void reap();
  void begin_drain();
  void on_timers();
  std::optional<Clock::time_point> next_timer() const;
  void announce_ready();
  bool every_child_gone() const;
  void kill_all();

  // Children in general
  void end(Child& child, std::string_view why);
  bool verify(const Child& child, Role role, const Identity& identity, const std::string& name);
  std::string describe_death(const std::string& name, ::pid_t pid, int status) const;

  // master_routers.cc
  void start_router(std::size_t index);
  void on_router_readable(std::size_t index);
  bool on_message(std::size_t router, const LockDownComplete& message);
  bool on_message(std::size_t router, const Wake& message);
  bool on_message(std::size_t router, const WorkerViolation& message);
  void on_router_death(std::size_t index, int status);
  void on_router_serving(std::size_t index);
  void send(RouterChild& router, RouterChild::Message message, UniqueFd fd);
  void flush(RouterChild& router);
  std::string name_of_router(std::size_t index) const;

  // master_workers.cc
  void wake(SiteId site);
  void start_worker(SiteId site, std::size_t slot);
  void connect(SiteId site, std::size_t slot, std::size_t router);
  void on_worker_readable(SiteId site, std::size_t slot);
  void on_worker_serving(SiteId site, std::size_t slot);
  void on_worker_death(SiteId site, std::size_t slot, int status);
  template <typename M, typename... Fd>
  void send(SiteId site, std::size_t slot, const M& message, Fd... fd);
  void on_worker_failure(SiteId site, std::size_t slot, Clock::duration lived);
  void tell_if_down(SiteId site);
  std::string name_of_worker(SiteId site, std::size_t slot) const;

  // master_control.cc
  void on_control(std::span<const ::pollfd> polled);
  void on_control_readable(ControlPeer& peer);
  template <typename Peers>
  bool take_message(ControlPeer& peer, Peers& channel);
  bool on_message(ControlPeer& peer, const StatusQuery& message, UniqueFd fd);
  bool on_message(ControlPeer& peer, const FindSite& message, UniqueFd fd);
  SiteState state_of(const SiteGroup& group) const;
  SiteStatus status_of(SiteId site) const;

  const SiteTable& table_;
  UniqueFd signals_;
  const ServerLog& log_;
  std::vector<UniqueFd> listeners_;
  ControlPeers control_peers_;
  std::vector<RouterChild> routers_;
  std::map<SiteId, SiteGroup> groups_;  // of sites that have been woken; an idle site costs nothing
  std::map<SiteId, SiteHistory> histories_;
  Clock::time_point now_{};
  std::optional<Clock::time_point> drain_until_;
  std::uint32_t own_filters_ = 0;  // seccomp filters on this process; a child has one more
  bool announced_ready_ = false;
  bool failed_ = false;
};

}  // namespace perchild
