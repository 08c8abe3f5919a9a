#include "vhosts/gateway/cgi_head.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <ostream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace perchild::gateway::cgi_head_test {
namespace {

using namespace std::string_literals;
using State = CgiHeadParser::State;

// Everything that the parser says of some bytes, as text.
std::string outcome_of(const CgiHeadParser& parser, State state, std::string_view bytes) {
  if (state == State::incomplete) return "incomplete";
  if (state == State::rejected) return std::string(text_of(parser.reason()));
  const CgiHead head = parser.head(bytes);
  std::ostringstream out;
  out << static_cast<int>(head.kind) << ' ' << head.status << " '" << head.reason << "' l'"
      << head.location << "' t'" << head.content_type << "' "
      << (head.content_length ? std::to_string(*head.content_length) : "-") << ' ' << head.length;
  for_each_cgi_field(bytes, [&out](const http1::Field& field) {
    out << " [" << field.name << ": " << field.value << ']';
  });
  return out.str();
}

std::string parse(std::string_view bytes, std::size_t step) {
  CgiHeadParser parser;
  for (std::size_t size = step; size < bytes.size(); size += step) {
    const std::vector<char> copy(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    const std::string_view part(copy.data(), copy.size());
    const State state = parser.parse(part);
    if (state != State::incomplete) return outcome_of(parser, state, part);
  }
  return outcome_of(parser, parser.parse(bytes), bytes);
}

std::string parse(std::string_view bytes) {
  const std::string whole = parse(bytes, bytes.size() + 1);
  if (bytes.size() < 2000) {
    EXPECT_EQ(whole, parse(bytes, 1)) << bytes;
  }
  return whole;
}

void expect_refused(const std::vector<std::string>& heads, HeadReject reason) {
  for (const std::string& head : heads) EXPECT_EQ(parse(head), text_of(reason)) << head;
}

TEST(CgiHead, ADocument) {
  EXPECT_EQ(parse("Content-Type: text/html\r\n\r\n"),
            "0 200 '' l'' t'text/html' - 27 [Content-Type: text/html]");
  EXPECT_EQ(parse("Content-type:text/html\n\n"),
            "0 200 '' l'' t'text/html' - 24 [Content-type: text/html]");
  EXPECT_EQ(parse("Status: 404 Not Found\r\nX-A: b \r\n\n"),
            "0 404 'Not Found' l'' t'' - 33 [X-A: b]");
  EXPECT_EQ(parse("Content-Length: 12\nStatus:\t201\n\r\n"), "0 201 '' l'' t'' 12 33");
}

TEST(CgiHead, Redirects) {
  EXPECT_EQ(parse("Location: /a?b\n\n"), "1 302 '' l'/a?b' t'' - 16 [Location: /a?b]");
  EXPECT_EQ(parse("Location: https://b.example/\n\n"),
            "2 302 '' l'https://b.example/' t'' - 30 [Location: https://b.example/]");
  // With a status the location is the client's, whatever it is.
  EXPECT_EQ(parse("Status: 301 Moved\nLocation: /a\n\n"),
            "2 301 'Moved' l'/a' t'' - 32 [Location: /a]");
  EXPECT_EQ(parse("Location: //b.example/\n\n"),
            "2 302 '' l'//b.example/' t'' - 24 [Location: //b.example/]");
  EXPECT_EQ(parse("Location: a\n\n"), "2 302 '' l'a' t'' - 13 [Location: a]");
}

TEST(CgiHead, FieldsAreThoseOfTheScriptButForTheConnectionsAndOurs) {
  const std::string head =
      "Content-Type: a/b\nConnection: close, x\nTransfer-Encoding: chunked\nKeep-Alive: 5\n"
      "Upgrade: h2c\nTE: x\nTrailer: x\nProxy-Connection: x\nproxy-status: x\nDate: x\nServer: x\n"
      "Set-Cookie: a=b\nset-cookie: c=d\nSTATUS: 200\nContent-Length: 0\nProxied: x\n\n";
  const std::string outcome = parse(head);
  EXPECT_TRUE(
      outcome.ends_with(" [Content-Type: a/b] [Set-Cookie: a=b] [set-cookie: c=d] [Proxied: x]"))
      << outcome;
}

TEST(CgiHead, TheBodyIsLeftAlone) {
  const std::string bytes = "A: b\n\n\r\n\0body"s;
  EXPECT_EQ(parse(bytes), "0 200 '' l'' t'' - 6 [A: b]");
}

TEST(CgiHead, WhatIsNoFieldIsRefused) {
  expect_refused({"Hello, world\n", "<html>\n", ": b\n\n", "A\n\n", "A : b\n\n", "A b: c\n\n",
                  "HTTP/1.1 200 OK\r\n", "Traceback (most recent call last):\n", "\x80: b\n",
                  "\0: b\n"s, "A: b\nC\n\n"},
                 HeadReject::bad_field_name);
  expect_refused({"A: b\x01\n\n", "A: \x7f\n\n", "A: \0\n\n"s, "A: b\vc\n\n"},
                 HeadReject::bad_field_value);
  expect_refused({" A: b\n\n", "A: b\n c\n\n", "A: b\r\n\tc\r\n\r\n"}, HeadReject::folded_field);
  expect_refused({"A: b\rC: d\n\n", "A: b\r\r\n\n", "A: b\n\r\r\n", "\rA: b\n\n"},
                 HeadReject::bad_line_end);
}

TEST(CgiHead, NoHeadAtAllIsRefused) {
  expect_refused({"\n", "\r\n", "\nbody"}, HeadReject::no_fields);
}

TEST(CgiHead, AStatusIsFrom200To599) {
  expect_refused(
      {"Status: 199\n\n", "Status: 100 Continue\n\n", "Status: 101\n\n", "Status: 600\n\n",
       "Status: 999\n\n", "Status: 20\n\n", "Status: 2000\n\n", "Status: 200OK\n\n", "Status:\n\n",
       "Status: OK\n\n", "Status: +20\n\n", "Status: HTTP/1.1 200\n\n"},
      HeadReject::bad_status);
  EXPECT_TRUE(parse("Status: 200 \n\n").starts_with("0 200 ''"));
  EXPECT_TRUE(parse("Status: 599 x y\n\n").starts_with("0 599 'x y'"));
}

TEST(CgiHead, ALengthIsADecimalNumber) {
  expect_refused({"Content-Length:\n\n", "Content-Length: -1\n\n", "Content-Length: 1,1\n\n",
                  "Content-Length: 0x1\n\n", "Content-Length: 1 1\n\n",
                  "Content-Length: 9223372036854775808\n\n"},
                 HeadReject::bad_length);
  EXPECT_NE(parse("Content-Length: 9223372036854775807\n\n").find("9223372036854775807"),
            std::string::npos);
}

TEST(CgiHead, ALocationSaysSomething) {
  expect_refused({"Location:\n\n", "Location: \t \n\n"}, HeadReject::bad_location);
}

TEST(CgiHead, WhatThereMustBeOneOfIsThereOnce) {
  expect_refused(
      {"Status: 200\nstatus: 200\n\n", "Location: /a\nLocation: /b\n\n",
       "Content-Type:\nContent-Type: a/b\n\n", "Content-Length: 1\nA: b\nContent-Length: 1\n\n"},
      HeadReject::field_repeated);
}

TEST(CgiHead, SizeAndFieldsAreBounded) {
  const auto head_of = [](std::size_t bytes) {
    return "A: " + std::string(bytes - 5, 'v') + "\n\n";
  };
  EXPECT_TRUE(parse(head_of(max_answer_head_bytes)).starts_with("0 200"));
  expect_refused({head_of(max_answer_head_bytes + 1), std::string(max_answer_head_bytes, 'n')},
                 HeadReject::head_too_large);
  std::string fields;
  for (std::size_t i = 0; i < max_answer_fields; ++i) fields += "A: b\n";
  EXPECT_TRUE(parse(fields + "\n").starts_with("0 200"));
  expect_refused({fields + "A"}, HeadReject::too_many_fields);
}

TEST(CgiHead, AnEndComesTooEarlyOrNot) {
  CgiHeadParser parser;
  EXPECT_EQ(parser.parse(""), State::incomplete);
  EXPECT_EQ(parser.finish(), State::rejected);
  EXPECT_EQ(parser.reason(), HeadReject::nothing);
  for (const std::string bytes : {"A", "A:", "A: b\r", "A: b\n", "A: b\n\r", "\r"}) {
    parser.reset();
    EXPECT_EQ(parser.parse(bytes), State::incomplete) << bytes;
    EXPECT_EQ(parser.finish(), State::rejected);
    EXPECT_EQ(parser.reason(), HeadReject::ended_early) << bytes;
  }
  parser.reset();
  EXPECT_EQ(parser.parse("A: b\n\n"), State::complete);
  EXPECT_EQ(parser.finish(), State::complete);
}

TEST(CgiHead, EveryReasonHasASentenceOfItsOwn) {
  std::set<std::string_view> sentences;
  for (int i = 0; i <= static_cast<int>(HeadReject::not_asked_for); ++i) {
    EXPECT_FALSE(text_of(static_cast<HeadReject>(i)).empty());
    EXPECT_TRUE(sentences.insert(text_of(static_cast<HeadReject>(i))).second);
  }
}

RC_GTEST_PROP(CgiHead, AnyBytesAreTheSameWholeAndInParts, ()) {
  const auto bytes = *rc::gen::container<std::string>(rc::gen::elementOf("aA::  \n\n\r\t2\x80"s));
  RC_ASSERT(parse(bytes, bytes.size() + 1) == parse(bytes, 1));
  RC_ASSERT(parse(bytes, bytes.size() + 1) == parse(bytes, *rc::gen::inRange<std::size_t>(1, 9)));
}

}  // namespace
}  // namespace perchild::gateway::cgi_head_test
