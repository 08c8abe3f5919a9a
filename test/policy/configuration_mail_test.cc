// "mail" in the configuration: what becomes of it, and mistakes.
#include "policy/configuration_mail.h"

#include <gtest/gtest.h>

#include "policy/configuration_json.h"
#include "test/policy/configuration_fakes.h"

namespace perchild::test::configuration_mail_test {
namespace {

ReadConfiguration read(const std::string& vhost, const std::string& defaults, bool has_client) {
  FakeSystem system;
  if (!has_client) system.programs[smtp_client] = ProgramAnswer::missing;
  FakeFiles files;
  files.texts["perchild.json"] = R"({"listen": [{"address": "*:80"}], "id_range": [1000, 59999],
    "defaults": )" + defaults + R"(, "vhosts": [
{"hosts": ["a.example", "*.b.example"], "user": "alice", "root": "/srv/a", "php": true)" +
                                 vhost + "}]}";
  return read_configuration("perchild.json", files, system);
}

Site site_of(const std::string& vhost, const std::string& defaults = "{}") {
  const ReadConfiguration got = read(vhost, defaults, true);
  EXPECT_TRUE(got.mistakes.empty());
  return got.configuration.value().sites[0];
}

std::string mistake_of(const std::string& vhost, bool has_client = true) {
  const ReadConfiguration got = read(vhost, "{}", has_client);
  return got.mistakes.empty() ? "" : got.mistakes[0].sentence + "|" + got.mistakes[0].hint;
}

TEST(ConfigurationMail, NeedsNoMoreThanASmarthost) {
  const Site site = site_of(R"(, "mail": {"smarthost": "127.0.0.1"})");
  ASSERT_TRUE(site.mail);
  EXPECT_EQ(site.mail->smarthost, "127.0.0.1");
  EXPECT_EQ(site.mail->port, 25);
  EXPECT_EQ(site.mail->tls, MailTls::off);
  EXPECT_EQ(site.mail->senders, (std::vector<std::string>{"*@a.example", "*@b.example"}));
  EXPECT_EQ(site.mail->domain, "a.example");
  EXPECT_EQ(site.mail->rate.count, 100U);
  EXPECT_EQ(site.mail->rate.per, std::chrono::hours(1));
  const auto& command = site.programs[0].command;
  EXPECT_EQ(command[1], "-d");
  EXPECT_EQ(command[2], "sendmail_path=\"/dev/shm/.perchild/sendmail -t -i\"");
  EXPECT_EQ(site.programs[0].environment[0], "SENDMAIL=/dev/shm/.perchild/sendmail");
}

TEST(ConfigurationMail, IsOfDefaultsAndChangedByAVhost) {
  const std::string defaults =
      R"({"mail": {"smarthost": "[::1]:587", "tls": "starttls", "rate": "10/m"}})";
  const Site site =
      site_of(R"(, "mail": {"from": ["shop@a.example", "*@shop.example"]})", defaults);
  ASSERT_TRUE(site.mail);
  EXPECT_EQ(site.mail->smarthost, "::1");
  EXPECT_EQ(site.mail->port, 587);
  EXPECT_EQ(site.mail->tls, MailTls::starttls);
  EXPECT_EQ(site.mail->rate.count, 10U);
  EXPECT_EQ(site.mail->senders, (std::vector<std::string>{"shop@a.example", "*@shop.example"}));
  EXPECT_FALSE(site_of(R"(, "mail": false)", defaults).mail);
  EXPECT_FALSE(site_of("").mail);
}

TEST(ConfigurationMail, MistakesAreNamed) {
  const auto has = [](const std::string& said, const std::string& part) {
    return said.find(part) != std::string::npos;
  };
  EXPECT_TRUE(has(mistake_of(R"(, "mail": {})"), R"("mail" needs a "smarthost")"));
  for (const char* host : {"", ":25", "a:0", "a:65536", "a:x", "-a:25", "a b", "[::1", "a:25:25"}) {
    EXPECT_NE(mistake_of(R"(, "mail": {"smarthost": ")" + std::string(host) + "\"}"), "") << host;
  }
  for (const char* from : {"a", "@b", "a*@b", "*", "a b@c", "-a@b"}) {
    EXPECT_TRUE(
        has(mistake_of(R"(, "mail": {"smarthost": "a", "from": [")" + std::string(from) + "\"]}"),
            "is not a sender"))
        << from;
  }
  EXPECT_NE(mistake_of(R"(, "mail": {"smarthost": "a", "from": []})"), "");
  EXPECT_TRUE(has(mistake_of(R"(, "mail": {"smarthost": "a", "rate": "many"})"), "is not a rate"));
  EXPECT_NE(mistake_of(R"(, "mail": {"smarthost": "a", "tls": "yes"})"), "");
  EXPECT_TRUE(has(mistake_of(R"(, "mail": {"smarthost": "a"})", false), "apt install msmtp"));
}

TEST(MailSettings, SayWhoMaySendAsWhom) {
  const MailSettings mail{.senders = {"*@a.example", "shop@b.example"}};
  for (const char* good : {"x@a.example", "x@A.Example", "shop@b.example"}) {
    EXPECT_TRUE(may_send_as(mail, good)) << good;
  }
  for (const char* bad : {"x@c.example", "x@sub.a.example", "x@b.example", "SHOP@b.example", "x"}) {
    EXPECT_FALSE(may_send_as(mail, bad)) << bad;
  }
  EXPECT_EQ(usual_sender(mail), "shop@b.example");
  EXPECT_EQ(usual_sender({.senders = {"*@a.example"}}), "www@a.example");
}

}  // namespace
}  // namespace perchild::test::configuration_mail_test
