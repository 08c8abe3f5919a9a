#include "vhosts/gateway/backend_head.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <sstream>
#include <string>
#include <vector>

namespace perchild::gateway::backend_head_test {
namespace {

using namespace std::string_literals;
using State = BackendHeadParser::State;

constexpr AskedOfBackend get{};
constexpr AskedOfBackend head_only{.head = true};
constexpr AskedOfBackend upgrade{.upgrade = true};

std::string framing_of(const BackendHead& head) {
  switch (head.framing) {
    case AnswerFraming::none:
      return "none";
    case AnswerFraming::content_length:
      return std::to_string(head.content_length);
    case AnswerFraming::chunked:
      return "chunked";
    case AnswerFraming::until_close:
      return "until close";
  }
  return "";
}

// Everything that the parser says of some bytes, as text.
std::string outcome_of(const BackendHeadParser& parser, State state, std::string_view bytes) {
  if (state == State::incomplete) return "incomplete";
  if (state == State::rejected) return std::string(text_of(parser.reason()));
  const BackendHead head = parser.head(bytes);
  std::ostringstream out;
  out << head.status << " '" << head.reason << "' " << framing_of(head)
      << (head.keep_alive ? ", kept" : ", closed") << (head.upgrade.empty() ? "" : ", to ")
      << head.upgrade << ", " << head.length;
  for_each_backend_field(bytes, [&out](const http1::Field& field) {
    out << " [" << field.name << ": " << field.value << ']';
  });
  return out.str();
}

std::string parse(std::string_view bytes, std::size_t step, AskedOfBackend asked) {
  BackendHeadParser parser(asked);
  for (std::size_t size = step; size < bytes.size(); size += step) {
    const std::vector<char> copy(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    const std::string_view part(copy.data(), copy.size());
    const State state = parser.parse(part);
    if (state != State::incomplete) return outcome_of(parser, state, part);
  }
  return outcome_of(parser, parser.parse(bytes), bytes);
}

std::string parse(std::string_view bytes, AskedOfBackend asked = get) {
  const std::string whole = parse(bytes, bytes.size() + 1, asked);
  if (bytes.size() < 2000) {
    EXPECT_EQ(whole, parse(bytes, 1, asked)) << bytes;
  }
  return whole;
}

std::string ok(const std::string& fields) {
  return "HTTP/1.1 200 OK\r\n" + fields + "\r\n";
}

void expect_refused(const std::vector<std::string>& heads, HeadReject reason,
                    AskedOfBackend asked = get) {
  for (const std::string& head : heads) EXPECT_EQ(parse(head, asked), text_of(reason)) << head;
}

TEST(BackendHead, HowTheBodyIsDelimited) {
  EXPECT_EQ(parse(ok("Content-Length: 12\r\n")), "200 'OK' 12, kept, 39");
  EXPECT_EQ(parse(ok("Transfer-Encoding: Chunked\r\n")), "200 'OK' chunked, kept, 47");
  EXPECT_EQ(parse(ok("")), "200 'OK' until close, closed, 19");
  EXPECT_EQ(parse("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"), "200 'OK' 0, closed, 38");
}

TEST(BackendHead, SomeAnswersHaveNoBodyWhateverTheySay) {
  EXPECT_EQ(parse(ok("Content-Length: 12\r\n"), head_only), "200 'OK' none, kept, 39");
  EXPECT_EQ(parse(ok("Transfer-Encoding: chunked\r\n"), head_only), "200 'OK' none, kept, 47");
  EXPECT_EQ(parse(ok(""), head_only), "200 'OK' none, kept, 19");
  EXPECT_EQ(parse("HTTP/1.1 204 No Content\r\n\r\n"), "204 'No Content' none, kept, 27");
  EXPECT_EQ(parse("HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n"), "304 'x' none, kept, 37");
  EXPECT_EQ(parse("HTTP/1.1 103 x\r\nContent-Length: 5\r\n\r\n"), "103 'x' none, kept, 37");
}

TEST(BackendHead, ALengthThatIsSaidOfNoBodyCanBeSaidOn) {
  BackendHeadParser parser(head_only);
  const std::string bytes = ok("Content-Length: 12\r\n");
  ASSERT_EQ(parser.parse(bytes), State::complete);
  EXPECT_TRUE(parser.head(bytes).has_content_length);
  EXPECT_EQ(parser.head(bytes).content_length, 12u);
}

TEST(BackendHead, WhetherTheConnectionIsKept) {
  EXPECT_EQ(parse(ok("Content-Length: 0\r\nConnection: x, Close\r\n")), "200 'OK' 0, closed, 60");
  EXPECT_EQ(parse("HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: Keep-Alive\r\n\r\n"),
            "200 'OK' 0, kept, 62");
  EXPECT_EQ(parse(ok("Connection: keep-alive\r\n")), "200 'OK' until close, closed, 43");
}

TEST(BackendHead, InterimHeadsAreSo) {
  for (const std::string status : {"100", "102", "103", "199"}) {
    BackendHeadParser parser(get);
    const std::string bytes = "HTTP/1.1 " + status + " x\r\n\r\n";
    ASSERT_EQ(parser.parse(bytes), State::complete);
    EXPECT_TRUE(parser.head(bytes).is_interim());
    EXPECT_EQ(parser.head(bytes).length, bytes.size());
  }
}

TEST(BackendHead, AProtocolIsChangedOnlyIfThatWasAskedFor) {
  const std::string change =
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
  EXPECT_EQ(parse(change, upgrade), "101 'Switching Protocols' none, closed, to websocket, 77");
  expect_refused({change, "HTTP/1.1 101\r\n\r\n"}, HeadReject::not_asked_for);
  expect_refused({"HTTP/1.1 101 x\r\nConnection: Upgrade\r\n\r\n"}, HeadReject::not_asked_for,
                 upgrade);
}

TEST(BackendHead, AReasonMayBeMissing) {
  EXPECT_EQ(parse("HTTP/1.1 204 \r\n\r\n"), "204 '' none, kept, 17");
  EXPECT_EQ(parse("HTTP/1.1 204\r\n\r\n"), "204 '' none, kept, 16");
  EXPECT_EQ(parse("HTTP/1.1 204 \x80 \t\r\n\r\n"), "204 '\x80' none, kept, 20");
}

TEST(BackendHead, AStatusLineThatIsNoneIsRefused) {
  expect_refused({"HTTP/1.1 20 OK\r\n", "HTTP/1.1 2000 OK\r\n", "HTTP/1.1 099 OK\r\n",
                  "HTTP/1.1 600 OK\r\n", "HTTP/1.1  200 OK\r\n", "HTTP/1.1\t200 OK\r\n",
                  "HTTP/1.1 200\tOK\r\n", "HTTP/1.1 2x0 OK\r\n", "HTTP/1.1\r\n",
                  "HTTP/1.1 200 O\nK\r\n", "HTTP/1.1 200 O\x01K\r\n", "HTTP/1.1 200\n\r\n"},
                 HeadReject::bad_status_line);
  expect_refused({"HTTP/1.2 200 OK\r\n", "HTTP/2 200\r\n", "HTTP/0.9", "http/1.1 200 OK\r\n",
                  "<html>", "Status: 200 OK\r\n", "\r\nHTTP/1.1 200 OK\r\n", " HTTP/1.1 200 OK"},
                 HeadReject::bad_version);
  expect_refused({"HTTP/1.1 200 OK\rX", "HTTP/1.1 200\rX"}, HeadReject::bad_line_end);
}

TEST(BackendHead, TwoReadersCannotDisagreeAboutTheBody) {
  expect_refused({ok("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"),
                  ok("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n")},
                 HeadReject::length_and_encoding);
  expect_refused({ok("Content-Length: 1\r\nContent-Length: 1\r\n")}, HeadReject::field_repeated);
  expect_refused({ok("Content-Length: 1, 1\r\n"), ok("Content-Length: +1\r\n"),
                  ok("Content-Length:\r\n"), ok("Content-Length: 9223372036854775808\r\n")},
                 HeadReject::bad_length);
  expect_refused({ok("Transfer-Encoding: gzip, chunked\r\n"), ok("Transfer-Encoding: identity\r\n"),
                  ok("Transfer-Encoding:\r\n"), ok("Transfer-Encoding: xchunked\r\n"),
                  ok("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
                  "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                  "HTTP/1.1 204 x\r\nTransfer-Encoding: chunked\r\n\r\n",
                  "HTTP/1.1 100 x\r\nTransfer-Encoding: chunked\r\n\r\n"},
                 HeadReject::bad_encoding);
}

TEST(BackendHead, LinesEndInCrlf) {
  expect_refused({"HTTP/1.1 200 OK\r\nA: b\n\r\n", "HTTP/1.1 200 OK\r\n\n",
                  "HTTP/1.1 200 OK\r\nA: b\rC: d\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\r"},
                 HeadReject::bad_line_end);
  expect_refused({ok("A: b\r\n c\r\n"), ok(" A: b\r\n")}, HeadReject::folded_field);
  expect_refused({ok("A : b\r\n"), ok("A\r\n"), ok(": b\r\n")}, HeadReject::bad_field_name);
  expect_refused({ok("A: b\0\r\n"s), ok("A: \x7f\r\n")}, HeadReject::bad_field_value);
}

TEST(BackendHead, WhatIsAboutTheConnectionIsNotPassedOn) {
  EXPECT_EQ(
      parse(ok("Content-Length: 0\r\nA: b\r\nConnection: close, x-own\r\nX-Own: 1\r\n"
               "Keep-Alive: 5\r\nProxy-Authenticate: x\r\nTrailer: x\r\nDate: x\r\nServer: x\r\n"
               "Set-Cookie: c\r\nset-cookie: d\r\n")),
      "200 'OK' 0, closed, 180 [A: b] [Set-Cookie: c] [set-cookie: d]");
}

TEST(BackendHead, ConnectionOptionsAreBounded) {
  std::string options;
  for (std::size_t i = 0; i < max_connection_options - 1; ++i) options += "x,";
  const std::string most = "Connection: " + options + "\r\nConnection: y, \r\nY: z\r\nA: b\r\n";
  EXPECT_TRUE(parse(ok(most)).ends_with(" [A: b]")) << parse(ok(most));
  expect_refused({ok("Connection: " + options + "x,y\r\n"), ok(most + "Connection: z\r\n")},
                 HeadReject::too_many_options);
}

TEST(BackendHead, TheBodyIsLeftAlone) {
  EXPECT_EQ(parse(ok("Content-Length: 3\r\n") + "\r\n\0"s), "200 'OK' 3, kept, 38");
}

TEST(BackendHead, SizeAndFieldsAreBounded) {
  const std::string line = "HTTP/1.1 200 OK\r\n";
  const std::string fits = ok("A:" + std::string(max_answer_head_bytes - 23, 'v') + "\r\n");
  ASSERT_EQ(fits.size(), max_answer_head_bytes);
  EXPECT_TRUE(parse(fits).starts_with("200"));
  expect_refused({ok("A:" + std::string(max_answer_head_bytes - 22, 'v') + "\r\n"),
                  "HTTP/1.1 200 " + std::string(max_answer_head_bytes, 'r'),
                  "HTTP/1.1 200 " + std::string(max_answer_head_bytes - 14, 'r') + "\r\n"},
                 HeadReject::head_too_large);
  std::string fields;
  for (std::size_t i = 0; i < max_answer_fields; ++i) fields += "A: b\r\n";
  EXPECT_TRUE(parse(ok(fields)).starts_with("200"));
  expect_refused({line + fields + "A"}, HeadReject::too_many_fields);
}

TEST(BackendHead, AnEndComesTooEarlyOrNot) {
  BackendHeadParser parser(get);
  EXPECT_EQ(parser.parse(""), State::incomplete);
  EXPECT_EQ(parser.finish(), State::rejected);
  EXPECT_EQ(parser.reason(), HeadReject::nothing);
  for (const std::string& bytes : {"H"s, "HTTP/1.1 200"s, "HTTP/1.1 200 OK\r\n"s, ok("A: b\r\n")}) {
    parser.reset();
    EXPECT_EQ(parser.parse(bytes.substr(0, bytes.size() - 1)), State::incomplete) << bytes;
    EXPECT_EQ(parser.finish(), State::rejected);
    const bool is_empty = bytes.size() == 1;
    EXPECT_EQ(parser.reason(), is_empty ? HeadReject::nothing : HeadReject::ended_early) << bytes;
  }
  parser.reset();
  EXPECT_EQ(parser.parse(ok("")), State::complete);
  EXPECT_EQ(parser.finish(), State::complete);
}

RC_GTEST_PROP(BackendHead, AnyBytesAreTheSameWholeAndInParts, ()) {
  const auto tail = *rc::gen::container<std::string>(rc::gen::elementOf("aA::  \r\n\r\n\t2\x80"s));
  const auto bytes = *rc::gen::element(""s, "HTTP/1.1 "s, "HTTP/1.1 200 OK\r\n"s) + tail;
  const std::string whole = parse(bytes, bytes.size() + 1, get);
  RC_ASSERT(whole == parse(bytes, 1, get));
  RC_ASSERT(whole == parse(bytes, *rc::gen::inRange<std::size_t>(1, 9), get));
}

}  // namespace
}  // namespace perchild::gateway::backend_head_test
