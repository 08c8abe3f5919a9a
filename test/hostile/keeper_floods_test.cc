// Workers that have been taken over and ask the keeper for as much as they may, at all times:
// others get their signatures all the same.
#include <gtest/gtest.h>
#include <signal.h>

#include "test/hostile/replaced_role.h"
#include "test/support/certificate_files.h"
#include "test/support/client.h"
#include "test/support/server.h"
#include "test/support/tls_client.h"

namespace perchild::test::keeper_floods_test {
namespace {

const std::string soon_at_an_end = R"(, "drain_timeout": "500ms")";  // which they do not heed
const std::string self_signed = R"(, "tls": "self-signed")";

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

TEST(FloodedKeeper, SignsForOtherSites) {
  const ReplacedRole worker(Role::worker);
  Server server(
      {.sites = {{"bad.example",
                  {{"order", "tell_keeper flood"}},
                  self_signed + R"(, "start": "always", "workers": 2)"},
                 {"good.example", {{"index.html", "of good"}, {"order", "serve"}}, self_signed}},
       .more = soon_at_an_end,
       .bin = worker.bin(),
       .listen = R"([{ "address": "127.0.0.1:PORT", "tls": true }])"});
  const auto answers = [&] { return count_of(server.error_log(0), "flood answered"); };
  ASSERT_TRUE(eventually([&] { return answers() >= 10; })) << server.error_log(0) << server.log();
  for (int i = 0; i < 50; ++i) {
    const std::string response =
        tls_get(server.port(), "good.example", {.server_name = "good.example"});
    ASSERT_NE(response.find("of good"), std::string::npos) << i << response;
  }
  const std::size_t so_far = answers();
  EXPECT_TRUE(eventually([&] { return answers() > so_far + 10; })) << "the flood goes on";
  EXPECT_EQ(server.workers_of(0).size(), 2u);
  EXPECT_EQ(server.log().find("ended"), std::string::npos) << "it keeps within the bound";
}

// All have the same with a keeper that stands still. When it goes on, the site of one worker is
// ready when that of four, which has asked for four times as much, has had as much as it.
TEST(FloodedKeeper, GivesEachSiteItsTurnHoweverManyWorkersItHas) {
  const TemporaryDirectory folder;
  const ReplacedRole worker(Role::worker);
  std::vector<SiteSpec> sites;
  for (const std::string name : {"a", "b"}) {
    const std::string host = name + ".example";
    const CertificateFiles files = make_certificate(folder.path(), name, {host}, "rsa:2048");
    sites.push_back({host,
                     {{"order", "tell_keeper once rsa"}},
                     R"(, "tls": )" + CertificateFiles::json({files})});
  }
  sites[0].more += R"(, "workers": 4)";
  Server server({.sites = sites, .more = soon_at_an_end, .bin = worker.bin()});
  const auto keeper = server.keepers().at(0).pid;
  const auto all_have = [&](const std::string& what) {
    return eventually([&] {
      return count_of(server.error_log(0), what) == 4 && count_of(server.error_log(1), what) == 1;
    });
  };
  ASSERT_EQ(::kill(keeper, SIGSTOP), 0);
  Client to_a(server.port());
  to_a.send("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
  Client to_b(server.port());
  to_b.send("GET / HTTP/1.1\r\nHost: b.example\r\n\r\n");
  ASSERT_TRUE(all_have("once asked")) << server.log();
  const auto begin = now_ms() % 1'000'000'000;
  ASSERT_EQ(::kill(keeper, SIGCONT), 0);
  ASSERT_TRUE(all_have("once answered")) << server.error_log(0) << server.error_log(1);
  const std::string what = "tell_keeper once answered";
  const auto time_of_a = reported_attacks(server.error_log(0)).at(what) - begin;
  const auto time_of_b = reported_attacks(server.error_log(1)).at(what) - begin;
  // Two of five parts, where it would be all if each worker had its turn.
  EXPECT_LT(time_of_b * 10, time_of_a * 7) << time_of_b << " of " << time_of_a << " ms";
}

}  // namespace
}  // namespace perchild::test::keeper_floods_test
