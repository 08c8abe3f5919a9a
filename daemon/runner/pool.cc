#include "daemon/runner/pool.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "privsep/process_status.h"

namespace perchild {
namespace {

// A process that has ended, or speaks unasked, is of no use to anybody.
bool is_at_rest(BorrowedFd connection) {
  char byte;
  return ::recv(connection.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0;
}

// What it is more, or another, than this process is.
// `further_filters`: that it has on top of this process's.
std::optional<std::string> difference_from_this_process(::pid_t pid,
                                                        std::uint32_t further_filters) {
  const auto own = read_process_status(::getpid());
  const auto its = read_process_status(pid);
  if (!own || !its) return (own ? its : own).error().text();
  if (its->uids != own->uids || its->gids != own->gids || its->groups != own->groups) {
    return "its ids are others";
  }
  if ((its->permitted | its->effective | its->inheritable | its->ambient | its->bounding) != 0) {
    return "it has capabilities";
  }
  if (its->no_new_privs != 1 || its->seccomp_filters != own->seccomp_filters + further_filters) {
    return "it has other system-call filters";
  }
  return std::nullopt;
}

}  // namespace

Pool::Pool(std::uint32_t number, const ProgramSettings& settings, RunnerParts& parts)
    : Program(number, settings, parts), forks_(settings.forks && !parts.fork_server.empty()) {
  // The loader would only complain, and go on.
  if (!forks_ || ::access(parts_.fork_server.c_str(), R_OK) == 0) return;
  forks_ = false;
  const auto failed = SysError::from_errno("open", parts_.fork_server);
  const std::string text = name() + " is loaded for each of its processes: " + failed.text();
  parts_.log.add({.message = text});
}

// Ready when it has become the site's, and says so.
void Pool::take(LoadedProgram loaded) {
  server_ = std::move(loaded.server);
  used_at_ = parts_.desk.now();
  if (forks_ && parts_.processes.adopt(server_.pid(), std::move(loaded.errors), *this)) return;
  server_.drop();
}

// ---- who waits

Pool::Members::iterator Pool::find_idle() {
  for (auto at = members_.begin(); at != members_.end(); ++at) {
    if (at->state != State::idle) continue;
    if (is_at_rest(at->connection.borrow())) return at;
    end(*at);
  }
  return members_.end();
}

// Whether as many are on their way as are waited for. What is being loaded may be forked soon.
bool Pool::is_awaited() const {
  const auto starting = std::count_if(members_.begin(), members_.end(), [](const Member& member) {
    return member.state == State::starting;
  });
  return server_.state() == ForkServerClient::State::loading ||
         static_cast<std::size_t>(starting) >= std::min(waiting_.size(), most_forks_at_once);
}

void Pool::serve() {
  next_try_ = parts_.desk.now() + recall_interval;
  while (!waiting_.empty()) {
    const auto idle = find_idle();
    if (idle != members_.end()) {
      give(*idle);
    } else if (is_awaited()) {
      return;
    } else if (members_.size() >= settings_.most_processes) {
      const Clock::time_point now = parts_.desk.now();
      if (now - recalled_at_ < recall_interval) return;
      recalled_at_ = now;
      parts_.desk.recall(number_);
      return;
    } else if (!start_one()) {
      // Who waits for the others to be free again may go on doing so.
      if (members_.empty()) refuse_all(NotAcquiredReason::cannot_start);
      return;
    }
  }
}

void Pool::give(Member& member) {
  used_at_ = parts_.desk.now();
  member.instance =
      parts_.desk.give(take_first(), number_, member.connection.borrow(), member.served);
  member.state = member.instance != 0 ? State::given : State::idle;
}

// ---- processes come

bool Pool::start_one() {
  if (server_.state() == ForkServerClient::State::ready) {
    if (!server_.is_old(parts_.desk.now()) && fork_one()) return true;
    end_server();
  }
  return start_process();
}

// The first connection that it will have, and the only one if it does not fork, is there before it
// runs.
bool Pool::start_process() {
  const std::string path = parts_.sockets.next_path();
  const auto listener = listen_at(path, 1);
  auto connection = listener ? connect_to(path) : failure(listener.error());
  ::unlink(path.c_str());
  if (!connection) {
    const std::string text = name() + " cannot be started: " + connection.error().text();
    parts_.log.add({.message = text});
    return false;
  }
  auto control = forks_ ? server_.open() : Result<UniqueFd>();
  auto errors = forks_ ? make_error_pipe() : Result<ErrorPipe>();
  const bool forks = forks_ && control && errors && server_.ask_for_first(errors->write.borrow());
  std::vector<std::string> environment;
  if (forks) environment.push_back("LD_PRELOAD=" + parts_.fork_server);
  const auto pid = start_command(
      settings_.command, with_environment(std::move(environment), settings_.environment),
      listener->borrow(), {}, forks ? std::optional(control->borrow()) : std::nullopt);
  if (!pid) {
    server_.drop();
    return false;
  }
  const Clock::time_point now = parts_.desk.now();
  if (forks) server_.begin(*pid, now);
  members_.push_back({.connection = std::move(*connection), .pid = *pid, .since = now});
  if (forks) members_.back().errors = std::move(errors->read);
  return true;
}

bool Pool::fork_one() {
  auto connection = make_connected_pair();
  auto errors = make_error_pipe();
  if (!connection || !errors) return false;
  const auto request = server_.ask(connection->theirs.borrow(), errors->write.borrow());
  if (!request) return false;
  members_.push_back({.connection = std::move(connection->ours),
                      .state = State::starting,
                      .request = *request,
                      .errors = std::move(errors->read),
                      .since = parts_.desk.now()});
  return true;
}

bool Pool::is_loading(const Member& member) const {
  return server_.state() == ForkServerClient::State::loading && member.pid == server_.pid();
}

void Pool::take_reports() {
  while (const auto report = server_.take_report()) on_report(*report);
  if (server_.is_lost()) end_server();
}

void Pool::on_report(const ForkReport& report) {
  const auto found = std::find_if(members_.begin(), members_.end(), [&](const Member& member) {
    return report.number == 0 ? member.pid == server_.pid()
                              : member.state == State::starting && member.request == report.number;
  });
  if (found == members_.end()) {
    // Asked once, it has said so before: to hear it out might never end.
    return report.number == 0 ? on_adoption(report) : end_server();
  }
  if (report.number == 0 && report.pid == 0) {  // it goes on by itself
    forks_ = false;
    server_.drop();
    found->errors.reset();
    if (found->state >= State::finishing) end(*found);
    return serve();
  }
  if (report.pid != 0 && parts_.processes.adopt(report.pid, std::move(found->errors), *this)) {
    found->pid = report.pid;
    found->forked = true;
    found->since = parts_.desk.now();
    if (found->state == State::starting) found->state = State::idle;
    if (found->state == State::ending) end(*found);
    return serve();
  }
  const char* const reason =
      report.pid == 0 ? std::strerror(report.error) : "what it names is no process of its own";
  const std::string text = name() + " cannot be forked: " + reason;
  parts_.log.add({.message = text});
  members_.erase(found);
  if (!members_.empty()) return;
  end_server();
  refuse_all(NotAcquiredReason::cannot_start);
}

// Of a program that was a spare's: it is believed if the kernel says so too.
void Pool::on_adoption(const ForkReport& report) {
  const std::uint32_t further_filters = parts_.walls.refusals.empty() ? 0 : 1;
  const auto objection = report.pid == 0
                             ? std::optional<std::string>(std::strerror(report.error))
                             : difference_from_this_process(server_.pid(), further_filters);
  if (objection) {
    const std::string text = name() + " that was loaded before cannot be used: " + *objection;
    parts_.log.add({.message = text});
    end_server();
  }
  serve();
}

// ---- processes go

// Some programs end of their own accord when they have served enough; for the others it is counted.
void Pool::release(std::uint32_t instance, ReleaseTo what, std::uint32_t served) {
  // Whether it has been forked, it has said before it has answered.
  take_reports();
  const auto found = std::find_if(members_.begin(), members_.end(), [&](const Member& member) {
    return member.state == State::given && member.instance == instance;
  });
  if (found != members_.end()) {
    used_at_ = parts_.desk.now();
    found->served = served;
    let_go(*found, what);
  }
  serve();
}

void Pool::let_go(Member& member, ReleaseTo what) {
  const bool is_used_up = settings_.most_requests != 0 && member.served >= settings_.most_requests;
  if (what == ReleaseTo::rest && is_loading(member)) {
    // It has answered by itself.
    forks_ = false;
    server_.drop();
  }
  member.since = parts_.desk.now();
  if (what == ReleaseTo::rest && !is_used_up) {
    member.state = State::idle;
  } else if (what == ReleaseTo::finish && (member.forked || is_loading(member))) {
    member.state = State::finishing;
    member.connection.reset();
  } else {
    end(member);
  }
}

// What is still being loaded is to be forked for others: it is its child that ends.
void Pool::end(Member& member) {
  member.state = State::ending;
  member.connection.reset();
  if (!is_loading(member)) parts_.processes.end(member.pid, parts_.desk.now());
}

// What it has been asked for does not come any more. One that has its own connection goes on with
// that.
void Pool::end_server() {
  const ::pid_t pid = server_.pid();
  server_.drop();
  std::erase_if(members_, [](const Member& member) { return member.state == State::starting; });
  const auto itself = std::find_if(members_.begin(), members_.end(),
                                   [pid](const Member& member) { return member.pid == pid; });
  if (itself == members_.end()) return parts_.processes.end(pid, parts_.desk.now());
  if (itself->state >= State::finishing) end(*itself);
}

void Pool::on_end(::pid_t pid, bool) {
  if (pid == server_.pid()) end_server();
  std::erase_if(members_, [pid](const Member& member) { return member.pid == pid; });
  serve();
}

// ---- time

std::optional<Clock::time_point> Pool::end_of(const Member& member) const {
  if (member.state == State::starting) return member.since + longest_fork;
  if (member.state == State::idle) return member.since + settings_.idle;
  if (member.state == State::finishing) return member.since + settings_.request;
  return std::nullopt;
}

bool Pool::needs_server() const {
  return !waiting_.empty() ||
         std::any_of(members_.begin(), members_.end(),
                     [](const Member& member) { return member.state != State::ending; });
}

void Pool::append_polled(std::vector<::pollfd>& polled) const {
  if (server_.state() != ForkServerClient::State::none) {
    polled.push_back({server_.fd().get(), POLLIN, 0});
  }
}

void Pool::on_polled(std::span<const ::pollfd> polled) {
  if (server_.state() == ForkServerClient::State::none) return;
  const bool speaks = std::any_of(polled.begin(), polled.end(), [this](const ::pollfd& each) {
    return each.fd == server_.fd().get() && each.revents != 0;
  });
  if (speaks) take_reports();
}

void Pool::on_timers() {
  const Clock::time_point now = parts_.desk.now();
  const bool is_silent = std::any_of(members_.begin(), members_.end(), [&](const Member& member) {
    return member.state == State::starting && *end_of(member) <= now;
  });
  if (is_silent) end_server();
  for (Member& member : members_) {
    if (const auto ends = end_of(member); ends && *ends <= now) end(member);
  }
  if (server_.state() == ForkServerClient::State::loading && server_.loaded_by() <= now) {
    end_server();
  }
  if (server_.state() == ForkServerClient::State::ready && !needs_server() &&
      used_at_ + settings_.idle <= now) {
    end_server();
  }
  if (!waiting_.empty() && next_try_ <= now) serve();
}

std::optional<Clock::time_point> Pool::next_timer() const {
  std::optional<Clock::time_point> first;
  const auto add = [&first](Clock::time_point at) { first = std::min(first.value_or(at), at); };
  if (!waiting_.empty()) add(next_try_);
  for (const Member& member : members_) {
    if (const auto ends = end_of(member)) add(*ends);
  }
  if (server_.state() == ForkServerClient::State::loading) add(server_.loaded_by());
  if (server_.state() == ForkServerClient::State::ready && !needs_server()) {
    add(used_at_ + settings_.idle);
  }
  return first;
}

}  // namespace perchild
