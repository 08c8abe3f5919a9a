// Which site a URL is answered by, and the reason that is given.
#include "daemon/command/explain/explain.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <cstring>
#include <sstream>

#include "test/vhosts/sites/configuration_samples.h"

namespace perchild::test::explain_test {
namespace {

Listener listener_on(std::uint16_t port, std::optional<SiteId> fallback = std::nullopt) {
  ::sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  Listener listener;
  std::memcpy(&listener.address.storage, &address, sizeof address);
  listener.default_site = fallback;
  listener.text = "192.0.2.1:" + std::to_string(port);
  return listener;
}

class Explain : public ::testing::Test {
 protected:
  Explain()
      : configuration_(configuration_of(
            {{"a.example", "www.a.example"}, {"b.example", "*.b.example"}, {"*.c.b.example"}})) {
    configuration_.listeners = {listener_on(80), listener_on(8080, SiteId{1})};
  }
  std::string said(const std::string& url, bool is_served = true) {
    std::ostringstream out;
    const auto answer_of = [](SiteId site, const std::string& head) {
      return "  asked:    site " + std::to_string(site.value) + ", " +
             head.substr(0, head.find("\r\n\r\n")) + "\n";
    };
    EXPECT_EQ(explain(configuration_, url, answer_of, out), is_served) << url;
    return out.str();
  }
  void expect(const std::string& url, const std::string& part, bool is_served = true) {
    const std::string text = said(url, is_served);
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n in\n" << text;
  }
  Configuration configuration_;
};

TEST_F(Explain, NamesListenerReasonSiteIdsAndRoot) {
  EXPECT_EQ(said("http://www.a.example/x/../y?z"),
            "listener 192.0.2.1:80\n"
            "  because:  \"www.a.example\" is one of its hosts\n"
            "  site:     a.example\n"
            "  runs as:  uid 20000, gid 20000\n"
            "  root:     /srv/site\n"
            "  asked:    site 0, GET /x/../y?z HTTP/1.1\r\nHost: www.a.example\n");
}

TEST_F(Explain, TheLongestWildcardWins) {
  expect("http://x.b.example/", "\"*.b.example\" is one of its hosts\n  site:     b.example\n");
  expect("http://x.c.b.example/", "\"*.c.b.example\" is one of its hosts");
  expect("b.example", "\"b.example\" is one of its hosts");
}

TEST_F(Explain, AnUnknownNameIsTheDefaultsOrNobodys) {
  expect("http://nobody.example/", "421 from a router: no site is named nobody.example", false);
  expect("http://nobody.example:8080/",
         "this one is the listener's default\n  site:     b.example");
  expect("http://a.example:81/", "no listener has port 81", false);
}

TEST_F(Explain, WhatIsNoUrlOfOursIsSaidToBeNone) {
  for (const char* url : {"https://a.example/", "http://a b/", "http://u@a.example/", "http://:80/",
                          "http://a.example:99999/", "", "ftp://a.example/"}) {
    expect(url, "is not http://HOST[:PORT][/PATH][?QUERY]", false);
  }
}

TEST_F(Explain, ASuspendedSiteIsNotAsked) {
  configuration_.sites[0].life.suspended = true;
  expect("http://a.example/", "answer:   503, the site is suspended\n");
  EXPECT_EQ(said("http://a.example/").find("asked:"), std::string::npos);
}

TEST_F(Explain, AQueryWithoutAPathAndAFragmentAreWhatABrowserMakesOfThem) {
  expect("http://a.example?x", "GET /?x HTTP/1.1\r\nHost: a.example\n");
  expect("http://a.example:8080/x#y", "GET /x HTTP/1.1\r\nHost: a.example:8080\n");
}

}  // namespace
}  // namespace perchild::test::explain_test
