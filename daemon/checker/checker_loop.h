// The checker's loop: takes one question of each worker in turn, and answers it, however long the
// hash takes. Who asks more waits longer, and keeps no other worker waiting but for his turn.
//
// Runs in: checker, locked down: nothing but its channels, its memory and the error log.
// Trusts: the master.
// Does not trust: workers. One that sends what it may not is reported, and not heard again.
#pragma once

#include <cstdint>
#include <vector>

#include "daemon/checker/hashing.h"
#include "daemon/checker/password_lists.h"
#include "privsep/channel.h"
#include "privsep/checker_messages.h"
#include "privsep/lock_down.h"

namespace perchild {

class CheckerLoop {
 public:
  CheckerLoop(LockedDown<Role::checker> proof, Channel<Checker, Master> master,
              const PasswordLists& lists, Hashing& hashing);

  // Until the master has gone, or the lists are to be read again. The process's exit status.
  int run();

 private:
  using MasterChannel = Channel<Checker, Master>;
  using WorkerChannel = Channel<Checker, Worker>;

  struct Attached {
    std::uint32_t number;
    WorkerChannel channel;
  };
  enum class Outcome : std::uint8_t {
    kept,
    dropped,   // this worker is not heard again
    outdated,  // the question stays unanswered, and is asked again of the successor
  };

  void wait();
  bool on_master_readable();
  Outcome on_worker_readable(Attached& worker);
  Outcome answer(Attached& worker, const CheckPassword& question);
  Outcome report(const Attached& worker);

  MasterChannel master_;
  std::vector<Attached> workers_;
  const PasswordLists& lists_;
  Hashing& hashing_;
};

}  // namespace perchild
