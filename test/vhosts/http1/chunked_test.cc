#include "vhosts/http1/chunked.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace perchild::http1::chunked_test {
namespace {

using namespace std::string_literals;
using State = ChunkedDecoder::State;

struct Decoded {
  State state = State::incomplete;
  std::string body;
  std::size_t consumed = 0;
  std::string_view reason;

  friend bool operator==(const Decoded&, const Decoded&) = default;
};
std::ostream& operator<<(std::ostream& out, const Decoded& d) {
  return out << static_cast<int>(d.state) << " '" << d.body << "' " << d.consumed << ' '
             << d.reason;
}

// Feeds `bytes` in parts of `size`, each in a buffer of its own.
Decoded decode(std::string_view bytes, std::size_t size, ChunkedDecoder decoder = {}) {
  Decoded all;
  for (std::size_t at = 0; at < bytes.size(); at += size) {
    const std::string_view part = bytes.substr(at, size);
    const std::vector<char> copy(part.begin(), part.end());
    std::string_view rest(copy.data(), copy.size());
    ChunkedDecoder::Step step{State::data, 0, {}};
    while (step.state == State::data) {
      step = decoder.next(rest);
      rest.remove_prefix(step.consumed);
      all.body += step.data;
      all.consumed += step.consumed;
    }
    all.state = step.state;
    if (step.state == State::rejected) all.reason = text_of(decoder.reason());
    if (step.state != State::incomplete) break;
  }
  return all;
}

Decoded decode(std::string_view bytes) {
  return decode(bytes, std::string_view::npos / 2);
}

void expect_refused(const std::vector<std::string>& bodies, ChunkReject reason, int status) {
  EXPECT_EQ(status_of(reason), status);
  for (const std::string& bytes : bodies) {
    const Decoded whole = decode(bytes);
    EXPECT_EQ(whole.state, State::rejected) << bytes;
    EXPECT_EQ(whole.reason, text_of(reason)) << bytes;
    EXPECT_EQ(whole, decode(bytes, 1)) << bytes;
  }
}

void expect_body(const std::string& bytes, const std::string& body) {
  const Decoded whole = decode(bytes);
  EXPECT_EQ(whole.state, State::done) << bytes;
  EXPECT_EQ(whole.body, body);
  EXPECT_EQ(whole.consumed, bytes.size());
  EXPECT_EQ(whole, decode(bytes, 1)) << bytes;
}

const std::string end = "0\r\n\r\n";

TEST(Chunked, BodiesAreDecoded) {
  expect_body(end, "");
  expect_body("5\r\nhello\r\n" + end, "hello");
  expect_body("5\r\nhello\r\n1\r\n,\r\n0006\r\n world\r\n000\r\n\r\n", "hello, world");
  expect_body("a\r\n0123456789\r\nA\r\n0123456789\r\n" + end, "01234567890123456789");
  expect_body("7\r\na\r\nb\r\n\0\r\n"s + end, "a\r\nb\r\n\0"s);
}

TEST(Chunked, ExtensionsAreDropped) {
  expect_body("1;a\r\nx\r\n0;b=c;d=\"e;f\\\"\"\r\n\r\n", "x");
  expect_body("1; a = b\t\r\nx\r\n" + end, "x");
  expect_body("1;a ;\tb ; c=\"\" \r\nx\r\n" + end, "x");
}

TEST(Chunked, TrailersAreDropped) {
  expect_body("1\r\nx\r\n0\r\nA: b\r\nC:\r\nContent-Length: 7\r\nD: \x80\t\r\n\r\n", "x");
}

TEST(Chunked, WhatFollowsTheBodyIsLeft) {
  const Decoded decoded = decode("1\r\nx\r\n0\r\n\r\nGET / HTTP/1.1\r\n");
  EXPECT_EQ(decoded.state, State::done);
  EXPECT_EQ(decoded.consumed, 11u);
}

TEST(Chunked, ABodyThatHasEndedConsumesNothingMore) {
  ChunkedDecoder decoder;
  ASSERT_EQ(decoder.next(end).state, State::done);
  const auto step = decoder.next("5\r\n");
  EXPECT_EQ(step.state, State::done);
  EXPECT_EQ(step.consumed, 0u);
}

TEST(Chunked, ASizeThatIsNoneIsAnswered400) {
  expect_refused({"x\r\n", "\r\n", ";a\r\n", " 5\r\n", "5 \r\n", "5\t;a\r\n", "0x5\r\n", "+5\r\n",
                  "-5\r\n", "5,\r\n", "5h\r\n", "\0"s, "5\x80", "1\r\nx\r\n\r\n0\r\n\r\n"},
                 ChunkReject::bad_size, 400);
}

TEST(Chunked, ASizeThatIsTooLargeIsAnswered413) {
  expect_refused(
      {"00000000000000001\r\n", "8000000000000000\r\n", "ffffffffffffffff\r\n",
       "10000000000000000\r\n", "fffffffffffffffff\r\n", "1\r\nx\r\n7fffffffffffffff\r\n"},
      ChunkReject::size_too_large, 413);
  EXPECT_EQ(decode("7fffffffffffffff\r\nx").body, "x");
  expect_body("0000000000000001\r\nx\r\n" + end, "x");
}

TEST(Chunked, BareLineEndsAreAnswered400) {
  expect_refused({"5\nhello\r\n", "\n", "5\rhello", "5;a\nhello", "5;a\rx", "5\r\nhello\n",
                  "5\r\nhello0\r\n", "5\r\nhello\rx", "5\r\nhello\r\r", "0\n", "0\r\n\n",
                  "0\r\n\rx", "0\r\nA: b\n\r\n", "0\r\nA: b\rx", "0\r\nA\n"},
                 ChunkReject::bad_line_end, 400);
}

TEST(Chunked, AnExtensionWithOtherBytesIsAnswered400) {
  expect_refused({"1;a\x01\r\n", "1;a\x7f\r\n", "1;\x80\r\n", "1;a\0\r\n"s},
                 ChunkReject::bad_extension, 400);
}

TEST(Chunked, AnExtensionThatIsNoneIsAnswered400) {
  expect_refused({"1;\r\n", "1;;a\r\n", "1;=b\r\n", "1;a=\r\n", "1;a=;b\r\n", "1;a b\r\n",
                  "1;a=b c\r\n", "1;a=\"b\"c\r\n", "1;a=\"b\"=\"c\"\r\n", "1;a,b\r\n"},
                 ChunkReject::bad_extension, 400);
}

// Who takes the CRLF for a part of the quoted text finds another end of the line.
TEST(Chunked, AnOpenQuoteIsAnswered400) {
  expect_refused({"1;a=\"\r\n", "1;a=\"b\r\nx\r\n0\r\n\r\n", "1;a=\"\\\"\r\n", "1;a=\"\\\r\n"},
                 ChunkReject::bad_extension, 400);
}

TEST(Chunked, ExtensionsAreBoundedOverAllChunks) {
  const std::string half(max_extension_bytes / 2, 'e');
  const std::string chunk = "1;" + half + "\r\nx\r\n";
  expect_body(chunk + chunk + end, "xx");
  expect_refused({chunk + chunk + "1;e\r\n"}, ChunkReject::extensions_too_long, 400);
}

TEST(Chunked, ATrailerThatIsNoFieldIsAnswered400) {
  expect_refused(
      {"0\r\n: b\r\n\r\n", "0\r\nA b\r\n", "0\r\nA : b\r\n", "0\r\nA\r\n\r\n", "0\r\n A: b\r\n",
       "0\r\nA: b\r\n c\r\n", "0\r\nA: b\x01\r\n", "0\r\n\x80: b\r\n", "0\r\nA: \0\r\n"s},
      ChunkReject::bad_trailer, 400);
}

TEST(Chunked, TrailersAreBounded) {
  const std::string value(max_trailer_bytes - 3, 'v');
  expect_body("0\r\nA:" + value + "\r\n\r\n", "");
  expect_refused({"0\r\nA:" + value + "v\r\n", "0\r\n" + std::string(max_trailer_bytes + 1, 'n')},
                 ChunkReject::trailers_too_long, 431);
}

TEST(Chunked, EveryReasonHasASentenceOfItsOwn) {
  std::set<std::string_view> sentences;
  for (int i = 0; i <= static_cast<int>(ChunkReject::trailers_too_long); ++i) {
    EXPECT_FALSE(text_of(static_cast<ChunkReject>(i)).empty());
    EXPECT_TRUE(sentences.insert(text_of(static_cast<ChunkReject>(i))).second);
  }
}

TEST(Chunked, NothingIsRememberedAfterReset) {
  for (const std::string& before : {"5;ext\r\nhe"s, "0\r\nA: b"s, end, "xyz"s, "fff"s}) {
    ChunkedDecoder decoder;
    (void)decoder.next(before);
    (void)decoder.next(before);
    decoder.reset();
    const std::string bytes = "5\r\nhello\r\n" + end;
    EXPECT_EQ(decode(bytes, bytes.size(), decoder), decode(bytes)) << before;
  }
}

RC_GTEST_PROP(Chunked, WhatIsEncodedIsDecodedHoweverItIsSplit, (std::vector<std::string> chunks)) {
  std::string bytes;
  std::string body;
  for (const std::string& chunk : chunks) {
    if (chunk.empty()) continue;
    char size[17];
    (void)std::snprintf(size, sizeof size, "%zx", chunk.size());
    bytes += size + "\r\n"s + chunk + "\r\n";
    body += chunk;
  }
  bytes += end;
  const Decoded decoded = decode(bytes + "next", *rc::gen::inRange<std::size_t>(1, 20));
  RC_ASSERT(decoded.state == State::done);
  RC_ASSERT(decoded.body == body);
  RC_ASSERT(decoded.consumed == bytes.size());
}

RC_GTEST_PROP(Chunked, AnyBytesAreTheSameWholeAndOneByteAtATime, ()) {
  const auto bytes =
      *rc::gen::container<std::string>(rc::gen::elementOf("0012af;\r\n\r\n\r\n:A x\x80"s));
  RC_ASSERT(decode(bytes) == decode(bytes, 1));
}

}  // namespace
}  // namespace perchild::http1::chunked_test
