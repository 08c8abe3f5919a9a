// A server that somebody else runs: a Unix socket of the site's user, or a port of this machine.
// Nothing is started, only connected to.
//
// Runs in: runner.
// Does not trust: whoever listens. At a path the kernel says whose he is; a port is whoever's was
// there first.
#pragma once

#include <netinet/in.h>

#include "daemon/runner/programs.h"

namespace perchild {

// "127.0.0.1:3000", "[::1]:3000"; none if it is not an address of this machine's own.
struct LoopbackAddress {
  ::sockaddr_storage storage{};
  ::socklen_t length = 0;
};
std::optional<LoopbackAddress> parse_loopback_address(const std::string& text);

class Backend final : public Program {
 public:
  using Program::Program;

  void release(std::uint32_t, ReleaseTo, std::uint32_t) override {}
  void on_end(::pid_t, bool) override {}
  void append_polled(std::vector<::pollfd>& polled) const override;
  void on_polled(std::span<const ::pollfd> polled) override;
  void on_timers() override;
  std::optional<Clock::time_point> next_timer() const override;

 private:
  struct Connecting {
    Question question;
    UniqueFd socket;
    Clock::time_point give_up_at;
  };

  void serve() override;
  void connect_to_path(const Question& question);
  void connect_to_port(Question question);
  void say(const std::string& what);

  static constexpr std::chrono::seconds patience{5};

  std::deque<Connecting> connecting_;
};

}  // namespace perchild
