// Reads a header as a router does: again and again, with one byte more.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "vhosts/proxy_protocol/proxy_header.h"

namespace perchild::proxy_protocol {

// What read_header() says of `bytes`, having checked that no prefix contradicts it: a part is
// incomplete, and needs no more than there is, until it is what the whole is.
inline Reading read_every_prefix(const std::string& bytes) {
  const Reading whole = read_header(bytes);
  bool decided = false;
  for (std::size_t length = 0; length <= bytes.size(); ++length) {
    const Reading part = read_header(std::string_view(bytes).substr(0, length));
    if (part.state == Reading::State::incomplete) {
      EXPECT_FALSE(decided) << "undecided again after " << length << " bytes";
      EXPECT_GT(part.at_least, length);
      if (whole.state == Reading::State::complete) {
        EXPECT_LE(part.at_least, whole.header.length);
      }
      continue;
    }
    decided = true;
    EXPECT_EQ(part.state, whole.state) << "after " << length << " bytes";
    EXPECT_EQ(part.reason, whole.reason) << "after " << length << " bytes";
    EXPECT_EQ(part.header.source, whole.header.source);
    EXPECT_EQ(part.header.length, whole.header.length);
    EXPECT_EQ(part.header.over_tls, whole.header.over_tls);
    EXPECT_LE(part.header.length, length);
  }
  return whole;
}

}  // namespace perchild::proxy_protocol
