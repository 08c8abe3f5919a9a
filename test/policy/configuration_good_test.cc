// What a configuration without errors becomes, and what is told of a file as a whole.
#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "policy/configuration_json.h"
#include "test/policy/configuration_fakes.h"

namespace perchild::test::configuration_good_test {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

ReadConfiguration read_text(std::string text, FakeSystem& system) {
  FakeFiles files;
  files.texts["perchild.json"] = std::move(text);
  return read_configuration("perchild.json", files, system);
}

std::string told(const ReadConfiguration& read) {
  std::string text;
  for (const Mistake& mistake : read.mistakes) text += format_mistake(mistake);
  return text;
}

std::string text_of(const ListenAddress& address) {
  char host[INET6_ADDRSTRLEN] = {};
  if (address.storage.ss_family == AF_INET) {
    ::sockaddr_in in{};
    std::memcpy(&in, &address.storage, sizeof in);
    ::inet_ntop(AF_INET, &in.sin_addr, host, sizeof host);
    return std::string(host) + " " + std::to_string(ntohs(in.sin_port));
  }
  ::sockaddr_in6 in6{};
  std::memcpy(&in6, &address.storage, sizeof in6);
  ::inet_ntop(AF_INET6, &in6.sin6_addr, host, sizeof host);
  return std::string(host) + " " + std::to_string(ntohs(in6.sin6_port));
}

constexpr std::string_view sample = R"({
  "listen": [{ "address": "*:80" }],
  "id_range": [1000, 59999],
  "include": ["vhosts.d/*.json"],
  "defaults": { "index": ["index.html", "index.php"] },
  "vhosts": [
    { "hosts": ["alice.example", "www.alice.example"],
      "user": "alice",
      "root": "/home/alice/public_html" },
    { "hosts": ["bob.example", "*.bob.example"],
      "uid": 20002, "gid": 20002,
      "root": "/srv/bob",
      "limits": { "memory": "512M", "processes": 64, "connections": 200 } }
  ]
})";

TEST(Configuration, TheSampleOfTheDesignLoads) {
  FakeSystem system;
  const auto read = read_text(std::string(sample), system);
  ASSERT_TRUE(read.configuration) << told(read);
  const Configuration& configuration = *read.configuration;
  EXPECT_EQ(told(read), "");

  ASSERT_EQ(configuration.listeners.size(), 2U);
  EXPECT_EQ(text_of(configuration.listeners[0].address), "0.0.0.0 80");
  EXPECT_FALSE(configuration.listeners[0].optional_family);
  EXPECT_EQ(text_of(configuration.listeners[1].address), ":: 80");
  EXPECT_TRUE(configuration.listeners[1].optional_family);
  EXPECT_EQ(configuration.listeners[1].text, "*:80");
  EXPECT_FALSE(configuration.listeners[0].default_site);

  EXPECT_EQ(configuration.id_range, (IdRange{1000, 59'999}));
  EXPECT_EQ(configuration.master, (ServiceIds{Uid{900}, Gid{900}}));
  EXPECT_EQ(configuration.router, (ServiceIds{Uid{901}, Gid{901}}));

  ASSERT_EQ(configuration.sites.size(), 2U);
  const Site& alice = configuration.sites[0];
  EXPECT_EQ(alice.uid.uid(), Uid{1001});
  EXPECT_EQ(alice.gid, Gid{1001});
  EXPECT_EQ(alice.root, "/home/alice/public_html");
  EXPECT_EQ(*alice.content.settings.index, (std::vector<std::string>{"index.html", "index.php"}));
  EXPECT_EQ(alice.limits.connections, SiteLimits{}.connections);
  ASSERT_EQ(alice.hosts.size(), 2U);
  EXPECT_EQ(alice.hosts[0].name.view(), "alice.example");
  const Site& bob = configuration.sites[1];
  EXPECT_EQ(bob.uid.uid(), Uid{20002});
  EXPECT_EQ(bob.gid, Gid{20002});
  EXPECT_TRUE(bob.groups.empty());
  EXPECT_TRUE(bob.hosts[1].wildcard);
  EXPECT_EQ(bob.limits.connections, 200U);
  EXPECT_EQ(bob.limits.quota.memory, 512U << 20U);
  EXPECT_EQ(bob.limits.quota.processes, 64U);
  EXPECT_EQ(bob.limits.quota.cpu_percent, 0U);
}

TEST(Configuration, EveryKeyArrives) {
  FakeSystem system;
  system.users["carol"] = {Uid{1003}, Gid{100}, {Gid{33}, Gid{1001}}};
  const auto read = read_text(R"({
    "listen": [{ "address": "127.0.0.1:8080", "default": "*.b.example", "tls": false,
                 "proxy_protocol": ["10.0.0.0/8", "::1"] },
               { "address": "[::1]:8081" }],
    "id_range": [1000, 1999], "groups": ["www-data", 100, 33],
    "service_ids": { "master": 700, "router": { "uid": 701, "gid": 702 }, "spare": 703 },
    "runtime_dir": "/tmp/run", "log_dir": "/tmp/log", "acme_webroot": "/srv/acme", "drain_timeout": "1m",
    "router": { "processes": 3, "connections": 10, "per_address": 5,
                "head_timeout": 2.5, "queue_timeout": "250ms" },
    "mechanisms": { "landlock": "if-available", "cgroup": "if-available" },
    "defaults": { "workers": 2, "start": "always", "limits": { "cache": 0 },
                  "timeouts": { "idle": 60 }, "idle_timeout": "5m", "log": { "format": "json" },
                  "canonical": "apex", "hsts": { "max_age": "30d" }, "trusted_proxies": ["::1"] },
    "child_groups": { "running": 20, "memory": "3G", "starts_per_second": 4, "spares": 5,
                      "sessions": "2M" },
    "vhosts": [
      { "hosts": ["a.example"], "user": "alice", "root": "/a", "start": "on-demand",
        "suspended": true, "log": { "format": "combined" } },
      { "hosts": ["b.example", "*.b.example", "*.bücher.example"], "user": "carol", "root": "/b", "index": [],
        "timeouts": { "head": "1s", "send": "2s" }, "workers": { "max": 4 },
        "idle_timeout": "500ms", "canonical": "www.b.example", "https": "redirect",
        "hsts": { "max_age": "1y", "include_subdomains": true, "preload": true },
        "trusted_proxies": [],
        "limits": { "connections": 7, "body": "2G", "queue": 9, "cache": "16K",
                    "memory": "32M", "processes": 3, "cpu": "150%", "io": "1M", "log": "2G" } }]
  })",
                              system);
  ASSERT_TRUE(read.configuration) << told(read);
  EXPECT_EQ(told(read), "");
  const Configuration& got = *read.configuration;
  ASSERT_EQ(got.listeners.size(), 2U);
  EXPECT_EQ(text_of(got.listeners[0].address), "127.0.0.1 8080");
  EXPECT_EQ(got.listeners[0].default_site, SiteId{1});
  EXPECT_EQ(got.listeners[0].proxies, (std::vector{AddressBlock::parse("10.0.0.0/8").value(),
                                                   AddressBlock::parse("::1").value()}));
  EXPECT_EQ(text_of(got.listeners[1].address), "::1 8081");
  EXPECT_TRUE(got.listeners[1].proxies.empty());
  EXPECT_FALSE(got.listeners[1].optional_family);
  EXPECT_EQ(got.extra_groups, (std::vector<Gid>{Gid{33}, Gid{100}}));
  EXPECT_EQ(got.master, (ServiceIds{Uid{700}, Gid{700}})) << "no account: the gid is the uid";
  EXPECT_EQ(got.router, (ServiceIds{Uid{701}, Gid{702}}));
  EXPECT_EQ(got.spare, (ServiceIds{Uid{703}, Gid{703}}));
  EXPECT_EQ(got.runtime_dir, "/tmp/run");
  EXPECT_EQ(got.log_dir, "/tmp/log");
  EXPECT_EQ(got.acme_webroot, "/srv/acme");
  EXPECT_EQ(got.drain, seconds(60));
  EXPECT_EQ(got.router_limits.routers, 3U);
  EXPECT_EQ(got.router_limits.connections, 10U);
  EXPECT_EQ(got.router_limits.per_address, 5U);
  EXPECT_EQ(got.router_limits.head, milliseconds(2500));
  EXPECT_EQ(got.router_limits.queue, milliseconds(250));
  EXPECT_EQ(got.group_limits, (GroupLimits{.running = 20,
                                           .memory = 3ULL << 30U,
                                           .starts_per_second = 4,
                                           .spares = 5,
                                           .sessions = 2U << 20U}));
  EXPECT_EQ(got.mechanisms.landlock, Requirement::if_available);
  EXPECT_EQ(got.mechanisms.cgroup, Requirement::if_available);

  ASSERT_EQ(got.sites.size(), 2U);
  const Site& a = got.sites[0];
  EXPECT_FALSE(a.content.settings.index);
  EXPECT_EQ(a.life, (SiteLife{.start = StartPolicy::on_demand,
                              .least_workers = 2,
                              .most_workers = 2,
                              .idle = minutes(5),
                              .suspended = true}));
  EXPECT_EQ(a.limits.cache, 0U);
  EXPECT_EQ(a.log_format, LogFormat::combined);
  EXPECT_EQ(a.timeouts.idle, seconds(60));
  EXPECT_EQ(a.timeouts.head, SiteTimeouts{}.head);
  EXPECT_EQ(a.reach, (ReachSettings{.canonical = Canonical::apex,
                                    .canonical_host = {},
                                    .redirect_to_https = false,
                                    .hsts = {{seconds(30 * 86'400), false, false}},
                                    .trusted_proxies = {AddressBlock::parse("::1").value()}}));
  const Site& b = got.sites[1];
  EXPECT_EQ(b.reach, (ReachSettings{.canonical = Canonical::host,
                                    .canonical_host = HostName::parse("www.b.example"),
                                    .redirect_to_https = true,
                                    .hsts = {{seconds(365 * 86'400), true, true}},
                                    .trusted_proxies = {}}));
  EXPECT_EQ(b.gid, Gid{100});
  EXPECT_EQ(b.hosts.back(), HostPattern::parse("*.xn--bcher-kva.example").value());
  EXPECT_EQ(b.groups, (std::vector<Gid>{Gid{33}, Gid{1001}}));
  EXPECT_TRUE(b.content.settings.index->empty());
  EXPECT_EQ(b.life, (SiteLife{.start = StartPolicy::always,
                              .least_workers = 1,
                              .most_workers = 4,
                              .idle = milliseconds(500)}));
  EXPECT_EQ(b.log_format, LogFormat::json);
  EXPECT_EQ(b.limits.connections, 7U);
  EXPECT_EQ(b.limits.body, 2ULL << 30U);
  EXPECT_EQ(b.limits.queue, 9U);
  EXPECT_EQ(b.limits.cache, 16U * 1024);
  EXPECT_EQ(b.limits.quota.memory, 32U << 20U);
  EXPECT_EQ(b.limits.quota.processes, 3U);
  EXPECT_EQ(b.limits.quota.cpu_percent, 150U);
  EXPECT_EQ(b.limits.quota.io, 1U << 20U);
  EXPECT_EQ(b.limits.log, 2ULL << 30U);
  EXPECT_EQ(b.timeouts.head, seconds(1));
  EXPECT_EQ(b.timeouts.send, seconds(2));
  EXPECT_EQ(b.timeouts.idle, seconds(60)) << "from the defaults";
}

TEST(Configuration, TheGroupOfAUidIsThatOfItsAccount) {
  FakeSystem system;
  system.users["bob"] = {Uid{1002}, Gid{1500}, {Gid{1600}}};
  const auto read = read_text(R"({ "listen": [{ "address": "*:80" }],
    "vhosts": [{ "hosts": ["a.example"], "uid": 1002, "root": "/a" }] })",
                              system);
  ASSERT_TRUE(read.configuration) << told(read);
  EXPECT_EQ(read.configuration->sites[0].gid, Gid{1500});
  EXPECT_TRUE(read.configuration->sites[0].groups.empty());
}

TEST(Configuration, ARootIsTriedWithTheIdsThatItsSiteWillHave) {
  FakeSystem system;
  system.users["carol"] = {Uid{1003}, Gid{1003}, {Gid{33}, Gid{2000}}};
  const auto read = read_text(R"({ "listen": [{ "address": "*:80" }],
    "vhosts": [{ "hosts": ["a.example"], "user": "carol", "root": "/a" }] })",
                              system);
  ASSERT_TRUE(read.configuration) << told(read);
  ASSERT_EQ(system.tried.size(), 1U);
  EXPECT_EQ(system.tried[0].uid, Uid{1003});
  EXPECT_EQ(system.tried[0].gid, Gid{1003});
  EXPECT_EQ(system.tried[0].groups, std::vector<Gid>{Gid{2000}}) << "33 is not mapped";
  EXPECT_EQ(system.tried[0].path, "/a");
}

TEST(Configuration, WhatWasNotCheckedIsNotedOnce) {
  FakeSystem system;
  system.roots["/a"] = system.roots["/b"] = {RootAnswer::Kind::unchecked, "", 0};
  const auto read = read_text(R"({ "listen": [{ "address": "*:80" }],
    "vhosts": [{ "hosts": ["a.example"], "uid": 1002, "root": "/a" },
               { "hosts": ["b.example"], "uid": 1003, "root": "/b" }] })",
                              system);
  ASSERT_TRUE(read.configuration);
  EXPECT_EQ(told(read),
            "perchild.json: note: whether sites can enter their roots was not checked: only root "
            "can\n");
}

TEST(Configuration, AGroupThatManyUsersLoseIsToldOnce) {
  FakeSystem system;
  for (unsigned i = 0; i < 5; ++i) {
    system.users["u" + std::to_string(i)] = {Uid{2000 + i}, Gid{2000 + i}, {Gid{100}}};
  }
  std::string text = R"({ "listen": [{ "address": "*:80" }], "vhosts": [)";
  for (int i = 0; i < 5; ++i) {
    const std::string n = std::to_string(i);
    text += std::string(i == 0 ? "" : ",") + R"({ "hosts": ["h)" + n + R"("], "user": "u)" + n +
            R"(", "root": "/" })";
  }
  const auto read = read_text(text + "] }", system);
  ASSERT_TRUE(read.configuration) << told(read);
  ASSERT_EQ(read.mistakes.size(), 1U);
  EXPECT_EQ(read.mistakes[0].sentence,
            "the group \"users\" (100) of the user \"u0\" and of 4 more is outside of \"id_range\" "
            "(1000 to 59999): the site will not be in it");
}

TEST(Configuration, AllMistakesAreToldInOneGoInTheirOrder) {
  FakeSystem system;
  system.users.erase("perchild");
  system.users.erase("perchild-router");
  const auto read = read_text(R"({
  "drain_timeout": "long",
  "vhosts": [{ "hosts": [], "uid": 0, "root": "x" }],
  "colour": "red"
})",
                              system);
  EXPECT_FALSE(read.configuration);
  std::vector<std::string> places;
  for (const Mistake& mistake : read.mistakes) {
    places.push_back(std::to_string(mistake.line) + ":" + std::to_string(mistake.column) + " " +
                     mistake.sentence);
  }
  EXPECT_EQ(places, (std::vector<std::string>{
                        R"(1:1 there is no user "perchild" for the master to run as)",
                        R"(1:1 there is no user "perchild-router" for the router to run as)",
                        R"(1:1 the configuration needs "listen")",
                        R"(2:20 "drain_timeout" must be a duration from 0 to 1h)",
                        R"(3:25 "hosts" must name at least one host)",
                        R"(3:36 a site cannot run as root (uid 0))",
                        R"(3:47 "root" must be an absolute path)",
                        R"(4:3 the configuration has no key "colour")"}));
}

TEST(Configuration, WithoutVhostsItIsOfNoUse) {
  FakeSystem system;
  for (const char* vhosts : {"", R"(, "vhosts": [])"}) {
    const auto read =
        read_text(R"({ "listen": [{ "address": "*:80" }])" + std::string(vhosts) + "}", system);
    EXPECT_FALSE(read.configuration);
    ASSERT_EQ(read.mistakes.size(), 1U) << told(read);
    EXPECT_EQ(read.mistakes[0].sentence, "there is no vhost");
  }
}

TEST(Configuration, GroupsFitIntoTheKernelsMap) {
  for (const unsigned count : {253U, 254U}) {  // of 16 bytes; the range and two services take 36
    FakeSystem system;
    std::string groups;
    for (unsigned i = 0; i < count; ++i) {
      groups += (i == 0 ? "" : ",") + std::to_string(100'000 + 2 * i);
    }
    const auto read = read_text(
        R"({ "listen": [{ "address": "*:80" }],
    "service_ids": { "master": 900, "router": 902 },
    "groups": [)" +
            groups +
            R"(],
    "vhosts": [{ "hosts": ["a.example"], "uid": 1001, "root": "/a" }] })",
        system);
    EXPECT_EQ(read.configuration.has_value(), count == 253) << told(read);
    if (count == 253) continue;
    ASSERT_EQ(read.mistakes.size(), 1U);
    EXPECT_EQ(read.mistakes[0].line, 3U);
    EXPECT_EQ(read.mistakes[0].pointer, "/groups");
    EXPECT_EQ(read.mistakes[0].sentence,
              "the groups are too many: 257 ranges, 4100 bytes to write, but the kernel maps no "
              "more than 340 and takes less than 4096");
  }
}

TEST(Configuration, GroupsNextToEachOtherShareARangeOfTheMap) {
  FakeSystem system;
  std::string groups;
  for (unsigned i = 0; i < 1000; ++i) {
    groups += (i == 0 ? "" : ",") + std::to_string(100'000 + i);
  }
  const auto read =
      read_text(R"({ "listen": [{ "address": "*:80" }], "groups": [)" + groups +
                    R"(], "vhosts": [{ "hosts": ["a"], "uid": 1001, "root": "/" }] })",
                system);
  EXPECT_TRUE(read.configuration) << told(read);
}

TEST(Configuration, MoreAddressesThanTheServiceCanHoldAreRefused) {
  for (const int count : {128, 129}) {  // each "*" is two
    FakeSystem system;
    std::string listen;
    for (int i = 0; i < count; ++i) {
      listen += std::string(i == 0 ? "" : ",") + R"({ "address": "*:)" + std::to_string(1000 + i) +
                R"(" })";
    }
    const auto read =
        read_text(R"({ "listen": [)" + listen +
                      R"(], "vhosts": [{ "hosts": ["a"], "uid": 1001, "root": "/" }] })",
                  system);
    EXPECT_EQ(read.configuration.has_value(), count == 128) << told(read);
  }
}

TEST(Configuration, AFirstHostTooLongForALogFileIsRefused) {
  const std::string label(60, 'a');
  const std::string long_name = label + "." + label + "." + label + "." + label;  // 243
  for (const bool first : {true, false}) {
    FakeSystem system;
    const std::string hosts = first ? "\"" + long_name + "\"" : "\"a\", \"" + long_name + "\"";
    const auto read = read_text(R"({ "listen": [{ "address": "*:80" }],
      "vhosts": [{ "hosts": [)" + hosts +
                                    R"(], "uid": 1001, "root": "/" }] })",
                                system);
    EXPECT_EQ(read.configuration.has_value(), !first) << told(read);
  }
}

}  // namespace
}  // namespace perchild::test::configuration_good_test
