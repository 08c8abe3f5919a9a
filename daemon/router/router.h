// The router: takes every connection, learns the name that it asks for, and hands it to that site's
// worker. A state machine over epoll; accepted → peeking → waiting → handed over, or refused.
//
// Runs in: router, locked down: no files, no capabilities, an id that owns nothing.
// Trusts: the master, the route table.
// Does not trust: clients (every byte), workers (their credits).
//
// What it holds is bounded: so many strangers, so many of one address, so long without a name, so
// many and so long waiting for one site. Past a bound the oldest nameless stranger goes first.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "daemon/router/address_counter.h"
#include "daemon/router/router_reporter.h"
#include "daemon/router/site_queue.h"
#include "daemon/router/stranger.h"
#include "privsep/channel.h"
#include "privsep/lock_down.h"
#include "privsep/sealed_memory.h"
#include "privsep/server_log.h"
#include "vhosts/deadline_list.h"
#include "vhosts/proxy_protocol/proxy_header.h"
#include "vhosts/sites/route_table.h"
#include "vhosts/sites/router_settings.h"

namespace perchild {

class RouterLoop {
 public:
  // `epoll` was made before the lock-down; `reserve` is any descriptor to spare.
  RouterLoop(LockedDown<Role::router> proof, const RouteTable& table,
             const RouterSettings& settings, Channel<Router, Master> master, UniqueFd epoll,
             UniqueFd reserve, const ServerLog& log);

  // Serves until it has drained or the master has gone. The process's exit status.
  int run();

 private:
  enum class Outcome : bool { go_on, stop };

  Outcome dispatch(std::uint64_t token);

  // From the master.
  Outcome on_master_readable();
  Outcome on_message(AddListener message, UniqueFd fd);
  Outcome on_message(ListenersComplete message, UniqueFd fd);
  Outcome on_message(RemoveListener message, UniqueFd fd);
  Outcome on_message(TakeRoutes message, UniqueFd fd);
  Outcome on_message(TakeRouterSettings message, UniqueFd fd);
  Outcome on_message(AttachSite message, UniqueFd fd);
  Outcome on_message(DetachSite message, UniqueFd fd);
  Outcome on_message(SiteDown message, UniqueFd fd);
  Outcome on_message(Drain message, UniqueFd fd);
  Outcome on_message(MayReport message, UniqueFd fd);

  // From a worker.
  void on_worker_readable(WorkerChannel& channel);
  void drop_channel(WorkerChannel& channel);
  void report(WorkerChannel& channel, bool hung_up);

  // From clients.
  void on_listener_readable(std::uint16_t listener);
  bool accept_one(std::uint16_t listener);
  void shed_one(std::uint16_t listener);
  void on_refused_readable(Stranger& stranger);
  void peek(Stranger& stranger);
  void read_head(Stranger& stranger, std::string_view bytes, bool nothing_new);
  void read_proxy_header(Stranger& stranger, std::string_view bytes, bool nothing_new);
  void take_proxy_header(Stranger& stranger, const proxy_protocol::Header& header);
  bool is_crowded(const Address& address);
  void count(Stranger& stranger);
  void read_hello(Stranger& stranger, std::string_view bytes, bool nothing_new);
  // Until there are so many bytes.
  void wait_for_more(Stranger& stranger, std::size_t bytes);
  void on_name(Stranger& stranger, const std::optional<HostName>& host);
  void enqueue(Stranger& stranger);

  // To a site.
  SiteQueue& queue_of(SiteId site);
  void wake(SiteQueue& site);
  void pump(SiteQueue& site);
  void hand_over_waiting(SiteQueue& site);
  void try_again_later(SiteQueue& site);
  void forget_if_asleep(SiteId site);
  void pump_touched();
  SendStatus hand_over(SiteQueue& site, WorkerChannel& channel);

  // Ends.
  void refuse(Stranger& stranger, int status, std::string_view reason, unsigned retry_seconds = 0);
  void refuse_suspended(Stranger& stranger);
  void refuse_for(SiteQueue& site, Stranger& stranger, std::string_view reason,
                  unsigned retry_seconds);
  void refuse(Stranger& stranger, tls::Alert alert, std::string_view reason);
  void log_refusal(const Stranger& stranger, std::string_view with, std::string_view reason);
  void say_last(Stranger& stranger, std::string_view bytes);
  void log_limited(Priority severity, std::string_view text);
  void release(Stranger& stranger);
  void unwatch(Stranger& stranger);
  Stranger* take_stranger();
  void evict_oldest();

  int timeout() const;
  void report();
  void on_deadlines();
  bool drained() const { return draining_ && held_ == 0; }
  bool watch(BorrowedFd fd, std::uint64_t token, std::uint32_t events);
  bool watch_listener(std::size_t index);
  void close_listener(std::size_t index);
  void answer_for_gone_sites();

  RouteTable table_;
  std::optional<SealedMapping> table_memory_;  // once it has come by a reload
  std::uint32_t generation_ = 0;               // of that
  RouterSettings settings_;
  Channel<Router, Master> master_;
  UniqueFd epoll_;
  UniqueFd reserve_;
  const ServerLog& log_;
  std::vector<UniqueFd> listeners_;
  std::vector<std::unique_ptr<SiteQueue>> sites_;  // by SiteId; of those that are awake
  std::map<std::uint32_t, std::unique_ptr<WorkerChannel>> channels_;  // by number
  std::vector<std::unique_ptr<Stranger>> pool_;
  std::vector<std::uint32_t> unused_;
  std::uint32_t held_ = 0;
  AddressCounter addresses_;
  DeadlineList<Stranger> peeking_;
  DeadlineList<Stranger> waiting_;
  DeadlineList<Stranger> refused_;
  DeadlineList<SiteQueue> crowded_;
  DeadlineList<WorkerChannel> unheard_;
  std::vector<HandOver> hand_overs_;  // of one call, and their descriptors
  std::vector<BorrowedFd> passed_;
  std::vector<SiteId> touched_;  // sites that connections came for in this turn
  // Sites whose channel took no message although it had credit, and when to try again.
  std::vector<SiteId> blocked_;
  std::optional<Clock::time_point> unblock_at_;
  RouterReporter reporter_;
  Clock::time_point now_{};
  Clock::time_point log_window_{};
  unsigned logged_in_window_ = 0;
  unsigned suppressed_ = 0;
  bool accepting_ = false;
  bool draining_ = false;
  bool sites_start_ = true;  // the master starts sites when it is asked
  std::array<char, std::max(http1::max_head_bytes, tls::max_hello_bytes) + 1> peek_buffer_;
};

}  // namespace perchild
