#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "vhosts/gateway/fastcgi_record.h"

namespace perchild::gateway::fastcgi_decoder_test {
namespace {

using namespace std::string_literals;
using State = FastCgiDecoder::State;

constexpr char end_type = 3;
constexpr char output_type = 6;
constexpr char error_type = 7;

std::string record(char type, const std::string& content, std::size_t padding = 0) {
  std::string bytes{1, type, 0, 1};
  bytes += static_cast<char>(content.size() >> 8);
  bytes += static_cast<char>(content.size());
  bytes += static_cast<char>(padding);
  bytes += '\0';
  return bytes + content + std::string(padding, 'p');
}

const std::string end = record(end_type, std::string(8, '\0'));

struct Decoded {
  State state = State::incomplete;
  std::string output;
  std::string error_output;
  std::size_t consumed = 0;
  std::string_view reason;
  std::uint32_t application_status = 0;
  int protocol_status = -1;

  friend bool operator==(const Decoded&, const Decoded&) = default;
};
std::ostream& operator<<(std::ostream& out, const Decoded& d) {
  return out << static_cast<int>(d.state) << " '" << d.output << "' '" << d.error_output << "' "
             << d.consumed << ' ' << d.reason;
}

// Feeds `bytes` in parts of `size`, each in a buffer of its own.
Decoded decode(std::string_view bytes, std::size_t size, FastCgiDecoder decoder = {}) {
  Decoded all;
  bool more = true;
  for (std::size_t at = 0; at < bytes.size() && more; at += size) {
    const std::string_view part = bytes.substr(at, size);
    const std::vector<char> copy(part.begin(), part.end());
    std::string_view rest(copy.data(), copy.size());
    while (true) {
      const auto step = decoder.next(rest);
      rest.remove_prefix(step.consumed);
      all.consumed += step.consumed;
      all.state = step.state;
      if (step.state == State::output) all.output += step.data;
      if (step.state == State::error_output) all.error_output += step.data;
      if (step.state != State::output && step.state != State::error_output) break;
    }
    more = all.state == State::incomplete;
  }
  if (all.state == State::rejected) all.reason = text_of(decoder.reason());
  if (all.state == State::ended) {
    all.application_status = decoder.application_status();
    all.protocol_status = static_cast<int>(decoder.protocol_status());
  }
  return all;
}

Decoded decode(std::string_view bytes) {
  return decode(bytes, bytes.size() + 1);
}

void expect_refused(const std::vector<std::string>& all, FastCgiReject reason) {
  for (const std::string& bytes : all) {
    const Decoded whole = decode(bytes);
    EXPECT_EQ(whole.state, State::rejected) << testing::PrintToString(bytes);
    EXPECT_EQ(whole.reason, text_of(reason)) << testing::PrintToString(bytes);
    EXPECT_EQ(whole, decode(bytes, 1)) << testing::PrintToString(bytes);
  }
}

TEST(FastCgiDecoder, OutputErrorsAndEndAreTakenApart) {
  const std::string bytes = record(output_type, "Status: 200\r\n") +
                            record(error_type, "a notice") + record(output_type, "\r\nbody", 3) +
                            record(output_type, "") + end;
  const Decoded whole = decode(bytes);
  EXPECT_EQ(whole.state, State::ended);
  EXPECT_EQ(whole.output, "Status: 200\r\n\r\nbody");
  EXPECT_EQ(whole.error_output, "a notice");
  EXPECT_EQ(whole.consumed, bytes.size());
  EXPECT_EQ(whole.protocol_status, static_cast<int>(ProtocolStatus::complete));
  for (std::size_t size = 1; size < bytes.size(); ++size) EXPECT_EQ(decode(bytes, size), whole);
}

TEST(FastCgiDecoder, DataIsAViewOfTheInput) {
  const std::string bytes = record(output_type, "body");
  FastCgiDecoder decoder;
  const auto step = decoder.next(bytes);
  EXPECT_EQ(step.data.data(), bytes.data() + record_header_bytes);
}

TEST(FastCgiDecoder, ThePaddingOfTheLastRecordBelongsToTheRequest) {
  const std::string bytes = record(end_type, std::string(8, '\0'), 200);
  EXPECT_EQ(decode(bytes.substr(0, bytes.size() - 1)).state, State::incomplete);
  const Decoded whole = decode(bytes + "next");
  EXPECT_EQ(whole.state, State::ended);
  EXPECT_EQ(whole.consumed, bytes.size());
}

TEST(FastCgiDecoder, StatusesAreThoseOfTheEndRecord) {
  const Decoded whole = decode(record(end_type, "\x80\1\2\3\2\0\0\0"s));
  EXPECT_EQ(whole.application_status, 0x80010203u);
  EXPECT_EQ(whole.protocol_status, static_cast<int>(ProtocolStatus::overloaded));
}

TEST(FastCgiDecoder, RecordsOfAllLengths) {
  for (const std::size_t length : {1u, 255u, 256u, 65'535u}) {
    const std::string content(length, 'x');
    const Decoded whole = decode(record(output_type, content, 255) + end);
    EXPECT_EQ(whole.state, State::ended);
    EXPECT_EQ(whole.output, content);
  }
}

TEST(FastCgiDecoder, AnEndWithoutAnyOutputIsAnEnd) {
  EXPECT_EQ(decode(end).state, State::ended);
}

TEST(FastCgiDecoder, AnyOtherVersionIsRefused) {
  expect_refused({"\0\6\0\1\0\0\0\0"s, "\2\6\0\1\0\0\0\0"s, "HTTP/1.1 200 OK\r\n"s,
                  record(output_type, "a") + "Status: 200"},
                 FastCgiReject::bad_version);
}

TEST(FastCgiDecoder, AnotherRequestIsRefused) {
  expect_refused({"\1\6\0\2\0\0\0\0"s, "\1\6\1\1\0\0\0\0"s, "\1\6\0\0\0\0\0\0"s},
                 FastCgiReject::bad_request_id);
}

// Answers to what is never asked (types 10 and 11), and what only a server may say.
TEST(FastCgiDecoder, RecordsThatNobodyAskedForAreRefused) {
  std::vector<std::string> all;
  for (int type = 0; type < 256; ++type) {
    if (type == end_type || type == output_type || type == error_type) continue;
    all.push_back("\1"s + static_cast<char>(type) + "\0\0\0\x8\0\0"s + std::string(8, '\0'));
    all.push_back("\1"s + static_cast<char>(type) + "\0\1\0\x8\0\0"s + std::string(8, '\0'));
  }
  expect_refused(all, FastCgiReject::bad_type);
}

TEST(FastCgiDecoder, AStreamThatGoesOnBehindItsEndIsRefused) {
  expect_refused({record(output_type, "") + record(output_type, "a"),
                  record(error_type, "") + record(error_type, "a")},
                 FastCgiReject::stream_resumed);
  EXPECT_EQ(decode(record(output_type, "") + record(error_type, "a") + end).error_output, "a");
  EXPECT_EQ(decode(record(output_type, "") + record(output_type, "") + end).state, State::ended);
}

TEST(FastCgiDecoder, AMalformedEndIsRefused) {
  expect_refused({record(end_type, ""), record(end_type, std::string(7, '\0')),
                  record(end_type, std::string(9, '\0')), record(end_type, "\0\0\0\0\4\0\0\0"s)},
                 FastCgiReject::bad_end_request);
}

TEST(FastCgiDecoder, WhatHasEndedConsumesNothingMoreUntilReset) {
  FastCgiDecoder decoder;
  ASSERT_EQ(decoder.next(end).state, State::ended);
  EXPECT_EQ(decoder.next(end).consumed, 0u);
  EXPECT_EQ(decoder.next(end).state, State::ended);
  decoder.reset();
  EXPECT_EQ(decoder.next(end).consumed, end.size());
}

TEST(FastCgiDecoder, EveryReasonHasASentenceOfItsOwn) {
  std::set<std::string_view> sentences;
  for (int i = 0; i <= static_cast<int>(FastCgiReject::bad_end_request); ++i) {
    EXPECT_FALSE(text_of(static_cast<FastCgiReject>(i)).empty());
    EXPECT_TRUE(sentences.insert(text_of(static_cast<FastCgiReject>(i))).second);
  }
}

RC_GTEST_PROP(FastCgiDecoder, AnyBytesAreTheSameWholeAndInParts, ()) {
  std::string bytes;
  const auto parts = *rc::gen::inRange(0, 6);
  for (int i = 0; i < parts; ++i) {
    const char type = *rc::gen::element(end_type, output_type, output_type, error_type);
    bytes += record(type, *rc::gen::arbitrary<std::string>(), *rc::gen::inRange<std::size_t>(0, 9));
  }
  const Decoded whole = decode(bytes);
  RC_ASSERT(whole == decode(bytes, 1));
  RC_ASSERT(whole == decode(bytes, *rc::gen::inRange<std::size_t>(1, 30)));
}

}  // namespace
}  // namespace perchild::gateway::fastcgi_decoder_test
