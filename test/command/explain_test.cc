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
    const auto answer_of = [](SiteId site, const Url& asked) {
      const std::string head = head_of(asked);
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

TEST_F(Explain, NamesTheSystemCallsThatProgramsHaveOfTheirOwn) {
  Site& site = configuration_.sites[0];
  const auto line = [&] {
    const std::string text = said("http://a.example/");
    const std::size_t at = text.find("  calls:");
    return at == std::string::npos ? "" : text.substr(at, text.find('\n', at) - at);
  };
  site.calls = {{"@internet", "chmod"}, {"ptrace"}};
  EXPECT_EQ(line(), "");
  site.programs.emplace_back();
  EXPECT_EQ(line(), "  calls:    programs are refused @internet chmod, and allowed ptrace");
  site.calls.forbid.clear();
  EXPECT_EQ(line(), "  calls:    programs are allowed ptrace");
  site.calls.allow.clear();
  EXPECT_EQ(line(), "");
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
  for (const char* url : {"http://https://a.example/", "http://a b/", "http://u@a.example/",
                          "http://:80/", "http://a.example:99999/", "", "ftp://a.example/"}) {
    expect(url, "is not http[s]://HOST[:PORT][/PATH][?QUERY]", false);
  }
}

TEST_F(Explain, ASuspendedSiteIsNotAsked) {
  configuration_.sites[0].life.suspended = true;
  expect("http://a.example/", "answer:   503, the site is suspended\n");
  EXPECT_EQ(said("http://a.example/").find("asked:"), std::string::npos);
}

TEST_F(Explain, ByTlsASiteNeedsACertificate) {
  configuration_.listeners.push_back(listener_on(443));
  configuration_.listeners.back().tls = true;
  configuration_.sites[0].certificates.push_back({});
  configuration_.sites[0].certificate_names = {"a.example", "www.a.example"};
  EXPECT_EQ(said("https://a.example/"),
            "listener 192.0.2.1:443\n"
            "  because:  \"a.example\" is one of its hosts\n"
            "  site:     a.example\n"
            "  runs as:  uid 20000, gid 20000\n"
            "  root:     /srv/site\n"
            "  speaks:   TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1\n"
            "  asked:    site 0, GET / HTTP/1.1\r\nHost: a.example\n");
  expect("https://b.example/",
         "alert unrecognized_name from a router: no site with a certificate is named b.example",
         false);
  configuration_.sites[0].certificate_names.push_back("b.example");
  configuration_.sites[0].tls.least = TlsVersion::tls_1_3;
  expect("https://a.example/", "  speaks:   TLS 1.3, HTTP/1.1\n");
  configuration_.sites[0].life.suspended = true;
  expect("https://a.example/", "  answer:   alert internal_error, the site is suspended\n");
}

TEST_F(Explain, WhoSpeaksWhatTheListenerDoesNotReachesNoSite) {
  configuration_.listeners[1].tls = true;
  expect("http://a.example:8080/", "  answer:   400 from a router: TLS is spoken there\n", false);
  expect("https://a.example:80/", "  answer:   none that is TLS, which is not spoken there\n",
         false);
}

TEST_F(Explain, Http2ByPriorKnowledgeIsTheDefaultSitesAlone) {
  configuration_.listeners[1].plain_http2 = true;
  expect("http://b.example:8080/",
         "  speaks:   HTTP/2, to whoever knows beforehand, and HTTP/1.1\n");
  for (const char* url : {"http://a.example:8080/", "http://b.example/"}) {
    EXPECT_EQ(said(url).find("speaks:"), std::string::npos) << url;
  }
}

TEST_F(Explain, AQueryWithoutAPathAndAFragmentAreWhatABrowserMakesOfThem) {
  expect("http://a.example?x", "GET /?x HTTP/1.1\r\nHost: a.example\n");
  expect("http://a.example:8080/x#y", "GET /x HTTP/1.1\r\nHost: a.example:8080\n");
}

}  // namespace
}  // namespace perchild::test::explain_test
