#include "policy/mistake.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "policy/json_tree.h"
#include "policy/spelling.h"

namespace perchild::test::mistake_test {
namespace {

TEST(Mistake, IsShownWithItsLineACaretThePointerAndAHint) {
  std::vector<Mistake> none;
  const auto document = JsonDocument::parse("/etc/p.json", "{\n\t\"rooot\": \"/srv\"\n}", none);
  ASSERT_TRUE(document);
  Mistake mistake = document->root().find("rooot")->mistake_at_key();
  mistake.sentence = "a vhost has no key \"rooot\"";
  mistake.hint = "did you mean \"root\"?";
  EXPECT_EQ(format_mistake(mistake),
            "/etc/p.json:2:2: error: a vhost has no key \"rooot\"\n"
            "     2 |  \"rooot\": \"/srv\"\n"
            "       |  ^\n"
            "       at /rooot\n"
            "       hint: did you mean \"root\"?\n");
}

TEST(Mistake, OfAWholeFileHasNoPosition) {
  Mistake mistake;
  mistake.file = "p.json";
  mistake.severity = Severity::warning;
  mistake.sentence = "this is odd";
  EXPECT_EQ(format_mistake(mistake), "p.json: warning: this is odd\n");
}

TEST(Mistake, AsJsonIsOneLineOfJson) {
  Mistake mistake;
  mistake.file = "p\n\xFF.json";
  mistake.line = 3;
  mistake.column = 4;
  mistake.pointer = "/a\"b";
  mistake.sentence = "no \\ here";
  const std::string json = mistake_as_json(mistake);
  EXPECT_EQ(json,
            R"({"file":"p\n\ufffd.json","line":3,"column":4,"pointer":"/a\"b","severity":"error",)"
            R"("sentence":"no \\ here","hint":""})");
  std::vector<Mistake> none;
  EXPECT_TRUE(JsonDocument::parse("json", json, none));
}

TEST(Mistake, QuotedTextObeysNoTerminalAndIsNotLong) {
  EXPECT_EQ(in_quotes("a\x1B[2Jb\n"), "\"a\\x1b[2Jb\\x0a\"");
  EXPECT_EQ(in_quotes("a\xC2\x9B\xC3\xA9"), "\"a\\xc2\\x9b\xC3\xA9\"") << "CSI in one character";
  EXPECT_EQ(in_quotes(std::string(81, 'x')), "\"" + std::string(80, 'x') + "...\"");
  EXPECT_EQ(in_quotes(std::string(79, 'x') + "\xC3\xA9"), "\"" + std::string(79, 'x') + "...\"")
      << "no half of a character";
}

TEST(Mistake, AFilesNameObeysNoTerminal) {
  Mistake mistake;
  mistake.file = "a\x1B[2J";
  EXPECT_EQ(format_mistake(mistake).find('\x1B'), std::string::npos);
}

constexpr std::array<std::string_view, 4> words{"root", "hosts", "user", "limits"};

TEST(Spelling, TheNearestWordIsMeant) {
  EXPECT_EQ(nearest("rooot", words), "root");
  EXPECT_EQ(nearest("hsots", words), "hosts");
  EXPECT_EQ(nearest("host", words), "hosts");
  EXPECT_EQ(nearest("Limits", words), "limits");
}

TEST(Spelling, AFarWordIsNotMeant) {
  EXPECT_EQ(nearest("colour", words), "");
  EXPECT_EQ(nearest("", words), "");
  EXPECT_EQ(nearest("x", words), "");
  EXPECT_EQ(nearest(std::string(100'000, 'r'), words), "");
}

TEST(Spelling, ASwapOfNeighboursIsOneEdit) {
  EXPECT_EQ(edit_distance("hosts", "hsots"), 1U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
  EXPECT_EQ(edit_distance("same", "same"), 0U);
}

}  // namespace
}  // namespace perchild::test::mistake_test
