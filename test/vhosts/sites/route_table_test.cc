#include "vhosts/sites/route_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <random>

#include "test/vhosts/sites/configuration_samples.h"

namespace perchild::test::route_table_test {
namespace {

// Of exactly the size of the table, on the heap, so that a sanitizer sees each byte beyond.
class Loaded {
 public:
  explicit Loaded(std::string_view bytes) : bytes_(std::make_unique<char[]>(bytes.size())) {
    std::copy(bytes.begin(), bytes.end(), bytes_.get());
    table_ = RouteTable::load({bytes_.get(), bytes.size()});
  }
  bool good() const { return table_.has_value(); }
  const RouteTable& operator*() const { return *table_; }
  const RouteTable* operator->() const { return &*table_; }

 private:
  std::unique_ptr<char[]> bytes_;
  std::optional<RouteTable> table_;
};

// The site's number, or -1.
int found(const RouteTable& table, std::string_view name) {
  const auto site = table.find(host(name));
  return site ? static_cast<int>(site->value) : -1;
}

TEST(RouteTable, FindsExactNamesAndNoOthers) {
  const Loaded table(pack_route_table(
      configuration_of({{"a.example", "www.a.example"}, {"b.example"}, {"10.0.0.1", "[::1]"}})));
  ASSERT_TRUE(table.good());
  EXPECT_EQ(found(*table, "a.example"), 0);
  EXPECT_EQ(found(*table, "www.a.example"), 0);
  EXPECT_EQ(found(*table, "b.example"), 1);
  EXPECT_EQ(found(*table, "10.0.0.1"), 2);
  EXPECT_EQ(found(*table, "[::1]"), 2);
  for (const char* name : {"example", "x.a.example", "a.exampl", "a.examplee", "aa.example",
                           "c.example", "b", "10.0.0.11", "www.b.example"}) {
    EXPECT_EQ(found(*table, name), -1) << name;
  }
}

TEST(RouteTable, AWildcardCoversWhatIsBelowItAtAnyDepthButNotItself) {
  const Loaded table(pack_route_table(configuration_of({{"*.b.example"}})));
  EXPECT_EQ(found(*table, "a.b.example"), 0);
  EXPECT_EQ(found(*table, "x.y.z.b.example"), 0);
  EXPECT_EQ(found(*table, "b.example"), -1);
  EXPECT_EQ(found(*table, "ab.example"), -1);
  EXPECT_EQ(found(*table, "b.example.org"), -1);
}

TEST(RouteTable, TheExactNameBeatsWildcardsAndTheLongestWildcardTheOthers) {
  const Loaded table(pack_route_table(configuration_of(
      {{"*.example"}, {"*.b.example"}, {"a.b.example"}, {"*.c.b.example"}, {"b.example"}})));
  EXPECT_EQ(found(*table, "a.b.example"), 2);
  EXPECT_EQ(found(*table, "x.a.b.example"), 1);
  EXPECT_EQ(found(*table, "z.b.example"), 1);
  EXPECT_EQ(found(*table, "z.c.b.example"), 3);
  EXPECT_EQ(found(*table, "c.b.example"), 1);
  EXPECT_EQ(found(*table, "b.example"), 4);
  EXPECT_EQ(found(*table, "other.example"), 0);
  EXPECT_EQ(found(*table, "example"), -1);
}

TEST(RouteTable, WhatNobodyIsNamedGoesToTheListenersDefaultAndNowhereElse) {
  Configuration configuration = configuration_of({{"a.example"}, {"b.example"}});
  configuration.listeners.resize(2);
  configuration.listeners[1].default_site = SiteId{1};
  const Loaded table(pack_route_table(configuration));
  ASSERT_TRUE(table.good());
  EXPECT_EQ(table->listener_count(), 2u);
  EXPECT_FALSE(table->route(std::nullopt, 0));
  EXPECT_FALSE(table->route(host("unknown.example"), 0));
  for (const auto& name : {std::optional<HostName>(), std::optional(host("unknown.example"))}) {
    const auto route = table->route(name, 1);
    ASSERT_TRUE(route);
    EXPECT_EQ(route->site, SiteId{1});
    EXPECT_TRUE(route->by_default);
  }
  for (const std::uint32_t listener : {0U, 1U}) {
    const auto route = table->route(host("a.example"), listener);
    ASSERT_TRUE(route);
    EXPECT_EQ(route->site, SiteId{0});
    EXPECT_FALSE(route->by_default);
  }
  EXPECT_FALSE(table->route(host("b.example"), 1)->by_default);
}

TEST(RouteTable, KnowsWhatIsSpokenAtEachListener) {
  Configuration configuration = configuration_of({{"a.example"}});
  configuration.listeners.resize(3);
  configuration.listeners[1].tls = true;
  configuration.listeners[2].plain_http2 = true;
  const Loaded table(pack_route_table(configuration));
  ASSERT_TRUE(table.good());
  for (const std::uint32_t listener : {0U, 1U, 2U}) {
    EXPECT_EQ(table->speaks_tls(listener), listener == 1);
    EXPECT_EQ(table->takes_http2(listener), listener == 2);
  }
}

TEST(RouteTable, KeepsEachSitesQueueLimit) {
  Configuration configuration = configuration_of({{"a.example"}, {"b.example"}});
  configuration.sites[1].limits.queue = 7;
  const Loaded table(pack_route_table(configuration));
  EXPECT_EQ(table->site_count(), 2u);
  EXPECT_EQ(table->queue_limit(SiteId{0}), SiteLimits{}.queue);
  EXPECT_EQ(table->queue_limit(SiteId{1}), 7u);
}

AddressBytes address(std::string_view text) {
  return AddressBlock::parse(text).value().network;
}

TEST(RouteTable, KnowsTheProxiesOfEachListener) {
  Configuration configuration = configuration_of({{"a.example"}});
  configuration.listeners.resize(3);
  configuration.listeners[0].proxies = {AddressBlock::parse("10.0.0.0/8").value(),
                                        AddressBlock::parse("2001:db8::/32").value()};
  configuration.listeners[2].proxies = {AddressBlock::parse("192.0.2.7").value()};
  const Loaded table(pack_route_table(configuration));
  ASSERT_TRUE(table.good());
  EXPECT_TRUE(table->is_proxy(0, address("10.9.9.9")));
  EXPECT_TRUE(table->is_proxy(0, address("2001:db8::1")));
  EXPECT_TRUE(table->is_proxy(2, address("192.0.2.7")));
  EXPECT_FALSE(table->is_proxy(0, address("192.0.2.7")));
  EXPECT_FALSE(table->is_proxy(1, address("10.9.9.9")));
  EXPECT_FALSE(table->is_proxy(2, address("10.9.9.9")));
}

// The slow and obvious way: what HostPattern itself says, exact before longest.
int expected(const Configuration& configuration, const HostName& name) {
  int best = -1;
  std::size_t best_length = 0;
  for (std::size_t i = 0; i < configuration.sites.size(); ++i) {
    for (const HostPattern& pattern : configuration.sites[i].hosts) {
      if (!pattern.matches(name)) continue;
      const std::size_t length = pattern.wildcard ? pattern.name.view().size() : 1000;
      if (length > best_length) {
        best = static_cast<int>(i);
        best_length = length;
      }
    }
  }
  return best;
}

TEST(RouteTable, AgreesWithTheObviousSearchOverRandomNames) {
  std::mt19937 random(1);
  const std::string_view labels[] = {"a", "b", "aa", "ab", "-a", "a-", "0", "a_b"};
  const auto name = [&](std::size_t most) {
    std::string text;
    for (std::size_t left = 1 + random() % most; left > 0; --left) {
      text += std::string(text.empty() ? "" : ".") + std::string(labels[random() % 8]);
    }
    return text;
  };
  for (int round = 0; round < 50; ++round) {
    std::vector<std::string> taken;
    std::vector<std::vector<std::string_view>> sites;
    taken.reserve(40);
    for (int i = 0; i < 40; ++i) {
      const std::string pattern = (random() % 3 == 0 ? "*." : "") + name(3);
      const bool usable = HostPattern::parse(pattern).has_value();
      if (!usable || std::find(taken.begin(), taken.end(), pattern) != taken.end()) continue;
      taken.push_back(pattern);
      sites.push_back({taken.back()});
    }
    const Configuration configuration = configuration_of(sites);
    const Loaded table(pack_route_table(configuration));
    ASSERT_TRUE(table.good());
    for (int i = 0; i < 400; ++i) {
      const auto asked = HostName::parse(name(5));
      if (!asked) continue;
      const auto site = table->find(*asked);
      EXPECT_EQ(site ? static_cast<int>(site->value) : -1, expected(configuration, *asked))
          << asked->view();
    }
  }
}

TEST(RouteTable, FindsEachOfTenThousandNames) {
  constexpr int count = 10'000;
  std::vector<std::string> names;
  std::vector<std::vector<std::string_view>> sites;
  names.reserve(count);
  for (int i = 0; i < count; ++i) {
    names.push_back((i % 7 == 0 ? "*.site" : "site") + std::to_string(i) + ".example");
    sites.push_back({names.back()});
  }
  const Loaded table(pack_route_table(configuration_of(sites)));
  ASSERT_TRUE(table.good());
  for (int i = 0; i < count; ++i) {
    const std::string name = "site" + std::to_string(i) + ".example";
    EXPECT_EQ(found(*table, name), i % 7 == 0 ? -1 : i) << name;
    EXPECT_EQ(found(*table, "www." + name), i % 7 == 0 ? i : -1) << name;
  }
}

TEST(RouteTable, NoTruncationAndNoExtraByteIsLoaded) {
  const std::string bytes =
      pack_route_table(configuration_of({{"a.example", "*.a.example"}, {"b.example"}}));
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(Loaded(std::string_view(bytes).substr(0, length)).good()) << length;
  }
  EXPECT_FALSE(Loaded(bytes + '\0').good());
  EXPECT_TRUE(Loaded(bytes).good());
}

TEST(RouteTable, NoFlippedBitLeadsOutOfTheTable) {
  Configuration configuration =
      configuration_of({{"a.example", "*.a.example"}, {"b.example", "*.example"}});
  configuration.listeners.resize(2);
  configuration.listeners[0].proxies = {AddressBlock::parse("10.0.0.0/8").value()};
  const std::string good = pack_route_table(configuration);
  int loaded = 0;
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    const Loaded table(bad);
    if (!table.good()) continue;
    ++loaded;
    for (const char* name : {"a.example", "x.a.example", "b.example", "zzz.example", "0"}) {
      const auto site = table->find(host(name));
      EXPECT_TRUE(!site || site->value < table->site_count());
    }
    for (const std::uint32_t listener : {0U, 1U}) {
      if (listener < table->listener_count()) table->is_proxy(listener, address("10.0.0.1"));
    }
  }
  EXPECT_GT(loaded, 0);  // a letter of a name can change unnoticed
}

TEST(RouteTable, NamesOutOfOrderTwiceOrOfNoSiteAreNotLoaded) {
  const std::string good = pack_route_table(configuration_of({{"a.example"}, {"b.example"}}));
  constexpr std::size_t number = sizeof(std::uint32_t);
  constexpr std::size_t names_at = (5 + 2) * number;  // header, two sites
  ASSERT_TRUE(Loaded(good).good());

  std::string swapped = good;
  std::swap_ranges(swapped.begin() + names_at, swapped.begin() + names_at + 3 * number,
                   swapped.begin() + names_at + 3 * number);
  EXPECT_FALSE(Loaded(swapped).good());

  std::string twice = good;
  std::memcpy(twice.data() + names_at + 3 * number, twice.data() + names_at, 2 * number);
  EXPECT_FALSE(Loaded(twice).good());

  std::string of_nobody = good;
  const std::uint32_t third = 2;
  std::memcpy(of_nobody.data() + names_at + 2 * number, &third, number);
  EXPECT_FALSE(Loaded(of_nobody).good());

  std::string beyond = good;
  const std::uint32_t far = 0xffff'fff0;
  std::memcpy(beyond.data() + names_at, &far, number);
  EXPECT_FALSE(Loaded(beyond).good());
}

}  // namespace
}  // namespace perchild::test::route_table_test
