// One site that is awake, as a router sees it: its channels with their credits, and the connections
// that wait.
//
// Runs in: router.
// Does not trust: the workers. A credit beyond what may be granted is a violation.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "daemon/router/stranger.h"
#include "privsep/channel.h"
#include "vhosts/deadline_list.h"

namespace perchild {

struct WorkerChannel {
  WorkerChannel(SiteId of, std::uint32_t place, std::uint32_t id, UniqueFd socket)
      : site(of), slot(place), number(id), channel(std::move(socket)), unheard(*this) {}

  const SiteId site;
  const std::uint32_t slot;
  const std::uint32_t number;  // see AttachSite
  std::uint32_t credits = 0;
  std::uint32_t incarnation = 0;  // of the worker that granted them
  Channel<Router, Worker> channel;
  DeadlineLink<WorkerChannel> unheard;  // since a hand-over, until the next word from it

  // False if the worker grants more than any may.
  bool grant(const Credit& credit) {
    const std::uint32_t held = credit.incarnation == incarnation ? credits : 0;
    incarnation = credit.incarnation;
    credits = held + credit.count;
    return credits <= max_credits;
  }
};

class SiteQueue {
 public:
  explicit SiteQueue(SiteId site) : id(site), crowded(*this) {}

  std::uint32_t waiting() const { return waiting_; }
  Stranger* first() const { return first_; }
  void push(Stranger& stranger);
  void pop_first();
  void remove(Stranger& stranger);

  // The channel with most credits; nullptr if none has any.
  WorkerChannel* with_credit() const;
  std::size_t workers() const;  // that there is a channel to
  // Nothing would be forgotten with it.
  bool asleep() const {
    return workers() == 0 && waiting_ == 0 && !woken && !touched && !blocked && !changed &&
           !down_until;
  }

  const SiteId id;
  std::vector<WorkerChannel*> channels;  // by slot; a closed one is nullptr
  bool woken = false;                    // the master has been asked
  bool touched = false;                  // has new connections in this turn of the loop
  bool blocked = false;                  // a channel with credit took no message
  bool changed = false;                  // the master is to be told
  std::uint32_t told_waiting = 0;        // what it knows
  std::uint32_t refused = 0;             // since it was told
  std::optional<Clock::time_point> down_until;
  DeadlineLink<SiteQueue> crowded;  // while connections wait and nobody grants credit

 private:
  Stranger* first_ = nullptr;
  Stranger* last_ = nullptr;
  std::uint32_t waiting_ = 0;
};

}  // namespace perchild
