#include "vhosts/http2/response_fields.h"

#include <gtest/gtest.h>

namespace perchild::http2::response_fields_test {
namespace {

std::string text_of(std::string head) {
  const ResponseFields response = split_response_head(head);
  std::string text(response.status);
  for (const http1::Field& field : response.fields) {
    text.append("|").append(field.name).append("=").append(field.value);
  }
  return text;
}

TEST(ResponseFields, AreThoseOfTheHeadInLowerCase) {
  EXPECT_EQ(text_of("HTTP/1.1 200 OK\r\nServer: perchild\r\nETag: \"A\"\r\nX-Y:\r\n\r\n"),
            "200|server=perchild|etag=\"A\"|x-y=");
  EXPECT_EQ(text_of("HTTP/1.1 304 Not Modified\r\n\r\n"), "304");
  EXPECT_EQ(text_of("HTTP/1.1 100 Continue\r\n\r\n"), "100");
  std::string head = "HTTP/1.1 101 Switching Protocols\r\n\r\n";
  EXPECT_EQ(status_of_head(head), "101");
  set_status_of_head(head, "200");
  EXPECT_EQ(text_of(head), "200");
}

TEST(ResponseFields, NothingIsSaidOfAConnection) {
  EXPECT_EQ(text_of("HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"
                    "Keep-Alive: timeout=5\r\nUpgrade: x\r\nVary: Origin\r\n\r\n"),
            "200|vary=Origin");
}

}  // namespace
}  // namespace perchild::http2::response_fields_test
