// The screen of `perchild top`.
#include "daemon/command/control/top.h"

#include <gtest/gtest.h>

#include "test/command/snapshots.h"

namespace perchild::test::top_test {
namespace {

// The lines as they look: without what only the terminal is told.
std::vector<std::string> lines_of(std::string screen) {
  for (std::size_t at; (at = screen.find("\x1b[K")) != std::string::npos;) screen.erase(at, 3);
  std::vector<std::string> lines;
  for (std::size_t end; (end = screen.find("\r\n")) != std::string::npos;) {
    lines.push_back(screen.substr(0, end));
    screen.erase(0, end + 2);
  }
  lines.push_back(screen);
  return lines;
}

std::vector<std::string> first_words(const std::vector<std::string>& lines) {
  std::vector<std::string> words;
  for (std::size_t i = 4; i < lines.size(); ++i) {
    words.push_back(lines[i].substr(0, lines[i].find(' ')));
  }
  return words;
}

constexpr Terminal::Size large{50, 200};

TEST(Top, RatesAreThoseBetweenTwoSnapshots) {
  const Snapshot before = snapshot_of({busy_site("a.example", 100)});
  const Snapshot now = snapshot_of({busy_site("a.example", 150)}, 2);
  const auto lines = lines_of(screen_of(before, now, TopOrder::requests, large));
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_NE(lines[0].find("1 sites, 1 running, 25.0 requests/s"), std::string::npos) << lines[0];
  EXPECT_TRUE(lines[4].starts_with("a.example  serving   25.0    0.0")) << lines[4];
  EXPECT_NE(lines[4].find("2.5    293K"), std::string::npos) << "CPU and memory: " << lines[4];
}

TEST(Top, TheFirstSnapshotAndANewSiteHaveNoRates) {
  const Snapshot now = snapshot_of({busy_site("a.example", 150)}, 2);
  for (const Snapshot& before : {now, snapshot_of({})}) {
    const auto lines = lines_of(screen_of(before, now, TopOrder::requests, large));
    EXPECT_NE(lines[0].find(" 0.0 requests/s"), std::string::npos) << lines[0];
  }
}

TEST(Top, ACountThatHasBecomeSmallerIsNoRate) {
  const Snapshot before = snapshot_of({busy_site("a.example", 150)});
  const Snapshot now = snapshot_of({busy_site("a.example", 10)}, 2);
  const auto lines = lines_of(screen_of(before, now, TopOrder::requests, large));
  EXPECT_NE(lines[0].find(" 0.0 requests/s"), std::string::npos) << lines[0];
}

TEST(Top, SortsByWhatIsAskedFor) {
  SiteStatus big = site_named("big.example");
  big.memory = 1 << 30;
  SiteStatus open = site_named("open.example");
  open.connections = 9;
  const Snapshot before =
      snapshot_of({busy_site("a.example", 0), busy_site("b.example", 0), big, open});
  const Snapshot now =
      snapshot_of({busy_site("a.example", 10), busy_site("b.example", 20), big, open}, 1);
  const auto order = [&](TopOrder by) {
    return first_words(lines_of(screen_of(before, now, by, large)));
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(order(TopOrder::requests),
            (Names{"b.example", "a.example", "big.example", "open.example"}));
  EXPECT_EQ(order(TopOrder::memory).front(), "big.example");
  EXPECT_EQ(order(TopOrder::connections).front(), "open.example");
  EXPECT_EQ(order(TopOrder::name),
            (Names{"a.example", "b.example", "big.example", "open.example"}));
}

TEST(Top, FitsTheTerminalWhateverItsSize) {
  std::vector<SiteStatus> sites;
  for (int i = 0; i < 100; ++i) sites.push_back(busy_site("s" + std::to_string(i), 1));
  const Snapshot now = snapshot_of(sites, 1);
  for (std::size_t rows = 1; rows < 30; ++rows) {
    for (const std::size_t columns : {1U, 20U, 80U, 200U}) {
      const auto lines = lines_of(screen_of(now, now, TopOrder::name, {rows, columns}));
      EXPECT_LE(lines.size(), rows);
      for (const std::string& line : lines) EXPECT_LE(line.size(), columns);
    }
  }
}

}  // namespace
}  // namespace perchild::test::top_test
