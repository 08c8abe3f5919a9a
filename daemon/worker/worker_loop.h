// The worker's event loop: takes connections from the routers, runs a session for each, grants
// credits, and writes the logs.
//
// Runs in: worker, locked down: its docroot to read, its logs to append to, its connections.
// Trusts: the master; the routers, for which connection is its site's (every request is checked
// again).
// Does not trust: clients.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "daemon/worker/connection.h"
#include "daemon/worker/credits.h"
#include "daemon/worker/served_site.h"
#include "daemon/worker/session.h"
#include "daemon/worker/tls.h"
#include "daemon/worker/turns.h"
#include "daemon/worker/visitor_counts.h"
#include "privsep/channel.h"
#include "privsep/lock_down.h"
#include "vhosts/deadline_list.h"

namespace perchild {

class WorkerLoop {
 public:
  WorkerLoop(LockedDown<Role::worker> proof, ServedSite& site, Channel<Worker, Master> master,
             UniqueFd epoll, std::uint32_t incarnation, std::unique_ptr<TlsSite> tls,
             Http2Server http2);

  // Serves until it has drained or the master has gone. The process's exit status.
  int run();

  // For connections.
  Clock::time_point now() const { return now_; }
  bool serves(const HostName& host) const { return site_.settings.serves(host); }
  IoBufferPool& buffers() { return buffers_; }
  bool watch(Connection& connection);
  bool watch(BackendStream& stream);
  void forget(BorrowedFd stream);
  Turns& turns() { return turns_; }
  void on_finished(const Connection& connection) {
    if (connection.is_counted) visitors_.remove(connection.peer().bytes());
    (connection.is_stream() ? finished_streams_ : finished_).push_back(connection.index());
  }
  // What a stream of a connection is served by; nullptr if there are too many of them.
  Connection* take_stream();
  // Makes progress before the turn is over.
  void wake_later(const Connection& connection) { to_wake_.push_back(connection.index()); }

 private:
  struct RouterChannel {
    Channel<Worker, Router> channel;
    Credits credits;
  };
  struct Arrival {
    HandOver message;
    UniqueFd fd;
  };

  bool dispatch(std::uint64_t token, std::uint32_t events);
  bool on_master_readable();
  bool on_message(const AttachRouter& message, UniqueFd fd);
  bool on_message(const TakeAccessLog& message, UniqueFd fd);  // a second one: not permitted
  bool on_message(const Ping& message, UniqueFd fd);
  bool on_message(const Retire& message, UniqueFd fd);
  bool on_message(const AttachChecker& message, UniqueFd fd);
  bool on_message(const AttachKeeper& message, UniqueFd fd);
  bool on_message(const AttachRunner& message, UniqueFd fd);
  bool on_message(const Drain& message, UniqueFd fd);
  bool on_message(const ReplaceLog& message, UniqueFd fd);
  bool on_message(const MayReport& message, UniqueFd fd);
  void begin_draining();
  void report_nonsense(std::optional<std::uint32_t> channel, std::string_view complaint);
  void on_checker_readable();
  // False if it sent what is no message. A worker has no say about the keeper, which is
  // everybody's, and the master does not know that the channel is no more: the next worker is given
  // one.
  bool on_keeper_readable();
  void on_runner_readable();
  bool on_router_readable(std::size_t index);
  bool receive_hand_overs(std::size_t index);
  void take_hand_over(RouterChannel& router, const HandOver& message, UniqueFd fd);
  void on_hand_over(const HandOver& message, UniqueFd fd);
  void drop_router(std::size_t index);
  void grant_credits();
  void tell_whether_idle();
  Connection* take_connection();
  Connection* take_place(std::size_t most);
  void wake_multiplexing();
  void collect_finished();
  void run_turns();
  void on_deadlines();
  int timeout();
  bool watch(BorrowedFd fd, std::uint64_t token, std::uint32_t events);
  bool drained() const;

  ServedSite& site_;
  SessionContext context_;
  Channel<Worker, Master> master_;
  UniqueFd epoll_;
  const std::unique_ptr<TlsSite> tls_;  // nullptr: the site has no certificate
  std::vector<std::optional<RouterChannel>> routers_;
  std::vector<Arrival> arrived_;  // received, not served yet
  Room room_;
  VisitorCounts visitors_;
  const std::uint32_t incarnation_;  // see Credit
  IoBufferPool buffers_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<std::uint32_t> unused_;    // places in connections_
  std::vector<std::uint32_t> finished_;  // to become unused when the turn is over
  std::vector<std::uint32_t> finished_streams_;
  std::size_t open_streams_ = 0;
  std::vector<std::uint32_t> to_wake_;
  Turns turns_;
  // Since when no connection is open, and whether the master knows.
  std::optional<Clock::time_point> idle_since_;
  bool used_ = false;  // connections have come, which may have ended since
  bool told_idle_ = false;
  TrafficReporter reporter_;
  Clock::time_point now_{};
};

}  // namespace perchild
