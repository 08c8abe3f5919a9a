// The keys of session tickets: each site has its own, they change, and no disk ever sees them. A
// site that a reload has changed has others: what its number stood for may have been another's.
//
// Runs in: keeper.
#pragma once

#include <chrono>
#include <map>

#include "policy/ids.h"
#include "privsep/keeper_messages.h"
#include "vhosts/deadline_list.h"

namespace perchild {

class TicketKeyStore {
 public:
  // A ticket is good for as long as the key that it was made with is the current or the previous
  // one.
  static constexpr std::chrono::hours period{12};

  explicit TicketKeyStore(Clock::time_point now) : renew_at_(now + period) {}

  // Made when this generation of the site first asks for them, and then no other has any.
  const TicketKeys& of(SiteId site, Generation generation);
  // Nullptr if the site is of another generation by now.
  const TicketKeys* find(SiteId site, Generation generation) const;

  Clock::time_point renew_at() const { return renew_at_; }
  void renew(Clock::time_point now);

 private:
  struct OfSite {
    Generation generation;
    TicketKeys keys;
  };

  std::map<SiteId, OfSite> sites_;
  Clock::time_point renew_at_;
};

}  // namespace perchild
