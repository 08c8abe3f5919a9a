#include "daemon/command/exporter/exporter_loop.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>

#include "daemon/command/control/metrics.h"

namespace perchild {
namespace {

constexpr std::chrono::seconds visitor_patience{10};
// However often somebody asks, the master is asked once in this time.
constexpr std::chrono::seconds metrics_hold{1};
constexpr std::string_view metrics_path = "/metrics";
constexpr std::string_view content_type =
    "application/openmetrics-text; version=1.0.0; charset=utf-8";

std::string answer_of(std::string_view status, std::string_view type, std::string_view body,
                      bool head_only, std::string_view more_fields = {}) {
  std::string answer = "HTTP/1.1 ";
  answer.append(status).append("\r\nContent-Type: ").append(type);
  answer.append("\r\nContent-Length: ").append(std::to_string(body.size()));
  answer.append("\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n");
  answer.append(more_fields).append("Connection: close\r\n\r\n");
  if (!head_only) answer.append(body);
  return answer;
}

std::string refusal(std::string_view status, bool head_only, std::string_view more_fields = {}) {
  return answer_of(status, "text/plain", std::string(status).append("\n"), head_only, more_fields);
}

SysError server_gone() {
  return {"ask", "the server: it has gone", 0};
}

}  // namespace

ExporterLoop::ExporterLoop(LockedDown<Role::exporter>, UniqueFd door, ControlClient server)
    : door_(std::move(door)), server_(std::move(server)) {}

SysError ExporterLoop::run() {
  while (!server_has_gone_) {
    std::vector<::pollfd> polled{{door_.get(), POLLIN, 0}, {server_.fd().get(), POLLIN, 0}};
    for (const auto& visitor : visitors_) {
      const short events = visitor->answer.empty() ? POLLIN : POLLOUT;
      polled.push_back({visitor->fd.get(), events, 0});
    }
    const int ready = ::poll(polled.data(), polled.size(), timeout());
    if (ready < 0 && errno != EINTR) return SysError::from_errno("poll");
    // It says nothing unasked, so this is its end.
    if (ready > 0 && polled[1].revents != 0) return server_gone();
    for (std::size_t i = 0; i < visitors_.size() && ready > 0; ++i) {
      if (polled[i + 2].revents == 0) continue;
      if (visitors_[i]->answer.empty()) {
        on_readable(*visitors_[i]);
      } else {
        on_writable(*visitors_[i]);
      }
    }
    const auto now = Clock::now();
    std::erase_if(visitors_,
                  [&](const auto& visitor) { return visitor->done || visitor->until <= now; });
    if (ready > 0 && polled[0].revents != 0) accept_one();
  }
  return server_gone();
}

int ExporterLoop::timeout() const {
  if (visitors_.empty()) return -1;
  const auto left = visitors_.front()->until - Clock::now();
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  return static_cast<int>(std::max<std::int64_t>(0, ms));
}

void ExporterLoop::accept_one() {
  UniqueFd fd(::accept4(door_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd.has_value()) return;
  if (visitors_.size() == most_visitors) visitors_.erase(visitors_.begin());
  visitors_.push_back(
      std::make_unique<Visitor>(Visitor{std::move(fd), Clock::now() + visitor_patience}));
}

void ExporterLoop::on_readable(Visitor& visitor) {
  std::array<char, 4096> bytes;
  const ssize_t got = ::recv(visitor.fd.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    visitor.done = true;
    return;
  }
  visitor.received.append(bytes.data(), static_cast<std::size_t>(got));
  const auto state = visitor.parser.parse(visitor.received);
  if (state == http1::HeadParser::State::incomplete) return;
  const http1::RequestHead head = visitor.parser.head(visitor.received);
  visitor.answer = state == http1::HeadParser::State::complete
                       ? answer_to(head)
                       : refusal("400 Bad Request", head.method == http1::Method::head);
  on_writable(visitor);
}

std::string ExporterLoop::answer_to(const http1::RequestHead& head) {
  using http1::Method;
  const bool head_only = head.method == Method::head;
  if (head.method != Method::get && !head_only) {
    return refusal("405 Method Not Allowed", head_only, "Allow: GET, HEAD\r\n");
  }
  if (head.path != metrics_path) return refusal("404 Not Found", head_only);
  if (auto fresh = refresh(); !fresh) {
    server_has_gone_ = true;
    return refusal("503 Service Unavailable", head_only);
  }
  return answer_of("200 OK", content_type, metrics_, head_only);
}

void ExporterLoop::on_writable(Visitor& visitor) {
  const ssize_t sent = ::send(visitor.fd.get(), visitor.answer.data(), visitor.answer.size(),
                              MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (sent > 0) visitor.answer.erase(0, static_cast<std::size_t>(sent));
  visitor.done = sent < 0 || visitor.answer.empty();
}

Result<void> ExporterLoop::refresh() {
  const auto now = Clock::now();
  if (!metrics_.empty() && now - asked_at_ < metrics_hold) return {};
  const auto snapshot = take_snapshot(server_);
  if (!snapshot) return failure(snapshot.error());
  metrics_ = metrics_of(*snapshot);
  asked_at_ = now;
  return {};
}

}  // namespace perchild
