// The checker against workers that have been taken over: it hears any sequence of what they may
// send, while the master attaches others, time passes, and the owner of the site changes his
// password file, or has none. A worker is answered what it may ask, in its order, and the truth;
// for anything else it is accused, and nobody else is. What ends it is its master's end or what
// that may not say, or lists that are old when somebody asks.
#include <sys/stat.h>

#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>

#include "daemon/checker/checker_loop.h"
#include "test/fuzz/states/letters.h"

namespace perchild::fuzz {
namespace {

constexpr std::string_view user = "user";
constexpr std::string_view password = "secret";
constexpr const char* as_bcrypt = "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";
constexpr const char* as_apr1 = "$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/";
// The site's lists.
enum List : std::uint32_t { in_settings, in_file, of_nobody, list_count };

enum class InItsPlace : std::uint8_t { a_file, nothing, a_folder };

class PasswordFile {
 public:
  PasswordFile() {
    char path[] = "/tmp/perchild-fuzz-XXXXXX";
    check(::mkdtemp(path) != nullptr, "there is a folder");
    folder_ = path;
  }
  ~PasswordFile() { std::filesystem::remove_all(folder_); }

  std::string path() const { return folder_ + "/users"; }
  void put(InItsPlace what) const {
    std::filesystem::remove(path());
    if (what == InItsPlace::a_file) std::ofstream(path()) << user << ':' << as_apr1 << '\n';
    if (what == InItsPlace::a_folder) ::mkdir(path().c_str(), 0700);
  }
  void change() const { std::ofstream(path(), std::ios::app) << '\n'; }

 private:
  std::string folder_;
};

PasswordFile& password_file() {
  static PasswordFile made;
  return made;
}

Hashing& hashing() {
  static Hashing made;
  return made;
}

struct WorkerEnd {
  std::uint32_t number = 0;
  UniqueFd end;
  std::deque<PasswordAnswer> expected{};
  bool is_wrong = false;  // has sent what it may not, and is not accused yet
  bool is_accused = false;
  bool is_deaf = false;  // reads nothing, for which it may be let go of
};

class CheckerStage final : public Stage {
 public:
  CheckerStage(Script script, UniqueFd masters_end)
      : script_(script),
        master_(std::move(masters_end)),
        file_(static_cast<InItsPlace>(script_.below(3))),
        started_(now()) {
    password_file().put(file_);
  }

  // After the loop.
  void judge_end(int status) const {
    check(status == (is_to_start_anew_ ? 0 : 1), "it is started anew for lists that are old");
    check(is_to_start_anew_ || !master_, "and ends with its master, and for nothing else");
  }

 private:
  void on_quiet() override {
    check(master_.has_value(), "it ends with its master");
    check(!is_to_start_anew_, "nobody is answered from lists that are old");
    check(read_all(*master_, [this](const auto& message, const UniqueFd&) { hear(message); }),
          "the checker lives");
    for (WorkerEnd& worker : workers_) {
      check(!worker.is_wrong, "who sends what it may not is accused");
      if (!worker.is_deaf || worker.is_accused || script_.over()) hear(worker);
    }
    forget_those_that_left();
    if (script_.over()) return master_.reset();
    step();
  }

  void forget_those_that_left() {
    std::erase_if(workers_, [](const WorkerEnd& worker) {
      return !worker.end.has_value() && !worker.is_wrong;
    });
  }

  // ---- what has come of the last step

  void hear(const LockDownComplete&) { check(false, "it is locked down"); }
  void hear(const PeerViolation& message) {
    for (WorkerEnd& worker : workers_) {
      if (worker.number != message.channel || !std::exchange(worker.is_wrong, false)) continue;
      worker.is_accused = true;
      return;
    }
    check(false, "nobody else is accused");
  }

  void hear(WorkerEnd& worker) {
    if (!worker.end.has_value()) return;
    Channel<Worker, Checker> channel(std::move(worker.end));
    const bool is_open = read_all(channel, [&](const PasswordAnswer& message, const UniqueFd&) {
      check(!worker.expected.empty(), "an answer is to a question");
      const PasswordAnswer expected = worker.expected.front();
      worker.expected.pop_front();
      check(message.number == expected.number, "who asked first is answered first");
      check(message.verdict == expected.verdict, "it says what is so");
    });
    if (worker.is_accused) check(!is_open, "who is accused is not listened to");
    if (!is_open) return check(worker.is_accused || worker.is_deaf, "others are");
    check(worker.expected.empty(), "who asks what it may is answered");
    worker.end = std::move(channel).take_socket();
  }

  // ---- what is so

  bool is_outdated() const {
    const bool is_in_trouble = file_ != InItsPlace::a_file;
    return has_changed_ || now() - started_ >= (is_in_trouble ? PasswordLists::lifetime_in_trouble
                                                              : PasswordLists::lifetime);
  }

  PasswordVerdict verdict_of(const CheckPassword& question) const {
    if (question.list == of_nobody) return PasswordVerdict::wrong;
    if (question.list == in_file && file_ != InItsPlace::a_file) {
      return PasswordVerdict::unavailable;
    }
    const std::string_view name(question.user.data(), question.user_length);
    std::string_view said(question.password.data(), question.password_length);
    // crypt(3) takes a string.
    if (question.list == in_settings) said = said.substr(0, said.find('\0'));
    return name == user && said == password ? PasswordVerdict::right : PasswordVerdict::wrong;
  }

  // ---- steps

  void step() {
    switch (script_.below(10)) {
      case 0:
        return attach(letter_of(AttachWorker{++last_channel_}));
      case 1:
        return attach(write_letter<Master, Checker>(script_));
      case 2:
        return let_pass(std::chrono::milliseconds(100) * (1 << script_.below(10)));
      case 3:
        if (file_ != InItsPlace::a_file) return;
        has_changed_ = true;
        return password_file().change();
      case 4:
        if (WorkerEnd* worker = choose()) worker->end.reset();
        return forget_those_that_left();
      case 5:
        if (WorkerEnd* worker = choose()) worker->is_deaf = true;
        return;
      case 6:
        if (WorkerEnd* worker = choose()) say(*worker, write_letter<Worker, Checker>(script_), 1);
        return;
      default:
        if (WorkerEnd* worker = choose()) {
          const Letter letter = letter_of(honest_question());
          say(*worker, letter, script_.byte() == 1 ? 1 + script_.byte() : 1);
        }
    }
  }

  WorkerEnd* choose() {
    return workers_.empty() ? nullptr : &workers_[script_.below(workers_.size())];
  }

  // What is no message is the end of it; a descriptor that is no channel is.
  void attach(const Letter& letter) {
    auto pair = make_channel_pair();
    const bool is_socket = script_.byte() != 1;
    const BorrowedFd passed = is_socket ? pair->first.borrow() : BorrowedFd(STDIN_FILENO);
    check(post(master_->fd(), letter, passed), "the checker listens");
    const auto message = read_letter<Master, Checker>(letter);
    if (!message) return master_.reset();
    const std::uint32_t channel = std::get<AttachWorker>(*message).channel;
    workers_.push_back({.number = channel, .end = std::move(pair->second)});
    if (is_socket) return;
    workers_.back().is_wrong = true;
    workers_.back().end.reset();
  }

  CheckPassword honest_question() {
    static constexpr std::array<std::string_view, 4> passwords{
        password, "", "Secret", std::string_view("secret\0more", 11)};
    CheckPassword question{};
    question.number = script_.number();
    question.list = script_.below(list_count);
    const std::string_view name = script_.byte() % 4 == 1 ? "stranger" : user;
    const std::string_view said = passwords[script_.below(passwords.size())];
    question.user_length = static_cast<std::uint16_t>(name.size());
    question.password_length = static_cast<std::uint16_t>(said.size());
    std::copy(name.begin(), name.end(), question.user.begin());
    std::copy(said.begin(), said.end(), question.password.begin());
    return question;
  }

  void say(WorkerEnd& worker, const Letter& letter, int count) {
    const auto message = read_letter<Worker, Checker>(letter);
    const CheckPassword* question = message ? &std::get<CheckPassword>(*message) : nullptr;
    const bool may_ask = question != nullptr && question->list < list_count;
    for (int i = 0; i < count; ++i) {
      if (!post(worker.end.borrow(), letter, BorrowedFd(STDIN_FILENO))) return;
      if (letter.bytes.empty() && letter.fd_count == 0) return worker.end.reset();
      worker.is_wrong = !may_ask;
      if (!may_ask) return;
      is_to_start_anew_ = is_outdated();
      worker.expected.push_back({question->number, verdict_of(*question)});
    }
  }

  Script script_;
  std::optional<Channel<Master, Checker>> master_;
  std::vector<WorkerEnd> workers_;
  const InItsPlace file_;
  const Clock::time_point started_;
  bool has_changed_ = false;
  bool is_to_start_anew_ = false;
  std::uint32_t last_channel_ = 0;
};

}  // namespace

void play(Script script) {
  auto pair = make_channel_pair();
  CheckerStage stage(script, std::move(pair->first));
  std::vector<std::string> complaints;
  const PasswordLists lists(
      {{.users = {{std::string(user), as_bcrypt}}}, {.file = password_file().path()}, {}}, {},
      complaints);
  const auto proof = lock_down<Role::checker>({.filter = {}});
  stage.judge_end(
      CheckerLoop(*proof, Channel<Checker, Master>(std::move(pair->second)), lists, hashing())
          .run());
}

}  // namespace perchild::fuzz

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  perchild::fuzz::check(perchild::fuzz::hashing().ready(), "OpenSSL hashes");
  perchild::fuzz::password_file();
  return 0;
}
