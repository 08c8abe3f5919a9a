// Services that follow one another.
#pragma once

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <stdexcept>
#include <string>

#include "test/support/command.h"
#include "test/system/requests.h"

namespace perchild::test {

// A process that is not this one's child.
class Stranger {
 public:
  explicit Stranger(::pid_t pid)
      : pid_(pid), pidfd_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}
  ~Stranger() {
    signal(SIGTERM);
    if (!ends(20'000)) signal(SIGKILL);
  }
  Stranger(const Stranger&) = delete;
  Stranger& operator=(const Stranger&) = delete;

  ::pid_t pid() const { return pid_; }
  void signal(int number) const {
    ::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0);
  }
  bool ends(int deadline_ms = 10'000) const {
    ::pollfd polled{pidfd_.get(), POLLIN, 0};
    return ::poll(&polled, 1, deadline_ms) == 1;
  }

 private:
  ::pid_t pid_;
  UniqueFd pidfd_;
};

inline CommandEnd upgrade(const Server& server, const std::string& bin = bin_directory()) {
  return run_command({bin + "/perchild", "upgrade", "--config", server.configuration()});
}

// Of the process that has taken over, as the command says.
inline ::pid_t successor_in(const std::string& output) {
  const std::string before = "(pid ";
  const std::size_t at = output.find(before);
  if (!contains(output, "has taken over from perchild")) throw std::runtime_error(output);
  return std::stoi(output.substr(at + before.size()));
}

}  // namespace perchild::test
