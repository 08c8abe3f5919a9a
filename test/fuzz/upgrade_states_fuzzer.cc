// `perchild upgrade`, as root, against a master that has been taken over: it hears any sequence of
// what that may say, at any time, or nothing, or dies, while the successor starts, says something,
// is ready or dies. A successor is started once, when all questions have been answered, and has for
// each what came with its answer; the server gives way when the successor serves, and not before; a
// successor that does not is ended; nobody is waited for for ever.
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "daemon/command/upgrade/successor.h"
#include "daemon/command/upgrade/upgrade.h"
#include "privsep/control_messages.h"
#include "privsep/local_socket.h"
#include "test/fuzz/states/letters.h"

namespace perchild::fuzz {
namespace {

constexpr std::uint32_t honest_listeners = 2;

// The runtime directory, with the socket in it that commands connect to.
struct Machine {
  Machine() {
    char path[] = "/tmp/perchild-fuzz-XXXXXX";
    check(::mkdtemp(path) != nullptr, "there is a runtime directory");
    directory = path;
    const UniqueFd folder(::open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    auto listening = listen_local(folder.borrow(), directory, control_socket_name, 0600);
    check(listening.has_value(), "a socket listens");
    door = std::move(*listening);
  }
  ~Machine() { std::filesystem::remove_all(directory); }

  std::string directory;
  UniqueFd door;
};

Machine& machine() {
  static Machine made;
  return made;
}

UniqueFd new_file() {
  return UniqueFd(::memfd_create("held", MFD_CLOEXEC));
}

// 0: none.
::ino_t file_of(const UniqueFd& fd) {
  struct ::stat facts {};
  if (fd.has_value()) check(::fstat(fd.get(), &facts) == 0, "a descriptor is open");
  return facts.st_ino;
}

class UpgradeStage final : public Stage {
 public:
  explicit UpgradeStage(Script script) : script_(script) {}
  static UpgradeStage& current() { return static_cast<UpgradeStage&>(Stage::current()); }

  Result<Successor> start(const Inheritance& inherited) {
    check(!is_started_, "a successor is started once");
    judge_inheritance(inherited);
    if (next_start_fails_) return failure({"fork", "", EAGAIN});
    is_started_ = true;
    auto pair = make_channel_pair();
    notify_ = std::move(pair->first);
    death_ = UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    return Successor{1, UniqueFd(::fcntl(death_.get(), F_DUPFD_CLOEXEC, 0)),
                     std::move(pair->second)};
  }
  void end() {
    check(is_started_ && !is_ready_ && !std::exchange(is_ended_, true), "who serves is not ended");
  }

  // Of all that has happened.
  void judge_end(bool is_well) const {
    check(is_well == is_ready_, "it has taken over when the successor serves");
    check(is_ready_ || is_ended_ == is_started_, "a successor that does not serve is ended");
  }

 private:
  void on_quiet() override {
    if (!server_) connect();
    if (is_there_) hear();
    check(now() - moved_at_ < std::chrono::minutes(6), "nobody is waited for for ever");
    if (script_.over()) return finish();
    step();
  }

  void connect() {
    auto accepted = accept_local(machine().door.borrow());
    check(accepted.has_value(), "the command connects");
    server_.emplace(std::move(*accepted));
    is_there_ = true;
  }

  // ---- what the command has said

  void hear() {
    is_there_ = read_all(*server_, [this](const auto& message, const UniqueFd&) {
      moved_at_ = now();
      hear(message);
    });
  }
  template <typename M>
  void hear(const M&) {
    check(false, "it says what an upgrade takes");
  }
  void hear(const TakeOver&) {
    check(!pending_ && said_.size() >= 1, "it begins once, when it is greeted");
    pending_ = letter_of(TakeOverAnswer{TakeOverOutcome::permitted, honest_listeners, 0});
  }
  void hear(const AskHeld& message) {
    check(!is_started_ && pending_, "it asks before it starts anybody");
    pending_ = letter_of(Held{0});
    check(message.index < max_listeners, "for what there can be");
  }
  void hear(const GiveWay&) {
    check(is_ready_ && !std::exchange(gives_way_, true),
          "the server gives way to who serves, once");
    pending_ = letter_of(GivingWay{0});
  }

  // What was said, in its order: each question takes the next of it for its answer.
  struct Said {
    std::optional<Direction<Master, Command>::Messages> message;
    ::ino_t file;
  };

  template <typename M>
  const M& answer(std::size_t number) const {
    check(number < said_.size(), "nobody is started before all has been answered");
    const auto& message = said_[number].message;
    check(message && std::holds_alternative<M>(*message), "by what is an answer");
    return std::get<M>(*message);
  }

  void judge_held(const UniqueFd& fd, std::size_t number) const {
    check(number < said_.size(), "nobody is started before all has been answered");
    const auto& message = said_[number].message;
    const bool is_held = message && std::holds_alternative<Held>(*message);
    check(is_held || (message && std::holds_alternative<NotHeld>(*message)),
          "by what is an answer");
    check(file_of(fd) == (is_held ? said_[number].file : 0), "what is handed on came with it");
  }

  void judge_inheritance(const Inheritance& inherited) const {
    answer<Greeting>(0);
    const auto& permitted = answer<TakeOverAnswer>(1);
    check(permitted.outcome == TakeOverOutcome::permitted, "it is started where it may be");
    std::size_t number = 2;
    for (const UniqueFd* fd :
         {&inherited.control, &inherited.status, &inherited.log, &inherited.cgroups.directory}) {
      judge_held(*fd, number++);
    }
    std::size_t listeners = 0;
    for (std::uint32_t i = 0; i < permitted.listeners; ++i, ++number) {
      const bool is_held = number < said_.size() && said_[number].message &&
                           std::holds_alternative<Held>(*said_[number].message);
      static const UniqueFd none;
      if (is_held) check(listeners < inherited.listeners.size(), "each listener is handed on");
      judge_held(is_held ? inherited.listeners[listeners++] : none, number);
    }
    check(listeners == inherited.listeners.size(), "and no other");
  }

  // ---- steps

  void step() {
    switch (script_.below(10)) {
      case 0:
        return say(letter_of(Greeting{1U + script_.below(4), 2, FixedText<24>::of("1.0")}));
      case 1:
        if (pending_) say(*pending_);
        return;
      case 2:
        return say(letter_of(NotHeld{0}));
      case 3:
        return say(write_letter<Master, Command>(script_));
      case 4:
        return leave();
      case 5:
        return let_pass(std::chrono::milliseconds(1) * (1 << script_.below(20)));
      case 6:
        return successor_says("READY=1");
      case 7:
        return successor_says(script_.byte() % 2 == 0 ? "STATUS=x" : "READY=1\n");
      case 8:
        if (script_.byte() % 2 == 0) return notify_.reset();
        if (death_.has_value()) ::eventfd_write(death_.get(), 1);
        return;
      default:
        next_start_fails_ = true;
    }
  }

  // It says nothing more, or has gone.
  void finish() {
    if (script_at_end_++ == 0 && may_be_silent_) return;
    if (script_at_end_ == 2) leave();
    check(script_at_end_ < 10, "the command ends");
    let_pass(std::chrono::minutes(5));
  }

  void leave() {
    if (is_there_) ::shutdown(server_->fd().get(), SHUT_RDWR);
    is_there_ = false;
  }

  void say(const Letter& letter) {
    const UniqueFd file = new_file();
    if (!is_there_ || !post(server_->fd(), letter, file.borrow())) return;
    moved_at_ = now();
    if (letter.bytes.empty() && letter.fd_count == 0) return leave();
    said_.push_back(
        {read_letter<Master, Command>(letter), letter.fd_count > 0 ? file_of(file) : 0});
  }

  void successor_says(std::string_view words) {
    if (!notify_.has_value() || is_ended_) return;
    const bool is_heard = ::send(notify_.get(), words.data(), words.size(), MSG_NOSIGNAL) > 0;
    is_ready_ = is_ready_ || (is_heard && words == "READY=1");
  }

  Script script_;
  const bool may_be_silent_ = script_.byte() % 2 == 1;
  std::optional<Channel<Master, Command>> server_;
  bool is_there_ = false;
  std::optional<Letter> pending_;  // the honest answer to the last question
  std::vector<Said> said_;
  Clock::time_point moved_at_ = now();
  UniqueFd notify_, death_;
  bool next_start_fails_ = false;
  bool is_started_ = false;
  bool is_ready_ = false;
  bool is_ended_ = false;
  bool gives_way_ = false;
  int script_at_end_ = 0;
};

}  // namespace

// In the place of others, as in stage.cc.
Result<Successor> start_double(Configuration&, Inheritance, const ServerLog&) __asm__(
    "__wrap__ZN8perchild15start_successorERNS_13ConfigurationENS_11InheritanceERKNS_9ServerLogE");
Result<Successor> start_double(Configuration&, Inheritance inherited, const ServerLog&) {
  return UpgradeStage::current().start(inherited);
}

void end_double(const Successor&) __asm__("__wrap__ZN8perchild13end_successorERKNS_9SuccessorE");
void end_double(const Successor&) {
  UpgradeStage::current().end();
}

::uid_t user_double() __asm__("__wrap_geteuid");
::uid_t user_double() {
  return 0;
}

int mask_double(int, const ::sigset_t*, ::sigset_t*) __asm__("__wrap_sigprocmask");
int mask_double(int, const ::sigset_t*, ::sigset_t*) {
  return 0;
}

void play(Script script) {
  UpgradeStage stage(script);
  Configuration configuration;
  configuration.runtime_dir = machine().directory;
  std::ostringstream said;
  const auto end = take_over(configuration, said, said);
  stage.judge_end(end && *end == 0);
}

}  // namespace perchild::fuzz

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  perchild::fuzz::machine();
  return 0;
}
