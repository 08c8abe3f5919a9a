// The keeper's loop: signs for workers, each with its own site's keys.
//
// Runs in: keeper, locked down: no files, no network, an id that owns nothing. It is not
// dumpable, and what holds keys is locked in memory.
// Trusts: the master, for which channel is which site's.
// Does not trust: workers. What they send is one kind of message; the first wrong one ends them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "daemon/keeper/key_store.h"
#include "daemon/keeper/ticket_key_store.h"
#include "privsep/channel.h"
#include "privsep/keeper_messages.h"
#include "privsep/lock_down.h"
#include "vhosts/deadline_list.h"

namespace perchild {

class KeeperLoop {
 public:
  KeeperLoop(LockedDown<Role::keeper> proof, Channel<Keeper, Master> master, UniqueFd epoll);

  // Signs until the master has gone. The process's exit status.
  int run();

 private:
  struct Signer {
    SiteId site;
    Generation generation;
    std::shared_ptr<SiteKeys> keys;
    Channel<Keeper, Worker> channel;
  };

  bool on_master_readable();
  bool on_message(const TakeKeys& message, UniqueFd fd);
  bool on_message(const AttachSigner& message, UniqueFd fd);
  void on_signer_readable(std::uint32_t number);
  bool answer(Signer& signer, const Sign& request);
  void report_violation(std::uint32_t number);
  void renew_ticket_keys();
  bool watch(BorrowedFd fd, std::uint32_t number);

  KeyStore keys_;
  TicketKeyStore tickets_;
  Channel<Keeper, Master> master_;
  UniqueFd epoll_;
  std::map<std::uint32_t, Signer> signers_;  // by the number of their channel
  std::vector<SiteId> served_;               // in this turn of the loop
  Clock::time_point now_{};
};

}  // namespace perchild
