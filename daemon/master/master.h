// The master: starts and supervises routers and workers. It reads no client's byte, parses no text
// but /proc/PID/status, and forks from its own table only: a child can ask for "site 17", never for
// a uid, a path or a program.
//
// Runs in: master, locked down: five capabilities inside the service's user namespace, none
// outside. Trusts: its tables, made by the command; the kernel. Does not trust: routers and
// workers. A message that is malformed, or not permitted now, ends its sender.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/master/children.h"
#include "daemon/master/control_peers.h"
#include "daemon/master/mail_ledger.h"
#include "daemon/master/site_channels.h"
#include "daemon/master/site_history.h"
#include "privsep/lock_down.h"
#include "privsep/sealed_memory.h"
#include "privsep/server_log.h"
#include "privsep/site_table.h"
#include "privsep/spawn.h"

namespace perchild {

class MasterLoop {
 public:
  // `signals` is a signalfd(2) for SIGCHLD, SIGTERM and SIGINT, which are blocked.
  // `table` points into `table_memory`.
  MasterLoop(LockedDown<Role::master> proof, SealedMapping table_memory, SiteTable table,
             UniqueFd signals, SiteChannels site_channels, const ServerLog& log);

  // Serves until it has drained. The process's exit status.
  int run();

 private:
  bool prove_own_state();
  // master.cc: the loop
  void wait_and_dispatch();
  bool on_sites_readable();
  void on_signals();
  void reap();
  void stop();
  void begin_drain();
  void on_timers();
  std::optional<Clock::time_point> next_timer() const;
  void announce_ready();
  bool every_child_gone() const;
  bool every_worker_gone() const;
  void kill_all();

  // Children in general
  void end(Child& child, std::string_view why);
  // To a worker, checker or runner. One whose channel has no room for the few messages that it is
  // ever sent does not read. One that has left or died is heard to have gone when its channel is
  // read: its end, and not we, says how that came.
  template <typename To, typename M, typename... Fd>
  requires(!std::same_as<To, RouterChild>) void send(To& to, const M& message, Fd... fd) {
    if (!to.control) return;
    const SendStatus status = to.control->send(message, fd...);
    if (status == SendStatus::sent || status == SendStatus::peer_gone) return;
    end(to.child, name_of(to) + " does not read its messages");
  }
  bool verify(const Child& child, Role role, const Identity& identity, const std::string& name);
  std::string describe_death(const std::string& name, ::pid_t pid, int status) const;

  // master_routers.cc
  void start_router(std::size_t index);
  void on_router_readable(std::size_t index);
  bool on_message(std::size_t router, const LockDownComplete& message);
  bool on_message(std::size_t router, const RoutesTaken& message);
  bool on_message(std::size_t router, const Wake& message);
  bool on_message(std::size_t router, const QueueStands& message);
  bool on_message(std::size_t router, const WorkerSilent& message);
  bool on_message(std::size_t router, const WorkerViolation& message);
  void on_router_death(std::size_t index, int status);
  void on_router_serving(std::size_t index);
  void send(RouterChild& router, RouterChild::Message message, UniqueFd fd);
  void flush(RouterChild& router);
  void send_listener(RouterChild& router, std::uint32_t index);
  UniqueFd copy_of(BorrowedFd fd) const;
  std::string name_of_router(std::size_t index) const;

  // master_groups.cc: which sites run
  void wake(SiteId site);
  void want(WorkerChild& worker);
  void start_wanted();
  void retire_idle();
  void retire(SiteGroup& group, std::size_t slot);
  void retire_group(SiteGroup& group);
  void make_room(std::size_t groups, std::uint64_t bytes);
  void measure_memory();
  void tell_if_down(SiteId site);
  void tell_down(SiteId site, std::uint32_t retry_seconds);
  std::size_t running_groups() const;
  std::optional<Clock::time_point> next_group_timer() const;
  void on_group_timers();

  // master_workers.cc: the processes of one
  Result<UniqueFd> make_cgroup(const std::string& site, const CgroupLimits& limits) const;
  void start_worker(WorkerChild& worker);
  void connect(WorkerChild& worker, std::size_t router);
  void connect_all();
  void on_worker_readable(WorkerChild& worker);
  bool on_message(WorkerChild& worker, const LockDownComplete& message);
  void ping(WorkerChild& worker);
  WorkerChild* worker_at(SiteId site, std::size_t router, std::uint32_t channel);
  bool on_message(WorkerChild& worker, const Pong& message);
  bool on_message(WorkerChild& worker, const Idle& message);
  bool on_message(WorkerChild& worker, const Busy& message);
  void on_worker_serving(WorkerChild& worker);
  void on_worker_death(WorkerChild& worker, int status);
  void remove_empty_cgroup(const WorkerChild& worker);
  void remove_cgroup(SiteId site, const std::string& name);
  void on_retired_death(WorkerChild& worker, bool has_left, Clock::duration lived);
  void on_worker_failure(WorkerChild& worker, Clock::duration lived);
  std::string name_of(const WorkerChild& worker) const;
  static const std::string& name_of(const CompanionChild& companion) { return companion.name; }
  const SiteRecord& record_of(const WorkerChild& worker) const {
    return table_.sites[worker.site.value];
  }
  // A reload may have taken the number from the site that it was started for.
  bool is_of_its_site(const WorkerChild& worker) const {
    return worker.name == record_of(worker).name;
  }

  // master_companions.cc: the processes beside the workers
  void want_companions(SiteId site);
  template <typename Kind>
  void start(Kind& companion);
  void introduce_to_companions(WorkerChild& worker);
  template <typename Kind>
  void introduce_to_workers(Kind& companion);
  template <typename Kind>
  void introduce(WorkerChild& worker, Kind& companion);
  template <typename Kind>
  bool punish_worker(Kind& companion, const PeerViolation& said);
  bool on_message(WorkerChild& worker, const PeerViolation& message);
  template <typename Kind>
  void on_companion_death(Kind& companion, bool is_failure);
  template <typename Kind>
  void keep(const SiteGroup& group, Companions<Kind>& companions);
  void keep_companions(SiteGroup& group);
  static bool may_finish(CheckerChild&) { return false; }
  std::optional<Clock::time_point> next_timer_of(const CompanionChild& companion) const;

  // master_checkers.cc
  void on_checker_readable(CheckerChild& checker);
  bool on_message(CheckerChild& checker, const LockDownComplete& message);
  bool on_message(CheckerChild& checker, const PeerViolation& message);
  void on_checker_death(CheckerChild& checker, int status);

  // master_runners.cc
  void on_runner_readable(RunnerChild& runner);
  bool on_message(RunnerChild& runner, const LockDownComplete& message);
  bool on_message(RunnerChild& runner, const PeerViolation& message);
  bool on_message(RunnerChild& runner, const MailSent& message);
  void on_runner_death(RunnerChild& runner, int status);
  bool reopen_log(RunnerChild& runner);
  void tell_of_mail(RunnerChild& runner);
  void hear_of_mail(MailLedger::Time now, const RunnerChild* untold);
  void tell_others_of_mail(std::string_view site, const MailSent& sent, const RunnerChild* untold);

  // master_sessions.cc: of PHP, beyond a site's sleep
  bool may_finish(RunnerChild& runner);
  void keep_sessions(RunnerChild& runner);
  void give_sessions(RunnerChild& runner);
  void forget_sessions();

  // master_spares.cc: runners that have no site yet
  void start_spare(std::string_view kind);
  void on_spare_readable(int fd);
  bool on_message(SpareChild& spare, const SpareLoaded& message);
  void on_spare_death(const SpareChild& spare, int status);
  struct OfRunner {
    BorrowedFd error_log, settings;
    std::optional<BorrowedFd> cgroup;
  };
  bool make_of_spare(RunnerChild& runner, const OfRunner& parts);
  Result<void> give_parts(SpareChild& spare, const RunnerChild& runner, const OfRunner& parts);
  bool is_wanted(const SpareChild& spare) const;
  std::optional<std::string_view> missing_kind_of_spare() const;
  void keep_spares();
  Clock::time_point next_spare_start() const {
    return std::max(spare_back_off_.next_start(), next_spare_);
  }
  std::optional<Clock::time_point> next_spare_timer() const;

  // master_reports.cc: what children count
  bool on_message(WorkerChild& worker, const WorkerReport& message);
  bool on_message(std::size_t router, const QueueReport& message);
  bool on_message(std::size_t router, const RouterReport& message);
  void permit_reports();
  void add_up_dead(WorkerChild& worker);
  void add_up_dead(RouterChild& router);

  // master_keeper.cc
  void start_keeper();
  void take_keys();
  bool keeper_has_keys();
  void end_keeper(std::string_view why);
  void on_keeper_readable();
  bool on_keeper_message(const LockDownComplete& message);
  bool on_keeper_message(const PeerViolation& message);
  template <typename Act>
  void for_each_worker(Act act);
  void introduce_to_keeper(WorkerChild& worker);
  void introduce_all_to_keeper();
  void on_keeper_death(int status);
  void on_keeper_timers();
  std::optional<Clock::time_point> next_keeper_timer() const;

  // master_control.cc
  void on_control(std::span<const ::pollfd> polled);
  void on_control_readable(ControlPeer& peer);
  template <typename Peers>
  bool take_message(ControlPeer& peer, Peers& channel);
  bool on_message(ControlPeer& peer, const StatusQuery& message, UniqueFd fd);
  bool on_message(ControlPeer& peer, const FindSite& message, UniqueFd fd);
  bool on_message(ControlPeer& peer, const ServerQuery& message, UniqueFd fd);
  bool on_message(ControlPeer& peer, const OnlyAsk& message, UniqueFd fd);
  bool on_message(ControlPeer& peer, const ReopenLogs& message, UniqueFd fd);
  bool reopen_logs(WorkerChild& worker);
  void reopen_more_logs();
  bool on_message(ControlPeer& peer, const AskTable& message, UniqueFd fd);
  bool on_message(ControlPeer& peer, const OfferTable& message, UniqueFd fd);
  bool on_message(ControlPeer& peer, const OfferListener& message, UniqueFd fd);
  bool on_message(ControlPeer& peer, const Reload& message, UniqueFd fd);
  SiteState state_of(const SiteGroup& group) const;
  SiteStatus status_of(SiteId site);
  void add_measured(SiteStatus& status, WorkerChild& worker) const;
  void add_group_usage(SiteStatus& status);

  // master_upgrade.cc: how it gives way to a successor
  bool on_message(ControlPeer& peer, const TakeOver& message, UniqueFd fd);
  bool on_message(ControlPeer& peer, const AskHeld& message, UniqueFd fd);
  bool on_message(ControlPeer& peer, const GiveWay& message, UniqueFd fd);
  BorrowedFd held(const AskHeld& question) const;
  void store_listeners();
  bool is_passed(const std::string& address) const;
  void leave_listeners();
  void finish_leaving();
  void tell_to_leave(WorkerChild& worker);
  bool is_ending() const { return drain_until_ || leaving_until_; }

  // master_reload.cc
  ReloadOutcome take_offer(OfferedTables& offer, Generation based_on);
  bool fits(const SiteTable& table, const OfferedTables& offer) const;
  void tell_tables(RouterChild& router);
  void take_listeners(const SiteTable& before, OfferedTables& offer);
  void take_sites(const SiteTable& before);
  void replace_group(SiteId site, const SiteRecord& before);
  void tell_who_reloads();

  SealedMapping table_memory_;
  SiteTable table_;
  UniqueFd signals_;
  SiteChannels site_channels_;
  const ServerLog& log_;
  std::vector<UniqueFd> listeners_;
  ControlPeers control_peers_;
  KeeperChild keeper_;
  std::vector<RouterChild> routers_;
  std::vector<std::unique_ptr<SpareChild>> spares_;
  BackOff spare_back_off_;
  Clock::time_point next_spare_{};
  std::map<SiteId, SiteHistory> histories_;
  MailLedger mail_ledger_;
  std::map<SiteId, KeptSessions> sessions_;
  // Children whose reports have been taken, the first to be permitted another in front.
  struct ReportDue {
    Clock::time_point at;
    ::pid_t pid;
    std::optional<SiteId> site;  // none: a router's
  };
  std::deque<ReportDue> reports_due_;
  RouterReport of_dead_routers_{};
  Clock::time_point started_at_{};
  Clock::time_point logs_reopened_at_{};
  std::optional<SiteId> reopen_next_;  // while logs are reopened: those of the sites from here on
  LogsReopened reopened_{0, 0};
  std::map<SiteId, SiteGroup> groups_;  // of sites that are awake; an idle site costs nothing
  std::vector<WorkerChild*> starts_;    // wanted, and due; the last one goes first
  StartBudget start_budget_;
  bool budget_is_spent_ = false;
  std::optional<Clock::time_point> measure_at_;  // the memory of all workers
  bool memory_is_full_ = false;
  std::uint32_t last_channel_ = 0;  // the number of the channel that was made last
  bool channels_are_missing_ = false;
  Clock::time_point connect_at_{};
  Clock::time_point now_{};
  // Its listeners live on elsewhere: it accepts nothing more, and starts sites for what its routers
  // still hold. When these have gone, it drains.
  std::optional<Clock::time_point> leaving_until_;
  bool gives_way_ = false;           // to a successor, which serves already
  bool listeners_are_kept_ = false;  // by the service manager, beyond our end
  std::optional<Clock::time_point> drain_until_;
  std::uint32_t own_filters_ = 0;  // seccomp filters on this process; a child has one more
  bool announced_ready_ = false;
  bool failed_ = false;
};

}  // namespace perchild
