// HTTP/2 without TLS, by prior knowledge: at a listener that has it, for its default site, and
// nowhere else.
#include <gtest/gtest.h>

#include "test/support/command.h"
#include "test/system/requests.h"
#include "vhosts/http2/client_preface.h"

namespace perchild::test::plain_http2_test {
namespace {

constexpr const char* listener =
    R"([{ "address": "127.0.0.1:PORT", "default": "a.example", "http2": "prior-knowledge" }])";

// "STATUS VERSION BODY"
std::string by_curl(const Server& server, const std::string& host, const std::string& how) {
  const std::string port = std::to_string(server.port());
  return run_command({"curl", "-sS", how, "--max-time", "20", "--resolve",
                      host + ":" + port + ":127.0.0.1", "-w", "|%{http_code} HTTP/%{http_version}",
                      "http://" + host + ":" + port + "/"})
      .output;
}

class PlainHttp2 : public ::testing::Test {
 protected:
  const Server server_{{.sites = two_sites(), .listen = listener}};
};

TEST_F(PlainHttp2, IsSpokenByCurlWithTheDefaultSite) {
  EXPECT_EQ(by_curl(server_, "a.example", "--http2-prior-knowledge"), "of a|200 HTTP/2");
  EXPECT_EQ(server_.workers_of(0).size(), 1u);
  EXPECT_EQ(server_.keepers().size(), 0u);
  // What else is spoken there is not changed by it.
  EXPECT_EQ(by_curl(server_, "a.example", "--http1.1"), "of a|200 HTTP/1.1");
  EXPECT_EQ(by_curl(server_, "b.example", "--http1.1"), "of b|200 HTTP/1.1");
  EXPECT_EQ(by_curl(server_, "a.example", "--http2"), "of a|200 HTTP/1.1");
}

TEST_F(PlainHttp2, IsSpokenByNghttpWithManyRequestsAtOnce) {
  const CommandEnd end =
      run_command({"nghttp", "-t", "20", "-H", ":authority: a.example", "-m", "50",
                   "http://127.0.0.1:" + std::to_string(server_.port()) + "/"});
  EXPECT_EQ(end.status, 0) << end.output;
  EXPECT_EQ(count_of(end.output, "of a"), 50u) << end.output;
}

TEST_F(PlainHttp2, IsNoWayToAnotherSite) {
  for (const char* host : {"b.example", "nobodys.example"}) {
    const std::string answer = by_curl(server_, host, "--http2-prior-knowledge");
    EXPECT_TRUE(answer.ends_with("|421 HTTP/2")) << answer;
  }
  EXPECT_EQ(server_.workers_of(1).size(), 0u);
}

TEST_F(PlainHttp2, MayBeginInPieces) {
  Client client(server_.port());
  for (const char c : http2::client_preface) client.send({&c, 1});
  client.send(std::string("\0\0\0\4\0\0\0\0\0", 9));  // SETTINGS
  const std::string frame = client.receive_some();
  ASSERT_GE(frame.size(), 9u);
  EXPECT_EQ(frame[3], 4);  // SETTINGS
}

TEST_F(PlainHttp2, ThatEndsBeforeItHasBegunIsAnsweredAsAHead) {
  Client client(server_.port());
  client.send(http2::client_preface.substr(0, 9));
  client.close_sending();
  EXPECT_EQ(client.receive().status, 400);
}

TEST(PlainHttp2Elsewhere, IsAVersionThatIsNotSpoken) {
  const Server server({.sites = two_sites(),
                       .listen = R"([{ "address": "127.0.0.1:PORT", "default": "a.example" }])"});
  EXPECT_EQ(ask(server, std::string(http2::client_preface)).status, 505);
  EXPECT_EQ(server.workers_of(0).size(), 0u);
}

}  // namespace
}  // namespace perchild::test::plain_http2_test
