#include "daemon/runner/runner_loop.h"

#include <fcntl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "daemon/runner/kept_sessions.h"
#include "privsep/inherited_fds.h"
#include "privsep/sealed_memory.h"

namespace perchild {
namespace {

constexpr int exit_asleep = 0;
constexpr int exit_peer_failed = 1;  // the master has gone, or sent what is no message
constexpr int exit_broken = 2;
constexpr int messages_at_once = 16;                 // of one worker, so that all are heard
constexpr std::uint32_t error_lines_a_second = 100;  // of all programs together

}  // namespace

RunnerLoop::RunnerLoop(LockedDown<Role::runner>, MasterChannel master, UniqueFd signals,
                       const RunnerSettings& settings, UniqueFd root, UniqueFd ruleset)
    : master_(std::move(master)),
      signals_(std::move(signals)),
      settings_(settings),
      root_(std::move(root)),
      ruleset_(settings.refusals.empty() || settings.filter.empty() ? UniqueFd()
                                                                    : std::move(ruleset)),
      log_clock_(std::time(nullptr)),
      log_(BorrowedFd(ChildFds::log), log_clock_, error_lines_a_second, settings.most_log_bytes),
      processes_(log_) {}

void RunnerLoop::complain(const std::string& sentence) {
  log_.add({.message = sentence});
}

bool RunnerLoop::prepare() {
  null_ = UniqueFd(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null_.has_value()) return false;
  const FurtherWalls walls{settings_.refusals, ruleset_.borrow_if_any()};
  parts_.emplace(RunnerParts{*this, processes_, sockets_, log_, root_.borrow(), null_.borrow(),
                             settings_.fork_server, walls});
  for (std::uint32_t i = 0; i < settings_.programs.size(); ++i) {
    programs_.push_back(make_program(i, settings_.programs[i], *parts_));
  }
  if (loaded_) programs_[loaded_->first]->take(std::move(loaded_->second));
  loaded_.reset();
  if (settings_.mail) {
    mail_.emplace(*settings_.mail, *parts_, master_);
    if (auto opened = mail_->open(); !opened) complain(opened.error().text());
  }
  return true;
}

int RunnerLoop::run() {
  now_ = Clock::now();
  if (!prepare()) {
    log_.flush();
    return exit_broken;
  }
  for (;;) {
    wait();
    if (!on_master_readable()) return exit_peer_failed;
    if (site_sleeps_) return exit_asleep;
    take_turn();
    log_.flush();
  }
}

void RunnerLoop::wait() {
  polled_.assign({{master_.fd().get(), POLLIN, 0}, {signals_.get(), POLLIN, 0}});
  for (const auto& [number, client] : clients_) {
    polled_.push_back({client.channel.fd().get(), POLLIN, 0});
  }
  processes_.append_polled(polled_);
  for (const auto& program : programs_) program->append_polled(polled_);
  if (mail_) mail_->append_polled(polled_);
  const auto timer = next_timer();
  ::timespec timeout{};
  if (timer) {
    const auto left = std::max(Clock::duration::zero(), *timer - now_);
    timeout.tv_sec = std::chrono::duration_cast<std::chrono::seconds>(left).count();
    timeout.tv_nsec = (left % std::chrono::seconds(1)).count();
  }
  // Whatever it returns: all are asked, and none waits.
  if (::ppoll(polled_.data(), polled_.size(), timer ? &timeout : nullptr, nullptr) <= 0) {
    for (::pollfd& each : polled_) each.revents = 0;
  }
  now_ = Clock::now();
  log_clock_.update(std::time(nullptr));
}

std::optional<Clock::time_point> RunnerLoop::next_timer() const {
  std::optional<Clock::time_point> first = processes_.next_timer();
  for (const auto& program : programs_) {
    const auto next = program->next_timer();
    if (next && (!first || *next < *first)) first = next;
  }
  if (const auto next = mail_ ? mail_->next_timer() : std::nullopt; next) {
    first = std::min(first.value_or(*next), *next);
  }
  return first;
}

void RunnerLoop::take_turn() {
  processes_.read_errors(polled_);
  on_signals();
  for (auto& [number, client] : clients_) on_client_readable(number, client);
  for (const auto& program : programs_) program->on_polled(polled_);
  processes_.on_timers(now_);
  for (const auto& program : programs_) program->on_timers();
  if (mail_) {
    mail_->on_polled(polled_);
    mail_->on_timers();
  }
  drop_lost();
}

void RunnerLoop::on_signals() {
  ::signalfd_siginfo info;
  bool any = false;
  while (::read(signals_.get(), &info, sizeof info) == sizeof info) any = true;
  if (!any) return;
  for (const auto& program : programs_) program->take_reports();
  processes_.reap();
}

bool RunnerLoop::on_master_readable() {
  for (;;) {
    auto received = master_.receive();
    if (received.status == MasterChannel::Status::would_block) return true;
    if (received.status != MasterChannel::Status::message) return false;
    std::visit([&](const auto& message) { on_message(message, std::move(received.fd)); },
               *received.message);
  }
}

void RunnerLoop::on_message(const AttachClient& message, UniqueFd fd) {
  clients_.try_emplace(message.channel, std::move(fd));
}

void RunnerLoop::on_message(const ReplaceLog& message, UniqueFd fd) {
  if (message.is_error_log == 0) return;
  log_.flush();
  if (::dup3(fd.get(), ChildFds::log, O_CLOEXEC) >= 0) log_.begin_new_file();
}

void RunnerLoop::on_message(const MailSent& message, UniqueFd) {
  if (mail_) mail_->on_message(message);
}

// When nobody is left who could be about to write one.
void RunnerLoop::on_message(const KeepSessions&, UniqueFd fd) {
  Processes::end_all();
  keep_sessions("/tmp", longest_session(settings_.programs), fd.borrow());
  site_sleeps_ = true;
}

void RunnerLoop::on_message(const TakeSessions&, UniqueFd fd) {
  take_sessions(fd.borrow(), "/tmp");
}

void RunnerLoop::on_client_readable(std::uint32_t number, Client& client) {
  for (int i = 0; i < messages_at_once && !client.lost; ++i) {
    auto received = client.channel.receive();
    bool permitted = false;
    switch (received.status) {
      case WorkerChannel::Status::would_block:
        return;
      case WorkerChannel::Status::peer_gone:
        client.lost = true;
        return;
      case WorkerChannel::Status::violation:
      case WorkerChannel::Status::out_of_fds:
        break;
      case WorkerChannel::Status::message:
        permitted = std::visit(
            [&](const auto& message) {
              return on_message(number, client, message, std::move(received.fd));
            },
            *received.message);
        break;
    }
    if (permitted) continue;
    client.lost = true;
    // A master that has no room for this sees the worker's other channels end.
    static_cast<void>(master_.send(PeerViolation{number}));
  }
}

bool RunnerLoop::may_ask(const Client& client, std::uint32_t number, std::uint32_t program,
                         bool for_script) const {
  return program < programs_.size() && programs_[program]->takes_scripts() == for_script &&
         client.asked.size() < max_acquisitions && client.held.size() < max_instances &&
         !client.asked.contains(number);
}

bool RunnerLoop::on_message(std::uint32_t number, Client& client, const Acquire& message,
                            UniqueFd) {
  if (!may_ask(client, message.number, message.program, false)) return false;
  client.asked.insert(message.number);
  programs_[message.program]->ask({number, message.number});
  return true;
}

bool RunnerLoop::on_message(std::uint32_t number, Client& client, const RunScript& message,
                            UniqueFd fd) {
  const auto packed = SealedMapping::map(fd.borrow());
  return packed && run_script({number, message.number}, client, message.program, packed->bytes());
}

bool RunnerLoop::on_message(std::uint32_t number, Client& client, const RunScriptInline& message,
                            UniqueFd) {
  return run_script({number, message.number}, client, message.program, message.call());
}

bool RunnerLoop::run_script(Question question, Client& client, std::uint32_t program,
                            std::string_view packed) {
  if (!may_ask(client, question.number, program, true)) return false;
  question.call = gateway::CgiCall::unpack(packed);
  if (!question.call) return false;
  client.asked.insert(question.number);
  programs_[program]->ask(std::move(question));
  return true;
}

// What is answered already crosses with this.
bool RunnerLoop::on_message(std::uint32_t number, Client&, const Withdraw& message, UniqueFd) {
  for (const auto& program : programs_) {
    if (!program->withdraw(number, message.number)) continue;
    refuse({number, message.number}, NotAcquiredReason::withdrawn);
    break;
  }
  return true;
}

bool RunnerLoop::on_message(std::uint32_t, Client& client, const Release& message, UniqueFd) {
  const auto held = client.held.find(message.instance);
  if (held == client.held.end()) return false;
  const std::uint32_t program = held->second;
  client.held.erase(held);
  programs_[program]->release(message.instance, message.what, message.served);
  return true;
}

// Behind O_EXCL nobody can give it a name. On the disk it is the site's user's, by whose quota.
bool RunnerLoop::on_message(std::uint32_t, Client& client, const AskBodyFile&, UniqueFd) {
  if (client.asked_for_body_file && now_ < *client.asked_for_body_file + least_between_body_files) {
    return false;
  }
  client.asked_for_body_file = now_;
  const UniqueFd file(
      ::openat(root_.borrow().get(), ".", O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600));
  if (file.has_value()) {
    no_body_file_.clear();
    tell(client, client.channel.send(BodyFile{}, file.borrow()));
    return true;
  }
  // Said once: a site may be so for good, and its workers ask again.
  const std::string reason = SysError::from_errno("open", settings_.root).text();
  if (std::exchange(no_body_file_, reason) != reason) complain("no file for bodies: " + reason);
  tell(client, client.channel.send(NoBodyFile{}));
  return true;
}

// A worker may have at most so many answers to read; one that has no room for them does not read.
void RunnerLoop::tell(Client& client, SendStatus sent) {
  if (sent != SendStatus::sent) client.lost = true;
}

std::uint32_t RunnerLoop::give(const Question& question, std::uint32_t program,
                               BorrowedFd connection, std::uint32_t served) {
  const auto found = clients_.find(question.client);
  if (found == clients_.end() || found->second.lost) return 0;
  Client& client = found->second;
  client.asked.erase(question.number);
  const std::uint32_t instance = ++last_instance_;
  tell(client, client.channel.send(Acquired{question.number, instance, served}, connection));
  if (client.lost) return 0;
  client.held[instance] = program;
  return instance;
}

void RunnerLoop::refuse(const Question& question, NotAcquiredReason reason) {
  const auto found = clients_.find(question.client);
  if (found == clients_.end() || found->second.lost) return;
  found->second.asked.erase(question.number);
  tell(found->second, found->second.channel.send(NotAcquired{question.number, reason}));
}

void RunnerLoop::recall(std::uint32_t program) {
  for (auto& [number, client] : clients_) {
    const bool holds = std::any_of(client.held.begin(), client.held.end(),
                                   [&](const auto& held) { return held.second == program; });
    // Said again later: one that has no room now is busy enough.
    if (holds && !client.lost) static_cast<void>(client.channel.send(Recall{program}));
  }
}

// What it held is in the midst of something that nobody knows.
void RunnerLoop::drop_lost() {
  for (auto at = clients_.begin(); at != clients_.end();) {
    if (!at->second.lost) {
      ++at;
      continue;
    }
    const std::uint32_t number = at->first;
    const auto held = std::move(at->second.held);
    at = clients_.erase(at);
    for (const auto& program : programs_) program->forget(number);
    for (const auto& [instance, program] : held) {
      programs_[program]->release(instance, ReleaseTo::end, 0);
    }
    at = clients_.begin();  // what is given to others now may find another one lost
  }
}

}  // namespace perchild
