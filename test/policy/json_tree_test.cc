#include "policy/json_tree.h"

#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "test/policy/marked_text.h"

namespace perchild::test::json_tree_test {
namespace {

std::unique_ptr<JsonDocument> parse(std::string text, std::vector<Mistake>& mistakes) {
  return JsonDocument::parse("f.json", std::move(text), mistakes);
}

// All values of a document in a row: pointer, where key and value stand, text.
void describe(JsonValue value, std::string& out) {
  const Mistake at_key = value.mistake_at_key();
  const Mistake at = value.mistake();
  out += at.pointer + " " + std::to_string(at_key.line) + ":" + std::to_string(at_key.column) +
         " " + std::to_string(at.line) + ":" + std::to_string(at.column) + " " +
         std::string(name_of(value.kind())) + " " + std::string(value.text()) + "\n";
  for (JsonValue child : value) describe(child, out);
}

TEST(JsonTree, EveryKeyAndValueIsWhereItStands) {
  std::vector<Mistake> mistakes;
  const auto document = parse(R"({"a" : [1, -2.5e3,"x\"]}"],
  "b\/\u00e9":
    {"c":null,"":true , "d":{} },
 "e":[ [], false ]})",
                              mistakes);
  ASSERT_TRUE(document);
  EXPECT_TRUE(mistakes.empty());
  std::string described;
  describe(document->root(), described);
  EXPECT_EQ(described,
            " 1:1 1:1 an object \n"
            "/a 1:2 1:8 an array \n"
            "/a/0 1:9 1:9 a number 1\n"
            "/a/1 1:12 1:12 a number -2.5e3\n"
            "/a/2 1:19 1:19 a string x\"]}\n"
            "/b~1\xC3\xA9 2:3 3:5 an object \n"
            "/b~1\xC3\xA9/c 3:6 3:10 null null\n"
            "/b~1\xC3\xA9/ 3:15 3:18 true or false true\n"
            "/b~1\xC3\xA9/d 3:25 3:29 an object \n"
            "/e 4:2 4:6 an array \n"
            "/e/0 4:8 4:8 an array \n"
            "/e/1 4:12 4:12 true or false false\n");
}

TEST(JsonTree, APointerEscapesTildeAndSlash) {
  std::vector<Mistake> mistakes;
  const auto document = parse(R"({"a~/b": 1})", mistakes);
  ASSERT_TRUE(document);
  EXPECT_EQ((*document->root().begin()).mistake().pointer, "/a~0~1b");
}

TEST(JsonTree, AByteOrderMarkIsNotAColumn) {
  std::vector<Mistake> mistakes;
  const auto document = parse("\xEF\xBB\xBF{\"a\":1}", mistakes);
  ASSERT_TRUE(document);
  EXPECT_EQ(document->root().mistake().column, 1U);
  EXPECT_EQ(document->root().find("a")->mistake_at_key().column, 2U);
}

TEST(JsonTree, ARepeatedKeyIsToldWithBothPlacesAndTheFirstCounts) {
  std::vector<Mistake> mistakes;
  const auto document =
      parse("{\"uid\": 1,\n \"x\": 2,\n  \"u\\u0069d\": 3, \"uid\": 4}", mistakes);
  ASSERT_TRUE(document);
  EXPECT_EQ(document->root().find("uid")->text(), "1");
  ASSERT_EQ(mistakes.size(), 2U);
  EXPECT_EQ(mistakes[0].sentence, "the key \"uid\" is repeated: it stands at 1:2 already");
  EXPECT_EQ(mistakes[0].line, 3U);
  EXPECT_EQ(mistakes[0].column, 3U);
  EXPECT_EQ(mistakes[0].pointer, "/uid");
  EXPECT_EQ(mistakes[1].column, 18U);
}

TEST(JsonTree, KeysOfDifferentObjectsAreNotRepeated) {
  std::vector<Mistake> mistakes;
  EXPECT_TRUE(parse(R"([{"a":{"a":1}},{"a":2}])", mistakes));
  EXPECT_TRUE(mistakes.empty());
}

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

TEST(JsonTree, DepthIsLimited) {
  std::vector<Mistake> mistakes;
  EXPECT_TRUE(parse(nested(max_json_depth), mistakes));
  EXPECT_TRUE(mistakes.empty());
  EXPECT_FALSE(parse(nested(max_json_depth + 1), mistakes));
  ASSERT_EQ(mistakes.size(), 1U);
  EXPECT_EQ(mistakes[0].column, max_json_depth + 1);
  EXPECT_FALSE(parse(std::string(1'000'000, '['), mistakes));
}

struct BadSyntax {
  std::string_view marked;
  std::string_view sentence;
  std::string_view hint;
};
std::ostream& operator<<(std::ostream& out, const BadSyntax& one) {
  return out << one.marked;
}

class JsonSyntax : public testing::TestWithParam<BadSyntax> {};

TEST_P(JsonSyntax, IsExplainedWhereItIsBad) {
  const MarkedText text(GetParam().marked);
  std::vector<Mistake> mistakes;
  EXPECT_FALSE(parse(text.text, mistakes));
  ASSERT_EQ(mistakes.size(), 1U);
  EXPECT_EQ(mistakes[0].sentence, GetParam().sentence);
  EXPECT_EQ(mistakes[0].hint, GetParam().hint);
  EXPECT_EQ(std::to_string(mistakes[0].line) + ":" + std::to_string(mistakes[0].column),
            text.place);
}

constexpr std::string_view between_quotes = "text stands between double quotes";
const BadSyntax bad_syntax[] = {
    {"^", "the file is empty", "the least that it needs is { }"},
    {"^ \n ", "the file is empty", "the least that it needs is { }"},
    {"{\"a\": [1,\n 2^}", "a ',' or ']' is missing before this", ""},
    {"{\"a\": [1,\n 2^", "the file ends here, but the '[' at 1:7 is still open", ""},
    {"{\n\"a\"^", "the file ends here, but the '{' at 1:1 is still open", ""},
    {"{\"a\":^\n\n", "the file ends here, but the '{' at 1:1 is still open", ""},
    {"{\"a\":1,^", "the file ends here, but the '{' at 1:1 is still open", ""},
    {"{\"a\" ^1}", "a ':' is missing between a key and its value", ""},
    {"{\"a\": 1\n ^\"b\": 2}", "a ',' or '}' is missing before this", ""},
    {"[1 ^2]", "a ',' or ']' is missing before this", ""},
    {"[1^:2]", "a ',' or ']' is missing before this", ""},
    {"{\"a\": 1^, }", "a ',' must not stand behind the last element", "take it away"},
    {"[1^,\n]", "a ',' must not stand behind the last element", "take it away"},
    {"[1,^,2]", "a value is missing here", ""},
    {"[^,2]", "a value is missing here", ""},
    {"{\"a\":^}", "a value is missing here", ""},
    {"{^a: 1}", "a key must stand here", "put it between double quotes"},
    {"{^'a': 1}", "a key must stand here", "put it between double quotes"},
    {"{^1: 1}", "a key must stand here", "put it between double quotes"},
    {"{^,}", "a key must stand here", ""},
    {"{\"a\": 1, ^b}", "a key must stand here", "put it between double quotes"},
    {"[^'a']", "a string stands between double quotes", ""},
    {"[^True]", "\"True\" is not a value", between_quotes},
    {"[^truex]", "\"truex\" is not a value", between_quotes},
    {"[^abc]", "\"abc\" is not a value", between_quotes},
    {"[^01]", "\"01\" is not a number", between_quotes},
    {"[^-]", "\"-\" is not a number", between_quotes},
    {"[1, ^10s]", "\"10s\" is not a number", between_quotes},
    {"[^1.5.2]", "\"1.5.2\" is not a number", between_quotes},
    {"[^.5]", "\".5\" is not a number", between_quotes},
    {"[^1e999]", "the number is too large", ""},
    {"[1] ^[2]", "something follows the end of the configuration", ""},
    {"{}\n^}", "something follows the end of the configuration", ""},
    {"[1, ^// one\n 2]", "JSON has no comments", ""},
    {"[1 ^/* one */, 2]", "JSON has no comments", ""},
    {"^# perchild\n{}", "JSON has no comments", ""},
    {"{^# perchild\n}", "JSON has no comments", ""},
    {"[^\"abc", "this string never ends", ""},
    {"[^\"abc\n\"]", "this string does not end on its line", "write a line feed as \\n"},
    {"[\"abc^\t\"]", "a string must not hold a control character", "write a tab as \\t"},
    {"[\"C:^\\dir\"]", "this escape sequence is none of JSON's", "write a backslash as \\\\"},
    {"[\"^\\u12g4\"]", "this escape sequence is none of JSON's", "write a backslash as \\\\"},
    {"[\"^\\udc00\"]", "this escape sequence is none of JSON's", "write a backslash as \\\\"},
    {"[\"abcdefg^\xFF\"]", "this is not UTF-8", ""},
    {"{\"a\": \"abcdefg^\xC3\"}", "this is not UTF-8", ""},
};
INSTANTIATE_TEST_SUITE_P(All, JsonSyntax, testing::ValuesIn(bad_syntax));

TEST(JsonSyntaxOfBytes, NothingHidesBehindANulByte) {
  std::vector<Mistake> mistakes;
  EXPECT_FALSE(parse(std::string("{}\n\0{}", 6), mistakes));
  ASSERT_EQ(mistakes.size(), 1U);
  EXPECT_EQ(mistakes[0].sentence, "there is a NUL byte here");
  EXPECT_EQ(mistakes[0].line, 2U);
  EXPECT_EQ(mistakes[0].column, 1U);
}

TEST(JsonSyntaxOfBytes, EveryTruncationIsRefusedInsideTheFile) {
  const std::string whole = R"({"a": [1, -2.5e3, "x\"\u00e9]}", true], "b": {"c": null}})";
  for (std::size_t length = 0; length < whole.size(); ++length) {
    std::vector<Mistake> mistakes;
    EXPECT_FALSE(parse(whole.substr(0, length), mistakes)) << length;
    ASSERT_EQ(mistakes.size(), 1U);
    EXPECT_LE(mistakes[0].column, length + 1);
  }
}

}  // namespace
}  // namespace perchild::test::json_tree_test
