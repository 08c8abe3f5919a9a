// Numbers as people read them.
#include "daemon/command/control/snapshot.h"

#include <gtest/gtest.h>

#include "daemon/command/control/text_table.h"

namespace perchild::test::snapshot_test {
namespace {

TEST(Texts, OfCountsAreExactForAsLongAsThatIsReadable) {
  EXPECT_EQ(count_text(0), "0");
  EXPECT_EQ(count_text(99'999), "99999");
  EXPECT_EQ(count_text(123'456), "123k");
  EXPECT_EQ(count_text(1'500'000), "1.50M");
}

TEST(Texts, OfBytesHaveThreeDigits) {
  EXPECT_EQ(bytes_text(1023), "1023");
  EXPECT_EQ(bytes_text(1024), "1.00K");
  EXPECT_EQ(bytes_text(1536 * 1024), "1.50M");
  EXPECT_EQ(bytes_text(1024 * 1024 - 1), "1.00M");
  EXPECT_EQ(bytes_text(~std::uint64_t{0}), "16.0E");
}

TEST(Texts, OfTimesGrowTheirUnits) {
  EXPECT_EQ(latency_text(12.4), "12us");
  EXPECT_EQ(latency_text(1'234), "1.23ms");
  EXPECT_EQ(latency_text(12'000'000), "12s");
  EXPECT_EQ(cpu_text(0), "0:00.00");
  EXPECT_EQ(cpu_text(65'430'000), "1:05.43");
  EXPECT_EQ(cpu_text(3'661'000'000), "1:01:01");
}

TEST(TextTable, ColumnsAreAsWideAsWhatIsInThem) {
  TextTable table({{"NAME"}, {"N", Align::right}, {"LAST"}});
  table.add({"a", "1", "x"});
  table.add({"longer", "1000", ""});
  EXPECT_EQ(table.lines(),
            (std::vector<std::string>{"NAME       N  LAST", "a          1  x", "longer  1000"}));
}

}  // namespace
}  // namespace perchild::test::snapshot_test
