// In the place of a signalfd(2).
#pragma once

#include <sys/signalfd.h>
#include <sys/socket.h>

#include <utility>

#include "privsep/channel.h"
#include "test/fuzz/fuzz_driver.h"

namespace perchild::fuzz {

class Signals {
 public:
  Signals() {
    auto pair = make_channel_pair();
    check(pair.has_value(), "signals have a way");
    ours_ = std::move(pair->first);
    loops_ = std::move(pair->second);
  }
  UniqueFd take() { return std::move(loops_); }
  void raise(int number) {
    ::signalfd_siginfo info{};
    info.ssi_signo = static_cast<std::uint32_t>(number);
    static_cast<void>(::send(ours_.get(), &info, sizeof info, MSG_DONTWAIT | MSG_NOSIGNAL));
  }

 private:
  UniqueFd ours_, loops_;
};

}  // namespace perchild::fuzz
