// The master against children that have been taken over, and local users: it hears any sequence of
// what they may send, while they hang up, die, start and time passes; and commands reload, reopen
// and take over. Whoever sends what is no message, or before the master has looked at it, is ended,
// and nobody else for it; what the master gives away, it gives to whom it has verified.
#include <signal.h>

#include "daemon/master/master.h"
#include "privsep/inherited_fds.h"
#include "test/fuzz/states/masters_children.h"
#include "test/fuzz/states/masters_tables.h"
#include "test/fuzz/states/sockets.h"

namespace perchild::fuzz {
namespace {

// A socket holds some 280 of what a router is told.
constexpr int most_woken_by_deaf = 600;

constexpr std::chrono::seconds longest_farewell{6};

// Who is connected to one of the two sockets.
struct Caller {
  UniqueFd end;
  bool is_root = false;
  bool is_wrong = false;  // has said what is no message
};

class MasterStage final : public Stage {
 public:
  explicit MasterStage(Script script) : script_(script) {}

 private:
  // First of all: nothing else may have their numbers.
  const OwnFds doors_;

 public:
  Processes processes;

 private:
  void on_quiet() override {
    look();
    if (bury()) return;
    if (script_.over()) return finish();
    step();
  }

  // ---- what has come of the last step

  void look() {
    if (speaker_ != 0) judge();
    speaker_ = 0;
    for (const auto& child : processes.living) child->listen();
    std::erase_if(callers_, [&](Caller& caller) { return !listen(caller); });
    // The table and the budget say how many there are, whoever asks for it.
    const auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>(now() - started_at_).count() + 1;
    check(processes.workers_started <=
              starts_a_second * (static_cast<std::size_t>(seconds) + reloads_) +
                  processes.workers_died,
          "no more is started than the budget has");
    check(processes.living.size() < 100, "children are bounded");
    look_at_runners();
  }

  // One whose workers have gone does not stay.
  void look_at_runners() {
    std::map<::pid_t, Clock::time_point> alone;
    for (const auto& child : processes.living) {
      const bool has_worker =
          std::any_of(processes.living.begin(), processes.living.end(), [&](const auto& other) {
            return other->role == Role::worker && other->site == child->site;
          });
      if (child->role != Role::runner || has_worker) continue;
      const auto before = alone_since_.find(child->pid);
      const auto since = before == alone_since_.end() ? now() : before->second;
      check(child->was_killed || now() - since <= longest_farewell, "a runner stays not alone");
      alone.emplace(child->pid, since);
    }
    alone_since_ = std::move(alone);
  }

  void judge() {
    for (const auto& child : processes.living) {
      const bool has_spoken = child->pid == speaker_;
      if (has_spoken) {
        check(!must_end_ || child->was_killed, "who sends what it may not is ended");
        if (meaning_.wakes && !must_end_) judge_wakes(*child);
        if (meaning_.is_start && !must_end_ && !child->was_killed) {
          (child->role == Role::spare ? child->is_loaded : child->is_verified) = true;
        }
      } else if (child->was_killed && !child->is_deaf && !killed_before_.contains(child->pid)) {
        check(meaning_.accuses, "nobody else is ended for what one says");
        check(may_be_accused(*child), "but whom it may accuse");
      }
    }
  }

  // What a router is told it has read, unless it is deaf: then it has been told so much at most as
  // its socket holds.
  void judge_wakes(ChildDouble& router) {
    if (*meaning_.wakes >= least_sites) return;
    int& left = router.wakes.try_emplace(*meaning_.wakes, 1).first->second;
    if (router.is_deaf) {
      router.woken += said_;
      check(router.was_killed || router.woken < most_woken_by_deaf, "a deaf router wakes no more");
    } else if (said_ == 1) {
      check(router.was_killed == (left <= 0), "a site is woken as often as it may be");
    }
    left -= said_;
  }

  bool may_be_accused(const ChildDouble& child) const {
    switch (speakers_role_) {
      case Role::router:
      case Role::keeper:
        return child.role == Role::worker;
      case Role::worker:
        return child.site == speakers_site_ &&
               (child.role == Role::checker || child.role == Role::runner);
      case Role::checker:
      case Role::runner:
        return child.site == speakers_site_ && child.role == Role::worker;
      default:
        return false;
    }
  }

  // False when the master has closed it.
  bool listen(Caller& caller) {
    bool is_open = false;
    if (caller.is_root) {
      Channel<Command, Master> channel(std::move(caller.end));
      is_open = read_all(channel, [&]<typename M>(const M& message, const UniqueFd&) {
        if constexpr (std::is_same_v<M, RunningTable>) generation_ = message.generation;
      });
      caller.end = std::move(channel).take_socket();
    } else {
      Channel<LocalUser, Master> channel(std::move(caller.end));
      is_open = read_all(channel, [](const auto&, const UniqueFd&) {});
      caller.end = std::move(channel).take_socket();
    }
    check(!is_open || !caller.is_wrong, "who says what is no message is not listened to");
    return is_open;
  }

  // Whom the master has killed dies, but not always before it says more.
  bool bury() {
    if (!script_.over() && script_.below(8) == 7) return false;
    std::vector<ChildDouble*> dead;
    for (const auto& child : processes.living) {
      if (child->was_killed) dead.push_back(child.get());
    }
    for (ChildDouble* child : dead) processes.die(*child, SIGKILL);
    return !dead.empty();
  }

  // ---- steps

  void step() {
    switch (script_.below(16)) {
      case 0:
        return begin_all();
      case 1:
        return let_pass(time());
      case 2:
        if (ChildDouble* child = choose()) child->end.reset();
        return;
      case 3:
        if (ChildDouble* child = choose()) processes.die(*child, script_.byte() << 8);
        return;
      case 4:
        if (ChildDouble* child = choose()) {
          (script_.byte() % 2 == 0 ? child->conforms : child->is_deaf) ^= true;
        }
        return;
      case 5:
        processes.next_start_fails = true;
        return;
      case 6:
        return connect();
      case 7:
      case 8:
        return call();
      case 9:
        if (!callers_.empty()) callers_.erase(callers_.begin() + script_.below(callers_.size()));
        return;
      case 10:
        return reload();
      case 11:
        if (script_.byte() == 1) processes.signals.raise(SIGTERM);
        return;
      default:
        if (ChildDouble* child = choose()) {
          const Letter letter = child->write(script_);
          say(*child, letter, times());
        }
    }
  }

  // The service stops, and who does not end is ended.
  void finish() {
    callers_.clear();
    processes.signals.raise(SIGTERM);
    let_pass(std::chrono::minutes(1));
    check(++finishing_ < 20, "the service ends");
  }

  ChildDouble* choose() {
    if (processes.living.empty()) return nullptr;
    return processes.living[script_.below(processes.living.size())].get();
  }

  Clock::duration time() {
    static constexpr std::array<std::chrono::milliseconds, 6> times{
        std::chrono::milliseconds(1),    std::chrono::milliseconds(300),
        std::chrono::milliseconds(1000), std::chrono::milliseconds(6000),
        std::chrono::minutes(1),         std::chrono::hours(1)};
    return times[script_.below(times.size())];
  }

  int times() { return script_.byte() == 1 ? 1 + 2 * script_.byte() : 1; }

  void begin_all() {
    std::vector<::pid_t> waiting;
    for (const auto& child : processes.living) {
      if (!child->is_verified && !child->is_loaded) return say(*child, child->start_letter(), 1);
      if (!child->is_verified && child->role == Role::runner) {
        return say(*child, child->start_letter(), 1);
      }
    }
  }

  void say(ChildDouble& child, const Letter& letter, int count) {
    killed_before_.clear();
    for (const auto& one : processes.living) {
      if (one->was_killed) killed_before_.insert(one->pid);
    }
    meaning_ = child.read(letter);
    speakers_role_ = child.role;
    speakers_site_ = child.site;
    const bool looks_like_end = letter.bytes.empty() && letter.fd_count == 0;
    const bool is_known = child.is_verified || (child.role == Role::spare && child.is_loaded);
    const bool may_begin = meaning_.is_start && child.conforms && !is_known;
    said_ = 0;
    const BorrowedFd fd = any_fd(script_);
    for (int i = 0; i < count && child.end.has_value(); ++i) {
      if (post(child.end.borrow(), letter, fd)) ++said_;
    }
    if (said_ == 0) return;
    speaker_ = child.pid;
    must_end_ = !looks_like_end && (!meaning_.is_message || (!is_known && !may_begin) ||
                                    (is_known && meaning_.is_start));
    if (looks_like_end) child.end.reset();
  }

  BorrowedFd any_fd(Script& script) {
    const std::uint8_t which = script.byte();
    if (which == 0) return BorrowedFd(STDIN_FILENO);
    passed_ = which == 1 ? loopback_listener()
                         : memory_of(packed_table(generation_ + 1, which % table_variants));
    return passed_.borrow();
  }

  void connect() {
    const bool is_root = script_.byte() % 2 == 0;
    Caller caller{connect_to_door(is_root ? doors_.control : doors_.status), is_root};
    if (caller.end.has_value()) callers_.push_back(std::move(caller));
  }

  void call() {
    if (callers_.empty()) return connect();
    Caller& caller = callers_[script_.below(callers_.size())];
    const Letter letter = caller.is_root ? write_letter<Command, Master>(script_)
                                         : write_letter<LocalUser, Master>(script_);
    // Which comes with a budget of its own.
    const auto order = read_letter<Command, Master>(letter);
    if (order && std::holds_alternative<Reload>(*order)) ++reloads_;
    const bool is_message =
        caller.is_root ? order.has_value() : read_letter<LocalUser, Master>(letter).has_value();
    caller.is_wrong = post(caller.end.borrow(), letter, any_fd(script_)) && !is_message;
  }

  // As the command does it.
  void reload() {
    Caller caller{connect_to_door(doors_.control), true};
    if (!caller.end.has_value()) return;
    const UniqueFd table = memory_of(packed_table(generation_ + 1, script_.byte()));
    const UniqueFd other = memory_of("other");
    const UniqueFd listener = loopback_listener();
    const BorrowedFd end = caller.end.borrow();
    for (std::uint32_t kind = 0; kind < table_kinds; ++kind) {
      post(end, letter_of(OfferTable{static_cast<TableKind>(kind)}),
           kind == 0 ? table.borrow() : other.borrow());
    }
    post(end, letter_of(OfferListener{1}), listener.borrow());
    post(end, letter_of(Reload{generation_}), listener.borrow());
    ++reloads_;
    post(end, letter_of(AskTable{0}), listener.borrow());
    callers_.push_back(std::move(caller));
  }

  Script script_;
  const Clock::time_point started_at_ = now();
  std::vector<Caller> callers_;
  std::uint32_t generation_ = 1;
  std::size_t reloads_ = 0;
  UniqueFd passed_;
  int finishing_ = 0;
  std::map<::pid_t, Clock::time_point> alone_since_;  // runners
  // The last step, if a child has said something.
  ::pid_t speaker_ = 0;
  Role speakers_role_ = Role::master;
  std::string speakers_site_;
  ChildDouble::Meaning meaning_;
  int said_ = 0;  // so often
  bool must_end_ = false;
  std::set<::pid_t> killed_before_;
};

}  // namespace

void play(Script script) {
  const ServerLog log("fuzzed", nullptr);
  MasterStage stage(script);
  const std::string packed = packed_table(1, 0);
  const UniqueFd memory = memory_of(packed);
  auto mapping = SealedMapping::map(memory.borrow());
  auto table = SiteTable::unpack(mapping->bytes());
  auto channels = SiteChannels::make();
  const auto proof = lock_down<Role::master>({.filter = {}});
  check(mapping && table && channels && proof, "the master can start");
  ::dup2(memory.get(), MasterFds::site_table);
  MasterLoop(*proof, std::move(*mapping), std::move(*table), stage.processes.signals.take(),
             std::move(*channels), log)
      .run();
}

}  // namespace perchild::fuzz

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  perchild::fuzz::place_fds_of_master();
  return 0;
}
