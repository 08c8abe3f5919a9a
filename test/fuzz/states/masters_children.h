// The master's children: each is an end of a channel, and what the kernel says of the process.
// What the master asks the kernel about processes is answered here.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "policy/role_policy.h"
#include "privsep/child_end.h"
#include "privsep/spawn.h"
#include "test/fuzz/states/letters.h"
#include "test/fuzz/states/signals.h"

namespace perchild::fuzz {

class ChildDouble {
 public:
  ChildDouble(const SpawnPlan& plan, ::pid_t pid, BorrowedFd pidfd);

  const ::pid_t pid;
  const BorrowedFd pidfd;  // the master's
  Role role;               // a spare becomes a runner
  std::string site;        // empty: of none, or of one that it has not been told
  Identity identity;
  UniqueFd end;            // of the channel; none once it has hung up
  bool conforms = true;    // the kernel says of it what its policy does
  bool is_loaded = false;  // a spare that has said so
  bool is_verified = false;
  bool was_killed = false;  // and has not been reaped
  bool is_deaf = false;     // does not read what it is told
  // Of a router, by site: how often it may say Wake, as far as it has read; 1 where there is none.
  std::map<std::uint32_t, int> wakes;
  int woken = 0;  // since it is deaf

  Letter write(Script& script) const;
  // Whether it is one of its messages. `is_start`: the one by which it is verified.
  struct Meaning {
    bool is_message = false;
    bool is_start = false;
    bool accuses = false;
    std::optional<std::uint32_t> wakes{};
  };
  Meaning read(const Letter& letter) const;
  Letter start_letter() const;
  // Takes what the master has said. To whom it has not verified it says nothing.
  void listen();

 private:
  template <typename Self>
  void listen_as();
  void on_part(std::uint32_t part, const UniqueFd& fd);
};

// Of one run.
class Processes {
 public:
  Processes();
  ~Processes();

  std::vector<std::unique_ptr<ChildDouble>> living;
  std::size_t workers_started = 0;
  std::size_t workers_died = 0;
  bool next_start_fails = false;
  Signals signals;

  void die(ChildDouble& child, int status);

  // What the kernel does.
  Result<SpawnedProcess> spawn(const SpawnPlan& plan);
  void kill(BorrowedFd pidfd);
  std::optional<EndedChild> reap();
  ChildDouble* find(::pid_t pid);

 private:
  ::pid_t last_pid_ = 0x40000000;  // beyond the kernel's own
  std::deque<EndedChild> dead_;
};

}  // namespace perchild::fuzz
