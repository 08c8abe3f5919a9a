#include "vhosts/logs/log_clock.h"

#include <sys/resource.h>

#include <cstdlib>
#include <string>

#include "test/vhosts/files/scratch.h"

namespace perchild::logs::log_clock_test {
namespace {

using perchild::test::holds_in_child;
using perchild::test::Scratch;

constexpr ::time_t year_2026 = 1'795'489'200;  // 2026-11-24T03:00:00Z
constexpr ::time_t summer = year_2026 - 130 * 86'400;

// The zone belongs to the whole process, so each test of one has its own.
template <typename Body>
bool holds_in_zone(const std::string& zone, Body body) {
  return holds_in_child([&] {
    ::setenv("TZ", zone.c_str(), 1);
    LogClock::load();
    return body();
  });
}

TEST(LogClockTest, UtcInBothForms) {
  EXPECT_TRUE(holds_in_zone("UTC0", [] {
    const LogClock clock(year_2026);
    EXPECT_EQ(clock.combined(), "24/Nov/2026:03:00:00 +0000");
    EXPECT_EQ(clock.iso(), "2026-11-24T03:00:00+00:00");
    return true;
  }));
}

TEST(LogClockTest, OffsetFollowsSummerTime) {
  EXPECT_TRUE(holds_in_zone("CET-1CEST,M3.5.0,M10.5.0/3", [] {
    LogClock clock(year_2026);
    EXPECT_EQ(clock.combined(), "24/Nov/2026:04:00:00 +0100");
    clock.update(summer);
    EXPECT_EQ(clock.combined(), "17/Jul/2026:05:00:00 +0200");
    EXPECT_EQ(clock.iso(), "2026-07-17T05:00:00+02:00");
    return true;
  }));
}

TEST(LogClockTest, NegativeOffsetsAndPartsOfHours) {
  EXPECT_TRUE(holds_in_zone("NST3:30", [] {
    EXPECT_EQ(LogClock(year_2026).combined(), "23/Nov/2026:23:30:00 -0330");
    EXPECT_EQ(LogClock(year_2026).iso(), "2026-11-23T23:30:00-03:30");
    return true;
  }));
  EXPECT_TRUE(holds_in_zone("NPT-5:45", [] {
    EXPECT_EQ(LogClock(year_2026).combined(), "24/Nov/2026:08:45:00 +0545");
    return true;
  }));
}

TEST(LogClockTest, FollowsTheClock) {
  LogClock clock(year_2026);
  const std::string before(clock.iso());
  clock.update(year_2026);
  EXPECT_EQ(clock.iso(), before);
  clock.update(year_2026 + 1);
  EXPECT_NE(clock.iso(), before);
  clock.update(year_2026);
  EXPECT_EQ(clock.iso(), before);
}

TEST(LogClockTest, TimesFarAwayStayInsideTheirText) {
  EXPECT_TRUE(holds_in_zone("UTC0", [] {
    EXPECT_EQ(LogClock(253'402'300'799).iso(), "9999-12-31T23:59:59+00:00");
    EXPECT_EQ(LogClock(0x7fff'ffff'ffff'ffff).iso().size(), 25U);
    return true;
  }));
}

// RFC 8536, version 1: one type of local time, five and a half hours east.
std::string zone_file() {
  std::string file = "TZif";
  file.append(16, '\0');
  file.append(4 * 4, '\0');               // no transitions, no leap seconds, no indicators
  file.append({'\0', '\0', '\0', '\1'});  // one type
  file.append({'\0', '\0', '\0', '\4'});  // four characters of names
  file.append({'\0', '\0', '\x4d', '\x58', '\0', '\0'});
  file.append({'I', 'S', 'T', '\0'});
  return file;
}

TEST(LogClockTest, ZoneOfAFileOutlivesTheLossOfTheFileSystem) {
  const Scratch scratch;
  scratch.write("zone", zone_file());
  scratch.make_directory("empty");
  EXPECT_TRUE(holds_in_zone(std::string(":") + scratch.path("zone"), [&] {
    LogClock clock(summer);
    EXPECT_EQ(clock.combined(), "17/Jul/2026:08:30:00 +0530");
    if (::chroot(scratch.path("empty").c_str()) != 0 || ::chdir("/") != 0) return false;
    // Not one more descriptor can be had either.
    const ::rlimit none{0, 0};
    if (::setrlimit(RLIMIT_NOFILE, &none) != 0) return false;
    clock.update(year_2026);
    EXPECT_EQ(clock.combined(), "24/Nov/2026:08:30:00 +0530");
    return true;
  }));
}

TEST(LogClockTest, ZoneThatCannotBeReadIsUtc) {
  EXPECT_TRUE(holds_in_zone(":/nonexistent/zone", [] {
    EXPECT_EQ(LogClock(year_2026).iso(), "2026-11-24T03:00:00+00:00");
    return true;
  }));
}

}  // namespace
}  // namespace perchild::logs::log_clock_test
