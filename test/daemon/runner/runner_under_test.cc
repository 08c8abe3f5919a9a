#include "test/daemon/runner/runner_under_test.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>
#include <stdexcept>

#include "privsep/inherited_fds.h"
#include "privsep/sealed_memory.h"
#include "privsep/spawn.h"
#include "privsep/syscall_filter.h"
#include "test/privsep/service_namespace.h"

namespace perchild::test {
namespace {

bool wait_readable(BorrowedFd fd, int deadline_ms) {
  ::pollfd polled{fd.get(), POLLIN, 0};
  return ::poll(&polled, 1, deadline_ms) == 1;
}

}  // namespace

std::uint32_t AskingWorker::acquire(std::uint32_t program) {
  send(Acquire{++last_, program});
  return last_;
}

std::uint32_t AskingWorker::run(const gateway::CgiCall& call, std::uint32_t program) {
  const std::string packed = call.pack();
  if (packed.size() <= RunScriptInline::most) {
    send(RunScriptInline::of(++last_, program, packed));
    return last_;
  }
  const auto memory = make_sealed_memory("call", packed);
  send(RunScript{++last_, program}, memory->borrow());
  return last_;
}

AskingWorker::Answer AskingWorker::next(int deadline_ms) {
  Answer answer;
  if (!wait_readable(channel_.fd(), deadline_ms)) return answer;
  auto received = channel_.receive();
  if (received.status != Channel<Worker, Runner>::Status::message) {
    answer.ended = true;
    return answer;
  }
  if (const auto* acquired = std::get_if<Acquired>(&*received.message)) {
    answer.number = acquired->number;
    answer.instance = acquired->instance;
    answer.served = acquired->served;
    answer.connection = std::move(received.fd);
  } else if (const auto* refused = std::get_if<NotAcquired>(&*received.message)) {
    answer.number = refused->number;
    answer.refusal = refused->reason;
  } else {
    answer.is_recall = std::holds_alternative<Recall>(*received.message);
    answer.is_about_body_file = !answer.is_recall;
    answer.body_file = std::move(received.fd);
  }
  return answer;
}

AskingWorker::Answer AskingWorker::answer(int deadline_ms) {
  for (;;) {
    Answer one = next(deadline_ms);
    if (!one.is_recall) return one;
  }
}

std::vector<ProgramSettings> script_programs() {
  return {{.kind = ProgramKind::cgi,
           .protocol = ProgramProtocol::cgi,
           .name = "cgi",
           .environment = {"OF_THE_SITE=1"}}};
}

RunnerUnderTest::RunnerUnderTest(std::vector<ProgramSettings> programs,
                                 const std::vector<std::pair<std::string, std::string>>& scripts,
                                 std::vector<std::string> writable, const std::string& tmp)
    : folder_(tmp.empty() ? "/tmp" : "/srv"),
      root_(folder_.path() + "/site"),
      log_(folder_.write("error.log", "")) {
  std::filesystem::create_directory(root_);
  if (::chmod(root_.c_str(), 0700) != 0 || ::chown(root_.c_str(), uid_a, uid_a) != 0) {
    throw std::runtime_error("chown");
  }
  for (const auto& [name, text] : scripts) add_script(name, text);
  RunnerSettings settings;
  settings.root = root_;
  settings.programs = std::move(programs);
  settings.writable = std::move(writable);
  settings.tmp = tmp;
  settings.fork_server = bin_directory() + "/perchild-fork-server.so";
  start(settings);
}

void RunnerUnderTest::start(const RunnerSettings& settings) {
  const UniqueFd executable(
      ::open((bin_directory() + "/perchild-runner").c_str(), O_PATH | O_CLOEXEC));
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const UniqueFd log(::open(log_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  const auto packed = make_sealed_memory("settings", settings.pack());
  const auto filter = make_sealed_memory("filter", compile_syscall_filter(Role::runner).value());
  auto control = make_channel_pair();
  auto told = make_channel_pair();
  starter_ = ::fork();
  if (starter_ == 0) {
    control->first.reset();
    if (!become_master() || ::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) ::_exit(90);
    const auto spawned = spawn({.role = Role::runner,
                                .identity = {Uid{uid_a}, Gid{uid_a}, {Gid{uid_b}}},
                                .executable = executable.borrow(),
                                .title = "perchild-runner test",
                                .fds = {{null.borrow(), 0},
                                        {null.borrow(), 1},
                                        {log.borrow(), ChildFds::log},
                                        {control->second.borrow(), ChildFds::control},
                                        {filter->borrow(), ChildFds::filter},
                                        {packed->borrow(), ChildFds::settings}}});
    const ::pid_t pid = spawned ? spawned->pid : 0;
    control->second.reset();  // its end is the runner's
    ::send(told->second.get(), &pid, sizeof pid, MSG_NOSIGNAL);
    for (;;) ::pause();
  }
  control->second.reset();
  if (!wait_readable(told->first.borrow(), 20'000) ||
      ::recv(told->first.get(), &pid_, sizeof pid_, 0) != sizeof pid_ || pid_ == 0) {
    throw std::runtime_error("no runner: " + error_log());
  }
  pidfd_ = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  master_.emplace(std::move(control->first));
  if (!wait_readable(master_->fd(), 20'000)) throw std::runtime_error("no word of the runner");
  const auto received = master_->receive();
  if (received.status != Channel<Master, Runner>::Status::message ||
      std::get<LockDownComplete>(*received.message).pid != 1) {
    throw std::runtime_error("the runner does not lock itself down: " + error_log());
  }
}

RunnerUnderTest::~RunnerUnderTest() {
  ::kill(starter_, SIGKILL);
  ::waitpid(starter_, nullptr, 0);
  // It dies with its parent; the folder goes when nothing of it is in use any more.
  wait_readable(pidfd_.borrow(), 10'000);
}

AskingWorker RunnerUnderTest::attach() {
  auto pair = make_channel_pair();
  static_cast<void>(master_->send(AttachClient{++last_channel_}, pair->first.borrow()));
  return AskingWorker(std::move(pair->second));
}

void RunnerUnderTest::add_script(const std::string& name, const std::string& text, unsigned mode) {
  const std::filesystem::path path = root_ + "/" + name;
  std::filesystem::create_directories(path.parent_path());
  write_file(path, text, mode);
  ::chmod(path.c_str(), mode);
  for (std::filesystem::path at = path; at != root_; at = at.parent_path()) {
    if (::chown(at.c_str(), uid_a, uid_a) != 0) throw std::runtime_error("chown");
  }
}

bool RunnerUnderTest::logs(const std::string& text) const {
  return eventually([&] { return error_log().find(text) != std::string::npos; });
}

bool RunnerUnderTest::runs() const {
  return !wait_readable(pidfd_.borrow(), 0);
}

void RunnerUnderTest::kill() {
  ::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
  wait_readable(pidfd_.borrow(), 10'000);
}

// Those in its PID namespace. A zombie's links are gone.
std::vector<::pid_t> RunnerUnderTest::processes() const {
  std::error_code error;
  const auto space_of = [&](const std::string& pid) {
    return std::filesystem::read_symlink("/proc/" + pid + "/ns/pid", error).string();
  };
  const std::string own = space_of(std::to_string(pid_));
  std::vector<::pid_t> all;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    if (!own.empty() && space_of(name) == own) all.push_back(std::stoi(name));
  }
  return all;
}

std::string RunnerUnderTest::output_of(const std::string& text) {
  if (!worker_) worker_.emplace(attach());
  add_script("output-of", "#!/bin/sh\n" + text);
  worker_->run({"output-of", {}});
  const AskingWorker::Answer answer = worker_->answer();
  if (!answer.acquired()) return "it is not started";
  std::string output = read_to_end(answer.connection.borrow());
  worker_->release(answer.instance, false);
  return output;
}

std::string read_to_end(BorrowedFd socket, int deadline_ms) {
  std::string all;
  const std::int64_t end = now_ms() + deadline_ms;
  char part[4096];
  while (now_ms() < end && wait_readable(socket, static_cast<int>(end - now_ms()))) {
    const ssize_t got = ::recv(socket.get(), part, sizeof part, 0);
    if (got <= 0) break;
    all.append(part, static_cast<std::size_t>(got));
  }
  return all;
}

}  // namespace perchild::test
