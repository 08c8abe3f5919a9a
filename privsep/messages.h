// Every message between our processes: one struct each, listed once by direction at the end. What
// is not in the list of its direction cannot be sent, and ends its sender when received.
//
// Runs in: master, router, worker, checker, keeper.
// Trusts: nobody. The bytes of a message are its sender's; `valid()` says which of them may be
// believed in form. Who sent it is known from the channel alone, never from its content.
//
// On the wire a message is a MessageType and then the struct, both in host order and without
// padding (sender and receiver are always of one build), in one SEQPACKET record with exactly
// `fd_count` descriptors.
#pragma once

#include <array>
#include <cstdint>
#include <type_traits>
#include <variant>

#include "policy/ids.h"
#include "privsep/message_types.h"
#include "privsep/traffic.h"

namespace perchild {

// Names of the processes, for the direction of a channel.
struct Master;
struct Router;
struct Worker;
struct Checker;  // its own messages are in checker_messages.h
struct Keeper;   // and its own in keeper_messages.h
struct Runner;   // and its own in runner_messages.h
struct Spare;    // and its own in spare_messages.h

// router → master, worker → master. "My lock-down is complete." The first message of every child;
// the master looks for itself before it believes it.
struct LockDownComplete {
  static constexpr MessageType type = MessageType::lock_down_complete;
  static constexpr std::size_t fd_count = 0;
  // The sender's own, as a mere check of the wiring: 1 of who begins a PID namespace.
  std::uint32_t pid;
  bool valid() const { return pid != 0; }
};

// master → router. One bound and listening socket. Before ListenersComplete, or by a reload.
struct AddListener {
  static constexpr MessageType type = MessageType::add_listener;
  static constexpr std::size_t fd_count = 1;
  std::uint32_t index;  // into the route table's listeners
  bool valid() const { return index < max_listeners; }
};

// master → router. All listeners have been sent: accept.
struct ListenersComplete {
  static constexpr MessageType type = MessageType::listeners_complete;
  static constexpr std::size_t fd_count = 0;
  std::uint32_t count;
  bool valid() const { return count <= max_listeners; }
};

// master → router. A route table in place of the one before: sites and listeners keep their
// numbers, there may be more of them, and numbers that are no longer used. Answered by RoutesTaken.
struct TakeRoutes {
  static constexpr MessageType type = MessageType::take_routes;
  static constexpr std::size_t fd_count = 1;
  std::uint32_t generation;
  bool valid() const { return generation != 0; }
};

// master → router. RouterSettings in place of those before.
struct TakeRouterSettings {
  static constexpr MessageType type = MessageType::take_router_settings;
  static constexpr std::size_t fd_count = 1;
  std::uint32_t reserved;
  bool valid() const { return reserved == 0; }
};

// master → router. Take what the kernel has queued on this listener, and close it.
struct RemoveListener {
  static constexpr MessageType type = MessageType::remove_listener;
  static constexpr std::size_t fd_count = 0;
  std::uint32_t index;
  bool valid() const { return index < max_listeners; }
};

// router → master. From here on connections go by the routes of this generation.
struct RoutesTaken {
  static constexpr MessageType type = MessageType::routes_taken;
  static constexpr std::size_t fd_count = 0;
  std::uint32_t generation;
  bool valid() const { return generation != 0; }
};

// master → router. The router's end of the channel to one worker of a site, new or in place of the
// channel that this slot had before.
struct AttachSite {
  static constexpr MessageType type = MessageType::attach_site;
  static constexpr std::size_t fd_count = 1;
  SiteId site;
  std::uint32_t slot;     // which of the site's workers
  std::uint32_t channel;  // its number, which no other channel has had
  bool valid() const { return site.value < max_sites && slot < max_workers && channel != 0; }
};

// master → router. Send this worker nothing more, and close the channel: what has been sent is
// still read from it. If the site has no other, it may be woken again.
struct DetachSite {
  static constexpr MessageType type = MessageType::detach_site;
  static constexpr std::size_t fd_count = 0;
  SiteId site;
  std::uint32_t slot;
  std::uint32_t channel;
  bool valid() const { return site.value < max_sites && slot < max_workers && channel != 0; }
};

// master → router. The site cannot be started: answer 503 to what waits and to what comes, for
// `retry_seconds`; then it may be woken again.
struct SiteDown {
  static constexpr MessageType type = MessageType::site_down;
  static constexpr std::size_t fd_count = 0;
  SiteId site;
  std::uint32_t retry_seconds;
  bool valid() const { return site.value < max_sites && retry_seconds <= 3600; }
};

// router → master. A connection waits for a site that has no worker. Once, and once more for each
// SiteDown and DetachSite of the site.
struct Wake {
  static constexpr MessageType type = MessageType::wake;
  static constexpr std::size_t fd_count = 0;
  SiteId site;
  bool valid() const { return site.value < max_sites; }
};

// router → master. Connections have waited for the site for a while, and no worker has granted
// credit.
struct QueueStands {
  static constexpr MessageType type = MessageType::queue_stands;
  static constexpr std::size_t fd_count = 0;
  SiteId site;
  bool valid() const { return site.value < max_sites; }
};

// router → master. A worker was handed connections and has said nothing for a while. The master
// asks it whether it lives: what becomes of it is for its own answer to decide.
struct WorkerSilent {
  static constexpr MessageType type = MessageType::worker_silent;
  static constexpr std::size_t fd_count = 0;
  SiteId site;
  std::uint32_t channel;
  bool valid() const { return site.value < max_sites && channel != 0; }
};

// router → master. What a worker sent is no message of ours, or it has closed its end: end it. The
// channel is already closed here.
struct WorkerViolation {
  static constexpr MessageType type = MessageType::worker_violation;
  static constexpr std::size_t fd_count = 0;
  SiteId site;
  std::uint32_t slot;
  std::uint32_t channel;  // of the AttachSite: the slot may have another worker meanwhile
  std::uint32_t hung_up;  // 1 if it has only closed its end
  bool valid() const {
    return site.value < max_sites && slot < max_workers && channel != 0 && hung_up <= 1;
  }
};

// router → worker. One client connection, unread from the client's first byte on. Costs one credit.
struct HandOver {
  static constexpr MessageType type = MessageType::hand_over;
  static constexpr std::size_t fd_count = 1;
  // IPv6, or IPv4 mapped (::ffff:a.b.c.d); as a listed proxy says it, if it came from one.
  std::array<std::uint8_t, 16> client_address;
  std::uint16_t client_port;  // host order
  std::uint16_t listener;
  // 1 if the name asked for is nobody's: it is the site's for as long as this connection lasts.
  std::uint16_t by_default;
  std::uint16_t encrypted;    // 1 if the listener is one for TLS, and the name was in its handshake
  std::uint32_t incarnation;  // of the Credit that this uses
  std::uint16_t over_tls = 0;  // 1 if the client speaks TLS to the listed proxy that it came by
  std::uint16_t http2 = 0;     // 1 if it begins as HTTP/2 does, without TLS, and may
  bool valid() const {
    return listener < max_listeners && by_default <= 1 && encrypted <= 1 && incarnation != 0 &&
           over_tls <= 1 && http2 <= 1 && (http2 == 0 || encrypted == 0);
  }
};

// worker → router. Room for `count` connections more. `incarnation` tells one worker from its
// successor on the same channel: another one than before voids what was granted until now.
struct Credit {
  static constexpr MessageType type = MessageType::credit;
  static constexpr std::size_t fd_count = 0;
  std::uint32_t count;
  std::uint32_t incarnation;
  bool valid() const { return count >= 1 && count <= max_credits && incarnation != 0; }
};

// master → worker. The site's access log, append-only.
struct TakeAccessLog {
  static constexpr MessageType type = MessageType::take_access_log;
  static constexpr std::size_t fd_count = 1;
  std::uint32_t reserved;
  bool valid() const { return reserved == 0; }
};

// master → worker. The worker's end of the channel to one router, new or in place of the one
// before.
struct AttachRouter {
  static constexpr MessageType type = MessageType::attach_router;
  static constexpr std::size_t fd_count = 1;
  std::uint32_t router;
  bool valid() const { return router < max_routers; }
};

// master → router, master → worker. Finish what has begun, then exit.
struct Drain {
  static constexpr MessageType type = MessageType::drain;
  static constexpr std::size_t fd_count = 0;
  std::uint32_t sites_start;  // 1 to a router: the master still starts sites for what it holds
  bool valid() const { return sites_start <= 1; }
};

// master → worker. The routers are told to let go of this worker: serve what they have sent and
// what is open, each connection with one more response at most, then exit.
struct Retire {
  static constexpr MessageType type = MessageType::retire;
  static constexpr std::size_t fd_count = 0;
  std::uint32_t reserved;
  bool valid() const { return reserved == 0; }
};

// master → worker. Are you there? Answered by Pong.
struct Ping {
  static constexpr MessageType type = MessageType::ping;
  static constexpr std::size_t fd_count = 0;
  std::uint32_t reserved;
  bool valid() const { return reserved == 0; }
};

// worker → master. Once after each Ping.
struct Pong {
  static constexpr MessageType type = MessageType::pong;
  static constexpr std::size_t fd_count = 0;
  std::uint32_t reserved;
  bool valid() const { return reserved == 0; }
};

// worker → master. No connection has been open for a second. Not again before Busy.
struct Idle {
  static constexpr MessageType type = MessageType::idle;
  static constexpr std::size_t fd_count = 0;
  std::uint32_t reserved;
  bool valid() const { return reserved == 0; }
};

// worker → master. A connection has come. After Idle only.
struct Busy {
  static constexpr MessageType type = MessageType::busy;
  static constexpr std::size_t fd_count = 0;
  std::uint32_t reserved;
  bool valid() const { return reserved == 0; }
};

// master → worker, master → runner (the error log alone). The site's access or error log, opened
// anew: it takes the place of the one before.
struct ReplaceLog {
  static constexpr MessageType type = MessageType::replace_log;
  static constexpr std::size_t fd_count = 1;
  std::uint32_t is_error_log;
  bool valid() const { return is_error_log <= 1; }
};

// master → router, master → worker. One report more may be sent: the master gives this word when it
// has taken one, but not more often than once a second.
struct MayReport {
  static constexpr MessageType type = MessageType::may_report;
  static constexpr std::size_t fd_count = 0;
  std::uint32_t reserved;
  bool valid() const { return reserved == 0; }
};

// worker → master. All that this process has served, and how many connections are open now. Costs
// a MayReport; as many as these are permitted from the first, so that one is left for the end.
struct WorkerReport {
  static constexpr MessageType type = MessageType::worker_report;
  static constexpr std::size_t fd_count = 0;
  static constexpr std::uint32_t permitted_at_first = 2;
  Traffic traffic;
  std::uint32_t connections;
  std::uint32_t reserved;
  bool valid() const { return connections <= max_connections && reserved == 0; }
  friend bool operator==(const WorkerReport&, const WorkerReport&) = default;
};

// router → master. How many connections wait for a site here now, and how many it has refused since
// it said so before, for want of a worker or of room. Some of these may go before a RouterReport.
struct QueueReport {
  static constexpr MessageType type = MessageType::queue_report;
  static constexpr std::size_t fd_count = 0;
  static constexpr std::uint32_t most_in_a_report = 64;
  SiteId site;
  std::uint32_t waiting;
  std::uint32_t refused;
  bool valid() const { return site.value < max_sites && waiting <= max_connections; }
};

// router → master. What it has done with all connections since it runs. Costs a MayReport; one is
// permitted from the first.
struct RouterReport {
  static constexpr MessageType type = MessageType::router_report;
  static constexpr std::size_t fd_count = 0;
  static constexpr std::uint32_t permitted_at_first = 1;
  std::uint64_t accepted;
  std::uint64_t handed_over;
  std::uint64_t refused;  // were answered by the router
  std::uint64_t dropped;  // were closed unheard: too many of one address, or in all
  std::uint32_t held;     // now
  std::uint32_t reserved;
  bool valid() const { return held <= max_connections && reserved == 0; }
  RouterReport& operator+=(const RouterReport& other) {
    accepted += other.accepted;
    handed_over += other.handed_over;
    refused += other.refused;
    dropped += other.dropped;
    held += other.held;
    return *this;
  }
  friend bool operator==(const RouterReport&, const RouterReport&) = default;
};

// master → worker. The worker's end of a channel to its site's checker, the first or in place of
// the one before, whose process is gone: what was not answered is to be asked again.
struct AttachChecker {
  static constexpr MessageType type = MessageType::attach_checker;
  static constexpr std::size_t fd_count = 1;
  std::uint32_t channel;  // counted anew for each site, from 1; never the same twice
  bool valid() const { return channel != 0; }
};

// master → worker. Likewise of a channel to the keeper.
struct AttachKeeper {
  static constexpr MessageType type = MessageType::attach_keeper;
  static constexpr std::size_t fd_count = 1;
  std::uint32_t reserved;
  bool valid() const { return reserved == 0; }
};

// master → worker. Likewise of a channel to its site's runner. What was asked for and not answered
// is to be asked again; what was acquired by the channel before has ended with its runner.
struct AttachRunner {
  static constexpr MessageType type = MessageType::attach_runner;
  static constexpr std::size_t fd_count = 1;
  std::uint32_t channel;  // counted anew for each site, from 1; never the same twice
  bool valid() const { return channel != 0; }
};

// checker, keeper, runner, worker → master. What came by this channel between the two is no message
// of ours: end who sent it. The channel is already closed.
struct PeerViolation {
  static constexpr MessageType type = MessageType::peer_violation;
  static constexpr std::size_t fd_count = 0;
  std::uint32_t channel;
  bool valid() const { return channel != 0; }
};

// What may go from one process to another, and nothing else.
template <typename From, typename To>
struct Direction;
template <>
struct Direction<Master, Router> {
  using Messages =
      std::variant<AddListener, ListenersComplete, RemoveListener, TakeRoutes, TakeRouterSettings,
                   AttachSite, DetachSite, SiteDown, Drain, MayReport>;
};
template <>
struct Direction<Router, Master> {
  using Messages = std::variant<LockDownComplete, RoutesTaken, Wake, QueueStands, WorkerSilent,
                                WorkerViolation, QueueReport, RouterReport>;
};
template <>
struct Direction<Router, Worker> {
  using Messages = std::variant<HandOver>;
};
template <>
struct Direction<Worker, Router> {
  using Messages = std::variant<Credit>;
};
template <>
struct Direction<Master, Worker> {
  using Messages = std::variant<TakeAccessLog, AttachRouter, AttachChecker, AttachKeeper,
                                AttachRunner, Ping, Retire, Drain, ReplaceLog, MayReport>;
};
template <>
struct Direction<Worker, Master> {
  using Messages = std::variant<LockDownComplete, PeerViolation, Pong, Idle, Busy, WorkerReport>;
};

}  // namespace perchild
