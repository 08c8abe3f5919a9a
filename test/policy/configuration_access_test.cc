// "auth", "access" and "rates": what they become, and what can be wrong with them.
#include "policy/configuration_access.h"

#include <gtest/gtest.h>

#include <string>

#include "policy/configuration_json.h"
#include "test/policy/configuration_fakes.h"

namespace perchild::test::configuration_access_test {
namespace {

constexpr std::string_view hash = "$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0";

ReadConfiguration read_with(const std::string& defaults, const std::string& vhost) {
  FakeSystem system;
  FakeFiles files;
  files.texts["perchild.json"] = R"({ "listen": [{ "address": "127.0.0.1:80" }],
    "id_range": [1000, 29999], "defaults": {)" +
                                 defaults + R"(},
    "vhosts": [{ "hosts": ["a.example"], "uid": 20001, "root": "/srv/a")" +
                                 (vhost.empty() ? "" : ", ") + vhost + "}] }";
  return read_configuration("perchild.json", files, system);
}

Site good(const std::string& defaults, const std::string& vhost) {
  const ReadConfiguration read = read_with(defaults, vhost);
  for (const Mistake& mistake : read.mistakes) {
    if (mistake.severity == Severity::error) ADD_FAILURE() << format_mistake(mistake);
  }
  EXPECT_TRUE(read.configuration);
  return read.configuration->sites.at(0);
}

std::string auth(const std::string& users) {
  return R"("auth": { "realm": "R", "users": {)" + users + "} }";
}
const std::string alice = "\"alice\": \"" + std::string(hash) + "\"";

TEST(AccessConfiguration, IsEmptyIfNothingIsSaid) {
  const Site site = good("", "");
  EXPECT_FALSE(site.content.settings.access.auth);
  EXPECT_FALSE(site.content.settings.access.addresses);
  EXPECT_TRUE(site.password_lists.empty());
  EXPECT_EQ(site.request_rate.count, 0u);
  EXPECT_EQ(site.limits.per_address, 0u);
}

TEST(AccessConfiguration, HoldsUsersBlocksAndRates) {
  const Site site = good("", auth(alice) + R"(, "access": { "allow": ["10.0.0.0/8"],
      "deny": ["all"] }, "rates": { "requests": { "per_address": "300/m", "burst": 20 } },
      "limits": { "per_address": 9 })");
  ASSERT_TRUE(site.content.settings.access.auth);
  EXPECT_EQ(site.content.settings.access.auth->realm, "R");
  ASSERT_LT(site.content.settings.access.auth->list, site.password_lists.size());
  const PasswordList& list = site.password_lists[site.content.settings.access.auth->list];
  ASSERT_EQ(list.users.size(), 1u);
  EXPECT_EQ(list.users[0].name, "alice");
  EXPECT_EQ(list.users[0].hash, hash);
  ASSERT_EQ(site.content.settings.access.addresses->size(), 2u);
  EXPECT_TRUE(site.content.settings.access.addresses->at(0).allow);
  EXPECT_EQ(site.content.settings.access.addresses->at(0).block,
            *AddressBlock::parse("10.0.0.0/8"));
  EXPECT_FALSE(site.content.settings.access.addresses->at(1).allow);
  EXPECT_EQ(site.content.settings.access.addresses->at(1).block, AddressBlock{});
  EXPECT_EQ(site.request_rate.count, 300u);
  EXPECT_EQ(site.request_rate.per, std::chrono::minutes(1));
  EXPECT_EQ(site.request_rate.burst, 20u);
  EXPECT_EQ(site.limits.per_address, 9u);
}

TEST(AccessConfiguration, IsInheritedOverriddenAndSwitchedOff) {
  EXPECT_EQ(good(auth(alice), "").password_lists.at(0).users.at(0).name, "alice");
  const Site own = good(auth(alice), R"("auth": { "file": "/srv/.htpasswd" })");
  EXPECT_EQ(own.password_lists.at(own.content.settings.access.auth->list).file, "/srv/.htpasswd");
  EXPECT_EQ(own.content.settings.access.auth->realm, "Restricted");
  const Site off = good(auth(alice), R"("auth": false)");
  EXPECT_FALSE(off.content.settings.access.auth->required);
  EXPECT_TRUE(off.password_lists.empty());
  const Site open = good(R"("access": { "deny": ["all"] })", R"("access": {})");
  EXPECT_TRUE(open.content.settings.access.addresses->empty());
}

TEST(AccessConfiguration, OfALocationHasItsUsersAmongThoseOfTheSite) {
  const Site site = good("", R"("locations": [
      { "prefix": "/a", "auth": { "file": "/srv/a" } },
      { "prefix": "/b", "auth": { "file": "/srv/b" }, "access": { "allow": ["::1"] } },
      { "prefix": "/b/open", "auth": false }])");
  ASSERT_EQ(site.content.locations.size(), 3u);
  for (std::size_t i = 0; i < 2; ++i) {
    const AccessSettings& access = site.content.locations[i].settings.access;
    ASSERT_TRUE(access.auth && access.auth->required);
    EXPECT_EQ(site.password_lists.at(access.auth->list).file, i == 0 ? "/srv/a" : "/srv/b");
    EXPECT_EQ(access.addresses.has_value(), i == 1);
  }
  EXPECT_FALSE(site.content.locations[2].settings.access.auth->required);
}

TEST(AccessConfiguration, EachMistakeIsSaid) {
  const struct {
    std::string vhost;
    std::string sentence;
  } cases[] = {
      {R"("auth": { "realm": "R" })", R"("auth" needs either "users" or a "file")"},
      {R"("auth": true)", R"("auth" must be an object)"},
      {R"("auth": { "users": {}, "file": "/x" })", R"("auth" needs either "users" or a "file")"},
      {R"("auth": { "file": "x" })", R"("file" must be an absolute path)"},
      {R"("auth": { "users": {} })", R"("users" must name at least one user)"},
      {R"("auth": { "realm": "\u00e4", "file": "/x" })", R"("realm" must be of ASCII)"},
      {auth(R"("a:b": "x")"), R"("a:b" cannot be a user name)"},
      {auth(R"("bob": "pa55word")"),
       R"(what stands for the password of "bob" is not a password hash of a kind that is taken)"},
      {auth(R"("bob": "$2y$04$x")"), R"("bob" is not a complete password hash)"},
      {auth(R"("bob": "$y$jzz$abcdefgh$7uryFExhLbAhrpK1WytVzeNObCUVaK3VoKccP3fJEIB")"),
       R"("bob" is a password hash that takes too long, or too much memory, to check)"},
      {R"("access": { "allow": "all" })", R"("allow" must be an array)"},
      {R"("access": { "allow": ["10.0.0.1/8"] })",
       R"("10.0.0.1/8" is no address and no block of addresses)"},
      {R"("access": { "permit": [] })", R"("access" has no key "permit")"},
      {R"("rates": { "requests": {} })", R"("requests" needs "per_address")"},
      {R"("rates": { "requests": { "per_address": "10" } })", R"("10" is not a rate)"},
      {R"("rates": { "requests": { "per_address": "0/s" } })", R"("0/s" is not a rate)"},
      {R"("rates": { "requests": { "per_address": "1/s", "burst": 0 } })",
       R"("burst" must be a whole number from 1 to 1000000)"},
      {R"("limits": { "per_address": 0 })", R"("per_address" must be a whole number from 1)"}};
  for (const auto& [vhost, sentence] : cases) {
    const ReadConfiguration read = read_with("", vhost);
    EXPECT_FALSE(read.configuration) << vhost;
    ASSERT_EQ(count_of(read.mistakes, Severity::error), 1u) << vhost;
    const std::string told = format_mistake(read.mistakes.front());
    EXPECT_NE(told.find(sentence), std::string::npos) << told;
    EXPECT_EQ(told.find("is \"pa55word\""), std::string::npos) << told;
  }
}

TEST(AccessConfiguration, RatesHaveACountAndAUnit) {
  EXPECT_EQ(parse_rate("10/s")->burst, 10u);
  EXPECT_EQ(parse_rate("5/h")->per, std::chrono::hours(1));
  for (const char* text : {"", "/", "/s", "10/", "10/d", "-1/s", "1.5/s", "10/s ", "1000001/s"}) {
    EXPECT_FALSE(parse_rate(text)) << text;
  }
}

}  // namespace
}  // namespace perchild::test::configuration_access_test
