#include "daemon/worker/worker_loop.h"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "vhosts/forwarded/forwarded_for.h"

namespace perchild {
namespace {

constexpr int exit_drained = 0;
constexpr int exit_peer_failed = 1;  // the master has gone, or a peer sent what is no message
constexpr int exit_broken = 2;

// Who comes back sooner is no news for the master.
constexpr std::chrono::seconds idle_notice{1};

// A page and what belongs to it, asked for at once on one connection.
constexpr std::size_t least_streams = 128;

// What an event is about: the low bits say which kind the rest is the index of.
enum class EventKind : std::uint8_t {
  master,
  router,
  connection,
  checker,
  keeper,
  runner,
  program
};
constexpr unsigned kind_bits = 3;

constexpr std::uint64_t token_of(EventKind kind, std::uint64_t index) {
  return index << kind_bits | static_cast<std::uint8_t>(kind);
}

// A router that has been taken over could pass any descriptor of its own.
bool is_tcp_socket(BorrowedFd fd) {
  int protocol = 0;
  ::socklen_t length = sizeof protocol;
  return ::getsockopt(fd.get(), SOL_SOCKET, SO_PROTOCOL, &protocol, &length) == 0 &&
         protocol == IPPROTO_TCP;
}

}  // namespace

WorkerLoop::WorkerLoop(LockedDown<Role::worker>, ServedSite& site, Channel<Worker, Master> master,
                       UniqueFd epoll, std::uint32_t incarnation, std::unique_ptr<TlsSite> tls,
                       Http2Server http2)
    : site_(site),
      context_{.site = site,
               .patience = Patience(site.settings),
               .runner = RunnerClient(site.settings.programs, *this),
               .serve_http2 = http2},
      master_(std::move(master)),
      epoll_(std::move(epoll)),
      tls_(std::move(tls)),
      room_(site.settings.limits.connections),
      visitors_(site.settings.limits.per_address),
      incarnation_(incarnation) {}

int WorkerLoop::run() {
  if (!watch(master_.fd(), token_of(EventKind::master, 0), EPOLLIN)) return exit_broken;
  std::array<::epoll_event, 256> events;
  while (!drained()) {
    now_ = Clock::now();
    site_.traffic.end_turn(now_);
    reporter_.report_change(master_, site_.traffic.traffic(), room_.open());
    const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), timeout());
    if (count < 0 && errno != EINTR) return exit_broken;
    now_ = Clock::now();
    site_.begin_turn();
    site_.traffic.begin_turn(now_);
    run_turns();
    for (int i = 0; i < count; ++i) {
      const ::epoll_event& event = events[static_cast<std::size_t>(i)];
      if (!dispatch(event.data.u64, event.events)) {
        site_.flush_logs();
        return exit_peer_failed;
      }
    }
    on_deadlines();
    if (tls_ != nullptr) tls_->end_turn();
    do {  // what a stream gives back may be what another one waits for
      context_.runner.end_turn();
      wake_multiplexing();
    } while (context_.runner.has_answers());
    collect_finished();
    grant_credits();
    tell_whether_idle();
    site_.end_turn(now_);
  }
  site_.flush_logs();
  site_.traffic.end_turn(Clock::now());
  reporter_.report_end(master_, site_.traffic.traffic());
  return exit_drained;
}

bool WorkerLoop::drained() const {
  return context_.draining && room_.open() == 0 &&
         std::none_of(routers_.begin(), routers_.end(),
                      [](const auto& r) { return r.has_value(); });
}

bool WorkerLoop::dispatch(std::uint64_t token, std::uint32_t events) {
  const std::uint64_t index = token >> kind_bits;
  switch (static_cast<EventKind>(token & ((1U << kind_bits) - 1))) {
    case EventKind::master:
      return on_master_readable();
    case EventKind::router:
      return on_router_readable(index);
    case EventKind::connection:
      // One that has finished keeps its place until the turn is over: no event reaches another's.
      if (connections_[index]->open()) connections_[index]->on_events(events);
      return true;
    case EventKind::checker:
      on_checker_readable();
      return true;
    case EventKind::keeper:
      return on_keeper_readable();
    case EventKind::runner:
      on_runner_readable();
      return true;
    case EventKind::program:
      context_.runner.on_stream_events(index, events);
      return true;
  }
  return true;
}

bool WorkerLoop::watch(BorrowedFd fd, std::uint64_t token, std::uint32_t events) {
  ::epoll_event event{events, {.u64 = token}};
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd.get(), &event) == 0;
}

// Edge-triggered and for good: a connection costs one epoll_ctl in its life, and none if it never
// has to wait.
bool WorkerLoop::watch(Connection& connection) {
  return watch(connection.fd(), token_of(EventKind::connection, connection.index()),
               EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
}

bool WorkerLoop::watch(BackendStream& stream) {
  return watch(stream.fd(), token_of(EventKind::program, stream.index()),
               EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
}

void WorkerLoop::forget(BorrowedFd stream) {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, stream.get(), nullptr);
}

int WorkerLoop::timeout() {
  if (!turns_.empty()) return 0;
  std::optional<Clock::time_point> first;
  if (idle_since_ && !told_idle_) first = *idle_since_ + idle_notice;
  for (const DeadlineList<Connection>* list : context_.patience.lists()) {
    const auto deadline = list->next_deadline();
    if (deadline && (!first || *deadline < *first)) first = deadline;
  }
  return milliseconds_until_first(now_, first, context_.runner.next_deadline(),
                                  site_.access_log.flush_due(now_),
                                  site_.error_log.flush_due(now_));
}

void WorkerLoop::on_deadlines() {
  context_.runner.on_deadlines(now_);
  for (DeadlineList<Connection>* list : context_.patience.lists()) {
    while (Connection* connection = list->expired(now_)) {
      connection->deadline.unlink();
      connection->resume(WakeReason::timed_out);
    }
  }
}

void WorkerLoop::run_turns() {
  const auto go_on = [this](Turns::Session index) {
    if (connections_[index]->waiting_for_turn()) connections_[index]->resume(WakeReason::ready);
  };
  for (const Turns::Session index : turns_.take_short()) go_on(index);
  if (const auto index = turns_.take_long()) go_on(*index);
}

bool WorkerLoop::on_master_readable() {
  for (;;) {
    auto received = master_.receive();
    if (received.status == Channel<Worker, Master>::Status::would_block) return true;
    if (received.status != Channel<Worker, Master>::Status::message) return false;
    const bool permitted =
        std::visit([&](const auto& message) { return on_message(message, std::move(received.fd)); },
                   *received.message);
    if (!permitted) return false;
  }
}

bool WorkerLoop::on_message(const AttachRouter& message, UniqueFd fd) {
  if (routers_.size() <= message.router) routers_.resize(message.router + 1);
  // What a router that has died handed over is served all the same.
  for (int i = 0; i < 2; ++i) {  // its credits, and those that it had from a predecessor
    if (!on_router_readable(message.router)) return false;
  }
  drop_router(message.router);
  if (!watch(fd.borrow(), token_of(EventKind::router, message.router), EPOLLIN)) return false;
  routers_[message.router].emplace(RouterChannel{Channel<Worker, Router>(std::move(fd)), {}});
  return true;
}

bool WorkerLoop::on_message(const ReplaceLog& message, UniqueFd fd) {
  site_.replace_log(message.is_error_log != 0, fd.borrow());
  return true;
}

bool WorkerLoop::on_message(const MayReport&, UniqueFd) {
  reporter_.permit();
  return true;
}

bool WorkerLoop::on_message(const TakeAccessLog&, UniqueFd) {
  return false;
}

bool WorkerLoop::on_message(const Ping&, UniqueFd) {
  // One at a time is asked, so there is room for the answer.
  return master_.send(Pong{0}) == SendStatus::sent;
}

bool WorkerLoop::on_message(const AttachChecker& message, UniqueFd fd) {
  if (!watch(fd.borrow(), token_of(EventKind::checker, 0), EPOLLIN)) return false;
  context_.checks.attach(std::move(fd), message.channel);
  return true;
}

// `channel`: by which it came, if it did.
void WorkerLoop::report_nonsense(std::optional<std::uint32_t> channel, std::string_view complaint) {
  if (!channel) return;
  site_.error_log.add({.message = complaint});
  // If the master has no room for it, it is about to end this worker as well.
  static_cast<void>(master_.send(PeerViolation{*channel}));
}

void WorkerLoop::on_checker_readable() {
  report_nonsense(context_.checks.on_readable(), "the site's checker sent what is no answer");
}

bool WorkerLoop::on_message(const AttachRunner& message, UniqueFd fd) {
  if (!watch(fd.borrow(), token_of(EventKind::runner, 0), EPOLLIN)) return false;
  context_.runner.attach(std::move(fd), message.channel);
  return true;
}

void WorkerLoop::on_runner_readable() {
  report_nonsense(context_.runner.on_readable(), "the site's runner sent what is no answer");
}

// Who is between two requests may be sending the next one: it is answered, and told to come again
// on another connection.
bool WorkerLoop::on_message(const Retire&, UniqueFd) {
  begin_draining();
  return true;
}

// Who speaks HTTP/2 can be told at any time.
void WorkerLoop::begin_draining() {
  context_.draining = true;
  for (const auto& connection : connections_) {
    if (connection->open() && connection->multiplexes) wake_later(*connection);
  }
}

bool WorkerLoop::on_message(const AttachKeeper&, UniqueFd fd) {
  if (tls_ == nullptr || !watch(fd.borrow(), token_of(EventKind::keeper, 0), EPOLLIN)) return false;
  tls_->attach_keeper(std::move(fd));
  return true;
}

bool WorkerLoop::on_keeper_readable() {
  const KeeperState state = tls_->on_keeper_readable();
  if (state != KeeperState::serves) {
    site_.error_log.add({.severity = logs::Severity::warning, .message = text_of(state)});
  }
  return state != KeeperState::sent_nonsense;
}

bool WorkerLoop::on_message(const Drain&, UniqueFd) {
  begin_draining();
  context_.closes_idle = true;
  // Who is between two requests is told by a close, which every client must expect (RFC 9112, 9.5).
  while (Connection* connection = context_.patience.idle.oldest()) {
    connection->deadline.unlink();
    connection->resume(WakeReason::draining);
  }
  return true;
}

void WorkerLoop::drop_router(std::size_t index) {
  if (!routers_[index]) return;
  routers_[index]->credits.give_up(room_);
  // The master keeps a copy of this end, so closing alone would not take it out of epoll.
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, routers_[index]->channel.fd().get(), nullptr);
  routers_[index].reset();
}

bool WorkerLoop::on_router_readable(std::size_t index) {
  const bool well_formed = receive_hand_overs(index);
  if (arrived_.empty()) return well_formed;
  // All of them before any is served: what was checked on the disk before is not good for a request
  // that may have been sent since, and one check is for all of these.
  site_.forget_checks();
  for (Arrival& arrival : arrived_) on_hand_over(arrival.message, std::move(arrival.fd));
  arrived_.clear();
  return well_formed;
}

// False if the router sent what is no message. A worker cannot end a router; it ends itself, so
// that nobody waits for a channel that is not listened to.
bool WorkerLoop::receive_hand_overs(std::size_t index) {
  // Bounded by what was granted; a router that sends more is not listened to until the next turn.
  for (std::uint32_t i = 0; i < max_credits && routers_[index]; ++i) {
    auto received = routers_[index]->channel.receive();
    switch (received.status) {
      case Channel<Worker, Router>::Status::would_block:
        return true;
      case Channel<Worker, Router>::Status::peer_gone:
        drop_router(index);
        return true;
      case Channel<Worker, Router>::Status::violation:
        site_.error_log.add({.message = "a router sent what is no message: ending"});
        return false;
      case Channel<Worker, Router>::Status::message:
        take_hand_over(*routers_[index], std::get<HandOver>(*received.message),
                       std::move(received.fd));
        break;
      case Channel<Worker, Router>::Status::out_of_fds:
        // The kernel had no descriptor to give us: that connection is lost, the channel is not.
        site_.error_log.add({.message = "out of file descriptors: a connection is lost"});
        routers_[index]->credits.use(room_);
        break;
    }
  }
  return true;
}

void WorkerLoop::take_hand_over(RouterChannel& router, const HandOver& message, UniqueFd fd) {
  // What was granted by a predecessor is not in this worker's books.
  if (message.incarnation == incarnation_) router.credits.use(room_);
  arrived_.push_back({message, std::move(fd)});
}

void WorkerLoop::on_hand_over(const HandOver& message, UniqueFd fd) {
  const auto refuse = [this](std::string_view reason) { site_.error_log.add({.message = reason}); };
  if (!is_tcp_socket(fd.borrow())) return refuse("a router passed what is no TCP connection");
  if (message.encrypted != 0 && tls_ == nullptr) {
    return refuse("a TLS connection came to a site without a certificate");
  }
  if (message.http2 != 0 && (context_.serve_http2 == nullptr || !site_.settings.plain_http2)) {
    return refuse("HTTP/2 without TLS came to a site that does not speak it");
  }
  Connection* connection = take_connection();
  if (connection == nullptr) return refuse("more connections than were granted: one is closed");
  used_ = true;
  room_.add_open();
  const auto client = logs::ClientAddress::of(message.client_address, message.client_port);
  connection->begin(std::move(fd), client, message.by_default != 0,
                    message.encrypted != 0 ? tls_.get() : nullptr);
  connection->plain_http2 = message.http2 != 0;
  connection->over_tls = message.encrypted != 0 || message.over_tls != 0;
  // A proxy's connections are those of all its visitors.
  connection->is_counted =
      !forwarded::is_trusted(site_.settings.reach.trusted_proxies, client.bytes());
  connection->one_too_many = connection->is_counted && !visitors_.add(client.bytes());
  serve(*connection, context_);
}

// Nullptr beyond what can have been promised, by this worker and one before it.
Connection* WorkerLoop::take_connection() {
  return take_place(site_.settings.limits.connections + routers_.size() * max_credits +
                    open_streams_);
}

Connection* WorkerLoop::take_stream() {
  // As many requests at once as if each came by a connection of its own.
  const std::size_t most = std::max<std::size_t>(site_.settings.limits.connections, least_streams);
  if (open_streams_ >= most) return nullptr;
  ++open_streams_;
  return take_place(connections_.size() + 1);
}

Connection* WorkerLoop::take_place(std::size_t most) {
  if (unused_.empty()) {
    if (connections_.size() >= most) return nullptr;
    unused_.push_back(static_cast<std::uint32_t>(connections_.size()));
    connections_.push_back(std::make_unique<Connection>(*this, unused_.back()));
  }
  Connection* connection = connections_[unused_.back()].get();
  unused_.pop_back();
  return connection;
}

void WorkerLoop::collect_finished() {
  for (const std::uint32_t index : finished_) {
    unused_.push_back(index);
    room_.remove_open();
  }
  finished_.clear();
  for (const std::uint32_t index : finished_streams_) {
    unused_.push_back(index);
    --open_streams_;
  }
  finished_streams_.clear();
}

void WorkerLoop::wake_multiplexing() {
  while (!to_wake_.empty()) {
    for (const auto index : std::exchange(to_wake_, {})) connections_[index]->on_progress();
  }
}

void WorkerLoop::grant_credits() {
  for (std::size_t i = 0; i < routers_.size(); ++i) {
    if (!routers_[i]) continue;
    RouterChannel& router = *routers_[i];
    const std::uint32_t count = router.credits.due(room_, routers_.size());
    if (count == 0) continue;
    const Credit message{count, incarnation_};
    // A router that has closed its end may have sent something before: it is read up to its end.
    if (router.channel.send(message) == SendStatus::sent) router.credits.granted(room_, count);
  }
}

void WorkerLoop::tell_whether_idle() {
  if (used_) {
    idle_since_.reset();
    if (told_idle_) told_idle_ = master_.send(Busy{0}) != SendStatus::sent;
    used_ = told_idle_;  // to be said yet
  }
  if (room_.open() != 0) return;
  if (!idle_since_) idle_since_ = now_;
  if (told_idle_ || now_ - *idle_since_ < idle_notice) return;
  told_idle_ = master_.send(Idle{0}) == SendStatus::sent;
  if (!told_idle_) idle_since_ = now_;  // later
}

}  // namespace perchild
