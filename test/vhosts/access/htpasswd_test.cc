#include "vhosts/access/htpasswd.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace perchild::access::htpasswd_test {
namespace {

const std::string hash = "$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0";

std::vector<HtpasswdLine> lines_of(std::string_view text) {
  std::vector<HtpasswdLine> lines;
  HtpasswdReader reader(text);
  while (const auto line = reader.next()) lines.push_back(*line);
  return lines;
}

TEST(Htpasswd, HasAUserInEachLine) {
  const std::string text = "alice:" + hash + "\nbob:" + hash + "\r\n  carol:" + hash + " \t\n";
  const auto lines = lines_of(text);
  ASSERT_EQ(lines.size(), 3u);
  const char* names[] = {"alice", "bob", "carol"};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(lines[i].name, names[i]);
    EXPECT_EQ(lines[i].hash, hash);
    EXPECT_EQ(lines[i].number, i + 1);
    EXPECT_EQ(lines[i].fault, "");
  }
}

TEST(Htpasswd, BlankLinesAndCommentsSayNothingButCount) {
  const std::string text = "\n# alice:x\n  \t\r\n\r\n#\nbob:" + hash;
  const auto lines = lines_of(text);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].name, "bob");
  EXPECT_EQ(lines[0].number, 6u);
  EXPECT_TRUE(lines_of("").empty());
  EXPECT_TRUE(lines_of("\n\n").empty());
}

TEST(Htpasswd, WhatIsWrongIsSaidAndEndsNothing) {
  const std::string text = "nothing\n:" + hash + "\nalice:plain\nbob:" + hash + ":x\ncarol:" + hash;
  const auto lines = lines_of(text);
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_EQ(lines[0].fault, "has no colon");
  EXPECT_NE(lines[1].fault, "");
  EXPECT_EQ(lines[2].fault, text_of(HashFault::not_a_hash));
  EXPECT_EQ(lines[3].fault, text_of(HashFault::malformed));
  EXPECT_EQ(lines[4].fault, "");
}

}  // namespace
}  // namespace perchild::access::htpasswd_test
