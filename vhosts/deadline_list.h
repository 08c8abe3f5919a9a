// Deadlines that are all the same time away, which makes a list of them a queue: what was set last
// expires last. O(1) to set, move and drop; no allocation.
#pragma once

#include <chrono>
#include <optional>

namespace perchild {

using Clock = std::chrono::steady_clock;

// One element's place in a list; `owner` is the element. Leaves the list when it goes.
template <typename Owner>
class DeadlineLink {
 public:
  explicit DeadlineLink(Owner& owner) : owner_(&owner), next_(this), previous_(this) {}
  DeadlineLink(const DeadlineLink&) = delete;
  DeadlineLink& operator=(const DeadlineLink&) = delete;
  ~DeadlineLink() { unlink(); }

  bool linked() const { return next_ != this; }
  void unlink() {
    previous_->next_ = next_;
    next_->previous_ = previous_;
    next_ = previous_ = this;
  }

 private:
  template <typename>
  friend class DeadlineList;
  DeadlineLink() : owner_(nullptr), next_(this), previous_(this) {}

  Owner* owner_;
  DeadlineLink* next_;
  DeadlineLink* previous_;
  Clock::time_point deadline_{};
};

template <typename Owner>
class DeadlineList {
 public:
  using Link = DeadlineLink<Owner>;

  explicit DeadlineList(std::chrono::milliseconds duration) : duration_(duration) {}
  DeadlineList(const DeadlineList&) = delete;
  DeadlineList& operator=(const DeadlineList&) = delete;

  // For what is set from here on. What was set before keeps its deadline, and its place in front.
  void change_duration(std::chrono::milliseconds duration) { duration_ = duration; }

  // Puts `link`, wherever it was, at the end: it expires `duration` after `now`.
  void set(Link& link, Clock::time_point now) {
    link.unlink();
    link.deadline_ = now + duration_;
    link.previous_ = ends_.previous_;
    link.next_ = &ends_;
    ends_.previous_->next_ = &link;
    ends_.previous_ = &link;
  }

  bool empty() const { return !ends_.linked(); }
  Owner* oldest() const { return ends_.next_->owner_; }  // nullptr if empty
  Owner* expired(Clock::time_point now) const {          // nullptr if none is
    return !empty() && ends_.next_->deadline_ <= now ? oldest() : nullptr;
  }
  std::optional<Clock::time_point> next_deadline() const {
    return empty() ? std::nullopt : std::optional(ends_.next_->deadline_);
  }

 private:
  std::chrono::milliseconds duration_;
  Link ends_;
};

// Milliseconds until the earliest of `deadlines`, rounded up, for epoll_wait(2); -1 for none.
template <typename... Deadlines>
int milliseconds_until_first(Clock::time_point now, Deadlines... deadlines) {
  std::optional<Clock::time_point> first;
  ((first = !first || (deadlines && *deadlines < *first) ? (deadlines ? deadlines : first) : first),
   ...);
  if (!first) return -1;
  if (*first <= now) return 0;
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(*first - now).count());
}

}  // namespace perchild
