// What can be said about content: good settings and mistakes, each where it stands.
#include "policy/configuration_content.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "policy/owner_settings.h"
#include "test/policy/configuration_fakes.h"
#include "test/policy/marked_text.h"

namespace perchild::test::configuration_content_test {
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
  std::vector<PasswordList> lists;
  std::vector<ProgramSettings> programs;
  FakeSystem system;
  OperatorsPart operators{lists, programs, system};
  Report report(read.mistakes);
  read_content(report, document->root(), read.content, &operators);
  return read;
}

std::string told(const std::vector<Mistake>& mistakes) {
  std::string all;
  for (const Mistake& mistake : mistakes) all += format_mistake(mistake);
  return all;
}

class ContentMistake : public testing::TestWithParam<MarkedMistake> {};

TEST_P(ContentMistake, IsShownWhereItIsAndIsTheOnlyOne) {
  const MarkedMistake& one = GetParam();
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

const MarkedMistake location_cases[] = {
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

constexpr std::string_view target_forms =
    "a target is an address with $1 or {path} in it; other characters must be percent-encoded";
constexpr std::string_view capture_rule =
    R"(groups of a "pattern" are captured; a prefix has $1, what follows it)";
constexpr std::string_view within_rule =
    R"(it begins with '/' or "{path}", and has no "..", '#' or '%' in it)";

const MarkedMistake move_cases[] = {
    {R"({"redirect": ^7})", R"("redirect" must be an array, but is a number)"},
    {R"({"redirect": ^{"status": 301}})", R"("redirect" needs "to")",
     R"(for example "to": "/elsewhere")"},
    {R"({"redirect": {"to": "/a", "status": ^304}})",
     R"("status" must be 301, 302, 303, 307, 308 or 410)"},
    {R"({"redirect": {"status": 410, "to": ^"/a"}})",
     R"(what is gone is nowhere else: 410 has no "to")"},
    {R"({"redirect": [{"to": "/a", ^"querry": "drop"}]})", R"(a redirect has no key "querry")",
     R"(did you mean "query"?)"},
    {R"({"redirect": {"to": "/a", "query": ^"drops"}})", R"("query" must be "keep" or "drop")",
     R"(did you mean "drop"?)"},
    {R"({"redirect": {"to": ^"//evil.example/"}})",
     R"("//evil.example/" is no address to redirect to)",
     R"(it begins with '/', "http://" or "https://")"},
    {R"({"redirect": {"to": ^"a b"}})",
     R"("a b" is no target: this character cannot stand here as it is, at character 2)",
     target_forms},
    {R"({"redirect": {"to": ^"/a$1"}})", "there is no $1 here: nothing is captured", capture_rule},
    {R"({"redirect": {"pattern": "(a)b", "to": ^"/a$2"}})", "there is no $2 here: $1 is the last",
     capture_rule},
    {R"({"locations": [{"prefix": "/a", "redirect": {"to": ^"/b$2"}}]})",
     "there is no $2 here: $1 is the last", capture_rule},
    {R"({"locations": [{"pattern": "(a)(b)$", "redirect": {"to": "/b$2", "pattern": ^"("}}]})",
     R"("(" is no pattern: missing closing parenthesis, at character 2)",
     "patterns are those of PCRE2, as Perl has them"},
    {R"({"rewrite": {"to": ^"https://a.example/"}})",
     R"("https://a.example/" is not a path within this site)", within_rule},
    {R"({"rewrite": {"to": ^"/a/../b"}})", R"("/a/../b" is not a path within this site)",
     within_rule},
    {R"({"rewrite": {"to": "/a", ^"status": 301}})", R"(a rewrite has no key "status")",
     "its keys are pattern, to and query"},
    {R"({"try": ^"{path}"})", R"("try" must be an array, but is a string)"},
    {R"({"try": ["{path}", 404, ^"/a"]})", "nothing can follow a status"},
    {R"({"try": ["{path}", ^200]})", R"(an element of "try" must be 403, 404 or 410)"},
    {R"({"try": [^"index.html", 404]})", R"("index.html" is not a path within this site)",
     within_rule},
    {R"({"try": [^"$1", 404]})", R"("$1" is not a path within this site)", within_rule},
    {R"({"deny": [^"a/b"]})", R"("a/b" is not the pattern of a name)",
     R"(a name has no '/' in it; "*" is any text, "!*.sql" is served after all)"},
    {R"({"deny": [^"!"]})", R"("!" is not the pattern of a name)",
     R"(a name has no '/' in it; "*" is any text, "!*.sql" is served after all)"},
};
INSTANTIATE_TEST_SUITE_P(Moves, ContentMistake, testing::ValuesIn(move_cases));

constexpr std::string_view type_forms = R"(for example "text/css", "image/*", or "*" for all)";

const MarkedMistake header_cases[] = {
    {R"({"headers": ^[]})", R"("headers" must be an object, but is an array)"},
    {R"({"headers": {^"Content-Length": "1"}})",
     R"("Content-Length" is the server's own to say, or to leave out)"},
    {R"({"headers": {^"transfer-encoding": null}})",
     R"("transfer-encoding" is the server's own to say, or to leave out)"},
    {R"({"headers": {^"Location": "/"}})",
     R"("Location" is the server's own to say, or to leave out)", R"(see "redirect")"},
    {R"({"headers": {^"X Y": "1"}})", R"("X Y" is not the name of a header)"},
    {R"({"headers": {"X": ^"a\r\nY: b"}})", R"("X" must not hold a control character)"},
    {R"({"headers": {"X": ^1}})", R"("X" must be a string, but is a number)"},
    {R"({"headers": {"ETag": ^"1"}})",
     R"("ETag" says which version of a file it is: it can only be taken out)", "null takes it out"},
    {R"({"headers": {"X": ^{"on": "always"}}})", R"("X" needs "value")"},
    {R"({"headers": {"X": {"value": "a", "on": [^"9xx"]}}})",
     R"(a status is a number such as 404, or a class such as "4xx")"},
    {R"({"headers": {"X": {"value": "a", "on": ^[]}}})", R"("on" must name at least one status)"},
    {R"({"cors": ^true})", R"("cors" must be an object, but is true or false)"},
    {R"({"cors": ^{}})", R"("cors" needs "origins")", R"(for example "origins": ["*"])"},
    {R"({"cors": {"origins": [^"a.example"]}})",
     R"("a.example" is not an origin: "https://a.example", or "*")"},
    {R"({"cors": {"origins": [^"https://a.example/"]}})",
     R"("https://a.example/" is not an origin: "https://a.example", or "*")"},
    {R"({"cors": {"origins": ^["*", "https://a.example"]}})", R"("*" stands alone)"},
    {R"({"cors": {"origins": ^["*"], "credentials": true}})",
     R"("*" and "credentials" do not go together)",
     "name the origins whose visitors may use their cookies here"},
    {R"({"cors": {"origins": ["*"], "methods": [^"P T"]}})", R"("P T" is not a method)"},
    {R"({"expires": {^"css": "1h"}})", R"("css" is not a media type)", type_forms},
    {R"({"expires": {"text/css": ^"no-stroe"}})",
     R"("no-stroe" is neither a duration nor a directive of Cache-Control)",
     R"(did you mean "no-store"?)"},
    {R"({"expires": {"text/css": ^"public, 30x"}})",
     R"("30x" is neither a duration nor a directive of Cache-Control)",
     R"(for example "30d", "no-store" or "public, max-age=3600")"},
    {R"({"symlinks": ^"below"})", R"("symlinks" must be "none", "owner" or "beneath")", ""},
    {R"({"listing": ^"on"})", R"("listing" must be true or false, but is a string)"},
    {R"({"etag": ^1})", R"("etag" must be true or false, but is a number)"},
    {R"({"charset": ^"utf 8"})", R"("utf 8" is not the name of a charset)",
     R"(for example "utf-8", or false for none)"},
    {R"({"types": {^".md": "text/markdown"}})", R"(".md" is not the extension of a file name)",
     R"(it is what stands behind the last dot: "md")"},
    {R"({"types": {"md": ^"markdown"}})", R"("markdown" is not a media type)",
     R"(for example "text/plain")"},
    {R"({"error_pages": {^"200": "/a"}})", R"("200" is not the status of an error)",
     R"(for example "404", or "5xx" for all of a class)"},
    {R"({"error_pages": {"404": ^"a.html"}})", R"("a.html" is not a path within a site)",
     path_forms},
};
INSTANTIATE_TEST_SUITE_P(Headers, ContentMistake, testing::ValuesIn(header_cases));

TEST(ConfigurationContent, HeadersTypesAndPagesAreRead) {
  const Read read = read_text(R"({
    "headers": {"X-A": "1", "Server": null, "X-B": {"value": "2", "on": [404, "5xx"]},
                "X-C": {"value": "3", "on": "always"}},
    "cors": {"origins": ["https://b.example:8443"], "methods": ["PUT"], "headers": ["X-Y"],
             "expose": ["X-Z"], "credentials": true, "max_age": "1h"},
    "expires": {"image/*": "30d", "text/html": 0, "*": "no-cache, private"},
    "symlinks": "owner", "etag": false, "listing": true, "charset": "ISO-8859-1", "types": {"MD": "text/markdown"},
    "error_pages": {"404": "/404.html", "5xx": "/5xx.html", "403": null}})");
  ASSERT_TRUE(read.mistakes.empty()) << told(read.mistakes);
  const ContentSettings& settings = read.content.settings;
  ASSERT_EQ(settings.headers.size(), 4U);
  EXPECT_EQ(settings.headers[0].statuses, (std::vector<std::uint16_t>{2, 3}));
  EXPECT_FALSE(settings.headers[1].value);
  EXPECT_TRUE(settings.headers[1].statuses.empty());
  EXPECT_EQ(settings.headers[2].statuses, (std::vector<std::uint16_t>{404, 5}));
  EXPECT_TRUE(settings.headers[3].statuses.empty());
  ASSERT_TRUE(settings.cors);
  EXPECT_EQ(settings.cors->origins, std::vector<std::string>{"https://b.example:8443"});
  EXPECT_EQ(settings.cors->max_age, 3600U);
  EXPECT_TRUE(settings.cors->credentials);
  ASSERT_EQ(settings.caching.size(), 3U);
  EXPECT_EQ(settings.caching[0].value, "max-age=2592000");
  EXPECT_EQ(settings.caching[1].value, "max-age=0");
  EXPECT_EQ(settings.caching[2].value, "no-cache, private");
  EXPECT_EQ(settings.etag, false);
  EXPECT_EQ(settings.listing, true);
  EXPECT_EQ(settings.symlinks, Symlinks::owner);
  EXPECT_EQ(settings.charset, "iso-8859-1");
  EXPECT_EQ(settings.types[0].extension, "md");
  ASSERT_EQ(settings.error_pages.size(), 3U);
  EXPECT_EQ(settings.error_pages[1].status, 5);
  EXPECT_EQ(settings.error_pages[2].path, "");
}

TEST(ConfigurationContent, RedirectsRewritesAndPathsToTryAreRead) {
  const Read read = read_text(R"({
    "redirect": [{"pattern": "^/(a)b", "to": "/$1", "status": 308, "query": "drop"},
                 {"status": 410, "pattern": "x"}],
    "rewrite": {"to": "{path}.html"},
    "try": ["{path}", "{path}/", "/index.php?q={path}", 404],
    "deny": ["*.inc", "!*.sql"],
    "locations": [{"prefix": "/a", "try": ["{path}", "/a/index.html"], "redirect": []}]
})");
  ASSERT_TRUE(read.mistakes.empty()) << told(read.mistakes);
  const ContentSettings& settings = read.content.settings;
  ASSERT_EQ(settings.redirect->size(), 2U);
  EXPECT_EQ((*settings.redirect)[0].pattern, "^/(a)b");
  EXPECT_EQ((*settings.redirect)[0].to, "/$1");
  EXPECT_EQ((*settings.redirect)[0].status, 308);
  EXPECT_FALSE((*settings.redirect)[0].keep_query);
  EXPECT_EQ((*settings.redirect)[1].status, 410);
  EXPECT_EQ((*settings.redirect)[1].to, "");
  ASSERT_EQ(settings.rewrite->size(), 1U);
  EXPECT_EQ((*settings.rewrite)[0].to, "{path}.html");
  EXPECT_TRUE((*settings.rewrite)[0].keep_query);
  EXPECT_EQ(settings.try_paths->paths.size(), 3U);
  EXPECT_FALSE(settings.try_paths->fallback);
  EXPECT_EQ(settings.try_paths->status, 404);
  EXPECT_EQ(settings.deny, (std::vector<std::string>{"*.inc", "!*.sql"}));
  const ContentSettings& location = read.content.locations[0].settings;
  EXPECT_TRUE(location.redirect->empty());
  EXPECT_EQ(location.try_paths->paths, std::vector<std::string>{"{path}"});
  EXPECT_EQ(location.try_paths->fallback, "/a/index.html");
}

TEST(OwnerSettings, MaySayNoMoreThanTheOperatorLetsThem) {
  const std::vector<std::string> topics{"index", "deny"};
  const auto good = read_owner_settings(
      R"({"index": ["a"], "locations": [{"prefix": "/a", "deny": ["b"]}]})", topics);
  ASSERT_TRUE(good.content) << told(good.mistakes);
  EXPECT_EQ(good.content->settings.index, std::vector<std::string>{"a"});
  EXPECT_EQ(good.content->locations.size(), 1U);

  const auto more = read_owner_settings(
      R"({"etag": false, "locations": [{"prefix": "/a", "headers": {}}]})", topics);
  EXPECT_FALSE(more.content);
  ASSERT_EQ(more.mistakes.size(), 2U) << told(more.mistakes);
  EXPECT_EQ(more.mistakes[0].sentence,
            R"(the operator of this server has not left "etag" to its sites)");
  EXPECT_EQ(more.mistakes[1].pointer, "/locations/0/headers");
}

TEST(OwnerSettings, WhatIsNotKnownIsAMistakeAndNeverSkipped) {
  for (const char* text : {R"({"indx": []})", R"({"root": "/"})", R"({"owner_settings": true})",
                           R"({"locations": [{"prefix": "/a", "user": "root"}]})", "[]", "", "{"}) {
    const auto read = read_owner_settings(text, std::vector<std::string>{"index"});
    EXPECT_FALSE(read.content) << text;
    EXPECT_GE(read.mistakes.size(), 1U) << text;
  }
}

TEST(OwnerSettings, AreBoundedInSizeAndDepth) {
  EXPECT_FALSE(read_owner_settings("{}" + std::string(most_owner_settings_bytes, ' '), {}).content);
  EXPECT_TRUE(
      read_owner_settings("{}" + std::string(most_owner_settings_bytes - 2, ' '), {}).content);
  EXPECT_FALSE(read_owner_settings(std::string(1000, '['), {}).content);
}

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
}  // namespace perchild::test::configuration_content_test
