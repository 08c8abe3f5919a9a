// What a router counts, and tells the master of it.
//
// Runs in: router.
#pragma once

#include <utility>
#include <vector>

#include "daemon/router/site_queue.h"
#include "privsep/channel.h"

namespace perchild {

class RouterReporter {
 public:
  RouterReport counts{};

  void permit() { ++permitted_; }

  // Something is to be told of this site.
  void note(SiteQueue& site) {
    if (!std::exchange(site.changed, true)) changed_.push_back(site.id);
  }
  // The site's queue has another length than the master knows.
  void note_length(SiteQueue& site) {
    if (site.waiting() != site.told_waiting) note(site);
  }
  void note_refusal(SiteQueue& site) {
    ++site.refused;
    note(site);
  }

  // Once a turn of the loop. Reports if something has changed and the master permits it: of so many
  // sites, and of the whole. `queue_of` gives a site's queue, `told` is called with each that has
  // been reported.
  template <typename QueueOf, typename Told>
  void report_change(Channel<Router, Master>& master, QueueOf queue_of, Told told) {
    if (permitted_ == 0 || (changed_.empty() && counts == last_)) return;
    for (; !changed_.empty() && queues_left_ > 0; --queues_left_) {
      SiteQueue& site = queue_of(changed_.back());
      // What cannot be sent now is sent in another turn.
      if (master.send(QueueReport{site.id, site.waiting(), site.refused}) != SendStatus::sent)
        return;
      site.told_waiting = site.waiting();
      site.refused = 0;
      site.changed = false;
      changed_.pop_back();
      told(site.id);
    }
    if (master.send(counts) != SendStatus::sent) return;
    last_ = counts;
    queues_left_ = QueueReport::most_in_a_report;
    --permitted_;
  }

 private:
  RouterReport last_{};
  std::vector<SiteId> changed_;
  std::uint32_t queues_left_ = QueueReport::most_in_a_report;
  std::uint32_t permitted_ = RouterReport::permitted_at_first;
};

}  // namespace perchild
