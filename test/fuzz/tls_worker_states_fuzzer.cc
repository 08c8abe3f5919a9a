// The worker of a site with certificates against a keeper that has been taken over: in the middle
// of handshakes it hears any sequence of what the keeper may send, while visitors come, leave and
// come back with tickets, the master gives it other keepers, and time passes. What is no message
// makes the worker end itself, and nothing else does. It asks for nothing that a keeper would
// accuse it of; nobody shakes hands by anything but the signature that was asked for, nor is known
// by a ticket of any but the last keys; and whoever still waits then is served by an honest keeper.
#include <fcntl.h>
#include <netinet/in.h>
#include <sanitizer/lsan_interface.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <list>
#include <map>
#include <memory>
#include <set>

#include "daemon/worker/openssl_site.h"
#include "daemon/worker/worker_loop.h"
#include "test/fuzz/states/letters.h"
#include "test/fuzz/states/tls_visitors.h"
#include "vhosts/tls/signature_scheme.h"

namespace perchild::fuzz {
namespace {

constexpr std::uint32_t incarnation = 5;
// At once more than can wait for signatures; in all no more than the worker has room for, whichever
// of them it has seen leave.
constexpr std::uint32_t crowd = max_signatures + 6;
constexpr std::uint32_t most_visitors = crowd + 20;
constexpr auto kinds_of_visitors = static_cast<std::size_t>(TlsVisitor::Kind::kinds);

const SiteSettings& settings() {
  static const SiteSettings made = [] {
    SiteSettings fresh;
    fresh.hosts = {HostPattern::parse("a.example").value()};
    fresh.root = "/";
    fresh.http2 = true;
    fresh.limits.connections = most_visitors;
    fresh.certificates = {certificate_of(0), certificate_of(1), certificate_of(2)};
    return fresh;
  }();
  return made;
}

class TlsWorkerStage final : public Stage {
 public:
  TlsWorkerStage(Script script, UniqueFd masters_end)
      : script_(script), master_(std::move(masters_end)) {
    TlsVisitor::forget_tickets();
    auto pair = make_channel_pair();
    router_.emplace(std::move(pair->second));
    tell(AttachRouter{0}, pair->first.borrow());
  }

  // Whether it may come to its end with connections open.
  bool may_end_early() const { return may_end_early_; }
  // After the loop.
  void judge_end(int status) const {
    check(!is_wrong_ || status == 1, "it ends itself for a keeper that sends what is no message");
    check(is_wrong_ || master_has_gone_ || status == 0, "and for nothing else");
  }

 private:
  void on_quiet() override {
    check(!is_wrong_, "it ends itself at once for a keeper that sends what is no message");
    if (master_) {
      check(read_all(*master_, [this](const auto& message, const UniqueFd&) { hear(message); }),
            "the worker lives");
    }
    if (router_) read_all(*router_, [](const Credit&, const UniqueFd&) {});
    hear_worker();
    if (hear_visitors()) return;
    if (script_.over()) return finish();
    step();
  }

  // ---- what has come of the last step

  template <typename M>
  void hear(const M&) {
    check(!std::is_same_v<M, LockDownComplete>, "it is locked down");
    check(!std::is_same_v<M, PeerViolation>, "about the keeper a worker has no say");
  }

  void hear_worker() {
    if (!keeper_) return;
    const std::size_t before = asked_in_all_;
    const bool is_open = read_all(*keeper_, [this](const Sign& question, const UniqueFd&) {
      check(has_keys_, "no handshake begins before the keys of tickets are there");
      check(question.key < key_count && tls::find_scheme(question.scheme) != nullptr &&
                tls::is_handshake_content({question.content.data(), question.length}),
            "it asks for what a keeper signs");
      check(numbers_.insert(question.number).second, "a question has its own number");
      check(++asked_in_all_ <= come_, "a keeper is asked once for each visitor");
      asked_.emplace(question.number, question);
      check(asked_.size() <= max_signatures, "no more is asked for at a time than may be");
    });
    check(is_open, "a keeper that sends messages is listened to");
    if (std::exchange(is_new_, false)) {
      check(asked_in_all_ - before <= max_signatures, "what is asked again is bounded");
    }
  }

  // Whether there is more for the worker to hear.
  bool hear_visitors() {
    bool any = false;
    std::size_t by_signature = left_by_signature_;
    for (TlsVisitor& visitor : visitors_) {
      const bool is_known = visitor.known_by() != nullptr;
      any = visitor.go_on() || any;
      if (is_by_signature(visitor)) ++by_signature;
      if (const TicketName* name = visitor.known_by(); name != nullptr && !is_known) {
        check(*name == keys_.current.name || *name == keys_.previous.name,
              "who is known has a ticket by one of the last keys");
      }
      if (const auto name = TlsVisitor::take_new_ticket()) {
        check(*name == keys_.current.name, "a ticket is by the key of now");
      }
    }
    check(by_signature <= rightly_answered_, "nobody shakes hands without the right signature");
    return any;
  }

  static bool is_by_signature(const TlsVisitor& visitor) {
    return visitor.has_shaken_hands() && visitor.known_by() == nullptr;
  }

  // ---- steps

  void step() {
    switch (script_.below(10)) {
      case 0:
        return attach_keeper();
      case 1:
        time_has_passed_ = true;
        return let_pass(std::chrono::milliseconds(1) * (1 << script_.below(18)));
      case 2:
        if (!visitors_.empty()) leave(script_.below(visitors_.size()));
        return;
      case 3:
        return keeper_.reset();
      case 4:
      case 5:
        return hand_over();
      case 6:
        return give_keys({script_.byte(), script_.byte()});
      case 7:
        return answer_rightly();
      case 8:
        return answer_wrongly();
      default:
        say(write_letter<Keeper, Worker>(script_));
    }
  }

  // Whoever still waits is served when there is an honest keeper. Then the worker is drained.
  void finish() {
    if (may_end_early_) {
      master_has_gone_ = true;
      return master_.reset();
    }
    ++finishing_;
    if (finishing_ == 1) {
      attach_keeper();
      return give_keys({1, 2});
    }
    if (!asked_.empty()) {
      for (std::size_t left = asked_.size(); left > 0; --left) answer_rightly();
      return;
    }
    if (router_) {
      for (const TlsVisitor& visitor : visitors_) {
        check(visitor.is_answered() || visitor.is_over(), "whoever waits is served at last");
        check(visitor.is_answered() || may_fail(), "no handshake fails for nothing");
      }
      visitors_.clear();
      router_.reset();
      keeper_.reset();
      return tell(Drain{0});
    }
    let_pass(std::chrono::minutes(5));
    check(++draining_ < 20, "the worker ends");
  }

  bool may_fail() const { return time_has_passed_ || answered_ != rightly_answered_; }

  template <typename M, typename... Fd>
  void tell(const M& message, Fd... fd) {
    check(master_->send(message, fd...) == SendStatus::sent, "the worker listens");
  }

  void attach_keeper() {
    auto pair = make_channel_pair();
    keeper_.emplace(std::move(pair->second));
    for (const auto& [number, question] : asked_) past_.push_back(number);
    asked_.clear();
    numbers_.clear();
    asked_in_all_ = 0;
    is_new_ = true;
    tell(AttachKeeper{0}, pair->first.borrow());
  }

  void leave(std::uint8_t which) {
    const auto chosen = std::next(visitors_.begin(), which);
    if (is_by_signature(*chosen)) ++left_by_signature_;
    visitors_.erase(chosen);
  }

  void hand_over() {
    const auto kind = static_cast<TlsVisitor::Kind>(script_.below(kinds_of_visitors));
    const std::uint32_t count = script_.byte() == 1 ? crowd : 1;
    for (std::uint32_t i = 0; i < count && come_ < most_visitors; ++i) {
      int ends[2];
      check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0,
            "a visitor comes");
      const UniqueFd workers(ends[0]);
      visitors_.emplace_back(UniqueFd(ends[1]), kind).go_on();
      ++come_;
      const HandOver message{.client_address = {},
                             .client_port = 1,
                             .listener = 0,
                             .by_default = 0,
                             .encrypted = 1,
                             .incarnation = incarnation};
      check(router_->send(message, workers.borrow()) == SendStatus::sent, "the worker listens");
    }
  }

  // ---- the keeper

  static TicketKeys::Key ticket_key(std::uint8_t number) {
    TicketKeys::Key key{};
    key.name.fill(number);
    key.cipher.fill(number);
    return key;
  }

  void give_keys(std::array<std::uint8_t, 2> numbers) {
    if (numbers[0] == numbers[1]) ++numbers[1];
    say(letter_of(TicketKeys{ticket_key(numbers[0]), ticket_key(numbers[1])}));
  }

  void answer_rightly() {
    if (asked_.empty()) return;
    const auto chosen = std::next(asked_.begin(), script_.below(asked_.size()));
    const Signature answer = signature_to(chosen->second);
    if (say(letter_of(answer))) ++rightly_answered_;
  }

  // What was asked, what has been answered before or was asked of another keeper, or anything.
  std::uint32_t any_number() {
    const std::uint8_t kind = script_.byte() % 4;
    if (kind == 1 && !past_.empty()) return past_[script_.below(past_.size())];
    if (kind == 2 || asked_.empty()) return script_.number();
    return std::next(asked_.begin(), script_.below(asked_.size()))->first;
  }

  void answer_wrongly() {
    Signature answer{.number = any_number(), .length = script_.byte(), .bytes = {}};
    if (script_.byte() % 2 == 0 && !asked_.empty() && asked_.rbegin()->first != answer.number) {
      // To another's question.
      const std::uint32_t number = answer.number;
      answer = signature_to(asked_.rbegin()->second);
      answer.number = number;
    }
    say(letter_of(answer));
  }

  // Whether the worker gets it.
  bool say(const Letter& letter) {
    if (!keeper_) return false;
    const bool looks_like_end = letter.bytes.empty() && letter.fd_count == 0;
    const auto message = read_letter<Keeper, Worker>(letter);
    if (!message && !looks_like_end && !may_end_early_) return false;
    if (!post(keeper_->fd(), letter, BorrowedFd(STDIN_FILENO))) return false;
    if (looks_like_end) {
      keeper_.reset();
    } else if (message) {
      std::visit([this](const auto& said) { note(said); }, *message);
    } else {
      is_wrong_ = true;
    }
    return true;
  }

  void note(const Signature& message) {
    const auto found = asked_.find(message.number);
    if (found == asked_.end()) return;
    ++answered_;
    past_.push_back(message.number);
    asked_.erase(found);
  }
  void note(const TicketKeys& message) {
    has_keys_ = true;
    keys_ = message;
  }

  Script script_;
  const bool may_end_early_ = script_.byte() % 4 == 1;
  std::optional<Channel<Master, Worker>> master_;
  std::optional<Channel<Router, Worker>> router_;
  std::optional<Channel<Keeper, Worker>> keeper_;
  std::list<TlsVisitor> visitors_;
  std::uint32_t come_ = 0;
  std::size_t left_by_signature_ = 0;
  // Of this keeper: what has not been answered, and all that there was.
  std::map<std::uint32_t, Sign> asked_;
  std::set<std::uint32_t> numbers_;
  std::size_t asked_in_all_ = 0;
  bool is_new_ = false;
  std::vector<std::uint32_t> past_;  // what was answered, or asked of another
  std::size_t answered_ = 0, rightly_answered_ = 0;
  TicketKeys keys_{};
  bool has_keys_ = false;
  bool time_has_passed_ = false;
  bool is_wrong_ = false;
  bool master_has_gone_ = false;
  int finishing_ = 0;
  int draining_ = 0;
};

// A process makes its site once. Each run has it with a client of the keeper that knows nothing
// yet; the jobs that handshakes stand still in are those of the runs before.
class TlsOfRun final : public TlsSite {
 public:
  static OpenSslSite& site() {
    static OpenSslSite& made = *make();
    return made;
  }
  ~TlsOfRun() override {
    std::destroy_at(&site().keeper());
    std::construct_at(&site().keeper());
  }
  std::unique_ptr<TlsStream> accept(Connection& connection) override {
    return site().accept(connection);
  }
  void attach_keeper(UniqueFd fd) override { site().attach_keeper(std::move(fd)); }
  KeeperState on_keeper_readable() override { return site().on_keeper_readable(); }
  void end_turn() override { site().end_turn(); }

 private:
  // OpenSSL does not give back all that it makes of it.
  static OpenSslSite* make() {
    const __lsan::ScopedDisabler leaks;
    auto site = std::make_unique<OpenSslSite>();
    check(site->set_up(settings()), "there is TLS");
    return site.release();
  }
};

}  // namespace

void play(Script script) {
  auto pair = make_channel_pair();
  TlsWorkerStage stage(script, std::move(pair->first));
  const UniqueFd errors(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  const UniqueFd accesses(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  const auto proof = lock_down<Role::worker>({.filter = {}});
  ServedSite site(settings(),
                  files::Docroot(UniqueFd(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC))),
                  errors.borrow(), accesses.borrow(), 1);
  WorkerLoop loop(*proof, site, Channel<Worker, Master>(std::move(pair->second)),
                  UniqueFd(::epoll_create1(EPOLL_CLOEXEC)), incarnation,
                  std::make_unique<TlsOfRun>(), find_http2_server());
  // A session that is under way then goes with its process, and is no leak.
  std::optional<__lsan::ScopedDisabler> leaks;
  if (stage.may_end_early()) leaks.emplace();
  stage.judge_end(loop.run());
}

}  // namespace perchild::fuzz

// In the place of the kernel's (ld(1), --wrap): visitors come by sockets in which nothing is ever
// under way, and which are TCP's for whoever asks.
extern "C" {
int __real_getsockopt(int, int, int, void*, ::socklen_t*);
int __wrap_getsockopt(int, int, int, void*, ::socklen_t*);
}
int __wrap_getsockopt(int fd, int level, int name, void* value, ::socklen_t* length) {
  if (level != SOL_SOCKET || name != SO_PROTOCOL) {
    return __real_getsockopt(fd, level, name, value, length);
  }
  *static_cast<int*>(value) = IPPROTO_TCP;
  return 0;
}

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  using namespace perchild::fuzz;
  perchild::logs::LogClock::load();
  ::signal(SIGPIPE, SIG_IGN);
  // Before the visitors' OpenSSL, which would read the machine's files.
  check(::OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr) == 1, "OpenSSL is ready");
  TlsOfRun::site();
  return 0;
}
