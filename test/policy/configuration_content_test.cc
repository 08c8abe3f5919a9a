// What can be said about content: good settings and mistakes, each where it stands.
#include "policy/configuration_content.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "test/policy/marked_text.h"

namespace perchild::test {
namespace {

struct Read {
  Content content;
  std::vector<Mistake> mistakes;
};

// As of a vhost that says nothing else.
Read read_text(const std::string& text) {
  Read read;
  const auto document = JsonDocument::parse("site.json", text, read.mistakes);
  if (!document) return read;
  Report report(read.mistakes);
  read_content(report, document->root(), read.content);
  return read;
}

std::string told(const std::vector<Mistake>& mistakes) {
  std::string all;
  for (const Mistake& mistake : mistakes) all += format_mistake(mistake);
  return all;
}

// '^' marks the place of the one mistake.
struct Case {
  std::string_view text;
  std::string_view sentence;
  std::string_view hint = {};
};
std::ostream& operator<<(std::ostream& out, const Case& one) {
  return out << one.text;
}

class ContentMistake : public testing::TestWithParam<Case> {};

TEST_P(ContentMistake, IsShownWhereItIsAndIsTheOnlyOne) {
  const Case& one = GetParam();
  const MarkedText marked(one.text);
  const Read read = read_text(marked.text);
  ASSERT_EQ(read.mistakes.size(), 1U) << told(read.mistakes);
  const Mistake& mistake = read.mistakes[0];
  EXPECT_EQ(mistake.sentence, one.sentence);
  EXPECT_EQ(mistake.hint, one.hint);
  EXPECT_EQ(std::to_string(mistake.line) + ":" + std::to_string(mistake.column), marked.place);
}

constexpr std::string_view path_forms =
    R"(it begins with '/', is not percent-encoded, and has no empty part, "." or ".." in it)";

const Case location_cases[] = {
    {R"({"locations": ^{}})", R"("locations" must be an array, but is an object)"},
    {R"({"locations": [^1]})", R"(an element of "locations" must be an object, but is a number)"},
    {R"({"locations": [^{"index": []}]})", R"(a location needs "prefix", "exact" or "pattern")",
     R"(for example { "prefix": "/images", ... })"},
    {R"({"locations": [{"prefix": "/a", ^"exact": "/a"}]})", "a location is named in one way only"},
    {R"({"locations": [{^"prefixx": "/a", "exact": "/a"}]})", R"(a location has no key "prefixx")",
     R"(did you mean "prefix"?)"},
    {R"({"locations": [{"prefix": ^"a"}]})", R"("a" is not a path within a site)", path_forms},
    {R"({"locations": [{"prefix": ^"/a//b"}]})", R"("/a//b" is not a path within a site)",
     path_forms},
    {R"({"locations": [{"exact": ^"/a/../b"}]})", R"("/a/../b" is not a path within a site)",
     path_forms},
    {R"({"locations": [{"exact": ^""}]})", R"("exact" must be no empty string)"},
    {R"({"locations": [{"pattern": ^"a(b"}]})",
     R"("a(b" is no pattern: missing closing parenthesis, at character 4)",
     "patterns are those of PCRE2, as Perl has them"},
    {R"({"locations": [{"pattern": ^"(*UTF)a"}]})",
     R"("(*UTF)a" is no pattern: using UTF is disabled by the application, at character 7)",
     "patterns are those of PCRE2, as Perl has them"},
    {R"({"locations": [{"prefix": "/a/"}, ^{"prefix": "/a"}]})",
     "there is a location of this name already"},
    {R"({"locations": [{"prefix": "/a", "index": [^"b/c"]}]})",
     R"("b/c" is not the name of a file in a folder)"},
};
INSTANTIATE_TEST_SUITE_P(Locations, ContentMistake, testing::ValuesIn(location_cases));

TEST(ConfigurationContent, LocationsKeepTheirOrderAndKinds) {
  const Read read = read_text(R"({"locations": [
    {"pattern": "\\.png$", "index": ["p"]},
    {"prefix": "/"},
    {"prefix": "/a/", "index": []},
    {"exact": "/a/"}]})");
  ASSERT_TRUE(read.mistakes.empty()) << told(read.mistakes);
  const auto& locations = read.content.locations;
  ASSERT_EQ(locations.size(), 4U);
  EXPECT_EQ(locations[0].kind, Location::Kind::pattern);
  EXPECT_EQ(locations[0].match, "\\.png$");
  EXPECT_EQ(locations[0].settings.index, std::vector<std::string>{"p"});
  EXPECT_EQ(locations[1].kind, Location::Kind::prefix);
  EXPECT_EQ(locations[1].match, "");
  EXPECT_FALSE(locations[1].settings.index);
  EXPECT_EQ(locations[2].match, "/a");
  EXPECT_EQ(locations[2].settings.index, std::vector<std::string>{});
  EXPECT_EQ(locations[3].kind, Location::Kind::exact);
  EXPECT_EQ(locations[3].match, "/a/");
}

TEST(ConfigurationContent, ThereIsAMostOfLocationsAndOfPatterns) {
  std::string many = R"({"locations": [)";
  for (int i = 0; i < 101; ++i) {
    many += (i == 0 ? "" : ",") + (R"({"pattern": "a)" + std::to_string(i)) + "\"}";
  }
  const Read read = read_text(many + "]}");
  ASSERT_EQ(read.mistakes.size(), 1U);
  EXPECT_EQ(read.mistakes[0].pointer, "/locations/100");
}

}  // namespace
}  // namespace perchild::test
