#include "test/fuzz/states/sites_programs.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <span>

#include "vhosts/logs/error_log.h"

namespace perchild::fuzz {
namespace {

ProgramsOfSite* playing = nullptr;

UniqueFd copy_of(BorrowedFd fd) {
  return UniqueFd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
}

}  // namespace

// In the place of others, as in stage.cc.
Result<StartedProgram> start_double(const ProgramStart&) __asm__(
    "__wrap__ZN8perchild13start_programERKNS_12ProgramStartE");
Result<StartedProgram> start_double(const ProgramStart& start) {
  return ProgramsOfSite::current().start(start);
}

int kill_double(::pid_t, int) __asm__("__wrap_kill");
int kill_double(::pid_t pid, int signal) {
  ProgramsOfSite::current().kill(-pid, signal);
  return 0;
}

int wait_double(::idtype_t, ::id_t, ::siginfo_t*, int) __asm__("__wrap_waitid");
int wait_double(::idtype_t type, ::id_t id, ::siginfo_t* info, int options) {
  const bool is_reaped = (options & WNOWAIT) == 0;
  if (type == P_PID && !is_reaped) {
    *info = {};
    return ProgramsOfSite::current().has_child(static_cast<::pid_t>(id)) ? 0 : -1;
  }
  ProgramsOfSite::current().wait(*info, is_reaped);
  return 0;
}

// Each leads a group, and a session if it was to.
::pid_t session_double(::pid_t) __asm__("__wrap_getsid");
::pid_t session_double(::pid_t pid) {
  return ProgramsOfSite::current().leader_of(pid);
}

::pid_t group_double(::pid_t) __asm__("__wrap_getpgid");
::pid_t group_double(::pid_t pid) {
  return ProgramsOfSite::current().leader_of(pid);
}

Result<ProcessStatus> status_double(::pid_t) __asm__("__wrap__ZN8perchild19read_process_statusEi");
Result<ProcessStatus> status_double(::pid_t pid) {
  return ProgramsOfSite::current().status_of(pid);
}

void flush_double(logs::ErrorLog*) __asm__("__wrap__ZN8perchild4logs8ErrorLog5flushEv");
void flush_double(logs::ErrorLog*) {}

ProgramsOfSite::ProgramsOfSite() {
  playing = this;
}

ProgramsOfSite::~ProgramsOfSite() {
  playing = nullptr;
}

ProgramsOfSite& ProgramsOfSite::current() {
  return *playing;
}

// ---- what the kernel does

Result<StartedProgram> ProgramsOfSite::start(const ProgramStart& start) {
  if (std::exchange(next_start_fails, false)) return failure({"start", "", EAGAIN});
  auto pipe = make_error_pipe();
  ProcessDouble& process = living[++last_pid_];
  process.errors = std::move(pipe->write);
  process.input = copy_of(start.input);
  if (start.fork_control) process.control = copy_of(*start.fork_control);
  return StartedProgram{last_pid_, std::move(pipe->read)};
}

void ProgramsOfSite::end(::pid_t pid, int status) {
  if (living.erase(pid) == 0) return;
  dead_.emplace_back(pid, status);
  signals.raise(SIGCHLD);
}

void ProgramsOfSite::kill(::pid_t group, int signal) {
  if (group == 1) {  // all that there are
    while (!living.empty()) end(living.begin()->first, signal);
    return;
  }
  check(is_there(group), "who is told to end is there, and nobody else by that number");
  const auto found = living.find(group);
  if (found == living.end()) return;
  check(!found->second.is_of_another, "nor is anybody else's child");
  found->second.is_told_to_end = true;
  if (signal == SIGKILL || !is_stubborn) end(group, signal);
}

void ProgramsOfSite::wait(::siginfo_t& info, bool is_reaped) {
  info = {};
  if (dead_.empty()) return;
  const auto [pid, status] = dead_.front();
  info.si_pid = pid;
  info.si_code = status == 0 ? CLD_EXITED : CLD_KILLED;
  info.si_status = status;
  if (is_reaped) dead_.pop_front();
}

bool ProgramsOfSite::is_there(::pid_t pid) const {
  return living.contains(pid) || std::any_of(dead_.begin(), dead_.end(),
                                             [pid](const auto& one) { return one.first == pid; });
}

bool ProgramsOfSite::has_child(::pid_t pid) const {
  const auto found = living.find(pid);
  return found != living.end() ? !found->second.is_of_another : is_there(pid);
}

::pid_t ProgramsOfSite::leader_of(::pid_t pid) const {
  check(pid > 1, "who is asked about can be a program");
  return is_there(pid) ? pid : -1;
}

Result<ProcessStatus> ProgramsOfSite::status_of(::pid_t pid) {
  ProcessStatus status;
  status.uids = status.gids = {1, 1, 1, 1};
  status.no_new_privs = 1;
  status.seccomp_filters = 1;
  const auto found = living.find(pid);
  if (found == living.end()) {
    if (pid == ::getpid()) return status;
    return failure({"open", "a process that has ended", ESRCH});
  }
  switch (found->second.difference) {
    case 0:
      found->second.is_in_doubt = false;
      break;
    case 1:
      status.uids[2] = 0;
      break;
    case 2:
      status.groups = {1};
      break;
    case 3:
      status.bounding = 1;
      break;
    case 4:
      status.no_new_privs = 0;
      break;
    default:
      status.seccomp_filters = found->second.difference % 2 == 0 ? 0 : 2;
  }
  return status;
}

// ---- what fork servers do

LoadedProgram ProgramsOfSite::load_as_spare(std::uint8_t difference) {
  LoadedProgram loaded;
  auto pipe = make_error_pipe();
  ProcessDouble& process = living[++last_pid_];
  process.errors = std::move(pipe->write);
  process.control = std::move(*loaded.server.open());
  process.is_in_doubt = true;
  process.difference = difference;
  loaded.errors = std::move(pipe->read);
  loaded.server.begin(last_pid_, Clock::now());
  const BorrowedFd any(STDIN_FILENO);
  check(loaded.server.adopt({}, {any, any, any, {}, {}}, Clock::now()), "it is made the site's");
  return loaded;
}

void ProgramsOfSite::listen() {
  for (auto& [pid, process] : living) {
    while (process.control.has_value()) {
      std::array<std::byte, sizeof(AdoptionWalls)> bytes;
      ReceivedBytes received = receive_with_fds(process.control.borrow(), bytes);
      if (received.status != ReceiveStatus::message) break;
      if (received.length != sizeof(ForkRequest)) continue;
      check(!process.is_in_doubt, "nothing is asked of whom the kernel has not shown");
      AskedFork asked;
      std::memcpy(&asked.number, bytes.data(), sizeof asked.number);
      asked.errors = std::move(received.fds[0]);
      asked.connection = std::move(received.fds[1]);
      process.asked.push_back(std::move(asked));
    }
  }
}

::pid_t ProgramsOfSite::choose_server(Script& script) const {
  std::vector<::pid_t> servers;
  for (const auto& [pid, process] : living) {
    if (process.control.has_value()) servers.push_back(pid);
  }
  return servers.empty() ? 0 : servers[script.below(servers.size())];
}

::pid_t ProgramsOfSite::fork(AskedFork of) {
  ProcessDouble& child = living[++last_pid_];
  child.errors = std::move(of.errors);
  child.input = std::move(of.connection);
  child.is_stray = true;
  return last_pid_;
}

void ProgramsOfSite::report(::pid_t server, Script& script) {
  std::vector<AskedFork>& asked = living[server].asked;
  const bool is_honest = !asked.empty() && script.byte() % 4 != 1;
  const std::uint32_t number =
      is_honest ? asked[script.below(asked.size())].number : script.number();
  const auto chosen = std::find_if(asked.begin(), asked.end(),
                                   [&](const AskedFork& one) { return one.number == number; });
  const bool is_asked_for = chosen != asked.end();
  AskedFork of;
  if (is_asked_for) {
    of = std::move(*chosen);
    asked.erase(chosen);
  }
  ForkReport said{number, 0, 0};
  bool dies = false;
  switch (script.below(7)) {
    case 0:
      said.pid = fork(std::move(of));
      break;
    case 1:
      said.pid = fork(std::move(of));
      dies = true;
      break;
    case 2:
      said.error = static_cast<std::int32_t>(script.number());
      break;
    case 3:
      said.pid = static_cast<std::int32_t>(script.number());
      break;
    case 4:
      said.pid = server;
      break;
    case 5:
      said.pid = fork(std::move(of));
      living[said.pid].is_of_another = true;
      break;
    default:
      said.pid = std::next(living.begin(), script.below(living.size()))->first;
  }
  const auto bytes = std::as_bytes(std::span(&said, 1));
  const bool is_said = post(living[server].control.borrow(), {{bytes.begin(), bytes.end()}, 0},
                            BorrowedFd(STDIN_FILENO));
  const auto child = living.find(said.pid);
  if (is_said && is_asked_for && child != living.end() && !child->second.is_of_another) {
    child->second.is_stray = false;
  }
  if (dies) end(said.pid, SIGSEGV);
}

void ProgramsOfSite::babble(::pid_t server, Script& script) {
  Letter letter;
  for (std::uint32_t left = script.below(2 * sizeof(ForkReport)); left > 0; --left) {
    letter.bytes.push_back(std::byte{script.byte()});
  }
  letter.fd_count = script.below(max_passed_fds + 2);
  if (letter.bytes.size() == sizeof(ForkReport)) letter.fd_count += 1;
  UniqueFd& control = living[server].control;
  static_cast<void>(post(control.borrow(), letter, BorrowedFd(STDIN_FILENO)));
  if (script.byte() % 2 == 1) control.reset();
}

}  // namespace perchild::fuzz
