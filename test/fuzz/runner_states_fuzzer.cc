// The runner against workers that have been taken over, and fork servers that the site's tenant
// has: it hears any sequence of what they may send, while the programs that they ask for start, end
// and do not end, and time passes. Who asks for what it may not is accused, and nobody else; a
// question is answered once, whatever a fork server says or does not say, and an instance is one
// worker's; there are no more processes than the site may have, and of those that it knows none is
// left behind; who is ended is there; what a spare has loaded is asked for nothing before the
// kernel has shown what it is.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>

#include "daemon/runner/runner_loop.h"
#include "privsep/sealed_memory.h"
#include "privsep/shared_memory.h"
#include "test/fuzz/states/letters.h"
#include "test/fuzz/states/sites_programs.h"
#include "test/fuzz/states/sockets.h"

namespace perchild::fuzz {
namespace {

// Among the programs.
constexpr std::uint32_t scripts = 1;
constexpr std::uint32_t forking = 4;
constexpr std::uint32_t all_programs = 5;
constexpr std::uint32_t most_of_one = 2;

// A docroot with a script in it, and a port that somebody listens on.
struct Machine {
  Machine() {
    char path[] = "/tmp/perchild-fuzz-XXXXXX";
    check(::mkdtemp(path) != nullptr, "there is a docroot");
    root = path;
    ::mkdir(program_sockets_folder, 0700);
    ::close(::open((root + "/script").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0755));
  }
  ~Machine() { std::filesystem::remove_all(root); }

  std::string root;
  UniqueFd listener = loopback_listener();
  UniqueFd sessions = std::move(*make_shared_memory("sessions", session_memory));
};

Machine& machine() {
  static Machine made;
  return made;
}

RunnerSettings settings_of_site() {
  RunnerSettings settings;
  settings.root = machine().root;
  settings.fork_server = settings.root + "/script";
  settings.programs.resize(all_programs);
  settings.programs[0].kind = ProgramKind::fastcgi_pool;
  settings.programs[1].kind = ProgramKind::cgi;
  settings.programs[2].kind = ProgramKind::app;
  settings.programs[3].kind = ProgramKind::backend;
  settings.programs[3].address =
      "127.0.0.1:" + std::to_string(port_of(machine().listener.borrow()));
  settings.programs[forking].kind = ProgramKind::fastcgi_pool;
  settings.programs[forking].forks = true;
  for (ProgramSettings& program : settings.programs) {
    program.name = "program";
    program.command = {"/program"};
    program.most_processes = most_of_one;
    program.most_requests = 3;
  }
  return settings;
}

struct WorkerEnd {
  std::uint32_t number = 0;
  UniqueFd end;
  std::map<std::uint32_t, std::uint32_t> asked;  // and has not been answered: of which program
  std::map<std::uint32_t, std::uint32_t> held;   // instances, likewise
  std::optional<Clock::time_point> asked_for_body_file{};
  bool waits_for_body_file = false;
  bool is_wrong = false;
};

class RunnerStage final : public Stage {
 public:
  RunnerStage(Script script, UniqueFd masters_end)
      : script_(script), master_(std::move(masters_end)) {}

  ProgramsOfSite programs;

  // Its master has gone, or its site sleeps and all programs have been ended.
  bool may_end() const { return !master_ || (site_sleeps_ && programs.living.empty()); }

 private:
  void on_quiet() override {
    check(!site_sleeps_, "a runner whose site sleeps ends");
    if (!master_) return check(false, "the runner ends with its master");
    check(read_all(*master_, [this](const auto& message, const UniqueFd&) { hear(message); }),
          "the runner lives");
    programs.listen();
    for (WorkerEnd& worker : workers_) hear(worker);
    std::erase_if(workers_, [](const WorkerEnd& worker) { return !worker.end.has_value(); });
    while (UniqueFd(::accept(machine().listener.get(), nullptr, nullptr)).has_value()) {
    }
    const auto running = std::count_if(
        programs.living.begin(), programs.living.end(),
        [](const auto& each) { return !each.second.is_told_to_end && !each.second.is_stray; });
    check(running <= 3 * most_of_one + 2, "processes are bounded");
    if (script_.over()) return finish();
    step();
  }

  // ---- what has come of the last step

  void hear(const LockDownComplete&) { check(false, "it is locked down"); }
  void hear(const MailSent&) { check(false, "the site sends no mail"); }
  void hear(const PeerViolation& message) {
    for (WorkerEnd& worker : workers_) {
      if (worker.number == message.channel && std::exchange(worker.is_wrong, false)) {
        return worker.end.reset();
      }
    }
    check(false, "nobody else is accused");
  }

  void hear(WorkerEnd& worker) {
    if (!worker.end.has_value()) return;
    check(!worker.is_wrong, "who asks for what it may not is accused");
    Channel<Worker, Runner> channel(std::move(worker.end));
    const bool is_open = read_all(channel, [&]<typename M>(const M& message, const UniqueFd& fd) {
      if constexpr (std::is_same_v<M, BodyFile>) {
        check(std::exchange(worker.waits_for_body_file, false), "a file was asked for");
        struct ::stat facts;
        check(::fstat(fd.get(), &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_nlink == 0,
              "it is a file without a name");
      } else if constexpr (std::is_same_v<M, NoBodyFile>) {
        check(false, "there is room for a file");
      } else if constexpr (!std::is_same_v<M, Recall>) {
        const auto asked = worker.asked.extract(message.number);
        check(!asked.empty(), "a question is answered once");
        if constexpr (std::is_same_v<M, Acquired>) {
          check(instances_.insert(message.instance).second, "an instance is one worker's");
          worker.held.emplace(message.instance, asked.mapped());
        }
      }
    });
    check(is_open, "who does as it may is listened to");
    worker.end = std::move(channel).take_socket();
  }

  // ---- steps

  void step() {
    switch (script_.below(14)) {
      case 0:
        return attach();
      case 1:
        return let_pass(std::chrono::milliseconds(1) * (1 << script_.below(20)));
      case 2:
        if (workers_.empty()) return put_to_sleep();
        workers_.erase(workers_.begin() + script_.below(workers_.size()));
        return;
      case 3:
        if (!programs.living.empty()) {
          auto chosen = programs.living.begin();
          std::advance(chosen, script_.below(programs.living.size()));
          programs.end(chosen->first, script_.byte() % 2 == 0 ? 0 : SIGSEGV);
        }
        return;
      case 4:
        programs.next_start_fails = true;
        return;
      case 5:
        programs.is_stubborn = !programs.is_stubborn;
        return;
      case 6:
      case 7:
        if (WorkerEnd* worker = choose()) {
          say(*worker, letter_of(Acquire{++last_number_, script_.below(all_programs) & ~scripts}));
        }
        return;
      case 8:
        if (WorkerEnd* worker = choose()) {
          ask_for_script(*worker, script_.byte() % 4 == 0 ? "nothing" : "script");
        }
        return;
      case 9:
        return give_back();
      case 12:
        if (const ::pid_t server = programs.choose_server(script_)) {
          programs.report(server, script_);
        }
        return;
      case 13:
        if (const ::pid_t server = programs.choose_server(script_)) {
          programs.babble(server, script_);
        }
        return;
      default:
        if (WorkerEnd* worker = choose()) {
          passed_ = call("script");
          say(*worker, write_letter<Worker, Runner>(script_));
        }
    }
  }

  // Who waits gets what there is. The site's programs end when nobody wants them any more.
  void finish() {
    programs.is_stubborn = false;
    switch (finishing_++) {
      case 0:
        break;
      case 1:
        check(asked_of_forking() == 0 || held_of_forking() >= most_of_one,
              "who asks a pool waits for nobody but other workers");
        workers_.clear();
        break;
      case 2:
        break;
      default:
        check(std::all_of(programs.living.begin(), programs.living.end(),
                          [](const auto& each) { return each.second.is_stray; }),
              "nothing is left behind");
        return master_.reset();
    }
    let_pass(std::chrono::minutes(10));
  }

  std::ptrdiff_t asked_of_forking() const { return of_forking(&WorkerEnd::asked); }
  std::ptrdiff_t held_of_forking() const { return of_forking(&WorkerEnd::held); }
  std::ptrdiff_t of_forking(std::map<std::uint32_t, std::uint32_t> WorkerEnd::*which) const {
    std::ptrdiff_t count = 0;
    for (const WorkerEnd& worker : workers_) {
      count += std::count_if((worker.*which).begin(), (worker.*which).end(),
                             [](const auto& each) { return each.second == forking; });
    }
    return count;
  }

  WorkerEnd* choose() {
    return workers_.empty() ? nullptr : &workers_[script_.below(workers_.size())];
  }

  void attach() {
    auto pair = make_channel_pair();
    check(master_->send(AttachClient{++last_channel_}, pair->first.borrow()) == SendStatus::sent,
          "the runner listens");
    workers_.push_back({last_channel_, std::move(pair->second), {}, {}});
  }

  static std::string packed(const char* script) { return gateway::CgiCall{script, {}}.pack(); }

  void put_to_sleep() {
    if (script_.byte() % 4 != 0) return;
    site_sleeps_ = true;
    check(master_->send(KeepSessions{0}, machine().sessions.borrow()) == SendStatus::sent,
          "the runner listens");
  }

  static UniqueFd call(const char* script) {
    auto memory = make_sealed_memory("call", packed(script));
    return std::move(*memory);
  }

  void ask_for_script(WorkerEnd& worker, const char* script) {
    if (script_.byte() % 2 == 0) {
      return say(worker, letter_of(RunScriptInline::of(++last_number_, scripts, packed(script))));
    }
    passed_ = call(script);
    say(worker, letter_of(RunScript{++last_number_, scripts}));
  }

  void give_back() {
    WorkerEnd* worker = choose();
    if (worker == nullptr || worker->held.empty()) return;
    const auto what = static_cast<ReleaseTo>(script_.below(4));
    say(*worker, letter_of(Release{worker->held.begin()->first, what, script_.byte()}));
  }

  void say(WorkerEnd& worker, const Letter& letter) {
    if (!passed_.has_value()) passed_ = UniqueFd(::dup(STDIN_FILENO));
    if (!post(worker.end.borrow(), letter, passed_.borrow())) return;
    if (letter.bytes.empty() && letter.fd_count == 0) return worker.end.reset();
    const auto message = read_letter<Worker, Runner>(letter);
    worker.is_wrong =
        !message || !std::visit([&](const auto& said) { return take(worker, said); }, *message);
  }

  bool take(WorkerEnd& worker, const AskBodyFile&) {
    if (worker.asked_for_body_file &&
        now() < *worker.asked_for_body_file + least_between_body_files) {
      return false;
    }
    worker.asked_for_body_file = now();
    return worker.waits_for_body_file = true;
  }
  static bool take(WorkerEnd& worker, const Acquire& message) {
    return message.program < all_programs && message.program != scripts &&
           worker.asked.size() < max_acquisitions &&
           worker.asked.emplace(message.number, message.program).second;
  }
  static bool take(WorkerEnd& worker, const RunScript& message) {
    return message.program == scripts && worker.asked.size() < max_acquisitions &&
           worker.asked.emplace(message.number, message.program).second;
  }
  static bool take(WorkerEnd& worker, const RunScriptInline& message) {
    return gateway::CgiCall::unpack(message.call()) && message.program == scripts &&
           worker.asked.size() < max_acquisitions &&
           worker.asked.emplace(message.number, message.program).second;
  }
  static bool take(WorkerEnd&, const Withdraw&) { return true; }
  static bool take(WorkerEnd& worker, const Release& message) {
    return worker.held.erase(message.instance) == 1;
  }

  Script script_;
  std::optional<Channel<Master, Runner>> master_;
  std::vector<WorkerEnd> workers_;
  UniqueFd passed_;
  std::set<std::uint32_t> instances_;  // all that there have been
  std::uint32_t last_channel_ = 0;
  std::uint32_t last_number_ = 1000;
  bool site_sleeps_ = false;
  int finishing_ = 0;
};

}  // namespace

void play(Script script) {
  auto pair = make_channel_pair();
  const bool was_spare = script.byte() % 2 == 1;
  const std::uint8_t difference = was_spare ? script.below(7) : 0;
  RunnerStage stage(script, std::move(pair->first));
  const RunnerSettings settings = settings_of_site();
  const auto proof = lock_down<Role::runner>({.filter = {}});
  RunnerLoop loop(*proof, Channel<Runner, Master>(std::move(pair->second)),
                  stage.programs.signals.take(), settings,
                  UniqueFd(::open(settings.root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)),
                  UniqueFd());
  if (was_spare) loop.take(forking, stage.programs.load_as_spare(difference));
  loop.run();
  check(stage.may_end(), "the runner ends with its master, or when its site sleeps");
}

}  // namespace perchild::fuzz

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  perchild::logs::LogClock::load();
  perchild::fuzz::machine();
  return 0;
}
