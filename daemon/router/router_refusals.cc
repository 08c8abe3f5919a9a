// What the router says itself, to clients that reach no site.
//
// Runs in: router.
// Does not trust: clients.
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <ctime>

#include "daemon/router/refusal.h"
#include "daemon/router/router.h"
#include "daemon/router/tokens.h"

namespace perchild {
namespace {

constexpr std::chrono::seconds log_window_length{1};
constexpr unsigned lines_per_window = 20;

}  // namespace

void RouterLoop::refuse(Stranger& stranger, int status, std::string_view reason,
                        unsigned retry_seconds) {
  if (stranger.encrypted) {
    refuse(stranger, alert_for(status), reason);
    return;
  }
  log_refusal(stranger, std::to_string(status), reason);
  RefusalBuffer buffer;
  const auto body = stranger.head_request ? WithBody::no : WithBody::yes;
  say_last(stranger, write_refusal(status, body, retry_seconds, ::time(nullptr), buffer));
}

void RouterLoop::refuse(Stranger& stranger, tls::Alert alert, std::string_view reason) {
  log_refusal(stranger, "alert " + std::to_string(static_cast<int>(alert)), reason);
  const auto record = tls::fatal_alert(alert);
  say_last(stranger, {record.data(), record.size()});
}

void RouterLoop::refuse_suspended(Stranger& stranger) {
  constexpr std::string_view reason = "the site is suspended";
  if (stranger.encrypted) {
    refuse(stranger, 503, reason);
    return;
  }
  log_refusal(stranger, "503", reason);
  RefusalBuffer buffer;
  const auto body = stranger.head_request ? WithBody::no : WithBody::yes;
  say_last(stranger, write_suspended(body, ::time(nullptr), buffer));
}

void RouterLoop::log_refusal(const Stranger& stranger, std::string_view with,
                             std::string_view reason) {
  ++reporter_.counts.refused;
  log_limited(Priority::info, text_of(stranger.address) + ": refused with " + std::string(with) +
                                  ": " + std::string(reason));
}

void RouterLoop::say_last(Stranger& stranger, std::string_view bytes) {
  // It fits into any socket that has been sent nothing before.
  if (::send(stranger.fd.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ||
      ::shutdown(stranger.fd.get(), SHUT_WR) != 0) {
    release(stranger);
    return;
  }
  // Closing now, with bytes unread, would make the kernel send a reset, which can overtake the
  // answer. Read and forget until the client closes, for a while.
  unwatch(stranger);
  stranger.state = Stranger::State::refused;
  refused_.set(stranger.deadline, now_);
  stranger.watched = watch(stranger.fd.borrow(), token_of(stranger), EPOLLIN | EPOLLRDHUP);
  on_refused_readable(stranger);
}

void RouterLoop::on_refused_readable(Stranger& stranger) {
  constexpr int reads_at_once = 16;
  for (int i = 0; i < reads_at_once; ++i) {
    // tcp(7): with MSG_TRUNC the bytes are dropped without being copied.
    const ssize_t got = ::recv(stranger.fd.get(), peek_buffer_.data(), peek_buffer_.size(),
                               MSG_TRUNC | MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN && stranger.watched) return;
    if (got <= 0) {
      release(stranger);
      return;
    }
  }
}

void RouterLoop::log_limited(Priority severity, std::string_view text) {
  if (now_ - log_window_ >= log_window_length) {
    if (suppressed_ > 0) {
      log_.line(Priority::warning, std::to_string(suppressed_) + " more lines were left out");
    }
    log_window_ = now_;
    logged_in_window_ = suppressed_ = 0;
  }
  if (++logged_in_window_ > lines_per_window) {
    ++suppressed_;
    return;
  }
  log_.line(severity, text);
}

}  // namespace perchild
