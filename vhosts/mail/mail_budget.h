// How many recipients a site's mail may still have: so many in each period, as the clock cuts them.
#pragma once

#include <chrono>
#include <cstdint>

#include "policy/access_settings.h"

namespace perchild::mail {

class MailBudget {
 public:
  using Seconds = std::chrono::seconds;  // of the machine's clock that is never set

  explicit MailBudget(const RateSettings& rate) : rate_(rate) {}

  // All of them or none.
  bool take(Seconds now, std::uint32_t recipients);
  // What others have taken in the period that began at `since`.
  void add(Seconds since, std::uint32_t recipients);
  // When the period began of which take() has taken last.
  Seconds since() const { return since_; }

 private:
  void begin(Seconds since);

  const RateSettings rate_;
  Seconds since_{0};
  std::uint64_t taken_ = 0;
};

}  // namespace perchild::mail
