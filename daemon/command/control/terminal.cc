#include "daemon/command/control/terminal.h"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <utility>

namespace perchild {
namespace {

// Its own screen, without a cursor; and back.
constexpr std::string_view enter_screen = "\x1b[?1049h\x1b[?25l";
constexpr std::string_view leave_screen = "\x1b[?25h\x1b[?1049l";
constexpr std::string_view first_line = "\x1b[H";
constexpr std::string_view clear_below = "\x1b[J";

volatile ::sig_atomic_t told_to_end = 0;

void on_signal(int signal) {
  if (signal != SIGWINCH) told_to_end = 1;
}

void write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      told_to_end = 1;
      return;
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

Result<Terminal> Terminal::take() {
  ::termios before;
  if (::isatty(STDOUT_FILENO) == 0 || ::tcgetattr(STDIN_FILENO, &before) != 0) {
    return failure({"show", "a live view: this is no terminal", 0});
  }
  struct ::sigaction action {};
  action.sa_handler = on_signal;  // without SA_RESTART: poll(2) is to return
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGWINCH}) {
    ::sigaction(signal, &action, nullptr);
  }
  ::termios raw = before;
  raw.c_lflag &= ~static_cast<::tcflag_t>(ICANON | ECHO);
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  if (::tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) != 0) return failure_from_errno("tcsetattr");
  write_all(enter_screen);
  return Terminal(before);
}

Terminal::Terminal(Terminal&& other) noexcept
    : before_(other.before_), taken_(std::exchange(other.taken_, false)) {}

Terminal::~Terminal() {
  if (!taken_) return;
  write_all(leave_screen);
  ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
}

Terminal::Size Terminal::size() const {
  ::winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) {
    return {24, 80};
  }
  return {size.ws_row, size.ws_col};
}

std::optional<char> Terminal::key(std::chrono::milliseconds patience) const {
  ::pollfd polled{STDIN_FILENO, POLLIN, 0};
  if (::poll(&polled, 1, static_cast<int>(patience.count())) != 1) return std::nullopt;
  char key;
  const ssize_t got = ::read(STDIN_FILENO, &key, 1);
  if (got == 1) return key;
  if (got == 0 || errno != EINTR) told_to_end = 1;
  return std::nullopt;
}

bool Terminal::ended() const {
  return told_to_end != 0;
}

void Terminal::show(const std::string& screen) const {
  write_all(std::string(first_line) + screen + std::string(clear_below));
}

}  // namespace perchild
