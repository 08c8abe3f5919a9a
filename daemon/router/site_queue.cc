#include "daemon/router/site_queue.h"

#include <algorithm>

namespace perchild {

void SiteQueue::push(Stranger& stranger) {
  stranger.next_waiting = nullptr;
  (last_ != nullptr ? last_->next_waiting : first_) = &stranger;
  last_ = &stranger;
  ++waiting_;
}

void SiteQueue::pop_first() {
  first_ = first_->next_waiting;
  if (first_ == nullptr) last_ = nullptr;
  --waiting_;
}

// Linear in the site's queue, which is bounded, and mostly called for its first element.
void SiteQueue::remove(Stranger& stranger) {
  Stranger* previous = nullptr;
  for (Stranger* at = first_; at != nullptr; previous = at, at = at->next_waiting) {
    if (at != &stranger) continue;
    (previous != nullptr ? previous->next_waiting : first_) = stranger.next_waiting;
    if (last_ == &stranger) last_ = previous;
    --waiting_;
    return;
  }
}

std::size_t SiteQueue::workers() const {
  return static_cast<std::size_t>(
      std::count_if(channels.begin(), channels.end(), [](auto* c) { return c != nullptr; }));
}

WorkerChannel* SiteQueue::with_credit() const {
  WorkerChannel* best = nullptr;
  for (WorkerChannel* channel : channels) {
    if (channel != nullptr && channel->credits > (best != nullptr ? best->credits : 0)) {
      best = channel;
    }
  }
  return best;
}

}  // namespace perchild
