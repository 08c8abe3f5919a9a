// What a client can make a server do for nothing: it is told to calm down, and others are served.
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "test/support/http2_client.h"
#include "test/system/requests.h"
#include "test/system/secure_sites.h"

namespace perchild::test::http2_floods_test {
namespace {

constexpr std::uint8_t data = NGHTTP2_DATA, headers = NGHTTP2_HEADERS, priority = NGHTTP2_PRIORITY,
                       reset = NGHTTP2_RST_STREAM, settings = NGHTTP2_SETTINGS, ping = NGHTTP2_PING,
                       update = NGHTTP2_WINDOW_UPDATE, more_fields = NGHTTP2_CONTINUATION;
constexpr std::uint8_t end_stream = Http2Client::end_stream, end_headers = Http2Client::end_headers,
                       padded = Http2Client::padded, ack = Http2Client::ack;

std::string get_block(Http2Client& client) {
  return client.block_of(client.fields_of("GET", "/"));
}

std::string post_block(Http2Client& client) {
  return client.block_of(client.fields_of("POST", "/slow.php"));
}

class Http2Floods : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    ServerSpec spec = secure_sites();
    spec.sites[0].files["slow.php"] = "<?php usleep(500000);";
    spec.sites[0].more += R"(, "locations": [{ "exact": "/slow.php", "php": true }])";
    server_ = std::make_unique<Server>(spec);
  }
  static void TearDownTestSuite() { server_.reset(); }

  static inline std::unique_ptr<Server> server_;
};

struct Flood {
  const char* name;
  const char* reason;                              // in the error log
  std::function<std::string(Http2Client&)> round;  // the bytes of each of many
  int at_once = 100;                               // before the server has seen them
};

std::string reset_request(Http2Client& client) {
  const std::uint32_t stream = client.next_stream();
  return frame_bytes({headers, end_headers | end_stream, stream, get_block(client)}) +
         frame_bytes({reset, 0, stream, number_bytes(NGHTTP2_CANCEL)});
}

// The server is made to reset it.
std::string spoiled_request(Http2Client& client) {
  const std::string block = client.block_of(client.fields_of("GET", "/", {{"te", "gzip"}}));
  return frame_bytes({headers, end_headers | end_stream, client.next_stream(), block});
}

std::vector<Flood> floods() {
  const auto same = [](const Http2Frame& frame) {
    return [bytes = frame_bytes(frame)](Http2Client&) { return bytes; };
  };
  return {
      {"rapid resets", "too many requests were taken back or had to be reset", &reset_request},
      {"requests to be reset", "too many requests were taken back or had to be reset",
       &spoiled_request, 50},
      {"PING", "too many PING frames", same({ping, 0, 0, "01234567"})},
      {"acknowledgements", "too many PING frames", same({ping, ack, 0, "01234567"})},
      {"SETTINGS", "too many SETTINGS frames", same({settings, 0, 0, setting_bytes(4, 70'000)})},
      {"PRIORITY", "too many PRIORITY frames", same({priority, 0, 1, std::string(5, '\x07')})},
      {"PRIORITY_UPDATE", "too many PRIORITY frames", same({16, 0, 0, number_bytes(1) + "u=1"})},
      {"WINDOW_UPDATE", "too many WINDOW_UPDATE frames", same({update, 0, 0, number_bytes(1)})},
      {"unknown frames", "too many frames of unknown types", same({0x42, 0, 0, ""})},
      {"CONTINUATION", "too many CONTINUATION frames",
       [begun = false](Http2Client& client) mutable {
         if (!std::exchange(begun, true)) {
           return frame_bytes({headers, end_stream, client.next_stream(), get_block(client)});
         }
         return frame_bytes({more_fields, 0, 1, ""});
       }},
      {"empty DATA", "too many empty DATA frames",
       [begun = false](Http2Client& client) mutable {
         if (!std::exchange(begun, true)) {
           return frame_bytes({headers, end_headers, client.next_stream(), post_block(client)});
         }
         return frame_bytes({data, 0, 1, ""});
       }},
      {"padding", "too many empty DATA frames",
       [begun = false](Http2Client& client) mutable {
         if (!std::exchange(begun, true)) {
           return frame_bytes({headers, end_headers, client.next_stream(), post_block(client)});
         }
         return frame_bytes({data, padded, 1, std::string("\x02xx")});
       }},
      // A field of 4,000 bytes in the table, then an octet for each time that it is there again.
      {"an HPACK bomb", "fields that are too many or too large",
       [](Http2Client& client) {
         std::string block = get_block(client);
         const std::string value(3900, 'x');
         block +=
             std::string("\x40\x01x\x7f\xbd\x1d", 6) + value + std::string(16'000 - 5000, '\xbe');
         return frame_bytes({headers, end_headers | end_stream, client.next_stream(), block});
       }},
  };
}

TEST_F(Http2Floods, AFloodIsCalmedAndOthersAreServedMeanwhile) {
  for (const Flood& flood : floods()) {
    SCOPED_TRACE(flood.name);
    Http2Client other(server_->port());
    ASSERT_EQ(other.response(other.get()).body, "of a");
    Http2Client client(server_->port());
    ASSERT_TRUE(client.settle());
    for (int i = 0; i < 3000; i += flood.at_once) {
      std::string bytes;
      for (int j = 0; j < flood.at_once; ++j) bytes += flood.round(client);
      client.send(bytes);
      if (flood.at_once < 100 && !client.settle()) break;
      if (i % 1000 == 0) {
        EXPECT_EQ(other.response(other.get()).body, "of a");
      }
    }
    EXPECT_EQ(client.last_goaway(), NGHTTP2_ENHANCE_YOUR_CALM);
    EXPECT_TRUE(error_log_has(*server_, 0, flood.reason));
    EXPECT_EQ(other.response(other.get()).body, "of a");
  }
}

TEST_F(Http2Floods, NoMoreThanAHundredStreamsAreServedAtOnce) {
  Http2Client client(server_->port());
  ASSERT_TRUE(client.settle());
  for (int i = 0; i < 100; ++i) client.request(client.fields_of("POST", "/slow.php"), false);
  EXPECT_TRUE(client.settle());
  const std::uint32_t one_more = client.get();
  while (!client.so_far(one_more).reset && !client.goaway()) ASSERT_TRUE(client.receive());
  EXPECT_TRUE(client.so_far(one_more).reset == NGHTTP2_REFUSED_STREAM ||
              client.goaway() == NGHTTP2_PROTOCOL_ERROR);
  Http2Client other(server_->port());
  EXPECT_EQ(other.response(other.get()).body, "of a");
}

}  // namespace
}  // namespace perchild::test::http2_floods_test
