// Backends that are slow, lie, or break: what their visitors see, what the error log says, and that
// neither the next request nor the neighbour's is the worse for it.
#include <gtest/gtest.h>

#include <functional>

#include "test/system/neighbour.h"
#include "test/system/played_backend.h"

namespace perchild::test::backend_faults_test {
namespace {

const std::string sized = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
const std::string in_chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

struct Fault {
  const char* name;
  std::function<void(PlayedBackend&)> play;  // once the request's head is there
  int status;                                // 0: what it got of the response may be lost
  const char* body;                          // as it comes
  const char* logged;
};

TEST(BackendFaults, CostTheirOwnRequestAndAreSaid) {
  PlayedBackend backend;
  const Server server({.sites = {{"a.example", {}, backend.settings(R"(, "time_limit": "400ms")")},
                                 {"b.example", {{"index.html", "of b"}}}}});
  const Neighbour neighbour(server);
  const auto says = [](const std::string& bytes) {
    return [bytes](PlayedBackend& b) {
      b.send(bytes);
      b.close();
    };
  };
  const auto says_and_waits = [](const std::string& bytes) {
    return [bytes](PlayedBackend& b) { b.send(bytes); };
  };
  const auto says_and_resets = [](const std::string& bytes) {
    return [bytes](PlayedBackend& b) {
      b.send(bytes);
      b.reset();
    };
  };
  const Fault faults[] = {
      {"slow",
       [](PlayedBackend& b) {
         for (const char c : sized + "hello") {
           b.send({c});
           pause_briefly();
         }
       },
       200, "hello", ""},
      {"silent", says_and_waits(""), 504, "", "the program took too long"},
      {"half a head", says_and_waits("HTTP/1.1 200 O"), 504, "", "the program took too long"},
      {"half a body", says_and_waits(sized + "he"), 200, "he", "the program took too long"},
      {"too short", says(sized + "he"), 200, "he", "closed in the middle"},
      {"too long", says_and_waits(sized + "helloHTTP/1.1 200 OK\r\n\r\n"), 200, "hello", ""},
      {"chunk cut off", says(in_chunks + "5\r\nhe"), 200, "2\r\nhe\r\n", "closed in the middle"},
      {"no last chunk", says(in_chunks + "2\r\nhe\r\n"), 200, "2\r\nhe\r\n",
       "closed in the middle"},
      {"wrong chunk", says(in_chunks + "2\r\nhello\r\n0\r\n\r\n"), 502, "",
       "a chunk of the body does not end in CRLF"},
      {"closes", says(""), 502, "", "the answer is empty"},
      {"resets", says_and_resets(""), 502, "", "the answer is empty"},
      {"resets in its body", says_and_resets(in_chunks + "2\r\nhe\r\n"), 0, "",
       "closed in the middle"},
  };
  for (const Fault& fault : faults) {
    Client client(server.port());
    client.send(request("a.example", "/", "Connection: close\r\n"));
    backend.accept();
    backend.receive_until("\r\n\r\n");
    fault.play(backend);
    const std::string all = client.receive_to_end().value_or("<no end>");
    if (fault.status != 0) {
      EXPECT_TRUE(all.starts_with("HTTP/1.1 " + std::to_string(fault.status))) << fault.name << all;
    }
    if (*fault.body != '\0') {
      EXPECT_EQ(all.substr(all.find("\r\n\r\n") + 4), fault.body) << fault.name;
    }
    EXPECT_TRUE(error_log_has(server, 0, fault.logged)) << fault.name << server.error_log(0);
    // It is not taken for good: the next request comes by a connection of its own.
    backend.close();
  }
}

}  // namespace
}  // namespace perchild::test::backend_faults_test
