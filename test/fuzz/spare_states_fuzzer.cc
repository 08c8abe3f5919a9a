// A spare, from its start until it is a site's runner, against a master that says anything, what it
// has loaded likewise, and a kernel that refuses. It becomes a runner by the four parts in their
// order, each with its descriptor, after it has said that it is loaded, and by nothing else; it
// takes the ids once, behind the private view, and only if its program has said nothing unasked
// until then. For whatever else comes it ends.
//
// The master is trusted, and the program is the operator's; a spare that took what it is not to
// have would be a site's runner with another's.
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "daemon/runner/loaded_program.h"
#include "daemon/runner/program_start.h"
#include "daemon/runner/spare/spare_start.h"
#include "privsep/inherited_fds.h"
#include "privsep/sealed_memory.h"
#include "privsep/spare_messages.h"
#include "test/fuzz/states/letters.h"
#include "test/fuzz/states/numbers.h"

namespace perchild::fuzz {
namespace {

constexpr ::pid_t program_pid = 0x40000001;
constexpr ::pid_t view_makers_pid = 0x40000002;
constexpr std::size_t all_parts = 4;
constexpr SparePart order[all_parts] = {SparePart::log, SparePart::cgroup, SparePart::identity,
                                        SparePart::settings};

bool is_on_stage = false;  // the spare

// What the kernel, or whoever is asked, refuses.
enum class Refuses : std::uint8_t { nothing, program, view, ids, kinds };

UniqueFd copy_of(BorrowedFd fd) {
  return UniqueFd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
}

::ino_t file_of(BorrowedFd fd) {
  struct ::stat facts {};
  check(::fstat(fd.get(), &facts) == 0, "a descriptor is open");
  return facts.st_ino;
}

UniqueFd new_file() {
  return UniqueFd(::memfd_create("part", MFD_CLOEXEC));
}

const UniqueFd& packed_settings() {
  static const UniqueFd made = std::move(
      *make_sealed_memory("settings", SpareSettings{{"/interpreter"}, {}, "/library"}.pack()));
  return made;
}

class SpareStage final : public Stage {
 public:
  explicit SpareStage(Script script)
      : script_(script), refuses_(static_cast<Refuses>(script_.below(kinds_of_refusal))) {
    auto pair = make_channel_pair();
    place(pair->second.release(), ChildFds::control);
    place(copy_of(packed_settings().borrow()).release(), ChildFds::settings);
    master_.emplace(std::move(pair->first));
  }
  ~SpareStage() override {
    place_null(ChildFds::control);
    place_null(ChildFds::settings);
  }
  static SpareStage& current() { return static_cast<SpareStage&>(Stage::current()); }

  // After it has ended.
  void judge_end(bool is_well) const {
    check(is_well == is_runner_, "it ends well as a runner");
    check(is_runner_ || is_wrong_ || wrong_at_ || !master_ || refuses_ != Refuses::nothing ||
              is_late_,
          "it ends for nothing else");
  }

  // ---- what the kernel does

  Result<StartedProgram> start(const ProgramStart& start) {
    if (refuses_ == Refuses::program) return failure({"start", "", EAGAIN});
    program_ = copy_of(*start.fork_control);
    auto pipe = make_error_pipe();
    errors_ = std::move(pipe->write);
    return StartedProgram{program_pid, std::move(pipe->read)};
  }
  void keep_view_makers(BorrowedFd end) { view_maker_ = copy_of(end); }
  bool makes_view() {
    std::byte nothing{};
    const ReceivedBytes given = receive_with_fds(view_maker_.borrow(), std::span(&nothing, 1));
    check(given.status == ReceiveStatus::message && given.fd_count == 3, "a view is of a site");
    check(parts_taken() == all_parts && !is_identified_, "it is made first of all");
    check(
        file_of(given.fds[0].borrow()) == files_[2] && file_of(given.fds[1].borrow()) == files_[3],
        "by the site's ids and settings");
    has_view_ = refuses_ != Refuses::view;
    return has_view_;
  }
  bool takes_ids(BorrowedFd memory) {
    check(has_view_ && !is_identified_, "the ids are taken once, in the view");
    check(file_of(memory) == files_[2], "and are the site's");
    is_identified_ = refuses_ != Refuses::ids;
    return is_identified_;
  }
  void put(BorrowedFd fd, int number) {
    if (number == ChildFds::log) check(file_of(fd) == files_[0], "its log is the site's");
    if (number == ChildFds::settings) check(file_of(fd) == files_[3], "its settings are");
  }
  void run_runner(const LoadedProgram& loaded) {
    check(is_identified_ && !is_wrong_ && !is_runner_, "it is a runner when it is the site's");
    check(file_of(loaded.cgroup_procs.borrow()) == files_[1],
          "its program goes to the site's group");
    is_runner_ = true;
    const UniqueFd socket(ChildFds::control);
  }

 private:
  static constexpr std::size_t kinds_of_refusal = static_cast<std::size_t>(Refuses::kinds);

  void on_quiet() override {
    check(!is_wrong_, "it ends at once for what is wrong");
    if (!master_) {
      check(!is_loaded_, "it ends with its master");
      // Earlier it is the kernel that ends it.
      return program_.reset();
    }
    check(read_all(*master_,
                   [this](const SpareLoaded&, const UniqueFd&) {
                     check(is_reported_ && !std::exchange(is_loaded_, true),
                           "it is loaded once, and is so");
                   }),
          "it listens to its master");
    if (is_loaded_) judge_queue();
    if (script_.over()) return master_.reset();
    step();
  }

  std::size_t parts_taken() const { return files_.size(); }

  // It has heard all that there is.
  void judge_queue() const {
    check(!wrong_at_ && parts_taken() < all_parts, "it hears what it is told");
  }

  // ---- steps

  void step() {
    switch (script_.below(8)) {
      case 0:
        return report({0, program_pid, 0});
      case 1:
        return report({script_.number(), static_cast<std::int32_t>(script_.number()),
                       static_cast<std::int32_t>(script_.number())});
      case 2:
        is_wrong_ = true;
        return program_.reset();
      case 3:
        return tell(next_part());
      case 4:
        return tell(write_letter<Master, Spare>(script_));
      case 5:
        is_late_ = !is_loaded_;
        return let_pass(std::chrono::milliseconds(1) * (1 << script_.below(20)));
      case 6:
        while (master_ && parts_taken() < all_parts && !wrong_at_) tell(next_part());
        return;
      default:
        return master_.reset();
    }
  }

  void report(const ForkReport& said) {
    const auto bytes = std::as_bytes(std::span(&said, 1));
    Letter letter{{bytes.begin(), bytes.end()}, 0};
    switch (script_.byte()) {
      case 1:
        letter.bytes.resize(script_.below(2 * sizeof said));
        break;
      case 2:
        letter.fd_count = 1 + script_.below(max_passed_fds + 1);
        break;
      default:
        break;
    }
    if (!post(program_.borrow(), letter, BorrowedFd(STDIN_FILENO))) return;
    const bool is_good = letter.bytes.size() == sizeof said && letter.fd_count == 0 &&
                         said.number == 0 && said.pid == program_pid;
    is_wrong_ = std::exchange(is_reported_, true) || !is_good;
  }

  Letter next_part() const {
    return letter_of(TakePart{order[std::min(parts_taken(), all_parts - 1)]});
  }

  // What comes behind something wrong, or behind the last part, it does not hear as a spare.
  void tell(const Letter& letter) {
    if (wrong_at_ || parts_taken() == all_parts) return;
    const UniqueFd file = new_file();
    if (!post(master_->fd(), letter, file.borrow())) return;
    const auto message = read_letter<Master, Spare>(letter);
    if (message && std::get<TakePart>(*message).part == order[parts_taken()]) {
      files_.push_back(file_of(file.borrow()));
      return;
    }
    wrong_at_ = true;
    is_wrong_ = is_loaded_;
  }

  Script script_;
  const Refuses refuses_;
  std::optional<Channel<Master, Spare>> master_;
  UniqueFd program_, errors_, view_maker_;
  std::vector<::ino_t> files_;  // of the parts that it has been told in their order
  bool wrong_at_ = false;       // behind these
  bool is_reported_ = false;    // by its program
  bool is_loaded_ = false;      // as it has said
  bool is_wrong_ = false;       // somebody, so that it is to end
  bool is_late_ = false;
  bool has_view_ = false;
  bool is_identified_ = false;
  bool is_runner_ = false;
};

}  // namespace

// In the place of others, as in stage.cc.
Result<UniqueFd> signals_double() __asm__("__wrap__ZN8perchild12take_signalsEv");
Result<UniqueFd> signals_double() {
  return UniqueFd(::eventfd(0, EFD_CLOEXEC));
}

Result<void> offer_double() __asm__("__wrap__ZN8perchild18offer_itself_firstEv");
Result<void> offer_double() {
  return {};
}

Result<void> wall_double(Requirement) __asm__("__wrap__ZN8perchild8wall_offENS_11RequirementE");
Result<void> wall_double(Requirement) {
  return {};
}

Result<void> capabilities_double(CapabilityMask) __asm__(
    "__wrap__ZN8perchild20pass_on_capabilitiesEm");
Result<void> capabilities_double(CapabilityMask) {
  return {};
}

Result<StartedProgram> start_double(const ProgramStart&) __asm__(
    "__wrap__ZN8perchild13start_programERKNS_12ProgramStartE");
Result<StartedProgram> start_double(const ProgramStart& start) {
  return SpareStage::current().start(start);
}

Result<void> identity_double(Role, UniqueFd) __asm__(
    "__wrap__ZN8perchild13take_identityENS_4RoleENS_8UniqueFdE");
Result<void> identity_double(Role, UniqueFd memory) {
  if (SpareStage::current().takes_ids(memory.borrow())) return {};
  return failure({"take", "ids", EPERM});
}

// Whose other end goes to a process that there is not.
Result<SocketPair> real_pair() __asm__("__real__ZN8perchild17make_channel_pairEv");
Result<SocketPair> pair_double() __asm__("__wrap__ZN8perchild17make_channel_pairEv");
Result<SocketPair> pair_double() {
  auto pair = real_pair();
  if (is_on_stage) SpareStage::current().keep_view_makers(pair->second.borrow());
  return pair;
}

Result<int> runner_double(UniqueFd, std::optional<LoadedProgram>) __asm__(
    "__wrap__ZN8perchild10run_runnerENS_8UniqueFdESt8optionalINS_13LoadedProgramEE");
Result<int> runner_double(UniqueFd, std::optional<LoadedProgram> loaded) {
  SpareStage::current().run_runner(*loaded);
  return 0;
}

int put_double(int, int, int) __asm__("__wrap_dup3");
int put_double(int fd, int number, int) {
  SpareStage::current().put(BorrowedFd(fd), number);
  return number;
}

::pid_t own_double() __asm__("__wrap_getpid");
::pid_t own_double() {
  return 1;
}

::pid_t fork_double() __asm__("__wrap_fork");
::pid_t fork_double() {
  return view_makers_pid;
}

::pid_t wait_double(::pid_t, int*, int) __asm__("__wrap_waitpid");
::pid_t wait_double(::pid_t pid, int* status, int) {
  check(pid == view_makers_pid, "who makes the view is waited for");
  *status = SpareStage::current().makes_view() ? 0 : 1 << 8;
  return pid;
}

void play(Script script) {
  SpareStage stage(script);
  is_on_stage = true;
  const auto end = run_spare();
  is_on_stage = false;
  stage.judge_end(end && *end == 0);
}

}  // namespace perchild::fuzz

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  using namespace perchild::fuzz;
  place_null(perchild::ChildFds::control);
  place_null(perchild::ChildFds::settings);
  packed_settings();
  return 0;
}
