// How a site is reached: good settings and mistakes, each where it stands.
#include "policy/configuration_reach.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "test/policy/marked_text.h"

namespace perchild::test::configuration_reach_test {
namespace {

struct Read {
  ReachSettings reach;
  std::vector<Mistake> mistakes;
};

// As of a vhost that has these hosts.
Read read_text(const std::string& text) {
  Read read;
  const auto document = JsonDocument::parse("site.json", text, read.mistakes);
  if (!document) return read;
  Report report(read.mistakes);
  read_reach(report, document->root(), read.reach);
  const std::vector<HostPattern> hosts{*HostPattern::parse("b.example"),
                                       *HostPattern::parse("*.b.example")};
  check_canonical(report, document->root(), read.reach, hosts);
  return read;
}

// '^' marks the place of the one mistake.
struct Case {
  std::string_view text;
  std::string_view sentence;
  std::string_view hint = {};
  Severity severity = Severity::error;
};
std::ostream& operator<<(std::ostream& out, const Case& one) {
  return out << one.text;
}

class ReachMistake : public testing::TestWithParam<Case> {};

TEST_P(ReachMistake, IsShownWhereItIsAndIsTheOnlyOne) {
  const Case& one = GetParam();
  const MarkedText marked(one.text);
  const Read read = read_text(marked.text);
  ASSERT_EQ(read.mistakes.size(), 1U);
  const Mistake& mistake = read.mistakes[0];
  EXPECT_EQ(mistake.sentence, one.sentence);
  EXPECT_EQ(mistake.hint, one.hint);
  EXPECT_EQ(mistake.severity, one.severity);
  EXPECT_EQ(std::to_string(mistake.line) + ":" + std::to_string(mistake.column), marked.place);
}

const Case cases[] = {
    {R"({"canonical": ^"a.example"})", R"("a.example" is not among the hosts of this vhost)",
     "add it to them"},
    {R"({"canonical": ^"*.b.example"})", R"("*.b.example" is not a host name)",
     R"("canonical" is "www", "apex" or one of the vhost's hosts)"},
    {R"({"canonical": ^true})", R"("canonical" must be a string, but is true or false)"},
    {R"({"canonical": ^"www"})", R"(no host of this vhost stands in it with and without "www.")",
     "nothing is redirected", Severity::warning},
    {R"({"https": ^"always"})", R"("https" must be "optional" or "redirect")"},
    {R"({"hsts": ^{ "preload": true }})", R"("hsts" needs "max_age")",
     R"(for example "1y"; a browser forgets 0)"},
    {R"({"hsts": { "max_age": "1y", ^"subdomains": true }})", R"("hsts" has no key "subdomains")",
     "its keys are max_age, include_subdomains and preload"},
    {R"({"hsts": { "max_age": ^"11y" }})",
     R"("max_age" is not a number of seconds up to ten years)",
     R"(or one with a unit: "30d", "1y")"},
    {R"({"hsts": { "max_age": ^-1 }})", R"("max_age" is not a number of seconds up to ten years)",
     R"(or one with a unit: "30d", "1y")"},
    {R"({"hsts": { "max_age": "1y", "preload": ^true }})",
     R"(browsers preload no site without "include_subdomains" and a "max_age" of a year)"},
    {R"({"trusted_proxies": [^"proxy"]})", R"("proxy" is no address and no block of addresses)",
     "for example \"192.0.2.7\", \"10.0.0.0/8\", \"2001:db8::/32\"; behind its prefix a block has "
     "no bits"},
};
INSTANTIATE_TEST_SUITE_P(All, ReachMistake, testing::ValuesIn(cases));

TEST(Reach, AnAgeIsOfSecondsDaysOrYears) {
  const auto age = [](const std::string& max_age) {
    const Read read = read_text(R"({"hsts": { "max_age": )" + max_age + " }}");
    return read.reach.hsts ? read.reach.hsts->max_age.count() : -1;
  };
  EXPECT_EQ(age("0"), 0);
  EXPECT_EQ(age("63072000"), 63'072'000);
  EXPECT_EQ(age("\"300\""), 300);
  EXPECT_EQ(age("\"30d\""), 30 * 86'400);
  EXPECT_EQ(age("\"10y\""), 3650LL * 86'400);
}

TEST(Reach, TheCanonicalNameMayBeUnderAWildcardAndInUnicode) {
  const Read read = read_text(R"({"canonical": "bücher.b.example", "hsts": false})");
  EXPECT_TRUE(read.mistakes.empty());
  EXPECT_EQ(read.reach.canonical, Canonical::host);
  EXPECT_EQ(read.reach.canonical_host, HostName::parse("xn--bcher-kva.b.example"));
  EXPECT_FALSE(read.reach.hsts.has_value());
}

}  // namespace
}  // namespace perchild::test::configuration_reach_test
