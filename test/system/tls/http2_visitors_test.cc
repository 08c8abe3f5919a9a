// Who may come in over HTTP/2, how often, and what becomes of who is there when his worker leaves.
#include <gtest/gtest.h>

#include "test/support/http2_client.h"
#include "test/system/reloading.h"
#include "test/system/requests.h"
#include "test/system/secure_sites.h"

namespace perchild::test::http2_visitors_test {
namespace {

ServerSpec spec_with(const std::string& more) {
  ServerSpec spec = secure_sites();
  spec.sites[0].more += more;
  return spec;
}

TEST(Http2Visitors, ArePutThroughThePasswordOfEachStream) {
  // Of "secret".
  const Server server(spec_with(
      R"(, "auth": { "realm": "in", "users": { "alice": "$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0" } })"));
  const Http2Fields right{{"authorization", "Basic YWxpY2U6c2VjcmV0"}};
  const Http2Fields wrong{{"authorization", "Basic YWxpY2U6d3Jvbmc="}};
  Http2Client client(server.port());
  const Http2Response asked = client.response(client.get());
  EXPECT_EQ(asked.status, 401);
  EXPECT_EQ(asked.fields.at("www-authenticate"), R"(Basic realm="in", charset="UTF-8")");
  EXPECT_FALSE(contains(asked.body, "of a"));
  // A wrong one is answered late, and holds nobody up.
  const std::uint32_t refused = client.get("/", wrong);
  EXPECT_EQ(client.response(client.get("/", right)).body, "of a");
  EXPECT_EQ(client.so_far(refused).status, 0);
  EXPECT_EQ(client.response(refused).status, 401);
  EXPECT_EQ(client.response(client.get("/", right)).body, "of a");
  EXPECT_TRUE(access_log_has(server, 0, "127.0.0.1 - alice ["));
}

TEST(Http2Visitors, MayMakeSoManyRequestsWhateverTheStream) {
  const Server server(
      spec_with(R"(, "rates": { "requests": { "per_address": "1/h", "burst": 3 } })"));
  Http2Client client(server.port());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.response(client.get()).status, 200) << i;
  const Http2Response limited = client.response(client.get());
  EXPECT_EQ(limited.status, 429);
  EXPECT_GT(std::stoi(limited.fields.at("retry-after")), 3000);
  EXPECT_EQ(Http2Client(server.port(), "b.example").goaway(), std::nullopt);
}

TEST(Http2Visitors, MayHaveSoManyConnections) {
  const Server server(spec_with(R"(, "limits": { "per_address": 1 })"));
  Http2Client first(server.port());
  EXPECT_EQ(first.response(first.get()).body, "of a");
  Http2Client second(server.port());
  const Http2Response refused = second.response(second.get());
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.fields.at("retry-after"), "1");
  EXPECT_EQ(second.last_goaway(), NGHTTP2_NO_ERROR);
  EXPECT_EQ(first.response(first.get()).body, "of a") << "streams are no connections";
  Http2Client other(server.port(), "b.example");
  EXPECT_EQ(other.response(other.get()).body, "of b");
}

TEST(Http2Visitors, AreNotKeptByASiteThatGoesToSleepAndWakeItAgain) {
  const Server server(spec_with(R"(, "idle_timeout": "300ms", "timeouts": { "idle": "300ms" })"));
  for (int i = 0; i < 2; ++i) {
    Http2Client client(server.port());
    EXPECT_EQ(client.response(client.get()).body, "of a");
    EXPECT_EQ(server.workers_of(0).size(), 1u);
    EXPECT_EQ(client.last_goaway(), NGHTTP2_NO_ERROR);
    EXPECT_TRUE(eventually([&] { return server.workers_of(0).empty(); }));
  }
}

TEST(Http2Visitors, WhoIsIdleIsToldToGoWhenHisWorkerLeaves) {
  const Server server(spec_with(R"(, "timeouts": { "idle": "1h" })"));
  Http2Client idle(server.port());
  EXPECT_EQ(idle.response(idle.get()).body, "of a");
  const auto worker = server.workers_of(0).at(0).pid;
  edit(server, R"("idle": "1h")", R"("idle": "50m")");
  ASSERT_EQ(reload(server).status, 0);
  EXPECT_EQ(idle.last_goaway(), NGHTTP2_NO_ERROR);
  EXPECT_TRUE(eventually([&] {
    for (const ProcessFacts& each : server.workers_of(0)) {
      if (each.pid == worker) return false;
    }
    return true;
  }));
  Http2Client next(server.port());
  EXPECT_EQ(next.response(next.get()).body, "of a");
}

}  // namespace
}  // namespace perchild::test::http2_visitors_test
