#include "vhosts/mail/mail_budget.h"

namespace perchild::mail {

void MailBudget::forget(Milliseconds now) {
  while (!taken_.empty() && taken_.begin()->first + slot_ + rate_.per <= now) {
    in_all_ -= taken_.begin()->second;
    taken_.erase(taken_.begin());
  }
}

bool MailBudget::take(Milliseconds now, std::uint32_t recipients) {
  forget(now);
  if (in_all_ + recipients > rate_.count) return false;
  add(now, recipients);
  return true;
}

void MailBudget::add(Milliseconds since, std::uint32_t recipients) {
  taken_[slot_of(since)] += recipients;
  in_all_ += recipients;
}

}  // namespace perchild::mail
