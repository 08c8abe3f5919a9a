#include "vhosts/mail/mail_budget.h"

namespace perchild::mail {

void MailBudget::begin(Seconds since) {
  if (since <= since_) return;
  since_ = since;
  taken_ = 0;
}

bool MailBudget::take(Seconds now, std::uint32_t recipients) {
  const auto period = std::chrono::duration_cast<Seconds>(rate_.per);
  begin(now - now % period);
  if (taken_ + recipients > rate_.count) return false;
  taken_ += recipients;
  return true;
}

void MailBudget::add(Seconds since, std::uint32_t recipients) {
  begin(since);
  if (since == since_) taken_ += recipients;
}

}  // namespace perchild::mail
