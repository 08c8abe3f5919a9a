#include "daemon/master/mail_ledger.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "test/support/temporary_directory.h"

namespace perchild::test::mail_ledger_test {
namespace {

using Sent = MailLedger::Sent;

constexpr MailLedger::Time minute = 60'000;
constexpr MailLedger::Time now = 1000 * minute;

class Ledger : public ::testing::Test {
 protected:
  UniqueFd open() const {
    return UniqueFd(::open(path_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  }
  MailLedger ledger(MailLedger::Time at = now) const { return MailLedger(open(), at); }
  std::uint64_t size() const {
    return static_cast<std::uint64_t>(::lseek(open().get(), 0, SEEK_END));
  }
  void write(const void* bytes, std::size_t length) const {
    EXPECT_EQ(::write(open().get(), bytes, length), static_cast<ssize_t>(length));
  }

  TemporaryDirectory folder_;
  const std::string path_ = folder_.path() + "/ledger";
};

TEST_F(Ledger, IsReadAgainByTheNextOne) {
  MailLedger first = ledger();
  first.add("a.example", now - minute, 2, now);
  first.add("a.example", now - minute, 3, now);
  first.add("a.example", now, 1, now);
  first.add("b.example", now, 7, now);
  MailLedger second = ledger();
  for (MailLedger* each : {&first, &second}) {
    EXPECT_EQ(each->of("a.example", now), (Sent{{now - minute, 5}, {now, 1}}));
    EXPECT_EQ(each->of("b.example", now), (Sent{{now, 7}}));
    EXPECT_EQ(each->of("c.example", now), Sent{});
  }
}

TEST_F(Ledger, ForgetsWhatIsLongAgo) {
  MailLedger first = ledger();
  first.add("a.example", now, 1, now);
  first.add("a.example", now + 30 * minute, 2, now + 30 * minute);
  const Sent later{{now + 30 * minute, 2}};
  EXPECT_EQ(first.of("a.example", now + MailLedger::remembered), later);
  EXPECT_EQ(ledger(now + MailLedger::remembered).of("a.example", now + MailLedger::remembered),
            later);
}

// Its machine has started anew, and the runtime directory is no memory file system.
TEST_F(Ledger, OfAnotherClockCountsForNothing) {
  ledger().add("a.example", now, 1, now);
  EXPECT_EQ(ledger(5 * minute).of("a.example", 5 * minute), Sent{});
}

TEST_F(Ledger, DoesNotGrowWithWhatIsLongAgo) {
  MailLedger first = ledger();
  MailLedger::Time at = now;
  for (int i = 0; i < 5000; ++i, at += minute) first.add("a.example", at, 1, at);
  EXPECT_LE(size(), MailLedger::small_file);
  EXPECT_EQ(ledger(at).of("a.example", at).size(), first.of("a.example", at).size());
}

TEST_F(Ledger, GrowsWithWhatIsOfLateAndLosesNoneOfIt) {
  MailLedger first = ledger();
  const auto name_of = [](int i) { return "site-" + std::to_string(i % 700) + ".example"; };
  for (int i = 0; i < 3500; ++i) first.add(name_of(i), now, 1, now);
  MailLedger second = ledger();
  for (int i = 0; i < 700; ++i) ASSERT_EQ(second.of(name_of(i), now), (Sent{{now, 5}})) << i;
  EXPECT_LE(size(), 2 * 1400 * sizeof(MailLedger::Record));
}

// During an upgrade.
TEST_F(Ledger, OfTwoMastersLosesNothingWhenOneRewritesIt) {
  MailLedger one = ledger();
  MailLedger other = ledger();
  other.add("b.example", now, 3, now);
  for (std::uint64_t i = 0; i < MailLedger::small_file / sizeof(MailLedger::Record); ++i) {
    one.add("a.example", now, 1, now);
  }
  EXPECT_LT(size(), MailLedger::small_file);
  EXPECT_EQ(ledger().of("b.example", now), (Sent{{now, 3}}));
  EXPECT_EQ(one.of("b.example", now), (Sent{{now, 3}}));
}

TEST_F(Ledger, CatchesUpWithWhatAnotherMasterHasAppended) {
  MailLedger one = ledger();
  MailLedger other = ledger();
  one.add("a.example", now, 1, now);
  other.catch_up(now);
  other.add("a.example", now, 2, now);
  other.add("b.example", now - minute, 3, now);
  const auto caught_up = one.catch_up(now);
  ASSERT_EQ(caught_up.size(), 2U);
  EXPECT_EQ(caught_up[0].site.view(), "a.example");
  EXPECT_EQ(caught_up[0].recipients, 2U);
  EXPECT_EQ(caught_up[1].site.view(), "b.example");
  EXPECT_EQ(caught_up[1].since, now - minute);
  EXPECT_TRUE(one.catch_up(now).empty());
  for (MailLedger* each : {&one, &other}) {
    EXPECT_EQ(each->of("a.example", now), (Sent{{now, 3}}));
    EXPECT_EQ(each->of("b.example", now), (Sent{{now - minute, 3}}));
  }
}

TEST_F(Ledger, ThatAnotherMasterHasRewrittenIsReadAnew) {
  MailLedger one = ledger();
  for (int i = 0; i < 1000; ++i) one.add("a.example", now, 1, now);
  MailLedger other = ledger();
  for (int i = 0; i < 30; ++i) other.add("a.example", now, 1, now);
  ASSERT_LT(size(), MailLedger::small_file);
  EXPECT_TRUE(one.catch_up(now).empty());
  EXPECT_EQ(one.of("a.example", now), (Sent{{now, 1030}}));
  other.add("a.example", now, 2, now);
  EXPECT_EQ(one.catch_up(now).size(), 1U);
  EXPECT_EQ(one.of("a.example", now), (Sent{{now, 1032}}));
}

// Which may be on its way there.
TEST_F(Ledger, DoesNotCatchUpWithHalfARecord) {
  MailLedger one = ledger();
  MailLedger::Record record{FixedText<MailLedger::Record::longest_name>::of("a.example"), now, 1,
                            0};
  write(&record, sizeof record / 2);
  EXPECT_TRUE(one.catch_up(now).empty());
  write(reinterpret_cast<const char*>(&record) + sizeof record / 2, sizeof record / 2);
  EXPECT_EQ(one.catch_up(now).size(), 1U);
}

TEST_F(Ledger, OfASiteIsBounded) {
  MailLedger first = ledger();
  for (MailLedger::Time i = 0; i < 1000; ++i) first.add("a.example", now + i, 1, now + 1000);
  EXPECT_EQ(first.of("a.example", now + 1000).size(), MailLedger::most_times);
  first.add("b.example", now, 100'000'000, now);
  first.add("b.example", now, 100'000'000, now);
  EXPECT_EQ(first.of("b.example", now), (Sent{{now, 100'000'000}}));
}

TEST_F(Ledger, WithHalfARecordAtItsEndGoesOn) {
  ledger().add("a.example", now, 1, now);
  write("half", 4);
  ledger().add("a.example", now, 2, now);
  EXPECT_EQ(ledger().of("a.example", now), (Sent{{now, 3}}));
  EXPECT_EQ(size(), 2 * sizeof(MailLedger::Record));
}

TEST_F(Ledger, LeavesOutWhatIsNoRecord) {
  MailLedger::Record record{{}, now, 0, 0};
  write(&record, sizeof record);
  record.recipients = ~0U;
  write(&record, sizeof record);
  record.recipients = 1;
  record.site.bytes.fill('\n');
  write(&record, sizeof record);
  ledger().add("a.example", now, 2, now);
  MailLedger next = ledger();
  EXPECT_EQ(next.of("a.example", now), (Sent{{now, 2}}));
  EXPECT_EQ(next.of("", now), Sent{});
}

}  // namespace
}  // namespace perchild::test::mail_ledger_test
