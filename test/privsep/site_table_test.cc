#include "privsep/site_table.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <memory>

#include "privsep/messages.h"

namespace perchild::test::site_table_test {
namespace {

constexpr IdRange range{20000, 20999};

SiteTable good_table() {
  return {.sites = {{.uid = *TenantUid::make(Uid{20001}, range),
                     .gid = Gid{20002},
                     .groups = {Gid{20003}, Gid{20004}},
                     .name = "a.example",
                     .life = {.start = StartPolicy::always,
                              .least_workers = 2,
                              .most_workers = 3,
                              .idle = std::chrono::milliseconds(77),
                              .suspended = true},
                     .limits = {{.memory = 1ULL << 40, .processes = 5, .cpu_percent = 6, .io = 7},
                                {.major = 8, .minor = 9}},
                     .generation = 9,
                     .session = std::chrono::milliseconds(99),
                     .settings = "settings of a",
                     .checker_settings = "passwords of a",
                     .runner_settings = "programs of a",
                     .spare_kind = 1},
                    {.uid = *TenantUid::make(Uid{20005}, range),
                     .gid = Gid{20006},
                     .name = "*.b.example",
                     .settings = std::string_view("\0\1", 2)}},
          .generation = Generation{10},
          .listeners = {"0.0.0.0:80", "", "[::1]:81"},
          .routers = 4,
          .id_range = range,
          .router = {Uid{19002}, Gid{19003}},
          .spare = ServiceIds{Uid{19004}, Gid{19005}},
          .spares = {"one", "another"},
          .drain = std::chrono::milliseconds(12'345),
          .groups = {.running = 5,
                     .memory = 6,
                     .starts_per_second = 7,
                     .spares = 8,
                     .sessions = 1ULL << 41},
          .has_cgroups = true,
          .controllers = memory_controller,
          .no_programs = "forbidden",
          .binds_ports = false,
          .passed = {"0.0.0.0:80", "0.0.0.0:443"},
          .allowable_calls = {"ptrace", "kcmp"},
          .uids = {{20000, 20999}, {19001, 19001}},
          .gids = {{20000, 20999}},
          .fixed = {{"log_dir", "/var/log"}, {"b", ""}}};
}

TEST(SiteTable, IsUnpackedAsItWasPacked) {
  const std::string bytes = good_table().pack();
  const auto table = SiteTable::unpack(bytes);
  ASSERT_TRUE(table);
  EXPECT_EQ(table->generation, Generation{10});
  EXPECT_EQ(table->listeners, good_table().listeners);
  EXPECT_EQ(table->uids, good_table().uids);
  EXPECT_EQ(table->gids, good_table().gids);
  ASSERT_EQ(table->fixed.size(), 2u);
  EXPECT_EQ(table->fixed[0].value, "/var/log");
  EXPECT_EQ(table->sites[0].generation, 9u);
  EXPECT_EQ(table->routers, 4u);
  EXPECT_EQ(table->id_range, range);
  EXPECT_EQ(table->router, (ServiceIds{Uid{19002}, Gid{19003}}));
  EXPECT_EQ(table->drain, std::chrono::milliseconds(12'345));
  ASSERT_EQ(table->sites.size(), 2u);
  EXPECT_EQ(table->sites[0].uid.uid(), Uid{20001});
  EXPECT_EQ(table->sites[0].gid, Gid{20002});
  EXPECT_EQ(table->sites[0].groups, (std::vector<Gid>{Gid{20003}, Gid{20004}}));
  EXPECT_EQ(table->sites[0].name, "a.example");
  EXPECT_EQ(table->sites[0].life, good_table().sites[0].life);
  const CgroupLimits& limits = table->sites[0].limits;
  EXPECT_EQ(limits.quota.memory, 1ULL << 40);
  EXPECT_EQ(limits.quota.processes, 5u);
  EXPECT_EQ(limits.quota.cpu_percent, 6u);
  EXPECT_EQ(limits.quota.io, 7u);
  EXPECT_EQ(limits.device, (BlockDevice{8, 9}));
  EXPECT_EQ(controllers_of(table->sites[1].limits.quota), 0);
  EXPECT_TRUE(table->has_cgroups);
  EXPECT_EQ(table->controllers, memory_controller);
  EXPECT_EQ(table->no_programs, "forbidden");
  EXPECT_FALSE(table->binds_ports);
  EXPECT_EQ(table->passed, good_table().passed);
  EXPECT_EQ(table->allowable_calls, good_table().allowable_calls);
  EXPECT_EQ(table->sites[0].session.count(), 99);
  EXPECT_EQ(table->sites[1].session.count(), 0);
  EXPECT_EQ(table->sites[0].settings, "settings of a");
  EXPECT_EQ(table->sites[0].checker_settings, "passwords of a");
  EXPECT_EQ(table->sites[0].runner_settings, "programs of a");
  EXPECT_EQ(table->sites[1].runner_settings, "");
  EXPECT_EQ(table->spare, (ServiceIds{Uid{19004}, Gid{19005}}));
  EXPECT_EQ(table->spares, (std::vector<std::string_view>{"one", "another"}));
  EXPECT_EQ(table->sites[0].spare_kind, 1);
  EXPECT_EQ(table->sites[1].spare_kind, std::nullopt);
  EXPECT_EQ(table->sites[1].name, "*.b.example");
  EXPECT_EQ(table->sites[1].checker_settings, "");
  EXPECT_EQ(table->sites[1].life, SiteLife{});
  EXPECT_EQ(table->groups, good_table().groups);
  EXPECT_EQ(table->sites[1].settings, std::string_view("\0\1", 2));
  EXPECT_EQ(table->pack(), bytes);
}

TEST(SiteTable, ANumberThatNoSiteHasStaysOne) {
  SiteTable holed = good_table();
  holed.sites[0] = {.uid = *TenantUid::make(Uid{20000}, range), .gid = Gid{0}};
  const std::string bytes = holed.pack();
  const auto table = SiteTable::unpack(bytes);
  ASSERT_TRUE(table);
  EXPECT_TRUE(table->sites[0].is_hole());
  EXPECT_FALSE(table->sites[1].is_hole());
}

TEST(SiteTable, NoTruncationAndNoExtraByteIsUnpacked) {
  const std::string bytes = good_table().pack();
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(SiteTable::unpack(std::string_view(bytes).substr(0, length))) << length;
  }
  EXPECT_FALSE(SiteTable::unpack(bytes + '\0'));
}

TEST(SiteTable, ImpossibleValuesAreNotUnpacked) {
  struct Change {
    const char* what;
    std::function<void(SiteTable&)> make;
  };
  const Change changes[] = {
      {"listeners", [](SiteTable& t) { t.listeners.resize(max_listeners + 1); }},
      {"no routers", [](SiteTable& t) { t.routers = 0; }},
      {"routers", [](SiteTable& t) { t.routers = max_routers + 1; }},
      {"router as root", [](SiteTable& t) { t.router.uid = Uid{0}; }},
      {"router in group 0", [](SiteTable& t) { t.router.gid = Gid{0}; }},
      {"a uid outside of the range",
       [](SiteTable& t) {
         t.id_range = {20002, 20999};
       }},
      {"group 0", [](SiteTable& t) { t.sites[0].gid = Gid{0}; }},
      {"no workers", [](SiteTable& t) { t.sites[0].life.least_workers = 0; }},
      {"workers", [](SiteTable& t) { t.sites[0].life.most_workers = max_workers + 1; }},
      {"fewer at most than at least", [](SiteTable& t) { t.sites[0].life.most_workers = 1; }},
      {"no idle time", [](SiteTable& t) { t.sites[0].life.idle = std::chrono::milliseconds(0); }},
      {"endless idle time", [](SiteTable& t) { t.sites[0].life.idle = std::chrono::hours(25); }},
      {"no group may run", [](SiteTable& t) { t.groups.running = 0; }},
      {"sessions of the past",
       [](SiteTable& t) { t.sites[0].session = std::chrono::milliseconds(-1); }},
      {"no start a second", [](SiteTable& t) { t.groups.starts_per_second = 0; }},
      {"a spare of no kind", [](SiteTable& t) { t.sites[0].spare_kind = 2; }},
      {"spares of nobody", [](SiteTable& t) { t.spare.reset(); }},
      {"spares in group 0", [](SiteTable& t) { t.spare->gid = Gid{0}; }},
      {"kinds of spares", [](SiteTable& t) { t.spares.resize(SiteTable::most_spare_kinds + 1); }},
      {"no settings", [](SiteTable& t) { t.sites[0].settings = {}; }},
      {"no sites", [](SiteTable& t) { t.sites.clear(); }},
      {"no name", [](SiteTable& t) { t.sites[0].name = ""; }},
      {"a path", [](SiteTable& t) { t.sites[0].name = "a/b"; }},
      {"the folder above", [](SiteTable& t) { t.sites[0].name = ".."; }},
      {"a hidden file", [](SiteTable& t) { t.sites[0].name = ".a"; }},
      {"a line end", [](SiteTable& t) { t.sites[0].name = "a\nb"; }},
      {"a zero", [](SiteTable& t) { t.sites[0].name = std::string("a\0b", 3); }},
      {"an endless name", [](SiteTable& t) { t.sites[0].name = std::string(256, 'a'); }},
  };
  for (const Change& change : changes) {
    SiteTable table = good_table();
    change.make(table);
    EXPECT_FALSE(SiteTable::unpack(table.pack())) << change.what;
  }
}

TEST(SiteTable, ACountThatTheBytesCannotHoldAllocatesNothing) {
  SiteTable plain = good_table();
  plain.listeners.clear();
  plain.uids.clear();
  plain.gids.clear();
  plain.fixed.clear();
  plain.spares.clear();
  plain.sites[0].spare_kind.reset();
  std::string bytes = plain.pack();
  const std::uint32_t count = ~0U;
  constexpr std::size_t count_at = 18 * sizeof(std::uint32_t) + 3 * sizeof(std::uint64_t) +
                                   sizeof(std::uint8_t) + sizeof(ControllerMask);
  std::memcpy(bytes.data() + count_at, &count, sizeof count);
  EXPECT_FALSE(SiteTable::unpack(bytes));
  // The first count, of listeners.
  std::memcpy(bytes.data() + sizeof(std::uint32_t), &count, sizeof count);
  EXPECT_FALSE(SiteTable::unpack(bytes));
}

TEST(SiteTable, NoFlippedBitIsReadOutOfBoundsOrMakesRootATenant) {
  const std::string good = good_table().pack();
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    // Of exactly this size, on the heap, so that a sanitizer sees each byte beyond.
    const auto bytes = std::make_unique<char[]>(good.size());
    std::memcpy(bytes.get(), good.data(), good.size());
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
    const auto table = SiteTable::unpack({bytes.get(), good.size()});
    if (!table) continue;
    EXPECT_NE(table->router.uid, Uid{0});
    for (const SiteRecord& site : table->sites) {
      EXPECT_NE(site.uid.uid(), Uid{0});
      EXPECT_TRUE(table->id_range.contains(site.uid.uid().value));
    }
  }
}

}  // namespace
}  // namespace perchild::test::site_table_test
