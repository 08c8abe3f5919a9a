// The library in a program that is loaded once (perchild-fork-server.so), against a runner that
// says anything. Of the two it is the program that is the tenant's, and the runner that is not to
// break for what it is told (runner_states_fuzzer); but what the library is told comes with
// descriptors, and makes processes that are to have these and no others. It forks for what is a
// request alone and reports each once; what has been forked has the connection and the stderr that
// came with it, and nothing of the runner's. What a spare has loaded takes its walls in their
// order, all of them before it forks anybody, and ends if one cannot be taken.
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cstdarg>
#include <cstdlib>
#include <map>

// Its process knows once for all what has become of it, which here is so for each run.
#include "daemon/fork_server/fork_server.cc"
#include "test/fuzz/states/letters.h"
#include "test/fuzz/states/numbers.h"

namespace perchild::fuzz {
namespace {

constexpr ::pid_t servers_pid = 0x40000001;
constexpr ::pid_t between_pid = 0x40000002;
constexpr ::pid_t members_pid = 0x40000003;
constexpr int control_number = 10;
constexpr std::uint32_t some_id = 20001;

// In this order.
enum class Wall : std::uint8_t {
  processes,
  memory,
  untraceable,
  groups,
  gid,
  uid,
  ambient,
  capabilities,
  directory,
  privileges,
  ruleset,
  filter,
  refusals,
  traceable,
};

// The end of the process.
struct Exit {
  int status;
};

enum class ForkOf : std::uint8_t { a_process, none, none_between, this_process, kinds };

UniqueFd new_file() {
  UniqueFd file(::memfd_create("passed", MFD_CLOEXEC));
  check(::write(file.get(), "12345678", 8) == 8, "there is a file");
  return file;
}

::ino_t file_of(BorrowedFd fd) {
  struct ::stat facts {};
  check(::fstat(fd.get(), &facts) == 0, "a descriptor is open");
  return facts.st_ino;
}

template <typename M>
Letter letter_with(const M& message, std::size_t fd_count = M::fd_count) {
  const auto bytes = std::as_bytes(std::span(&message, 1));
  return {{bytes.begin(), bytes.end()}, fd_count};
}

class ForkServerStage final : public Stage {
 public:
  explicit ForkServerStage(Script script)
      : script_(script),
        is_spare_(script_.byte() % 2 == 1),
        refused_(script_.byte()),
        first_(new_file()) {
    auto pair = make_channel_pair();
    place(pair->second.release(), control_number);
    runner_ = std::move(pair->first);
    ::setenv(fork_server_variable, std::to_string(control_number).c_str(), 1);
    if (is_spare_) {
      ::setenv(spare_variable, "1", 1);
    } else {
      const UniqueFd errors = new_file();
      check(post(runner_.borrow(), letter_with(ForkRequest{0}, ForkRequest::fd_count_of_first),
                 errors.borrow()),
            "it has been asked before it runs");
      note(0, {file_of(errors.borrow()), file_of(first_.borrow())});
    }
    phase = Phase::unasked;
    control = -1;
  }
  ~ForkServerStage() override { place_null(control_number); }
  static ForkServerStage& current() { return static_cast<ForkServerStage&>(Stage::current()); }

  // As a program does: it accepts, and serves whom it has got.
  void run() {
    try {
      for (;;) {
        const UniqueFd connection(::accept4(STDIN_FILENO, nullptr, nullptr, SOCK_CLOEXEC));
        if (!connection.has_value()) {
          return check(is_wrong_ || !runner_.has_value() || is_unreachable_,
                       "it ends for nothing else");
        }
        judge_connection(connection.borrow());
        if (phase == Phase::none) return;
      }
    } catch (const Exit& end) {
      if (is_member_) return check(end.status == 0, "it ends with its connection");
      hear();
      check(end.status == 1 && is_spare_ && !is_walled(), "it ends without walls");
      check(is_wrong_ || !runner_.has_value() || is_refused_ || has_threads_,
            "and for nothing else");
    }
  }

  // ---- what the kernel does

  int take(Wall wall) {
    check(!is_refused_ && (walls_.empty() || walls_.back() < wall),
          "walls are taken in their order");
    walls_.push_back(wall);
    is_refused_ = static_cast<std::uint8_t>(wall) == refused_;
    errno = EPERM;
    return is_refused_ ? -1 : 0;
  }
  int filter() { return take(walls_.back() == Wall::filter ? Wall::refusals : Wall::filter); }
  int accept() {
    is_unreachable_ = script_.byte() % 16 == 1;
    return is_unreachable_ ? -1 : ::fcntl(first_.get(), F_DUPFD, 0);
  }
  ::pid_t fork_one_between() {
    check(!is_spare_ || is_walled(), "before it is the site's it forks nobody");
    check(asked_.size() == 1, "and for what has been asked alone");
    forks_ = static_cast<ForkOf>(script_.below(static_cast<std::size_t>(ForkOf::kinds)));
    is_member_ = forks_ == ForkOf::this_process;
    if (forks_ == ForkOf::a_process) asked_.clear();  // it reports by itself
    errno = EAGAIN;
    return is_member_ ? 0 : forks_ == ForkOf::none_between ? -1 : between_pid;
  }
  int status_of_between() const { return forks_ == ForkOf::none ? EAGAIN << 8 : 0; }
  ::pid_t own_pid() const { return is_member_ ? members_pid : servers_pid; }
  void take_errors(BorrowedFd fd) { errors_ = file_of(fd); }
  bool has_one_thread() {
    has_threads_ = script_.byte() % 16 == 1;
    return !has_threads_;
  }

 private:
  struct Request {
    ::ino_t errors = 0, connection = 0;
  };

  void on_quiet() override {
    check(!is_wrong_ && runner_.has_value(), "it ends at once when it is to");
    check(!is_member_, "a process that has been forked waits for nothing here");
    hear();
    check(asked_.empty(), "what has been asked is reported");
    if (script_.over()) return runner_.reset();
    step();
  }

  bool is_walled() const {
    return !walls_.empty() && walls_.back() == Wall::traceable && !is_refused_;
  }

  // ---- what comes of it

  void hear() {
    ForkReport said;
    const auto room = std::as_writable_bytes(std::span(&said, 1));
    while (runner_.has_value()) {
      const auto received = receive_with_fds(runner_.borrow(), room);
      if (received.status != ReceiveStatus::message) return;
      check(received.length == sizeof said && received.fd_count == 0, "it says what is a report");
      check((said.pid == 0) == (said.error != 0), "of a process, or why there is none");
      if (is_spare_ && said.number == 0) {
        check(said.pid == 0 || said.pid == servers_pid, "of itself");
        check(++reports_of_itself_ == 1 || said.pid == 0 || is_walled(), "when it is the site's");
      } else {
        check(asked_.erase(said.number) == 1, "a report is of what has been asked, and comes once");
        check(said.pid == 0 || (is_member_ && said.pid == members_pid), "by who has been forked");
      }
    }
  }

  void judge_connection(BorrowedFd connection) {
    hear();
    check(is_member_ || phase == Phase::none, "a server has no connection");
    check(asked_.empty(), "whoever serves has said so");
    check(file_of(connection) == last_.connection, "it has the connection that came");
    check(::fcntl(control_number, F_GETFD) < 0, "and nothing of the runner's");
    if (is_member_) check(errors_ == last_.errors, "and the stderr");
  }

  // ---- steps

  void step() {
    switch (script_.below(6)) {
      case 0:
        return say(letter_with(ForkRequest{1U + script_.below(255)}));
      case 1:
        return say(letter_with(AdoptionPlace{some_id, script_.below(2)}));
      case 2:
        return say(walls());
      case 3:
        return runner_.reset();
      case 4: {
        Letter letter =
            script_.byte() % 2 == 0 ? letter_with(ForkRequest{script_.number()}) : walls();
        letter.bytes.resize(script_.below(letter.bytes.size() + 2));
        letter.fd_count = script_.below(2 * max_passed_fds);
        return say(letter);
      }
      default: {
        Letter letter = letter_with(ForkRequest{script_.number()});
        letter.fd_count = script_.below(max_passed_fds + 2);
        return say(letter);
      }
    }
  }

  Letter walls() {
    AdoptionWalls message{};
    message.uid = message.gid = some_id;
    message.has_refusals = script_.below(2);
    message.has_ruleset = script_.below(2);
    message.group_count = script_.number();
    return letter_with(message);
  }

  template <typename M>
  static bool is_like(const Letter& letter) {
    return letter.bytes.size() == sizeof(M) && letter.fd_count == M::fd_count;
  }
  // In the state that it hears it in.
  bool is_permitted(const Letter& letter) const {
    if (!is_spare_ || is_walled()) return is_like<ForkRequest>(letter) && number_of(letter) != 0;
    if (walls_.empty()) return is_like<AdoptionPlace>(letter);
    return is_like<AdoptionWalls>(letter) && groups_of(letter) <= AdoptionWalls::most_groups;
  }
  static std::uint32_t number_at(const Letter& letter, std::size_t at) {
    std::uint32_t number;
    std::memcpy(&number, letter.bytes.data() + at, sizeof number);
    return number;
  }
  static std::uint32_t number_of(const Letter& letter) { return number_at(letter, 0); }
  static std::uint32_t groups_of(const Letter& letter) {
    return number_at(letter, offsetof(AdoptionWalls, group_count));
  }

  void say(const Letter& letter) {
    const UniqueFd file = new_file();
    if (!post(runner_.borrow(), letter, file.borrow())) return;
    is_wrong_ = !is_permitted(letter);
    if (!is_wrong_ && is_like<ForkRequest>(letter)) {
      note(number_of(letter), {file_of(file.borrow()), file_of(file.borrow())});
    }
  }
  void note(std::uint32_t number, Request request) { asked_[number] = last_ = request; }

  Script script_;
  const bool is_spare_;
  const std::uint8_t refused_;  // of its walls
  const UniqueFd first_;        // the connection that comes by the listener
  UniqueFd runner_;
  std::map<std::uint32_t, Request> asked_;  // and not reported
  Request last_;
  std::vector<Wall> walls_;  // that it has taken, or not
  bool is_refused_ = false;  // the last of these
  bool has_threads_ = false;
  int reports_of_itself_ = 0;
  ForkOf forks_{};
  bool is_member_ = false;
  ::ino_t errors_ = 0;  // its stderr
  bool is_unreachable_ = false;
  bool is_wrong_ = false;  // it has been told what it is to end for
};

bool is_on_stage = false;

ForkServerStage& stage() {
  return ForkServerStage::current();
}

}  // namespace

void play(Script script) {
  ForkServerStage played(script);
  is_on_stage = true;
  played.run();
  is_on_stage = false;
  ::unsetenv(fork_server_variable);
  ::unsetenv(spare_variable);
}

}  // namespace perchild::fuzz

// In the place of the kernel's (ld(1), --wrap).
extern "C" {
using perchild::fuzz::stage;
using perchild::fuzz::Wall;

::pid_t __wrap_vfork();
::pid_t __wrap_vfork() {
  return stage().fork_one_between();
}
::pid_t __wrap_fork();
::pid_t __wrap_fork() {
  return 0;
}
::pid_t __wrap_waitpid(::pid_t, int*, int);
::pid_t __wrap_waitpid(::pid_t pid, int* status, int) {
  *status = stage().status_of_between();
  return pid;
}
[[noreturn]] void __wrap__exit(int);
void __wrap__exit(int status) {
  throw perchild::fuzz::Exit{status};
}
::pid_t __real_getpid();
::pid_t __wrap_getpid();
::pid_t __wrap_getpid() {
  return perchild::fuzz::is_on_stage ? stage().own_pid() : __real_getpid();
}
::pid_t __wrap_setsid();
::pid_t __wrap_setsid() {
  return 0;
}
::sighandler_t __wrap_signal(int, ::sighandler_t);
::sighandler_t __wrap_signal(int, ::sighandler_t) {
  return SIG_DFL;
}
int __real_dup2(int, int);
int __wrap_dup2(int, int);
int __wrap_dup2(int fd, int number) {
  if (number != STDERR_FILENO) return __real_dup2(fd, number);
  stage().take_errors(perchild::BorrowedFd(fd));
  return number;
}
int __real_stat(const char*, struct ::stat*);
int __wrap_stat(const char*, struct ::stat*);
int __wrap_stat(const char* path, struct ::stat* facts) {
  const int result = __real_stat(path, facts);
  if (std::string_view(path) == "/proc/self/task")
    facts->st_nlink = stage().has_one_thread() ? 3 : 4;
  return result;
}
int __real_setrlimit(__rlimit_resource, const ::rlimit*);
int __wrap_setrlimit(__rlimit_resource, const ::rlimit*);
int __wrap_setrlimit(__rlimit_resource resource, const ::rlimit* limit) {
  if (!perchild::fuzz::is_on_stage) return __real_setrlimit(resource, limit);
  return stage().take(resource == RLIMIT_NPROC ? Wall::processes : Wall::memory);
}
int __wrap_setgroups(std::size_t, const ::gid_t*);
int __wrap_setgroups(std::size_t count, const ::gid_t*) {
  perchild::fuzz::check(count <= perchild::AdoptionWalls::most_groups, "groups are bounded");
  return stage().take(Wall::groups);
}
int __wrap_setresgid(::gid_t, ::gid_t, ::gid_t);
int __wrap_setresgid(::gid_t, ::gid_t, ::gid_t) {
  return stage().take(Wall::gid);
}
int __wrap_setresuid(::uid_t, ::uid_t, ::uid_t);
int __wrap_setresuid(::uid_t, ::uid_t, ::uid_t) {
  return stage().take(Wall::uid);
}
int __wrap_fchdir(int);
int __wrap_fchdir(int) {
  return stage().take(Wall::directory);
}
int __wrap_prctl(int, ...);
int __wrap_prctl(int what, ...) {
  std::va_list arguments;
  va_start(arguments, what);
  const unsigned long first = va_arg(arguments, unsigned long);
  va_end(arguments);
  switch (what) {
    case PR_SET_DUMPABLE:
      return stage().take(first == 0 ? Wall::untraceable : Wall::traceable);
    case PR_CAP_AMBIENT:
      return stage().take(Wall::ambient);
    case PR_SET_NO_NEW_PRIVS:
      return stage().take(Wall::privileges);
    default:  // its name
      return 0;
  }
}
long __wrap_syscall(long, ...);
long __wrap_syscall(long number, ...) {
  switch (number) {
    case SYS_accept4:
      return stage().accept();
    case SYS_capset:
      return stage().take(Wall::capabilities);
    case SYS_landlock_restrict_self:
      return stage().take(Wall::ruleset);
    case SYS_seccomp:
      return stage().filter();
    default:
      perchild::fuzz::check(false, "it asks for nothing else");
      return -1;
  }
}
}

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  perchild::fuzz::place_null(perchild::fuzz::control_number);
  return 0;
}
