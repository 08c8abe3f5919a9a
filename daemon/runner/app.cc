#include "daemon/runner/app.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace perchild {
namespace {

constexpr std::string_view placeholder = "{socket}";
// RFC 9110, 9.3.7: of the server itself, whatever it serves. Any answer will do, and that it closes
// is one.
constexpr std::string_view health_question =
    "OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

bool makes_its_socket(const std::vector<std::string>& command) {
  return std::any_of(command.begin(), command.end(), [](const std::string& argument) {
    return argument.find(placeholder) != std::string::npos;
  });
}

std::vector<std::string> with_path(std::vector<std::string> command, const std::string& path) {
  for (std::string& argument : command) {
    for (std::size_t at = 0; (at = argument.find(placeholder, at)) != std::string::npos;
         at += path.size()) {
      argument.replace(at, placeholder.size(), path);
    }
  }
  return command;
}

}  // namespace

bool App::start() {
  const bool itself = makes_its_socket(settings_.command);
  if (itself || !listener_.has_value()) {
    if (!path_.empty()) ::unlink(path_.c_str());
    path_ = parts_.sockets.next_path();
  }
  if (!itself && !listener_.has_value()) {
    auto made = listen_at(path_, SOMAXCONN);
    if (!made) return false;
    listener_ = std::move(*made);
  }
  const std::vector<std::string> environment =
      with_environment({"PERCHILD_SOCKET=" + path_}, settings_.environment);
  const auto pid = start_command(with_path(settings_.command, path_), environment, parts_.null,
                                 listener_.borrow_if_any());
  if (!pid) return false;
  pid_ = *pid;
  ending_ = was_reached_ = false;
  started_at_ = idle_since_ = parts_.desk.now();
  return true;
}

void App::serve() {
  if (waiting_.empty() || ending_) return;
  if (pid_ == 0) {
    // Nobody is to wait for what does not come.
    if (parts_.desk.now() < not_before_) return refuse_all(NotAcquiredReason::cannot_start);
    if (!start()) return refuse_all(NotAcquiredReason::cannot_start);
  }
  while (!waiting_.empty() && connect_first()) {
  }
}

bool App::connect_first() {
  const auto connection = connect_to(path_);
  if (!connection) return false;
  was_reached_ = true;
  if (parts_.desk.give(take_first(), number_, connection->borrow()) != 0) ++given_;
  return true;
}

void App::release(std::uint32_t, ReleaseTo what, std::uint32_t) {
  if (given_ > 0) --given_;
  idle_since_ = parts_.desk.now();
  if (what != ReleaseTo::silent || !runs() || check_) return;
  // A younger one is not that which was meant.
  if (started_at_ + settings_.request <= parts_.desk.now()) ask_whether_it_answers();
}

// ---- whether it answers

void App::ask_whether_it_answers() {
  auto connection = connect_to(path_);
  const bool is_asked =
      connection && ::send(connection->get(), health_question.data(), health_question.size(),
                           MSG_NOSIGNAL) == static_cast<ssize_t>(health_question.size());
  if (!is_asked) return end_silent();
  const auto patience = std::min(settings_.request, longest_silence);
  check_ = HealthCheck{std::move(*connection), parts_.desk.now() + patience};
}

void App::append_polled(std::vector<::pollfd>& polled) const {
  if (check_) polled.push_back({check_->connection.get(), POLLIN, 0});
}

void App::on_polled(std::span<const ::pollfd> polled) {
  const bool is_answered =
      check_ && std::any_of(polled.begin(), polled.end(), [this](const ::pollfd& each) {
        return each.fd == check_->connection.get() && each.revents != 0;
      });
  if (is_answered) check_.reset();
}

bool App::takes_too_long() const {
  const Clock::time_point now = parts_.desk.now();
  if (check_) return check_->until <= now;
  return !was_reached_ && started_at_ + settings_.request <= now;
}

void App::end_silent() {
  const std::string text = name() + " does not answer, and is ended";
  parts_.log.add({.message = text});
  check_.reset();
  ending_ = silent_ = true;
  parts_.processes.end(pid_, parts_.desk.now());
}

void App::on_end(::pid_t, bool) {
  const Clock::time_point now = parts_.desk.now();
  pid_ = 0;
  check_.reset();
  const bool was_told_to = std::exchange(ending_, false);
  if (std::exchange(silent_, false) || !was_told_to) {
    const bool was_healthy = now - started_at_ > healthy_life;
    delay_ = was_healthy ? std::chrono::milliseconds(0)
                         : std::min(std::max(first_delay, delay_ * 2), longest_delay);
    not_before_ = now + delay_;
    const std::string text = name() + " has ended";
    parts_.log.add({.message = text});
    // Who waits in the socket's queue is served by the successor of one that had done well; and is
    // not kept waiting for one that does not get that far.
    if (!was_healthy) {
      listener_.reset();
    } else if (given_ > 0) {
      start();
    }
  }
  serve();
}

void App::on_timers() {
  if (runs() && takes_too_long()) end_silent();
  if (runs() && given_ == 0 && waiting_.empty() &&
      idle_since_ + settings_.idle <= parts_.desk.now()) {
    ending_ = true;
    delay_ = std::chrono::milliseconds(0);
    parts_.processes.end(pid_, parts_.desk.now());
  }
  serve();
}

std::optional<Clock::time_point> App::next_timer() const {
  if (!runs()) return std::nullopt;
  if (!waiting_.empty()) return parts_.desk.now() + look_again;
  std::optional<Clock::time_point> first;
  const auto add = [&first](Clock::time_point at) { first = std::min(first.value_or(at), at); };
  if (check_) add(check_->until);
  if (!was_reached_) add(started_at_ + settings_.request);
  if (given_ == 0) add(idle_since_ + settings_.idle);
  return first;
}

}  // namespace perchild
