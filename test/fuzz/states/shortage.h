// A process without a descriptor to spare: accept(2) fails, and what comes by recvmsg(2) is lost.
#pragma once

#include <sys/resource.h>
#include <unistd.h>

#include <optional>
#include <vector>

#include "privsep/unique_fd.h"

namespace perchild::fuzz {

class Shortage {
 public:
  Shortage() = default;
  Shortage(const Shortage&) = delete;
  Shortage& operator=(const Shortage&) = delete;
  ~Shortage() { end(); }

  // Whatever is closed from here on makes room again.
  void begin() {
    if (before_) return;
    ::getrlimit(RLIMIT_NOFILE, &before_.emplace());
    const ::rlimit little{most, before_->rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &little);
    do {
      taken_.emplace_back(::dup(STDIN_FILENO));
    } while (taken_.back().has_value());
  }
  void end() {
    if (!before_) return;
    taken_.clear();
    ::setrlimit(RLIMIT_NOFILE, &*before_);
    before_.reset();
  }

 private:
  static constexpr ::rlim_t most = 128;

  std::optional<::rlimit> before_;
  std::vector<UniqueFd> taken_;
};

}  // namespace perchild::fuzz
