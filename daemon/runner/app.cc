#include "daemon/runner/app.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace perchild {
namespace {

constexpr std::string_view placeholder = "{socket}";

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
  const auto pid =
      start_command(with_path(settings_.command, path_), environment, parts_.null,
                    listener_.has_value() ? std::optional(listener_.borrow()) : std::nullopt);
  if (!pid) return false;
  pid_ = *pid;
  ending_ = false;
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
  if (parts_.desk.give(take_first(), number_, connection->borrow()) != 0) ++given_;
  return true;
}

void App::release(std::uint32_t, ReleaseTo, std::uint32_t) {
  if (given_ > 0) --given_;
  idle_since_ = parts_.desk.now();
}

void App::on_end(::pid_t, bool) {
  const Clock::time_point now = parts_.desk.now();
  pid_ = 0;
  if (!std::exchange(ending_, false)) {
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
  const bool runs = pid_ != 0 && !ending_;
  if (runs && given_ == 0 && waiting_.empty() &&
      idle_since_ + settings_.idle <= parts_.desk.now()) {
    ending_ = true;
    delay_ = std::chrono::milliseconds(0);
    parts_.processes.end(pid_, parts_.desk.now());
  }
  serve();
}

std::optional<Clock::time_point> App::next_timer() const {
  if (pid_ == 0 || ending_) return std::nullopt;
  if (!waiting_.empty()) return parts_.desk.now() + look_again;
  if (given_ == 0) return idle_since_ + settings_.idle;
  return std::nullopt;
}

}  // namespace perchild
