// A hostile visitor who hides a request in another, so that somebody else's is answered by his: by
// HTTP/1.1 and by HTTP/2, in front of a backend that takes whatever could be a request. Each is
// shown to work on that backend alone.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "test/hostile/lenient_backend.h"
#include "test/support/http2_client.h"
#include "test/system/requests.h"
#include "test/system/secure_sites.h"

namespace perchild::test::visitor_smuggling_test {
namespace {

const std::string hidden = "GET /hidden HTTP/1.1\r\nHost: a.example\r\nX: ";

struct Attack {
  std::string name;
  std::string bytes;
  bool works_as_it_is = true;  // or only if who sends it on drops or decodes something of it
};

std::string post(const std::string& fields, const std::string& body) {
  return request("a.example", "/decoy", fields, "POST") + body;
}

std::string length_of(const std::string& body) {
  return "Content-Length: " + std::to_string(body.size()) + "\r\n";
}

// Each ends in `hidden`, or in something that begins a request likewise.
std::vector<Attack> attacks() {
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  const std::string end_and_hidden = "0\r\n\r\n" + hidden;
  // In a chunk; hidden from who goes by the chunks, not from who has read three bytes.
  const std::string in_chunk =
      "40\r\n" + hidden + std::string(0x40 - hidden.size(), 'x') + "\r\n0\r\n\r\n";
  std::vector<Attack> all{
      {"a length and chunks", post(length_of(end_and_hidden) + chunked, end_and_hidden)},
      {"chunks and a length", post(chunked + "Content-Length: 4\r\n", in_chunk)},
      {"two lengths", post(length_of(hidden) + "Content-Length: 0\r\n", hidden)},
      {"a list of lengths",
       post("Content-Length: 0, " + std::to_string(hidden.size()) + "\r\n", hidden)},
      {"a length with a sign", post("Content-Length: +0\r\n", hidden)},
      {"a length in hexadecimal", post("Content-Length: 0x0\r\n", hidden)},
      {"a length that is folded", post("X: y\r\n Content-Length: 0\r\n", hidden)},
      {"a length behind LF", post(length_of(hidden) + "X: y\nContent-Length: 0\r\n", hidden)},
      {"a length behind CR", post("X: y\rContent-Length: 4\r\n", "xxxx" + hidden)},
      {"a length that is the connection's",
       post("Connection: content-length\r\n" + length_of(hidden), hidden), false},
      {"chunks that are the connection's",
       post("Connection: transfer-encoding\r\n" + chunked, in_chunk), false},
      {"chunks in HTTP/1.0",
       "POST /decoy HTTP/1.0\r\nHost: a.example\r\nConnection: keep-alive\r\n" +
           length_of(end_and_hidden) + chunked + "\r\n" + end_and_hidden},
      {"a chunk's extension with LF",
       post(chunked, "2;\nxx\r\n" + in_chunk.substr(0, in_chunk.size())), false},
      {"a chunk's size that overflows",
       post(chunked, "10000000000000002\r\nxx\r\n" + end_and_hidden), false},
      {"chunks that end in LF", post(chunked, "2\nxx\n0\n\n" + hidden)},
      {"a trailer with a length", post(chunked, "0\r\nContent-Length: 100\r\n\r\n" + hidden)},
      {"a body of GET", request("a.example", "/decoy", length_of(hidden)) + hidden, false},
      {"a body of HEAD", request("a.example", "/decoy", length_of(hidden), "HEAD") + hidden, false},
      {"a body that was to be asked for",
       post("Expect: 100-continue\r\n" + length_of(hidden), hidden), false},
      {"a version too many", "GET /decoy HTTP/1.1\nHost: a.example\n\n" + hidden},
      {"a blank in the path",
       "GET /decoy HTTP/1.1\r\nX: /hidden HTTP/1.1\r\nHost: a.example\r\n\r\n", false},
      {"an encoded line end in the path",
       request("a.example", "/decoy%20HTTP/1.1%0d%0aHost:%20a.example%0d%0a%0d%0aGET%20/hidden"),
       false},
      {"an upgrade that nobody grants",
       request("a.example", "/decoy",
               "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
               "HTTP2-Settings: AAMAAABk\r\n" +
                   length_of(hidden)) +
           hidden,
       false}};
  for (const std::string field :
       {"Transfer-Encoding: xchunked", "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding:\tchunked", "Transfer-Encoding:\vchunked", "Transfer-Encoding : chunked",
        "Transfer-Encoding: \"chunked\"", "Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
        "Transfer_Encoding: chunked", " Transfer-Encoding: chunked",
        "X: y\nTransfer-Encoding: chunked", "X: y\r\n\tTransfer-Encoding: chunked",
        "Transfer-Encoding: identity, chunked"}) {
    all.push_back({field, post(length_of(end_and_hidden) + field + "\r\n", end_and_hidden)});
  }
  return all;
}

class HostileVisitorSmuggles : public ::testing::TestWithParam<LenientBackend::Prefers> {};

TEST_P(HostileVisitorSmuggles, NothingPastTheWorkerByHttp1) {
  LenientBackend backend(GetParam());
  const Server server(
      {.sites = {{"a.example", {}, backend.settings()}, {"b.example", {{"index.html", "of b"}}}}});
  for (const Attack& attack : attacks()) {
    SCOPED_TRACE(attack.name);
    Client attacker(server.port());
    attacker.send(attack.bytes);
    // Whatever becomes of it: answered or refused.
    EXPECT_NE(attacker.receive(contains(attack.bytes, "HEAD ")).status, 0);
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(get(server.port(), "a.example", "/next").body, "asked: GET /next HTTP/1.1");
    }
    ASSERT_FALSE(backend.was_asked_for("/hidden"));
  }
  // Others have come by the connections that attacks came by: there was something to be won.
  EXPECT_GE(backend.shared_connections(), 1u);
  EXPECT_EQ(get(server.port(), "b.example").body, "of b");
}

// ---- HTTP/2

struct Http2Attack {
  std::string name;
  Http2Fields fields;  // those with a colon, and others
  std::string body;
};

std::vector<Http2Attack> http2_attacks() {
  const auto with = [](const Http2Fields& more, const std::string& method = "POST",
                       const std::string& path = "/decoy",
                       const std::string& authority = "a.example") {
    Http2Fields fields{
        {":method", method}, {":scheme", "https"}, {":path", path}, {":authority", authority}};
    fields.insert(fields.end(), more.begin(), more.end());
    return fields;
  };
  const std::string begun = " HTTP/1.1\r\nhost: a.example\r\n\r\nGET /hidden";
  const std::string end_and_hidden = "0\r\n\r\n" + hidden;
  return {
      {"a length of nothing", with({{"content-length", "0"}}), hidden},
      {"a length that is too short", with({{"content-length", "4"}}), "xxxx" + hidden},
      {"two lengths", with({{"content-length", "99"}, {"content-length", "0"}}), hidden},
      {"a length with a sign", with({{"content-length", "+0"}}), hidden},
      {"a coding", with({{"transfer-encoding", "chunked"}}), end_and_hidden},
      {"a coding behind a line end", with({{"x", "y\r\ntransfer-encoding: chunked"}}),
       end_and_hidden},
      {"a coding behind LF", with({{"x", "y\ntransfer-encoding: chunked"}}), end_and_hidden},
      {"a coding in a name", with({{"x: y\r\ntransfer-encoding", "chunked"}}), end_and_hidden},
      {"a coding in a name with a colon", with({{"transfer-encoding: chunked\r\nx", "y"}}),
       end_and_hidden},
      {"a coding in a cookie", with({{"cookie", "a=b\r\ntransfer-encoding: chunked"}}),
       end_and_hidden},
      {"a whole request in a field", with({{"x", "y\r\n\r\n" + hidden}}), ""},
      {"a request in the path", with({}, "GET", "/decoy" + begun), ""},
      {"a request in the path, blanks alone", with({}, "GET", "/decoy HTTP/1.1\n\nGET /hidden"),
       ""},
      {"a request in the method", with({}, "GET /decoy" + begun + " HTTP/1.1\r\n\r\nGET"), ""},
      {"a request in the authority",
       with({}, "GET", "/decoy", "a.example\r\n\r\nGET /hidden HTTP/1.1\r\nhost: a.example"), ""},
      {"a length that is the connection's", with({{"connection", "content-length"}}), hidden},
      {"a tunnel that nobody grants",
       {{":method", "CONNECT"},
        {":protocol", "websocket"},
        {":scheme", "https"},
        {":path", "/decoy"},
        {":authority", "a.example"}},
       hidden}};
}

// As somebody writes it who checks nothing.
std::string written_as_http1(const Http2Attack& attack) {
  std::string method, path, fields;
  for (const auto& [name, value] : attack.fields) {
    if (name == ":method") method = value;
    if (name == ":path") path = value;
    if (name == ":authority") fields += "host: " + value + "\r\n";
    if (!name.starts_with(':')) fields += name + ": " + value + "\r\n";
  }
  return method + " " + path + " HTTP/1.1\r\n" + fields + "\r\n" + attack.body;
}

TEST_P(HostileVisitorSmuggles, NothingPastTheWorkerByHttp2) {
  LenientBackend backend(GetParam());
  ServerSpec spec = secure_sites();
  spec.sites[0].more += backend.settings();
  const Server server(spec);
  Http2Client victim(server.port());
  for (const Http2Attack& attack : http2_attacks()) {
    SCOPED_TRACE(attack.name);
    Http2Client attacker(server.port());
    ASSERT_TRUE(attacker.speaks_http2());
    const std::uint32_t stream = attacker.request(attack.fields, attack.body.empty());
    if (!attack.body.empty()) attacker.send_data(stream, attack.body, true);
    // Whatever becomes of it.
    static_cast<void>(attacker.response(stream));
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(victim.response(victim.get("/next")).body, "asked: GET /next HTTP/1.1");
    }
    ASSERT_FALSE(backend.was_asked_for("/hidden"));
  }
  EXPECT_GE(backend.shared_connections(), 1u);
  Http2Client other(server.port(), "b.example");
  EXPECT_EQ(other.response(other.get()).body, "of b");
}

INSTANTIATE_TEST_SUITE_P(PastBothKinds, HostileVisitorSmuggles,
                         ::testing::Values(LenientBackend::Prefers::length,
                                           LenientBackend::Prefers::chunks));

// ---- the same without perchild

// Whether the backend, asked by these bytes and nobody in between, takes what is hidden for a
// request.
bool works_on_backends(const std::string& bytes) {
  for (const auto prefers : {LenientBackend::Prefers::length, LenientBackend::Prefers::chunks}) {
    LenientBackend backend(prefers);
    Client client(backend.port());
    client.send(bytes + "y\r\n\r\n" + request("a.example", "/next"));
    client.close_sending();
    client.receive_to_end();
    if (backend.was_asked_for("/hidden")) return true;
  }
  return false;
}

TEST(HostileVisitorSmugglesElsewhere, AllOfItPastWhoSendsOnWhatHeGets) {
  for (const Attack& attack : attacks()) {
    EXPECT_EQ(works_on_backends(attack.bytes), attack.works_as_it_is) << attack.name;
  }
  for (const Http2Attack& attack : http2_attacks()) {
    EXPECT_TRUE(works_on_backends(written_as_http1(attack))) << attack.name;
  }
}

}  // namespace
}  // namespace perchild::test::visitor_smuggling_test
