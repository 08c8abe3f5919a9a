#include "policy/configuration_values.h"

#include <gtest/gtest.h>

namespace perchild::test::configuration_values_test {
namespace {

TEST(Number, IsDigitsOnly) {
  EXPECT_EQ(parse_number("0"), 0U);
  EXPECT_EQ(parse_number("18446744073709551615"), UINT64_MAX);
  for (const char* text :
       {"", "-1", "+1", "1.0", "1e3", "0x1", " 1", "1 ", "18446744073709551616"}) {
    EXPECT_FALSE(parse_number(text)) << text;
  }
}

TEST(Size, IsBytesOrHasAUnit) {
  EXPECT_EQ(parse_size("0"), 0U);
  EXPECT_EQ(parse_size("512K"), 512U * 1024);
  EXPECT_EQ(parse_size("8M"), 8U * 1024 * 1024);
  EXPECT_EQ(parse_size("1G"), 1U << 30U);
  for (const char* text : {"", "K", "1k", "1KB", "1 K", "1.5M", "-1K", "18014398509481984K"}) {
    EXPECT_FALSE(parse_size(text)) << text;
  }
}

TEST(Duration, AsAStringHasAUnit) {
  EXPECT_EQ(parse_duration("500ms"), Milliseconds(500));
  EXPECT_EQ(parse_duration("10s"), Milliseconds(10'000));
  EXPECT_EQ(parse_duration("2m"), Milliseconds(120'000));
  EXPECT_EQ(parse_duration("1h"), Milliseconds(3'600'000));
  EXPECT_EQ(parse_duration("30d"), Milliseconds(2'592'000'000));
  EXPECT_EQ(parse_duration("1y"), Milliseconds(31'536'000'000));
  for (const char* text :
       {"", "10", "s", "1.5s", "-1s", "1w", "1 s", "99999999999999999999h", "999999999y"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(Duration, AsANumberIsSeconds) {
  EXPECT_EQ(parse_seconds("10"), Milliseconds(10'000));
  EXPECT_EQ(parse_seconds("0.5"), Milliseconds(500));
  EXPECT_EQ(parse_seconds("2.125"), Milliseconds(2125));
  for (const char* text : {"-1", "1e3", "0.0001", "1.-5", "1.+5", "18446744073709551615"}) {
    EXPECT_FALSE(parse_seconds(text)) << text;
  }
}

TEST(Range, IsToldInTheUnitsThatOneWouldWrite) {
  EXPECT_EQ(size_text(0), "0");
  EXPECT_EQ(size_text(1000), "1000");
  EXPECT_EQ(size_text(16 * 1024), "16K");
  EXPECT_EQ(size_text(std::uint64_t{1} << 40U), "1024G");
  EXPECT_EQ(duration_text(Milliseconds(0)), "0");
  EXPECT_EQ(duration_text(Milliseconds(10)), "10ms");
  EXPECT_EQ(duration_text(Milliseconds(90'000)), "90s");
  EXPECT_EQ(duration_text(Milliseconds(600'000)), "10m");
  EXPECT_EQ(duration_text(Milliseconds(3'600'000)), "1h");
}

}  // namespace
}  // namespace perchild::test::configuration_values_test
