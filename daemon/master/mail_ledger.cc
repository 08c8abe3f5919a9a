#include "daemon/master/mail_ledger.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <span>

#include "privsep/runner_messages.h"

namespace perchild {
namespace {

constexpr std::size_t records_at_once = 64;

// A time to come is of a clock that has begun anew.
bool is_of_late(MailLedger::Time since, MailLedger::Time now) {
  return since <= now && now - since < MailLedger::remembered;
}

std::uint32_t sum_of(std::uint64_t before, std::uint32_t more) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(before + more, MailSent::most));
}

}  // namespace

MailLedger::Time MailLedger::time_of(std::chrono::steady_clock::time_point time) {
  const auto since_boot = time.time_since_epoch();
  return static_cast<Time>(std::chrono::floor<std::chrono::milliseconds>(since_boot).count());
}

MailLedger::MailLedger(UniqueFd file, Time now) : file_(std::move(file)) {
  read_all(now);
  if (size_ >= rewritten_at_ || !is_whole_) rewrite(now);
}

void MailLedger::count(const std::string& site, Time since, std::uint32_t recipients, Time now) {
  if (!is_of_late(since, now)) return;
  Sent& sent = sites_[site];
  std::uint32_t& sum = sent[since];
  sum = sum_of(sum, recipients);
  if (sent.size() > most_times) sent.erase(sent.begin());
}

void MailLedger::add(const std::string& site, Time since, std::uint32_t recipients, Time now) {
  count(site, since, recipients, now);
  append({FixedText<Record::longest_name>::of(site), since, recipients, 0});
  if (size_ < rewritten_at_) return;
  // Of one beside it, too.
  read_all(now);
  rewrite(now);
}

std::vector<MailLedger::Record> MailLedger::catch_up(Time now) {
  if (!is_whole_) return {};
  if (size_of_file() >= size_) return read_on(now);
  read_all(now);
  return {};
}

const MailLedger::Sent& MailLedger::of(const std::string& site, Time now) {
  static const Sent none;
  const auto found = sites_.find(site);
  if (found == sites_.end()) return none;
  std::erase_if(found->second, [now](const auto& each) { return !is_of_late(each.first, now); });
  if (!found->second.empty()) return found->second;
  sites_.erase(found);
  return none;
}

// What there is no room for is forgotten at the next start, which is no harm: but nothing may be
// appended to a part of it.
void MailLedger::append(const Record& record) {
  if (!is_whole_) return;
  const ssize_t written = ::write(file_.get(), &record, sizeof record);
  if (written > 0) size_ += static_cast<std::uint64_t>(written);
  is_whole_ = written <= 0 || written == sizeof record;
}

std::uint64_t MailLedger::size_of_file() const {
  struct ::stat status;
  return ::fstat(file_.get(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : size_;
}

void MailLedger::read_all(Time now) {
  sites_.clear();
  size_ = 0;
  static_cast<void>(read_on(now));
  is_whole_ = size_ == size_of_file();
}

// As far as there are whole records.
std::vector<MailLedger::Record> MailLedger::read_on(Time now) {
  std::vector<Record> counted;
  std::array<Record, records_at_once> records;
  for (;;) {
    const ssize_t got =
        ::pread(file_.get(), records.data(), sizeof records, static_cast<::off_t>(size_));
    const std::size_t whole = got > 0 ? static_cast<std::size_t>(got) / sizeof(Record) : 0;
    if (whole == 0) return counted;
    size_ += whole * sizeof(Record);
    for (const Record& record : std::span(records).first(whole)) {
      if (!record.site.valid() || record.recipients == 0 || record.recipients > MailSent::most) {
        continue;
      }
      count(std::string(record.site.view()), record.since, record.recipients, now);
      counted.push_back(record);
    }
  }
}

// To be rewritten again when it has twice as much in it.
void MailLedger::rewrite(Time now) {
  if (::ftruncate(file_.get(), 0) != 0) return;
  size_ = 0;
  is_whole_ = true;
  for (auto site = sites_.begin(); site != sites_.end();) {
    const auto next = std::next(site);
    const std::string name = site->first;
    for (const auto& [since, recipients] : of(name, now)) {
      append({FixedText<Record::longest_name>::of(name), since, recipients, 0});
    }
    site = next;
  }
  rewritten_at_ = std::max(small_file, 2 * size_);
}

}  // namespace perchild
