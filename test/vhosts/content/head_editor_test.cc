#include "vhosts/content/head_editor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>

namespace perchild::content::head_editor_test {
namespace {

constexpr std::string_view head =
    "HTTP/1.1 200 OK\r\nServer: x\r\nVary: A\r\nvary: B\r\nETag: \"1\"\r\n\r\n";

class HeadEditing : public ::testing::Test {
 protected:
  HeadEditor editor(std::size_t room = 64) {
    std::copy(head.begin(), head.end(), buffer_.begin());
    return {std::span(buffer_).first(head.size() + room), head};
  }
  std::array<char, 256> buffer_{};
};

TEST_F(HeadEditing, NothingChangesIfNothingIsAsked) {
  EXPECT_EQ(editor(0).finish(), head);
}

TEST_F(HeadEditing, EveryFieldOfANameIsTakenOut) {
  HeadEditor edited = editor();
  edited.remove("VARY");
  edited.remove("etag");
  edited.remove("Serve");
  edited.remove("OK");
  EXPECT_EQ(edited.finish(), "HTTP/1.1 200 OK\r\nServer: x\r\n\r\n");
}

TEST_F(HeadEditing, FieldsAreAddedBeforeTheEmptyLine) {
  HeadEditor edited = editor();
  edited.remove("server");
  edited.add("X-A", "1");
  EXPECT_TRUE(edited.has("x-a"));
  EXPECT_FALSE(edited.has("server"));
  EXPECT_EQ(edited.finish(),
            "HTTP/1.1 200 OK\r\nVary: A\r\nvary: B\r\nETag: \"1\"\r\nX-A: 1\r\n\r\n");
}

TEST_F(HeadEditing, WhatDoesNotFitFailsTheHead) {
  for (std::size_t room = 0; room < 8; ++room) {
    HeadEditor edited = editor(room);
    edited.add("X-A", "1");
    EXPECT_EQ(edited.finish(), "") << room;
  }
  HeadEditor edited = editor(8);
  edited.add("X-A", "1");
  EXPECT_EQ(edited.finish().size(), head.size() + 8);
}

}  // namespace
}  // namespace perchild::content::head_editor_test
