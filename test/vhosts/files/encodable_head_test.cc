#include "vhosts/files/encodable_head.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace perchild::files::encodable_head_test {
namespace {

using Fields = std::vector<std::pair<std::string_view, std::string_view>>;

bool is_encodable(const Fields& fields, const std::vector<std::string>& types = {}) {
  EncodableHead head;
  for (const auto& [name, value] : fields) head.take(name, value);
  return head.is_encodable(types);
}

TEST(EncodableHeadTest, TextIs) {
  EXPECT_TRUE(is_encodable({{"Content-type", "text/html; charset=UTF-8"}}));
  EXPECT_TRUE(is_encodable({{"X", "y"}, {"content-type", "application/json"}}));
  EXPECT_TRUE(is_encodable({{"Content-Type", "a/b"}}, {"a/*"}));
  EXPECT_TRUE(is_encodable({{"Content-Type", "text/css"}, {"X-Accel-Buffering", "yes"}}));
  EXPECT_TRUE(is_encodable({{"Content-Type", "text/css"}, {"Cache-Control", "max-age=5, public"}}));
}

TEST(EncodableHeadTest, WhatIsNoTextOrOfNoTypeIsNot) {
  EXPECT_FALSE(is_encodable({}));
  EXPECT_FALSE(is_encodable({{"Content-Type", "image/png"}}));
  EXPECT_FALSE(is_encodable({{"Content-Type", "text/event-stream"}}));
  EXPECT_FALSE(is_encodable({{"Content-Type", "Text/Event-Stream ;charset=utf-8"}}, {"text/*"}));
}

TEST(EncodableHeadTest, WhatMustStayAsItIsIsNot) {
  for (const auto& [name, value] : Fields{{"Content-Encoding", "gzip"},
                                          {"content-encoding", "identity"},
                                          {"Content-Range", "bytes 0-1/9"},
                                          {"Content-MD5", "x"},
                                          {"Digest", "sha-256=x"},
                                          {"Repr-Digest", "sha-256=:x:"},
                                          {"Content-Digest", "sha-256=:x:"},
                                          {"X-Accel-Buffering", "no"},
                                          {"Cache-Control", "no-transform"},
                                          {"Cache-Control", "max-age=5,No-Transform , public"}}) {
    EXPECT_FALSE(is_encodable({{"Content-Type", "text/html"}, {name, value}})) << name;
    EXPECT_FALSE(is_encodable({{name, value}, {"Content-Type", "text/html"}})) << name;
  }
}

}  // namespace
}  // namespace perchild::files::encodable_head_test
