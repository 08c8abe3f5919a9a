// HTTP/2 frame by frame: what RFC 9113 says must not be sent, and what becomes of it. Each case has
// a connection of its own, and another client is served beside it.
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "test/support/http2_client.h"
#include "test/system/requests.h"
#include "test/system/secure_sites.h"

namespace perchild::test::http2_frames_test {
namespace {

constexpr std::uint8_t data = NGHTTP2_DATA, headers = NGHTTP2_HEADERS, priority = NGHTTP2_PRIORITY,
                       reset = NGHTTP2_RST_STREAM, settings = NGHTTP2_SETTINGS,
                       promise = NGHTTP2_PUSH_PROMISE, ping = NGHTTP2_PING, away = NGHTTP2_GOAWAY,
                       update = NGHTTP2_WINDOW_UPDATE, more_fields = NGHTTP2_CONTINUATION;
constexpr std::uint8_t end_stream = Http2Client::end_stream, end_headers = Http2Client::end_headers,
                       padded = Http2Client::padded, ack = Http2Client::ack;

struct FrameCase {
  const char* name;
  const char* section;  // of RFC 9113
  // Sends it, on a connection whose settings have been exchanged.
  std::function<void(Http2Client&)> send;
  // The error code, of the connection (GOAWAY) or of stream 1 (RST_STREAM; or of the connection all
  // the same: 5.4.2); nothing: it is allowed.
  std::optional<std::uint32_t> of_connection = {};
  std::optional<std::uint32_t> of_stream = {};
};

void PrintTo(const FrameCase& c, std::ostream* out) {
  *out << c.name << " (RFC 9113, " << c.section << ")";
}

std::string get_block(Http2Client& client) {
  return client.block_of(client.fields_of("GET", "/"));
}

void open_stream(Http2Client& client) {
  client.request(client.fields_of("POST", "/slow.php"), false);
}

// A whole request and its answer, after which stream 1 is closed.
void close_stream(Http2Client& client) {
  client.response(client.get());
}

FrameCase frame_error(const char* name, const char* section, Http2Frame frame,
                      std::uint32_t code = NGHTTP2_PROTOCOL_ERROR) {
  return {name, section, [frame](Http2Client& client) { client.send_frame(frame); }, code};
}

FrameCase field_error(const char* name, const char* section, Http2Fields fields) {
  return {name,
          section,
          [fields](Http2Client& client) { client.request(fields); },
          {},
          NGHTTP2_PROTOCOL_ERROR};
}

Http2Fields get_with(const Http2Fields& more) {
  Http2Fields fields{
      {":method", "GET"}, {":scheme", "https"}, {":authority", "a.example"}, {":path", "/"}};
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

std::vector<FrameCase> cases() {
  const std::string four(4, '\0'), eight(8, '\0');
  const std::uint32_t protocol = NGHTTP2_PROTOCOL_ERROR, size = NGHTTP2_FRAME_SIZE_ERROR,
                      flow = NGHTTP2_FLOW_CONTROL_ERROR, closed = NGHTTP2_STREAM_CLOSED,
                      compression = NGHTTP2_COMPRESSION_ERROR;
  return {
      // ---- frames
      {"AnUnknownTypeIsIgnored", "4.1",
       [](Http2Client& c) {
         c.send_frame({0x20, 0xff, 0, "x"});
       }},
      {"UndefinedFlagsAreIgnored", "4.1",
       [](Http2Client& c) {
         c.send_frame({ping, 0xfe, 0, std::string(8, 'x')});
       }},
      {"TheReservedBitIsIgnored", "4.1",
       [](Http2Client& c) {
         c.send_frame({ping, 0, 0x80000000, std::string(8, 'x')});
       }},
      frame_error("AFrameOverTheMaximum", "4.2", {data, 0, 1, std::string(16'385, 'x')}, size),
      {"ABlockThatIsNoHpack", "4.3",
       [](Http2Client& c) {
         c.send_frame({headers, end_headers | end_stream, 1, "\xff\xff\xff\xff\xff"});
       },
       compression},
      {"AnotherFrameInABlock", "4.3",
       [](Http2Client& c) {
         c.send_frame({headers, end_stream, 1, get_block(c)});
         c.send_frame({ping, 0, 0, std::string(8, 'x')});
       },
       protocol},
      {"AnotherStreamsFrameInABlock", "4.3",
       [](Http2Client& c) {
         c.send_frame({headers, end_stream, 1, get_block(c)});
         c.send_frame({more_fields, end_headers, 3, ""});
       },
       protocol},
      {"AnUnknownFrameInABlock", "5.5",
       [](Http2Client& c) {
         c.send_frame({headers, end_stream, 1, get_block(c)});
         c.send_frame({0x20, 0, 0, ""});
       },
       protocol},
      // ---- states of streams
      frame_error("DataOnAnIdleStream", "5.1", {data, 0, 1, "x"}),
      frame_error("ResetOfAnIdleStream", "5.1", {reset, 0, 1, four}),
      frame_error("WindowOfAnIdleStream", "5.1", {update, 0, 1, number_bytes(1)}),
      frame_error("ContinuationOfNothing", "6.10", {more_fields, end_headers, 1, ""}),
      {"DataBehindTheEnd",
       "5.1",
       [](Http2Client& c) {
         c.request(c.fields_of("GET", "/slow.php"));
         c.send_data(1, "x", false);
       },
       {},
       closed},
      {"HeadersBehindTheEnd",
       "5.1",
       [](Http2Client& c) {
         c.request(c.fields_of("GET", "/slow.php"));
         c.send_frame({headers, end_headers | end_stream, 1, get_block(c)});
       },
       {},
       closed},
      {"DataOnAClosedStream", "5.1",
       [](Http2Client& c) {
         close_stream(c);
         c.send_data(1, "x", true);
       },
       closed},
      {"HeadersOnAClosedStream", "5.1",
       [](Http2Client& c) {
         close_stream(c);
         c.send_frame({headers, end_headers | end_stream, 1, get_block(c)});
       },
       closed},
      {"AWindowOfAClosedStreamIsIgnored", "5.1",
       [](Http2Client& c) {
         close_stream(c);
         c.send_frame({update, 0, 1, number_bytes(1)});
       }},
      {"AStreamOfTheServersNumbers", "5.1.1",
       [](Http2Client& c) {
         c.send_frame({headers, end_headers | end_stream, 2, get_block(c)});
       },
       protocol},
      {"AStreamWithALowerNumber", "5.1.1",
       [](Http2Client& c) {
         c.send_frame({headers, end_headers | end_stream, 5, get_block(c)});
         c.send_frame({headers, end_headers | end_stream, 3, get_block(c)});
       },
       protocol},
      // ---- types
      frame_error("DataOfTheConnection", "6.1", {data, 0, 0, "x"}),
      {"DataWithTooMuchPadding", "6.1",
       [](Http2Client& c) {
         open_stream(c);
         c.send_frame({data, padded, 1, std::string("\x05") + "xxxx"});
       },
       protocol},
      {"PaddingIsTakenOff", "6.1",
       [](Http2Client& c) {
         c.request(get_with({{"content-length", "2"}}), false);
         c.send_frame({data, padded | end_stream, 1, std::string("\x03") + "abxxx"});
         EXPECT_EQ(c.response(1).body, "of a");
       }},
      {"HeadersOfTheConnection", "6.2",
       [](Http2Client& c) {
         c.send_frame({headers, end_headers | end_stream, 0, get_block(c)});
       },
       protocol},
      {"HeadersWithTooMuchPadding", "6.2",
       [](Http2Client& c) {
         c.send_frame({headers, end_headers | end_stream | padded, 1, "\xff" + get_block(c)});
       },
       protocol},
      frame_error("PriorityOfTheConnection", "6.3", {priority, 0, 0, std::string(5, '\0')}),
      frame_error("PriorityOfAnotherSize", "6.3", {priority, 0, 1, "xxxx"}, size),
      frame_error("ResetOfTheConnection", "6.4", {reset, 0, 0, four}),
      {"AResetOfAnotherSize", "6.4",
       [](Http2Client& c) {
         open_stream(c);
         c.send_frame({reset, 0, 1, "xxx"});
       },
       size},
      frame_error("SettingsOfAStream", "6.5", {settings, 0, 1, ""}),
      frame_error("SettingsOfAnotherSize", "6.5", {settings, 0, 0, "xxx"}, size),
      frame_error("AnAcknowledgementWithSettings", "6.5", {settings, ack, 0, setting_bytes(4, 100)},
                  size),
      {"UnknownSettingsAreIgnored", "6.5.2",
       [](Http2Client& c) {
         c.send_frame({settings, 0, 0, setting_bytes(0xf0, 7)});
       }},
      frame_error("PushThatIsNoBoolean", "6.5.2", {settings, 0, 0, setting_bytes(2, 2)}),
      frame_error("AWindowOverTheMaximum", "6.5.2", {settings, 0, 0, setting_bytes(4, 0x80000000)},
                  flow),
      frame_error("AFrameSizeUnderTheMinimum", "6.5.2", {settings, 0, 0, setting_bytes(5, 16'383)}),
      frame_error("AFrameSizeOverTheMaximum", "6.5.2", {settings, 0, 0, setting_bytes(5, 1 << 24)}),
      frame_error("APromiseOfAClient", "8.4", {promise, end_headers, 1, four}),
      frame_error("PingOfAStream", "6.7", {ping, 0, 1, eight}),
      frame_error("PingOfAnotherSize", "6.7", {ping, 0, 0, "xxx"}, size),
      frame_error("GoawayOfAStream", "6.8", {away, 0, 1, eight}),
      frame_error("WindowOfZero", "6.9", {update, 0, 0, four}),
      frame_error("WindowOfAnotherSize", "6.9", {update, 0, 0, "xxx"}, size),
      frame_error("TheConnectionsWindowOverTheMaximum", "6.9.1",
                  {update, 0, 0, number_bytes(0x7fffffff)}, flow),
      {"AStreamsWindowOfZero",
       "6.9",
       [](Http2Client& c) {
         open_stream(c);
         c.send_frame({update, 0, 1, number_bytes(0)});
       },
       {},
       protocol},
      {"AStreamsWindowOverTheMaximum",
       "6.9.1",
       [](Http2Client& c) {
         c.request(c.fields_of("GET", "/slow.php"));
         c.send_frame({update, 0, 1, number_bytes(0x7fffffff)});
       },
       {},
       flow},
      {"DataBeyondTheWindow",
       "6.9.1",
       [](Http2Client& c) {
         // The first MiB is kept for it; then what is between it and the worker is full.
         c.request(c.fields_of("POST", "/cgi-bin/reads-nothing", {{"content-length", "4000000"}}),
                   false);
         for (int i = 0; i < 200; ++i) c.send_data(1, std::string(16'384, 'x'), false);
       },
       {},
       flow},
      // ---- requests
      field_error("AFieldNameInUpperCase", "8.2.1", get_with({{"X-A", "y"}})),
      field_error("AFieldNameWithABlank", "8.2.1", get_with({{"x a", "y"}})),
      field_error("AFieldValueWithALineFeed", "8.2.1", get_with({{"x", "a\nb: c"}})),
      field_error("AFieldValueThatBeginsWithABlank", "8.2.1", get_with({{"x", " y"}})),
      field_error("AConnectionField", "8.2.2", get_with({{"connection", "close"}})),
      field_error("AKeepAliveField", "8.2.2", get_with({{"keep-alive", "timeout=5"}})),
      field_error("ATransferEncodingField", "8.2.2", get_with({{"transfer-encoding", "chunked"}})),
      field_error("AnUpgradeField", "8.2.2", get_with({{"upgrade", "h2c"}})),
      field_error("TeOfMoreThanTrailers", "8.2.2", get_with({{"te", "gzip"}})),
      {"TeOfTrailersIsAllowed", "8.2.2",
       [](Http2Client& c) {
         c.request(get_with({{"te", "trailers"}}));
         EXPECT_EQ(c.response(1).status, 200);
       }},
      field_error("AnUnknownPseudoHeader", "8.3", get_with({{":x", "y"}})),
      field_error("APseudoHeaderOfResponses", "8.3", get_with({{":status", "200"}})),
      field_error("APseudoHeaderBehindAField", "8.3",
                  {{":method", "GET"}, {":scheme", "https"}, {"x", "y"}, {":path", "/"}}),
      field_error("TwoMethods", "8.3.1", get_with({{":method", "GET"}})),
      field_error("TwoPaths", "8.3.1", get_with({{":path", "/"}})),
      field_error("NoMethod", "8.3.1",
                  {{":scheme", "https"}, {":authority", "a.example"}, {":path", "/"}}),
      field_error("NoScheme", "8.3.1",
                  {{":method", "GET"}, {":authority", "a.example"}, {":path", "/"}}),
      field_error("NoPath", "8.3.1",
                  {{":method", "GET"}, {":scheme", "https"}, {":authority", "a.example"}}),
      field_error(
          "AnEmptyPath", "8.3.1",
          {{":method", "GET"}, {":scheme", "https"}, {":authority", "a.example"}, {":path", ""}}),
      field_error("HostAndAuthorityThatDiffer", "8.3.1", get_with({{"host", "b.example"}})),
      field_error("ALengthWithoutABody", "8.1.1", get_with({{"content-length", "5"}})),
      {"ABodyThatIsShorterThanItsLength",
       "8.1.1",
       [](Http2Client& c) {
         c.request(get_with({{"content-length", "5"}}), false);
         c.send_data(1, "abc", true);
       },
       {},
       protocol},
      {"ABodyThatIsLongerThanItsLength",
       "8.1.1",
       [](Http2Client& c) {
         c.request(get_with({{"content-length", "2"}}), false);
         c.send_data(1, "abc", true);
       },
       {},
       protocol},
      {"TrailersThatDoNotEndTheStream",
       "8.1",
       [](Http2Client& c) {
         c.request(get_with({}), false);
         c.send_frame({headers, end_headers, 1, c.block_of({{"x", "y"}})});
       },
       {},
       protocol},
      {"APseudoHeaderInTrailers",
       "8.1",
       [](Http2Client& c) {
         c.request(get_with({}), false);
         c.send_frame({headers, end_headers | end_stream, 1, c.block_of({{":method", "GET"}})});
       },
       {},
       protocol},
      {"TrailersAreTaken", "8.1",
       [](Http2Client& c) {
         c.request(get_with({}), false);
         c.send_data(1, "abc", false);
         c.send_frame({headers, end_headers | end_stream, 1, c.block_of({{"x", "y"}})});
         EXPECT_EQ(c.response(1).body, "of a");
       }},
      field_error("ConnectWithAPath", "8.5",
                  {{":method", "CONNECT"}, {":authority", "a.example:443"}, {":path", "/"}}),
      {"ConnectIsRefused", "8.5",
       [](Http2Client& c) {
         c.request({{":method", "CONNECT"}, {":authority", "a.example:443"}});
         EXPECT_EQ(c.response(1).status, 405);
       }},
  };
}

class Http2Frames : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    ServerSpec spec = secure_sites();
    spec.sites[0].files["slow.php"] = "<?php usleep(500000);";
    spec.sites[0].more += R"(, "limits": { "body": "4M" }, "cgi": true,
      "locations": [{ "exact": "/slow.php", "php": true }])";
    server_ = std::make_unique<Server>(spec);
    server_->add_file(0, "cgi-bin/reads-nothing", "#!/bin/sh\nsleep 5\n", 0700);
  }
  static void TearDownTestSuite() { server_.reset(); }

  static inline std::unique_ptr<Server> server_;
};

TEST_F(Http2Frames, WhatRfc9113ForbidsEndsTheStreamOrTheConnectionAndNoOther) {
  Http2Client other(server_->port());
  for (const FrameCase& c : cases()) {
    SCOPED_TRACE(::testing::PrintToString(c));
    Http2Client client(server_->port());
    ASSERT_TRUE(client.settle());
    c.send(client);
    if (c.of_connection) {
      EXPECT_EQ(client.last_goaway(), c.of_connection);
    } else {
      while (c.of_stream && !client.so_far(1).reset && !client.goaway() && client.receive()) {
      }
      if (client.goaway()) {
        EXPECT_EQ(client.goaway(), c.of_stream);
      } else {
        EXPECT_EQ(client.so_far(1).reset.value_or(0), c.of_stream.value_or(0));
        EXPECT_TRUE(client.settle());
      }
    }
    EXPECT_EQ(other.response(other.get()).body, "of a");
  }
}

TEST_F(Http2Frames, WhatAConnectionBeginsWithMustBeThat) {
  for (const std::string& bytes :
       {std::string("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame_bytes({headers, end_headers, 1, ""}),
        "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n" + frame_bytes({settings, 0, 0, ""})}) {
    Http2Client client(server_->port(), "a.example", std::nullopt);
    client.acknowledges = false;
    client.send(bytes);
    EXPECT_EQ(client.last_goaway(), NGHTTP2_PROTOCOL_ERROR) << bytes;
  }
}

TEST_F(Http2Frames, SettingsAndPingAreAcknowledged) {
  Http2Client client(server_->port());
  bool acknowledged = false;
  while (!acknowledged) {
    const auto frame = client.receive();
    ASSERT_TRUE(frame);
    acknowledged = frame->type == settings && frame->flags == ack;
  }
  client.send_frame({ping, 0, 0, "01234567"});
  for (auto frame = client.receive(); frame; frame = client.receive()) {
    if (frame->type != ping) continue;
    EXPECT_EQ(frame->flags, ack);
    EXPECT_EQ(frame->payload, "01234567");
    break;
  }
}

}  // namespace
}  // namespace perchild::test::http2_frames_test
