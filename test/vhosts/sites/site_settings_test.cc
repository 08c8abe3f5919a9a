#include "vhosts/sites/site_settings.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "test/vhosts/sites/configuration_samples.h"
#include "vhosts/sites/route_table.h"

namespace perchild::test::site_settings_test {
namespace {

SiteSettings sample() {
  SiteSettings settings;
  settings.hosts = {*HostPattern::parse("a.example"), *HostPattern::parse("*.a.example")};
  settings.foreign = {*HostPattern::parse("b.a.example"), *HostPattern::parse("*.c.a.example")};
  settings.root = "/srv/a";
  settings.content.settings.index = {{"index.html", "index.htm"}};
  settings.content.locations = {{Location::Kind::exact, "/x", {}},
                                {Location::Kind::pattern, "y$", {.index = {{"y"}}}}};
  settings.content.settings.redirect = {
      {{.pattern = "a", .to = "/b", .status = 301}, {.pattern = {}, .to = {}, .status = 410}}};
  settings.content.settings.rewrite = {{{.to = "/c", .keep_query = false}}};
  settings.content.settings.try_paths = {{.paths = {"{path}"}, .fallback = "/d", .status = 403}};
  settings.acme = true;
  settings.reach = {.canonical = Canonical::host,
                    .canonical_host = host("www.a.example"),
                    .redirect_to_https = true,
                    .hsts = {{std::chrono::seconds(31'536'000), true, true}},
                    .trusted_proxies = {*AddressBlock::parse("10.0.0.0/8")}};
  settings.content.settings.deny = {"*.inc", "!*.sql"};
  settings.content.settings.headers = {{"X-A", "1", {404, 5}}, {"Server", {}, {}}};
  settings.content.settings.cors = {{.origins = {"https://b.example"},
                                     .methods = {"PUT"},
                                     .headers = {"X-Y"},
                                     .exposed = {"X-Z"},
                                     .credentials = true,
                                     .max_age = 7}};
  settings.content.settings.caching = {{"image/*", "no-store"}};
  settings.content.settings.types = {{"md", "text/markdown"}};
  settings.content.settings.error_pages = {{404, "/404.html"}, {5, ""}};
  settings.content.owner_settings = {"index", "deny"};
  settings.content.settings.etag = false;
  settings.content.settings.listing = true;
  settings.content.settings.symlinks = Symlinks::owner;
  settings.content.settings.charset = "iso-8859-1";
  settings.timeouts = {std::chrono::milliseconds(1), std::chrono::milliseconds(2),
                       std::chrono::milliseconds(7), std::chrono::milliseconds(3),
                       std::chrono::milliseconds(8)};
  settings.minimum_rates = {.body = 9, .response = 1ULL << 40};
  settings.compression = {.precompressed = {ContentCoding::zstd},
                          .on_the_fly = {ContentCoding::gzip},
                          .min_size = 1ULL << 42,
                          .gzip_level = 9,
                          .brotli_quality = 3,
                          .programs = true,
                          .types = {"a/b", "c/*"}};
  settings.limits = {.connections = 4,
                     .body = 1ULL << 40,
                     .queue = 6,
                     .cache = 1ULL << 41,
                     .quota = {.memory = 1ULL << 42},
                     .per_address = 7,
                     .log = 1ULL << 43};
  settings.log_format = LogFormat::json;
  settings.content.settings.access = {
      .auth = AuthSettings{true, "Members", 3},
      .addresses = {{{*AddressBlock::parse("10.0.0.0/8"), true},
                     {*AddressBlock::parse("2001:db8::/32"), false}}}};
  settings.request_rate = {.count = 8, .per = std::chrono::milliseconds(9), .burst = 10};
  settings.shares_visitors = true;
  settings.landlock = Requirement::if_available;
  settings.tls = {.least = TlsVersion::tls_1_3, .ciphers = {8, 0, 4}};
  settings.http2 = settings.plain_http2 = true;
  settings.programs.resize(2);
  settings.programs[1] = {.kind = ProgramKind::backend,
                          .protocol = ProgramProtocol::http,
                          .name = "proxy",
                          .most_requests = 11,
                          .idle = std::chrono::milliseconds(12),
                          .request = std::chrono::milliseconds(13),
                          .queue = std::chrono::milliseconds(14),
                          .longest_queue = 15,
                          .most_kept = 16};
  settings.content.settings.handlers = {{"php", 1, {"php"}, {"/a"}}, {"cgi", {}, {}, {}}};
  return settings;
}

TEST(SiteSettings, AreUnpackedAsTheyWerePacked) {
  const auto settings = SiteSettings::unpack(sample().pack());
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->hosts, sample().hosts);
  EXPECT_EQ(settings->foreign, sample().foreign);
  EXPECT_EQ(settings->root, "/srv/a");
  EXPECT_EQ(settings->content.settings.index, sample().content.settings.index);
  EXPECT_EQ(settings->timeouts.head.count(), 1);
  EXPECT_EQ(settings->timeouts.idle.count(), 2);
  EXPECT_EQ(settings->timeouts.body.count(), 7);
  EXPECT_EQ(settings->timeouts.send.count(), 3);
  EXPECT_EQ(settings->timeouts.linger.count(), 8);
  EXPECT_EQ(settings->minimum_rates.body, 9u);
  EXPECT_EQ(settings->minimum_rates.response, 1ULL << 40);
  EXPECT_EQ(settings->compression, sample().compression);
  EXPECT_EQ(settings->limits.connections, 4u);
  EXPECT_EQ(settings->limits.body, 1ULL << 40);
  EXPECT_EQ(settings->limits.queue, 6u);
  EXPECT_EQ(settings->limits.cache, 1ULL << 41);
  EXPECT_EQ(settings->log_format, LogFormat::json);
  EXPECT_EQ(settings->limits.quota.memory, 1ULL << 42);
  EXPECT_EQ(settings->limits.per_address, 7u);
  EXPECT_EQ(settings->limits.log, 1ULL << 43);
  const AccessSettings& access = settings->content.settings.access;
  ASSERT_TRUE(access.auth && access.addresses);
  EXPECT_TRUE(access.auth->required);
  EXPECT_EQ(access.auth->realm, "Members");
  EXPECT_EQ(access.auth->list, 3u);
  ASSERT_EQ(access.addresses->size(), 2u);
  EXPECT_EQ(access.addresses->at(0).block, *AddressBlock::parse("10.0.0.0/8"));
  EXPECT_TRUE(access.addresses->at(0).allow);
  EXPECT_EQ(access.addresses->at(1).block, *AddressBlock::parse("2001:db8::/32"));
  EXPECT_FALSE(access.addresses->at(1).allow);
  EXPECT_EQ(settings->request_rate.count, 8u);
  EXPECT_EQ(settings->request_rate.per.count(), 9);
  EXPECT_EQ(settings->request_rate.burst, 10u);
  EXPECT_TRUE(settings->shares_visitors);
  EXPECT_EQ(settings->landlock, Requirement::if_available);
  EXPECT_EQ(settings->tls, sample().tls);
  EXPECT_TRUE(settings->http2 && settings->plain_http2);
  ASSERT_EQ(settings->programs.size(), 2u);
  EXPECT_EQ(settings->programs[1].protocol, ProgramProtocol::http);
  EXPECT_EQ(settings->programs[1].name, "proxy");
  EXPECT_EQ(settings->programs[1].request.count(), 13);
  EXPECT_EQ(settings->programs[1].longest_queue, 15u);
  EXPECT_EQ(settings->programs[1].most_kept, 16u);
  ASSERT_EQ(settings->content.settings.handlers.size(), 2u);
  EXPECT_EQ(settings->content.settings.handlers[0].program, 1u);
  EXPECT_FALSE(settings->content.settings.handlers[1].program);
  EXPECT_EQ(settings->pack(), sample().pack());
}

TEST(SiteSettings, NoTruncationAndNoExtraByteIsUnpacked) {
  const std::string bytes = sample().pack();
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(SiteSettings::unpack(std::string_view(bytes).substr(0, length))) << length;
  }
  EXPECT_FALSE(SiteSettings::unpack(bytes + '\0'));
}

TEST(SiteSettings, ImpossibleValuesAreNotUnpacked) {
  SiteSettings without_hosts = sample();
  without_hosts.hosts.clear();
  EXPECT_FALSE(SiteSettings::unpack(without_hosts.pack()));
  SiteSettings relative = sample();
  relative.root = "srv/a";
  EXPECT_FALSE(SiteSettings::unpack(relative.pack()));
  SiteSettings unnamed = sample();
  unnamed.programs.pop_back();
  EXPECT_FALSE(SiteSettings::unpack(unnamed.pack()));
  SiteSettings closed = sample();
  closed.limits.connections = 0;
  EXPECT_FALSE(SiteSettings::unpack(closed.pack()));
  SiteSettings crooked = sample();
  crooked.content.settings.access.addresses->at(0).block.length = 129;
  EXPECT_FALSE(SiteSettings::unpack(crooked.pack()));
  crooked.content.settings.access.addresses->at(0).block.length =
      4;  // 10.0.0.0 as an IPv6 prefix has bits behind it
  EXPECT_FALSE(SiteSettings::unpack(crooked.pack()));
  SiteSettings unknown_cipher = sample();
  unknown_cipher.tls.ciphers.push_back(tls_ciphers.size());
  EXPECT_FALSE(SiteSettings::unpack(unknown_cipher.pack()));
  SiteSettings unknown_version = sample();
  unknown_version.tls.least = static_cast<TlsVersion>(2);
  EXPECT_FALSE(SiteSettings::unpack(unknown_version.pack()));
}

TEST(SiteSettings, Http2IsSpokenWhereItIsWantedAndTheCertificateIsTheSitesOwn) {
  Configuration configuration = configuration_of({{"a.example"}, {"b.example"}, {"c.example"}});
  configuration.sites[0].certificate_names = {"a.example"};
  configuration.sites[1].certificate_names = {"a.example", "b.example"};
  configuration.sites[2].http2 = false;
  const auto all = site_settings_of(configuration);
  EXPECT_TRUE(all[0].http2);
  EXPECT_FALSE(all[1].http2);
  EXPECT_FALSE(all[2].http2);
}

TEST(SiteSettings, HstsIsALineOfItsOwn) {
  EXPECT_EQ(hsts_line_of({}), "");
  ReachSettings reach;
  reach.hsts = {std::chrono::seconds(0), false, false};
  EXPECT_EQ(hsts_line_of(reach), "Strict-Transport-Security: max-age=0\r\n");
  reach.hsts = {std::chrono::seconds(31'536'000), true, true};
  EXPECT_EQ(hsts_line_of(reach),
            "Strict-Transport-Security: max-age=31536000; includeSubDomains; preload\r\n");
}

TEST(SiteSettings, ASiteServesItsNamesAndNoOthers) {
  const auto all = site_settings_of(configuration_of({{"a.example"}, {"b.example"}}));
  EXPECT_TRUE(all[0].serves(host("a.example")));
  EXPECT_FALSE(all[0].serves(host("b.example")));
  EXPECT_FALSE(all[0].serves(host("www.a.example")));
  EXPECT_FALSE(all[1].serves(host("a.example")));
}

TEST(SiteSettings, ANameUnderItsWildcardThatIsAnothersIsNotServed) {
  const auto all = site_settings_of(
      configuration_of({{"*.a.example"}, {"b.a.example"}, {"*.c.a.example", "a.example"}}));
  EXPECT_TRUE(all[0].serves(host("x.a.example")));
  EXPECT_FALSE(all[0].serves(host("b.a.example")));
  EXPECT_TRUE(all[1].serves(host("b.a.example")));
  EXPECT_TRUE(all[0].serves(host("x.b.a.example")));
  EXPECT_FALSE(all[0].serves(host("x.c.a.example")));
  EXPECT_TRUE(all[2].serves(host("x.c.a.example")));
  EXPECT_TRUE(all[0].serves(host("c.a.example")));
}

TEST(SiteSettings, GiveEachWorkerItsShareOfTheSitesConnections) {
  Configuration configuration = configuration_of({{"a.example"}});
  Site& site = configuration.sites[0];
  site.limits.connections = 10;
  const auto share = [&](std::uint32_t workers) {
    site.life.most_workers = workers;
    return site_settings_of(configuration)[0].limits.connections;
  };
  EXPECT_EQ(share(1), 10u);
  EXPECT_EQ(share(4), 3u);
  EXPECT_EQ(share(12), 1u);
}

TEST(SiteSettings, TellASiteNoNamesButThoseUnderItsWildcards) {
  const auto all = site_settings_of(
      configuration_of({{"*.a.example", "x.a.example"}, {"b.a.example", "b.example"}}));
  EXPECT_EQ(all[0].foreign, std::vector<HostPattern>{*HostPattern::parse("b.a.example")});
  EXPECT_TRUE(all[1].foreign.empty());
}

// The router and the worker each decide for themselves whose a name is; were they to differ, a
// connection could reach a worker that serves it as its own, or nobody could serve it.
TEST(SiteSettings, ExactlyTheSiteThatTheRouteTableNamesServesAName) {
  const Configuration configuration = configuration_of({{"*.example", "a.example"},
                                                        {"*.b.example", "x.c.b.example"},
                                                        {"*.c.b.example", "b.example"},
                                                        {"d.c.b.example", "*.d.c.b.example"},
                                                        {"c.b.example"}});
  const auto all = site_settings_of(configuration);
  const std::string table_bytes = pack_route_table(configuration);
  const auto table = RouteTable::load(table_bytes);
  ASSERT_TRUE(table);
  const std::string_view labels[] = {"", "a.", "b.", "c.", "d.", "x."};
  int asked = 0;
  for (const auto one : labels) {
    for (const auto two : labels) {
      for (const auto three : labels) {
        for (const auto four : labels) {
          const std::string text =
              std::string(one).append(two).append(three).append(four) + "example";
          const auto site = table->find(host(text));
          for (std::uint32_t i = 0; i < all.size(); ++i) {
            EXPECT_EQ(all[i].serves(host(text)), site && site->value == i) << text << " " << i;
          }
          ++asked;
        }
      }
    }
  }
  EXPECT_EQ(asked, 6 * 6 * 6 * 6);
}

}  // namespace
}  // namespace perchild::test::site_settings_test
