// What Prometheus is told, held to the rules of OpenMetrics 1.0.
#include "daemon/command/control/metrics.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <sstream>

#include "test/command/snapshots.h"

namespace perchild::test::metrics_test {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::map<std::string, std::string> samples_of(const std::string& text) {
  std::map<std::string, std::string> samples;
  for (const std::string& line : lines_of(text)) {
    const std::size_t blank = line.rfind(' ');
    if (line.starts_with("#")) continue;
    EXPECT_TRUE(samples.emplace(line.substr(0, blank), line.substr(blank + 1)).second)
        << "twice: " << line;
  }
  return samples;
}

TEST(Metrics, EndAsTheFormatAsks) {
  const std::string text = metrics_of(snapshot_of({site_named("a.example")}));
  EXPECT_TRUE(text.ends_with("\n# EOF\n"));
  EXPECT_EQ(text.find("# EOF"), text.size() - 6);
}

TEST(Metrics, EachSampleStandsWithItsFamily) {
  std::string family;
  std::string type;
  std::set<std::string> families;
  const std::string text =
      metrics_of(snapshot_of({busy_site("a.example", 5), site_named("b.example")}));
  for (const std::string& line : lines_of(text)) {
    if (line == "# EOF") break;
    if (line.starts_with("# TYPE ")) {
      std::istringstream words(line.substr(7));
      words >> family >> type;
      EXPECT_TRUE(families.insert(family).second) << family << " is in two places";
      continue;
    }
    if (line.starts_with("# UNIT ")) {
      const std::string unit = line.substr(line.rfind(' ') + 1);
      EXPECT_TRUE(family.ends_with("_" + unit)) << line;
      continue;
    }
    if (line.starts_with("# HELP ")) continue;
    const std::string name = line.substr(0, line.find_first_of("{ "));
    ASSERT_TRUE(name.starts_with(family)) << line;
    const std::map<std::string, std::set<std::string>> suffixes{
        {"counter", {"_total"}},
        {"info", {"_info"}},
        {"gauge", {""}},
        {"histogram", {"_bucket", "_count", "_sum"}}};
    EXPECT_TRUE(suffixes.at(type).contains(name.substr(family.size()))) << line;
  }
  EXPECT_GT(families.size(), 12U);
}

TEST(Metrics, ASitesNumbersAreThoseOfItsStatus) {
  SiteStatus site = busy_site("a.example", 5);
  site.refused = 3;
  site.connections = 2;
  const auto samples = samples_of(metrics_of(snapshot_of({site})));
  const std::string of_a = "{site=\"a.example\"}";
  EXPECT_EQ(samples.at("perchild_site_requests_total{site=\"a.example\",class=\"2xx\"}"), "5");
  EXPECT_EQ(samples.at("perchild_site_requests_total{site=\"a.example\",class=\"5xx\"}"), "0");
  EXPECT_EQ(samples.at("perchild_site_received_bytes_total" + of_a), "500");
  EXPECT_EQ(samples.at("perchild_site_sent_bytes_total" + of_a), "5000");
  EXPECT_EQ(samples.at("perchild_site_refused_connections_total" + of_a), "3");
  EXPECT_EQ(samples.at("perchild_site_cpu_seconds_total" + of_a), "0.005");
  EXPECT_EQ(samples.at("perchild_site_connections" + of_a), "2");
  EXPECT_EQ(samples.at("perchild_site_state{site=\"a.example\",state=\"serving\"}"), "1");
}

TEST(Metrics, BucketsAddUpToAllRequests) {
  const auto samples = samples_of(metrics_of(snapshot_of({busy_site("a.example", 5)})));
  const auto bucket = [&](const std::string& bound) {
    return samples.at("perchild_site_request_duration_seconds_bucket{site=\"a.example\",le=\"" +
                      bound + "\"}");
  };
  EXPECT_EQ(bucket("0.000512"), "0");
  EXPECT_EQ(bucket("0.001024"), "5");
  EXPECT_EQ(bucket("+Inf"), "5");
  EXPECT_EQ(samples.at("perchild_site_request_duration_seconds_count{site=\"a.example\"}"), "5");
  EXPECT_EQ(samples.at("perchild_site_request_duration_seconds_sum{site=\"a.example\"}"), "0.005");
}

TEST(Metrics, OfASiteThatNobodyHasAskedForThereIsItsStateOnly) {
  const auto samples = samples_of(metrics_of(snapshot_of({site_named("idle.example")})));
  std::size_t count = 0;
  for (const auto& [name, value] : samples) {
    count += name.find("idle.example") != std::string::npos ? 1U : 0U;
  }
  EXPECT_EQ(count, 1U);
  EXPECT_EQ(samples.at("perchild_site_state{site=\"idle.example\",state=\"idle\"}"), "1");
}

TEST(Metrics, TellALocalUserNothingOfTheWhole) {
  Snapshot snapshot = snapshot_of({site_named("a.example")});
  snapshot.server.sites = 0;
  EXPECT_EQ(metrics_of(snapshot).find("perchild_sites"), std::string::npos);
  EXPECT_EQ(metrics_of(snapshot).find("perchild_connections"), std::string::npos);
}

TEST(Metrics, LabelsAreEscaped) {
  EXPECT_EQ(escaped_label("a.example"), "a.example");
  EXPECT_EQ(escaped_label("a\"} 1\nb\\"), "a\\\"} 1\\nb\\\\");
}

}  // namespace
}  // namespace perchild::test::metrics_test
