// The router against workers that have been taken over: it hears any sequence of what they may
// send, while visitors come and go, in plain text, by TLS and by proxies, the master attaches and
// detaches, time passes, and there is no descriptor left for what comes. A worker
// whose words are none, or who grants more than it may, is accused, and nobody else; it is handed
// no more than it has granted, and each visitor comes to one worker at most; and the router says
// nothing for which the master would end it.
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <map>

#include "daemon/router/router.h"
#include "test/fuzz/states/letters.h"
#include "test/fuzz/states/shortage.h"
#include "test/fuzz/states/sockets.h"
#include "test/vhosts/sites/configuration_samples.h"
#include "test/vhosts/tls/hello_builder.h"

namespace perchild::fuzz {
namespace {

constexpr std::uint32_t site_count = 3;
constexpr std::uint32_t slots = 2;
constexpr std::uint32_t most_waiting = 4;  // for a site
constexpr std::uint32_t most_held = 8;

// The listeners.
enum Door : std::uint16_t { plain, tls_door, of_proxy, tls_of_proxy, door_count };
constexpr bool speaks_tls(std::uint16_t door) {
  return door == tls_door || door == tls_of_proxy;
}

std::string routes(bool is_one_suspended) {
  Configuration configuration = test::configuration_of({{"a.example"}, {"b.example"}, {"c"}});
  for (Site& site : configuration.sites) site.limits.queue = most_waiting;
  for (const std::size_t site : {0U, 1U}) configuration.sites[site].certificates.resize(1);
  configuration.sites[2].life.suspended = is_one_suspended;
  configuration.listeners.resize(door_count);
  configuration.listeners[plain].default_site = SiteId{1};
  configuration.listeners[tls_door].tls = configuration.listeners[tls_of_proxy].tls = true;
  for (const Door door : {of_proxy, tls_of_proxy}) {
    configuration.listeners[door].proxies = {AddressBlock::parse("127.0.0.0/8").value()};
  }
  return pack_route_table(configuration);
}

RouterSettings router_settings() {
  RouterSettings settings;
  settings.limits.connections = most_held;
  settings.limits.per_address = 6;
  return settings;
}

struct WorkerEnd {
  SiteId site;
  std::uint32_t slot = 0;
  std::uint32_t number = 0;
  UniqueFd end;
  std::uint32_t credits = 0;  // that the router may use
  std::uint32_t incarnation = 0;
  bool is_wrong = false;   // has said what it may not, or closed its end
  bool is_let_go = false;  // by the master's word
};

class RouterStage final : public Stage {
 public:
  RouterStage(Script script, UniqueFd masters_end)
      : script_(script), master_(std::move(masters_end)) {
    for (std::uint16_t door = 0; door < door_count; ++door) {
      doors_[door] = loopback_listener();
      tell(AddListener{door}, doors_[door].borrow());
    }
    tell(ListenersComplete{door_count});
  }

  // After the loop.
  void judge_end(int status) const {
    check(status == 0 || !master_, "it ends when it is drained, or with its master");
  }

 private:
  void on_quiet() override {
    shortage_.end();
    hear_router();
    for (WorkerEnd& worker : workers_) hear(worker);
    std::erase_if(workers_, [](const WorkerEnd& worker) { return !worker.end.has_value(); });
    check(accused_ == 0 || hung_up_.has_value(), "who says what it may not is accused");
    accused_ = 0;
    hung_up_.reset();
    if (script_.over()) return finish();
    step();
  }

  template <typename M, typename... Fd>
  void tell(const M& message, Fd... fd) {
    check(!master_ || master_->send(message, fd...) == SendStatus::sent, "the router listens");
  }

  // ---- what has come of the last step

  void hear_router() {
    if (!master_) return;
    check(read_all(*master_, [this](const auto& message, const UniqueFd&) { hear(message); }),
          "the router lives");
  }
  void hear(const LockDownComplete&) { check(false, "it is locked down"); }
  void hear(const RoutesTaken&) {}
  void hear(const WorkerSilent&) {}
  void hear(const QueueStands& message) { check(message.site.value < site_count, "of a site"); }
  void hear(const Wake& message) {
    check(wakes_[message.site.value]-- > 0, "a site is woken as often as it may be");
  }
  void hear(const WorkerViolation& message) {
    check(message.channel == accused_, "nobody else is accused");
    hung_up_ = message.hung_up != 0;
  }
  void hear(const QueueReport& message) {
    check(message.waiting <= most_waiting && message.site.value < site_count, "queues are bounded");
    check(queue_reports_left_-- > 0, "queues are reported as often as they may be");
  }
  void hear(const RouterReport& message) {
    check(message.held <= most_held, "visitors are bounded");
    check(reports_left_-- > 0, "it reports as often as it may");
    queue_reports_left_ = QueueReport::most_in_a_report;
  }

  void hear(WorkerEnd& worker) {
    Channel<Worker, Router> channel(std::move(worker.end));
    const bool is_open = read_all(channel, [&](const HandOver& message, const UniqueFd& fd) {
      check(fd.has_value() && worker.credits > 0, "no more is handed over than was granted");
      --worker.credits;
      check(message.incarnation == worker.incarnation, "by the credit that is there");
      const auto visitor = ports_.extract(message.client_port);
      check(!visitor.empty(), "a visitor comes to one worker");
      check(message.listener == visitor.mapped() &&
                (message.encrypted != 0) == speaks_tls(visitor.mapped()),
            "as who it is");
    });
    check(is_open != (worker.is_wrong || worker.is_let_go), "who is wrong is not listened to");
    if (is_open) worker.end = std::move(channel).take_socket();
  }

  // ---- steps

  void step() {
    switch (script_.below(13)) {
      case 0:
      case 1:
        return attach();
      case 12:
        return run_out();
      case 2:
        return detach();
      case 3:
        return down();
      case 4:
        ++reports_left_;
        return tell(MayReport{0});
      case 5:
        return change();
      case 6:
        return let_pass(std::chrono::milliseconds(10) * (1 << script_.below(12)));
      case 7:
        if (!clients_.empty()) clients_.erase(clients_.begin() + script_.below(clients_.size()));
        return;
      case 8:
        if (WorkerEnd* worker = choose()) {
          accuse(*worker);
          ::shutdown(worker->end.get(), SHUT_RDWR);
        }
        return;
      case 9:
      case 10:
        return visit();
      default:
        if (WorkerEnd* worker = choose()) say(*worker);
    }
  }

  // Of descriptors, just now.
  void run_out() {
    if (WorkerEnd* worker = script_.byte() % 2 == 0 ? nullptr : choose()) {
      say(*worker);
    } else {
      visit();
    }
    shortage_.begin();
  }

  void finish() {
    const bool is_drained = script_at_end_++ > 0;
    if (ends_at_once_) return master_.reset();
    if (!is_drained) tell(Drain{1});
    let_pass(std::chrono::seconds(10));
    check(script_at_end_ < 20, "the router ends");
  }

  WorkerEnd* choose() {
    return workers_.empty() ? nullptr : &workers_[script_.below(workers_.size())];
  }

  void let_go(SiteId site, std::uint32_t slot) {
    for (WorkerEnd& worker : workers_) {
      if (worker.site == site && worker.slot == slot) worker.is_let_go = true;
    }
  }

  void attach() {
    const SiteId site{script_.below(site_count)};
    const std::uint32_t slot = script_.below(slots);
    auto pair = make_channel_pair();
    let_go(site, slot);
    workers_.push_back({site, slot, ++last_channel_, std::move(pair->second)});
    tell(AttachSite{site, slot, last_channel_}, pair->first.borrow());
  }

  void detach() {
    const WorkerEnd* worker = choose();
    if (worker == nullptr) return;
    ++wakes_[worker->site.value];
    tell(DetachSite{worker->site, worker->slot, worker->number});
    let_go(worker->site, worker->slot);
  }

  void down() {
    const SiteId site{script_.below(site_count)};
    ++wakes_[site.value];
    tell(SiteDown{site, script_.below(30)});
  }

  void change() {
    switch (script_.below(3)) {
      case 0:
        return tell(RemoveListener{0});
      case 1:
        return tell(AddListener{0}, doors_[plain].borrow());
      default:
        const auto table = make_sealed_memory("routes", routes(script_.byte() % 2 == 1));
        tell(TakeRoutes{++generation_}, table->borrow());
        tell(ListenersComplete{door_count});
    }
  }

  void visit() {
    constexpr std::uint32_t words = 6;
    const std::uint8_t what = script_.below(door_count * words);
    const auto door = static_cast<Door>(what / words);
    UniqueFd client = connect_to(doors_[door].borrow());
    if (!client.has_value()) return;
    const std::uint16_t port = port_of(client.borrow());
    const bool is_by_proxy = door == of_proxy || door == tls_of_proxy;
    const std::string first = (is_by_proxy ? proxy_header(port) : std::string()) +
                              (speaks_tls(door) ? hello(what % words) : head(what % words));
    static_cast<void>(::send(client.get(), first.data(), first.size(), MSG_NOSIGNAL));
    ports_.emplace(port, door);
    clients_.push_back(std::move(client));
  }

  static std::string head(std::uint32_t which) {
    static constexpr std::array<std::string_view, 6> heads{
        "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: b.example\r\n\r\n",
        "HEAD / HTTP/1.1\r\nHost: c\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: nobody\r\n\r\n",
        "GET / HTTP/1.1\r\nHo",
        "GET / HTTP/9"};
    return std::string(heads[which]);
  }

  static std::string hello(std::uint32_t which) {
    static constexpr std::array<std::string_view, 4> names{"a.example", "b.example", "c", "nobody"};
    if (which == names.size() + 1) return "GET / HTTP/1.1\r\n";
    const bool is_cut = which == names.size();
    const tls::HelloBuilder builder{.extensions = {tls::server_name(names[is_cut ? 0 : which])}};
    const std::string whole = tls::records(builder.message());
    return is_cut ? whole.substr(0, whole.size() / 2) : whole;
  }

  // Whose client has the proxy's port, so that it is known again.
  std::string proxy_header(std::uint16_t port) {
    const std::string number = std::to_string(port);
    switch (script_.below(6)) {
      case 0:
        return "PROXY TCP4 192.0.2.1 192.0.2.2 " + number + " 80\r\n";
      case 1:
        return std::string("\r\n\r\n\0\r\nQUIT\n\x21\x11", 14) + tls::number(12, 2) +
               tls::number(0xc0000201, 4) + tls::number(0xc0000202, 4) + tls::number(port, 2) +
               tls::number(80, 2);
      case 2:
        return "PROXY UNKNOWN\r\n";
      case 3:
        return "PROXY TCP4 192.0.2.1 192";
      case 4:
        return "PROXY TCP4 nobody\r\n";
      default:
        return {};
    }
  }

  void accuse(WorkerEnd& worker) {
    worker.is_wrong = true;
    accused_ = worker.number;
  }

  void say(WorkerEnd& worker) {
    const Letter letter = script_.byte() % 2 == 0
                              ? letter_of(Credit{1U + script_.below(8), 1U + script_.below(2)})
                              : write_letter<Worker, Router>(script_);
    if (!post(worker.end.borrow(), letter, doors_[plain].borrow())) return;
    const auto message = read_letter<Worker, Router>(letter);
    if (!message) return accuse(worker);
    const auto& credit = std::get<Credit>(*message);
    if (credit.incarnation != worker.incarnation) worker.credits = 0;
    worker.incarnation = credit.incarnation;
    worker.credits += credit.count;
    if (worker.credits > max_credits) accuse(worker);
  }

  Script script_;
  const bool ends_at_once_ = script_.byte() % 2 == 0;
  std::optional<Channel<Master, Router>> master_;
  std::array<UniqueFd, door_count> doors_;
  std::vector<WorkerEnd> workers_;
  std::vector<UniqueFd> clients_;
  std::map<std::uint16_t, Door> ports_;  // of those that no worker has, and by which they came
  Shortage shortage_;
  std::uint32_t last_channel_ = 0;
  std::uint32_t generation_ = 1;
  std::array<int, site_count> wakes_{1, 1, 1};
  int reports_left_ = RouterReport::permitted_at_first;
  int queue_reports_left_ = QueueReport::most_in_a_report;
  std::uint32_t accused_ = 0;    // its channel is to be named
  std::optional<bool> hung_up_;  // how it has been
  int script_at_end_ = 0;
};

}  // namespace

void play(Script script) {
  const ServerLog log("fuzzed", nullptr);
  auto pair = make_channel_pair();
  RouterStage stage(script, std::move(pair->first));
  const std::string packed = routes(false);
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  UniqueFd reserve(::dup(epoll.get()));
  const auto table = RouteTable::load(packed);
  const auto proof = lock_down<Role::router>({.filter = {}});
  check(table && proof, "the router can start");
  RouterLoop loop(*proof, *table, router_settings(),
                  Channel<Router, Master>(std::move(pair->second)), std::move(epoll),
                  std::move(reserve), log);
  stage.judge_end(loop.run());
}

}  // namespace perchild::fuzz
