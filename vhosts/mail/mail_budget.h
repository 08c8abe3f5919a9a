// How many recipients a site's mail may still have: so many in any period, wherever it begins. What
// has been sent is counted by slots, of which a period has sixty, and each counts until all of it
// is a period ago: never too little, and too much for no longer than a slot.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>

#include "policy/access_settings.h"

namespace perchild::mail {

class MailBudget {
 public:
  using Milliseconds = std::chrono::milliseconds;  // of the machine's clock that is never set
  static constexpr int slots = 60;

  explicit MailBudget(const RateSettings& rate) : rate_(rate), slot_(rate.per / slots) {}

  // All of them or none.
  bool take(Milliseconds now, std::uint32_t recipients);
  // What others have taken, in a slot that began at `since`; of another rate's, perhaps.
  void add(Milliseconds since, std::uint32_t recipients);
  // When the slot begins that `now` is in.
  Milliseconds slot_of(Milliseconds now) const { return now - now % slot_; }

 private:
  void forget(Milliseconds now);

  const RateSettings rate_;
  const Milliseconds slot_;
  std::map<Milliseconds, std::uint64_t> taken_;  // by slots
  std::uint64_t in_all_ = 0;
};

}  // namespace perchild::mail
