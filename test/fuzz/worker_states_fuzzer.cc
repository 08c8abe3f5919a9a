// The worker against a router, its site's runner and its checker that have been taken over: it
// hears any sequence of what they may send, while visitors ask and go, the master gives it others
// of them, time passes, and who comes finds no descriptor left. The runner or checker that says
// what it may not is accused, by the channel that it came by; a router that does makes the worker
// end itself; and nothing else ends it. What it grants is bounded, and it says nothing for which
// the master would end it.
#include <fcntl.h>
#include <sanitizer/lsan_interface.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <deque>
#include <set>

#include "daemon/worker/worker_loop.h"
#include "privsep/checker_messages.h"
#include "privsep/runner_messages.h"
#include "test/fuzz/states/letters.h"
#include "test/fuzz/states/shortage.h"
#include "test/fuzz/states/sockets.h"
#include "test/vhosts/sites/configuration_samples.h"

namespace perchild::fuzz {
namespace {

constexpr std::uint32_t incarnation = 5;
constexpr std::uint32_t most_routers = 2;
constexpr std::uint32_t most_connections = 8;

ProgramSettings program_of(ProgramKind kind, ProgramProtocol protocol) {
  ProgramSettings program;
  program.kind = kind;
  program.protocol = protocol;
  program.longest_queue = 4;
  return program;
}

Location folder_of(const char* folder, std::uint32_t program) {
  Location location{.match = folder};
  location.settings.handlers = {{.topic = "program", .program = program}};
  return location;
}

SiteSettings settings_of_site() {
  SiteSettings settings;
  settings.hosts = {HostPattern::parse("a.example").value()};
  settings.root = "/";
  settings.limits.connections = most_connections;
  settings.programs = {program_of(ProgramKind::fastcgi_pool, ProgramProtocol::fastcgi),
                       program_of(ProgramKind::cgi, ProgramProtocol::cgi),
                       program_of(ProgramKind::app, ProgramProtocol::http)};
  settings.content.locations = {
      folder_of("/pool", 0), folder_of("/script", 1), folder_of("/app", 2), {.match = "/private"}};
  settings.content.locations[1].settings.handlers[0].directories = {"/script"};
  settings.content.locations.back().settings.access.auth = AuthSettings{.realm = "x"};
  return settings;
}

struct RouterEnd {
  UniqueFd end;
  std::uint32_t granted = 0;  // and not used
};

// The runner's end or the checker's, and those that the worker does not listen to any more.
struct CompanionEnd {
  UniqueFd end;
  std::uint32_t channel = 0;
  bool is_wrong = false;
};

class WorkerStage final : public Stage {
 public:
  WorkerStage(Script script, UniqueFd masters_end)
      : script_(script), master_(std::move(masters_end)), listener_(loopback_listener()) {}

  // Whether it may come to its end with connections open.
  bool may_end_early() const { return may_end_early_; }
  // After the loop.
  void judge_end(int status) const {
    check(!router_is_wrong_ || status == 1, "it ends itself for a router that is wrong");
    check(router_is_wrong_ || master_has_gone_ || status == 0, "and for nothing else");
  }

 private:
  void on_quiet() override {
    shortage_.end();
    check(!router_is_wrong_, "it ends itself at once for a router that is wrong");
    if (master_) {
      check(read_all(*master_, [this](const auto& message, const UniqueFd&) { hear(message); }),
            "the worker lives");
    }
    std::uint32_t all = 0;
    for (RouterEnd& router : routers_) {
      hear(router);
      all += router.granted;
    }
    check(all <= most_connections + most_routers, "what is granted is bounded");
    hear_runner();
    hear_checker();
    check(!runner_.is_wrong && !checker_.is_wrong, "who says what it may not is accused");
    if (script_.over()) return finish();
    step();
  }

  // ---- what has come of the last step

  void hear(const LockDownComplete&) { check(false, "it is locked down"); }
  void hear(const PeerViolation& message) {
    bool is_accused = false;
    for (CompanionEnd* companion : {&runner_, &checker_}) {
      if (companion->channel != message.channel || !companion->is_wrong) continue;
      is_accused = true;
      *companion = {};
    }
    check(is_accused, "nobody else is accused");
  }
  void hear(const Pong&) { check(pings_-- > 0, "it answers when it is asked"); }
  void hear(const Idle&) { check(!std::exchange(is_idle_, true), "it is idle once"); }
  void hear(const Busy&) { check(std::exchange(is_idle_, false), "it is busy once"); }
  void hear(const WorkerReport&) { check(reports_left_-- > 0, "it reports as often as it may"); }

  void hear(RouterEnd& router) {
    if (!router.end.has_value()) return;
    Channel<Router, Worker> channel(std::move(router.end));
    const bool is_open = read_all(channel, [&](const Credit& message, const UniqueFd&) {
      check(message.incarnation == incarnation, "credits are its own");
      router.granted += message.count;
      check(router.granted <= max_credits, "no more is granted than may be");
    });
    if (is_open) router.end = std::move(channel).take_socket();
  }

  void hear_runner() {
    if (!runner_.end.has_value()) return;
    Channel<Runner, Worker> channel(std::move(runner_.end));
    const bool is_open = read_all(channel, [this]<typename M>(const M& message, const UniqueFd&) {
      if constexpr (requires { message.program; }) {
        check(asked_of_runner_.insert(message.number).second, "a question has its own number");
        check(asked_of_runner_.size() <= max_acquisitions, "questions are bounded");
      } else if constexpr (std::is_same_v<M, Release>) {
        check(given_.erase(message.instance) == 1, "it gives back what it has been given");
      }
    });
    if (is_open) runner_.end = std::move(channel).take_socket();
  }

  void hear_checker() {
    if (!checker_.end.has_value()) return;
    Channel<Checker, Worker> channel(std::move(checker_.end));
    const bool is_open = read_all(channel, [this](const CheckPassword& message, const UniqueFd&) {
      asked_of_checker_.push_back(message.number);
      check(asked_of_checker_.size() <= max_checks, "questions are bounded");
    });
    if (is_open) checker_.end = std::move(channel).take_socket();
  }

  // ---- steps

  void step() {
    switch (script_.below(17)) {
      case 0:
        return attach_router();
      case 1:
        return attach_companion(script_.byte() % 2 == 0);
      case 2:
        return let_pass(std::chrono::milliseconds(1) * (1 << script_.below(18)));
      case 3:
        ++pings_;
        return tell(Ping{0});
      case 4:
        ++reports_left_;
        return tell(MayReport{0});
      case 5:
        if (!visitors_.empty()) {
          visitors_.erase(visitors_.begin() + script_.below(visitors_.size()));
        }
        return;
      case 6:
        if (!routers_.empty()) routers_[script_.below(routers_.size())].end.reset();
        return;
      case 7:
        (script_.byte() % 2 == 0 ? runner_ : checker_) = {};
        return;
      case 8:
        return ask_again();
      case 9:
      case 10:
      case 11:
        return runner_speaks();
      case 12:
        return checker_speaks();
      case 13:
        return router_speaks();
      case 16:  // who comes is lost
        hand_over();
        return shortage_.begin();
      default:
        return hand_over();
    }
  }

  void finish() {
    if (finishing_++ == 0) {
      if (may_end_early_) {
        master_has_gone_ = true;
        return master_.reset();
      }
      tell(Drain{0});
      for (RouterEnd& router : routers_) router.end.reset();
      runner_ = {};
      checker_ = {};
      visitors_.clear();
    }
    let_pass(std::chrono::minutes(5));
    check(finishing_ < 20, "the worker ends");
  }

  template <typename M, typename... Fd>
  void tell(const M& message, Fd... fd) {
    check(master_->send(message, fd...) == SendStatus::sent, "the worker listens");
  }

  void attach_router() {
    auto pair = make_channel_pair();
    const std::uint32_t number = script_.below(most_routers);
    if (routers_.size() <= number) routers_.resize(number + 1);
    routers_[number] = {std::move(pair->second)};
    tell(AttachRouter{number}, pair->first.borrow());
  }

  void attach_companion(bool is_runner) {
    auto pair = make_channel_pair();
    const std::uint32_t channel = ++last_channel_;
    CompanionEnd& companion = is_runner ? runner_ : checker_;
    companion = {std::move(pair->second), channel};
    if (is_runner) {
      asked_of_runner_.clear();
      given_.clear();
      tell(AttachRunner{channel}, pair->first.borrow());
    } else {
      asked_of_checker_.clear();
      tell(AttachChecker{channel}, pair->first.borrow());
    }
  }

  std::string_view request() {
    static constexpr std::array<std::string_view, 6> requests{
        "GET /pool HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "GET /script/x HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "POST /app HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3\r\n\r\nabc",
        "GET /private HTTP/1.1\r\nHost: a.example\r\nAuthorization: Basic YTpi\r\n\r\n",
        "GET /nothing HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "GET /poo"};
    return requests[script_.below(requests.size())];
  }

  void speak(BorrowedFd visitor) {
    const std::string_view bytes = request();
    static_cast<void>(
        ::send(visitor.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
  }

  void ask_again() {
    if (!visitors_.empty()) speak(visitors_[script_.below(visitors_.size())].borrow());
  }

  RouterEnd* choose_router() {
    if (routers_.empty()) return nullptr;
    RouterEnd& router = routers_[script_.below(routers_.size())];
    return router.end.has_value() ? &router : nullptr;
  }

  void hand_over() {
    RouterEnd* router = choose_router();
    if (router == nullptr) return;
    UniqueFd visitor = connect_to(listener_.borrow());
    const UniqueFd accepted(
        ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!accepted.has_value()) return;
    speak(visitor.borrow());
    visitors_.push_back(std::move(visitor));
    HandOver message{.client_address = {},
                     .client_port = 1,
                     .listener = 0,
                     .by_default = 0,
                     .encrypted = 0,
                     .incarnation = incarnation};
    message.client_address[15] = script_.below(4);
    pass(*router, letter_of(message), accepted.borrow());
  }

  void pass(RouterEnd& router, const Letter& letter, BorrowedFd fd) {
    const auto message = read_letter<Router, Worker>(letter);
    const bool looks_like_end = letter.bytes.empty() && letter.fd_count == 0;
    if (!message && !looks_like_end && !may_end_early_) return;
    if (!post(router.end.borrow(), letter, fd)) return;
    if (looks_like_end) return router.end.reset();
    router_is_wrong_ = !message;
    if (!message || std::get<HandOver>(*message).incarnation != incarnation) return;
    if (router.granted > 0) --router.granted;
  }

  void router_speaks() {
    if (RouterEnd* router = choose_router()) {
      pass(*router, write_letter<Router, Worker>(script_), any_fd());
    }
  }

  // What a program could be reached by, or not.
  BorrowedFd any_fd() {
    int ends[2];
    switch (script_.below(4)) {
      case 0:
        return BorrowedFd(STDIN_FILENO);
      case 1:
        return listener_.borrow();
      default:
        check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0,
              "there is a socket");
        passed_ = UniqueFd(ends[0]);
        programs_.emplace_back(ends[1]);
        static constexpr std::string_view answer = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx";
        if (script_.byte() % 2 == 0) {
          static_cast<void>(::send(ends[1], answer.data(), answer.size(), MSG_NOSIGNAL));
        }
        if (script_.byte() % 2 == 0) programs_.pop_back();
        return passed_.borrow();
    }
  }

  template <typename From>
  void companion_speaks(CompanionEnd& companion, const Letter& letter) {
    if (!companion.end.has_value() || !post(companion.end.borrow(), letter, any_fd())) return;
    if (letter.bytes.empty() && letter.fd_count == 0) return companion.end.reset();
    const auto message = read_letter<From, Worker>(letter);
    const bool may = message && std::visit([&](const auto& said) { return take(said); }, *message);
    companion.is_wrong = !may;
  }

  bool take(const Acquired& message) {
    if (asked_of_runner_.erase(message.number) == 0) return false;
    given_.insert(message.instance);
    return true;
  }
  bool take(const NotAcquired& message) { return asked_of_runner_.erase(message.number) == 1; }
  bool take(const Recall& message) { return message.program < 3; }
  // So much that one is asked for no visitor here sends.
  bool take(const BodyFile&) { return false; }
  bool take(const NoBodyFile&) { return false; }
  bool take(const PasswordAnswer& message) {
    if (asked_of_checker_.empty() || asked_of_checker_.front() != message.number) return false;
    asked_of_checker_.pop_front();
    return true;
  }

  void runner_speaks() {
    if (script_.byte() % 4 != 0 && !asked_of_runner_.empty()) {
      const std::uint32_t number = *asked_of_runner_.begin();
      const bool is_given = script_.byte() % 4 != 0;
      return companion_speaks<Runner>(
          runner_, is_given ? letter_of(Acquired{number, ++last_instance_, script_.byte()})
                            : letter_of(NotAcquired{number, NotAcquiredReason::cannot_start}));
    }
    companion_speaks<Runner>(runner_, write_letter<Runner, Worker>(script_));
  }

  void checker_speaks() {
    if (script_.byte() % 4 != 0 && !asked_of_checker_.empty()) {
      const auto verdict = static_cast<PasswordVerdict>(1 + script_.below(3));
      return companion_speaks<Checker>(
          checker_, letter_of(PasswordAnswer{asked_of_checker_.front(), verdict}));
    }
    companion_speaks<Checker>(checker_, write_letter<Checker, Worker>(script_));
  }

  Script script_;
  const bool may_end_early_ = script_.byte() % 4 == 1;
  std::optional<Channel<Master, Worker>> master_;
  const UniqueFd listener_;
  std::vector<RouterEnd> routers_;
  CompanionEnd runner_, checker_;
  std::vector<UniqueFd> visitors_, programs_;
  UniqueFd passed_;
  std::uint32_t last_channel_ = 0;
  std::uint32_t last_instance_ = 1000;
  std::set<std::uint32_t> asked_of_runner_;
  std::multiset<std::uint32_t> given_;  // instances
  std::deque<std::uint32_t> asked_of_checker_;
  bool router_is_wrong_ = false;
  bool master_has_gone_ = false;
  bool is_idle_ = false;
  int pings_ = 0;
  int reports_left_ = WorkerReport::permitted_at_first;
  int finishing_ = 0;
  Shortage shortage_;
};

}  // namespace

void play(Script script) {
  auto pair = make_channel_pair();
  WorkerStage stage(script, std::move(pair->first));
  const UniqueFd errors(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  const UniqueFd accesses(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  const auto proof = lock_down<Role::worker>({.filter = {}});
  ServedSite site(settings_of_site(),
                  files::Docroot(UniqueFd(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC))),
                  errors.borrow(), accesses.borrow(), 1);
  WorkerLoop loop(*proof, site, Channel<Worker, Master>(std::move(pair->second)),
                  UniqueFd(::epoll_create1(EPOLL_CLOEXEC)), incarnation, nullptr, nullptr);
  // A session that is under way then goes with its process, and is no leak.
  std::optional<__lsan::ScopedDisabler> leaks;
  if (stage.may_end_early()) leaks.emplace();
  stage.judge_end(loop.run());
}

}  // namespace perchild::fuzz

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  perchild::logs::LogClock::load();
  return 0;
}
