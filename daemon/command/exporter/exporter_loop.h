// Answers whoever scrapes, with what the master says.
//
// Runs in: exporter: a command under ids of its own, locked down, whose connection to the master
// only asks.
// Trusts: the master.
// Does not trust: who connects. So many are heard at once, each for so long; the oldest gives way.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "daemon/command/control/control_client.h"
#include "privsep/lock_down.h"
#include "privsep/result.h"
#include "vhosts/deadline_list.h"
#include "vhosts/http1/request_head.h"

namespace perchild {

class ExporterLoop {
 public:
  ExporterLoop(LockedDown<Role::exporter> proof, UniqueFd door, ControlClient server);

  // Until the server has gone, which is what it says then.
  SysError run();

 private:
  static constexpr std::size_t most_visitors = 16;

  struct Visitor {
    UniqueFd fd;
    Clock::time_point until;
    std::string received{};
    http1::HeadParser parser{};
    std::string answer{};  // what of it has not been sent
    bool done = false;
  };

  void accept_one();
  void on_readable(Visitor& visitor);
  void on_writable(Visitor& visitor);
  std::string answer_to(const http1::RequestHead& head);
  Result<void> refresh();
  int timeout() const;

  UniqueFd door_;
  ControlClient server_;
  std::vector<std::unique_ptr<Visitor>> visitors_;  // the oldest first
  std::string metrics_;
  Clock::time_point asked_at_{};
  bool server_has_gone_ = false;
};

}  // namespace perchild
