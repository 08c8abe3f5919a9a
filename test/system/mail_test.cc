// Mail that a site's programs send: by PHP's mail(), by sendmail; as whom, and how much.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "test/support/background_command.h"
#include "test/support/command.h"
#include "test/support/own_mounts.h"
#include "test/system/requests.h"
#include "test/system/smtp_sink.h"
#include "test/system/upgrading.h"

namespace perchild::test::mail_test {
namespace {

constexpr const char* by_mail =
    "<?php var_dump(mail($_GET['to'], 'Greetings', \"Hello.\\r\\n.\\r\\nBye.\", "
    "\"From: Shop <shop@a.example>\\r\\nBcc: hidden@c.example\", $_GET['more'] ?? ''));";

// The body is the message.
constexpr const char* by_sendmail =
    "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\n"
    "${SENDMAIL:-none} $(echo \"$QUERY_STRING\" | tr '+()' ' <>') 2>&1\necho \"status $?\"\n";

class Mail : public ::testing::Test {
 protected:
  explicit Mail(const std::string& more = {}, bool refuses = false)
      : sink_(refuses),
        server_({.sites = {{"a.example",
                            {{"mail.php", by_mail}, {"cgi-bin/.keep", ""}},
                            R"(, "php": true, "cgi": true, "idle_timeout": "1s",
                               "mail": {"smarthost": "127.0.0.1:)" +
                                std::to_string(sink_.port()) + "\"" + more + "}"},
                           {"b.example", {{"mail.php", by_mail}}, R"(, "php": true)"}}}) {
    server_.add_file(0, "cgi-bin/mail", by_sendmail, 0700);
  }
  std::string php(const std::string& query) {
    return get(server_.port(), "a.example", "/mail.php?" + query).body;
  }
  std::string sendmail(const std::string& arguments,
                       const std::string& message = "To: x@c.example\n\nText\n") {
    Client client(server_.port());
    return sendmail_by(client, arguments, message);
  }
  static std::string sendmail_by(Client& client, const std::string& arguments,
                                 const std::string& message) {
    client.send(
        request("a.example", "/cgi-bin/mail?" + arguments,
                "Connection: close\r\nContent-Length: " + std::to_string(message.size()) + "\r\n",
                "POST") +
        message);
    return body_of(client.receive_to_end().value_or(""));
  }

  SmtpSink sink_;
  Server server_;
};

TEST_F(Mail, OfPhpIsTheSmarthostsWhenMailSaysSo) {
  EXPECT_EQ(php("to=you@c.example,me@c.example"), "bool(true)\n") << server_.error_log(0);
  const ReceivedMail mail = sink_.wait_for();
  EXPECT_EQ(mail.sender, "www@a.example");
  EXPECT_EQ(mail.recipients,
            (std::vector<std::string>{"you@c.example", "me@c.example", "hidden@c.example"}));
  EXPECT_TRUE(contains(mail.text, "Subject: Greetings\n")) << mail.text;
  EXPECT_TRUE(contains(mail.text, "From: Shop <shop@a.example>\n")) << mail.text;
  EXPECT_TRUE(contains(mail.text, "Date: ")) << mail.text;
  EXPECT_TRUE(contains(mail.text, "\n\nHello.\n.\nBye.\n")) << mail.text;
  EXPECT_FALSE(contains(mail.text, "hidden")) << mail.text;
}

TEST_F(Mail, OfASiteWithoutItIsNotSent) {
  EXPECT_EQ(get(server_.port(), "b.example", "/mail.php?to=you@c.example").body, "bool(false)\n");
  EXPECT_TRUE(sink_.mail().empty());
}

TEST_F(Mail, IsSentAsTheSiteAndNobodyElse) {
  EXPECT_EQ(php("to=you@c.example&more=-fnews@a.example"), "bool(true)\n");
  EXPECT_EQ(sink_.wait_for().sender, "news@a.example");
  EXPECT_EQ(php("to=you@c.example&more=-froot@b.example"), "bool(false)\n");
  EXPECT_TRUE(
      error_log_has(server_, 0, "mail is not sent: the site may not send as root@b.example"))
      << server_.error_log(0);
  EXPECT_EQ(sink_.mail().size(), 1U);
}

TEST_F(Mail, IsHandedInByTheNameThatProgramsAreTold) {
  EXPECT_EQ(sendmail("-oi+-f+a@a.example+one@c.example+two@c.example", "Subject: x\n\n.\nlast\n"),
            "status 0\n");
  const ReceivedMail mail = sink_.wait_for();
  EXPECT_EQ(mail.sender, "a@a.example");
  EXPECT_EQ(mail.recipients, (std::vector<std::string>{"one@c.example", "two@c.example"}));
  EXPECT_TRUE(contains(mail.text, "\n.\nlast\n")) << mail.text;
  EXPECT_EQ(sendmail("-t", "Cc: \"A, B\" <ab@c.example>, d@c.example (x)\n\nText\n.\nnot this\n"),
            "status 0\n");
  EXPECT_EQ(sink_.wait_for(2).recipients,
            (std::vector<std::string>{"ab@c.example", "d@c.example"}));
  EXPECT_FALSE(contains(sink_.wait_for(2).text, "not this"));
}

TEST_F(Mail, OfNobodyIsForWhomNobodyIsToAnswer) {
  EXPECT_EQ(sendmail("-f+()+-F+Shop+x@c.example", "Subject: x\n\nText\n"), "status 0\n");
  const ReceivedMail mail = sink_.wait_for();
  EXPECT_EQ(mail.sender, "");
  EXPECT_TRUE(contains(mail.text, "From: \"Shop\" <www@a.example>\n")) << mail.text;
}

TEST_F(Mail, HasLinesThatEveryServerTakes) {
  EXPECT_EQ(sendmail("x@c.example", "Subject: x\rBcc: y@c.example\r\n\r\na\rb\r\n" +
                                        std::string(1500, 'x') + "\r\n"),
            "status 0\n");
  const ReceivedMail mail = sink_.wait_for();
  EXPECT_TRUE(contains(mail.text, "Subject: x Bcc: y@c.example\n")) << mail.text;
  EXPECT_TRUE(contains(mail.text,
                       "\n\na b\n" + std::string(998, 'x') + "\n " + std::string(502, 'x') + "\n"))
      << mail.text;
  EXPECT_FALSE(contains(mail.text, "\r"));
}

TEST_F(Mail, ThatCannotBeSentIsRefusedWithAReason) {
  EXPECT_EQ(sendmail(""), "sendmail: the message has no recipients\nstatus 64\n");
  EXPECT_EQ(sendmail("--+-oQ/tmp"), "sendmail: -oQ/tmp is not a mail address\nstatus 64\n");
  EXPECT_EQ(
      sendmail("-bs"),
      "sendmail: messages can be sent, and nothing else: a program that has -bs can be told to "
      "use -t -i\nstatus 64\n");
  EXPECT_TRUE(sink_.mail().empty());
}

class MailAtARate : public Mail {
 protected:
  MailAtARate() : Mail(R"(, "rate": "3/h", "from": ["shop@a.example"])") {}
};

// Nor does a site that sleeps, and whose runner is another one afterwards, begin anew.
TEST_F(MailAtARate, IsForSoManyRecipients) {
  EXPECT_EQ(sendmail("-f+()+x@c.example"), "sendmail: the site may not send as <>\nstatus 77\n");
  EXPECT_EQ(sendmail("x@c.example+y@c.example"), "status 0\n");
  EXPECT_EQ(sink_.wait_for().sender, "shop@a.example");
  EXPECT_EQ(sendmail("x@c.example+y@c.example"),
            "sendmail: the site has sent as much mail as it may\nstatus 75\n");
  ASSERT_TRUE(eventually([&] { return server_.runners_of(0).empty(); }));
  EXPECT_EQ(sendmail("x@c.example+y@c.example"),
            "sendmail: the site has sent as much mail as it may\nstatus 75\n");
  EXPECT_EQ(sendmail("x@c.example"), "status 0\n");
  EXPECT_EQ(sink_.mail().size(), 2U);
}

TEST_F(MailAtARate, IsCountedOverARestart) {
  EXPECT_EQ(sendmail("x@c.example+y@c.example"), "status 0\n");
  EXPECT_EQ(server_.stop(), 0);
  struct ::stat ledger;
  ASSERT_EQ(::stat((server_.directory().path() + "/run/mail-sent").c_str(), &ledger), 0);
  EXPECT_EQ(ledger.st_uid, 0U);
  EXPECT_EQ(ledger.st_mode & 07777, 0600U);
  const BackgroundCommand next(
      {bin_directory() + "/perchild", "serve", "--config", server_.configuration()});
  ASSERT_TRUE(next.says("perchild: ready")) << next.output();
  EXPECT_EQ(sendmail("x@c.example+y@c.example"),
            "sendmail: the site has sent as much mail as it may\nstatus 75\n");
  EXPECT_EQ(sendmail("x@c.example"), "status 0\n");
}

TEST_F(MailAtARate, IsCountedOverAnUpgrade) {
  EXPECT_EQ(sendmail("x@c.example+y@c.example"), "status 0\n");
  const CommandEnd end = upgrade(server_);
  ASSERT_EQ(end.status, 0) << end.output;
  const Stranger successor(successor_in(end.output));
  ASSERT_EQ(server_.wait_until_ended(), 0);
  EXPECT_EQ(sendmail("x@c.example+y@c.example"),
            "sendmail: the site has sent as much mail as it may\nstatus 75\n");
}

// Each counts what the other one sends, too.
TEST_F(MailAtARate, IsThatOfBothServicesWhileOneGivesWay) {
  Client kept(server_.port());
  kept.send(request("a.example", "/nothing"));
  EXPECT_EQ(kept.receive().status, 404);
  const Stranger successor(successor_in(upgrade(server_).output));
  EXPECT_EQ(sendmail("y@c.example"), "status 0\n");
  EXPECT_EQ(sendmail_by(kept, "x@c.example", "Text\n"), "status 0\n");
  EXPECT_EQ(sendmail("y@c.example"), "status 0\n");
  EXPECT_EQ(sendmail("y@c.example"),
            "sendmail: the site has sent as much mail as it may\nstatus 75\n");
}

class MailRefused : public Mail {
 protected:
  MailRefused() : Mail({}, true) {}
};

TEST_F(MailRefused, BySmarthostIsSaidToTheProgramAndInTheLog) {
  EXPECT_TRUE(sendmail("x@c.example").ends_with("status 75\n"));
  EXPECT_TRUE(error_log_has(server_, 0, "550 not from you")) << server_.error_log(0);
}

// The machine has a mail server, whose sendmail has the usual name.
void with_mail_server(const std::string& folder) {
  show_only_program(folder, "/usr/sbin", "sendmail", "#!/bin/sh\necho inert\n");
}

TEST(MailByItsUsualName, IsThatOfTheSite) {
  SmtpSink sink;
  Server server({.sites = {{"a.example",
                            {{"cgi-bin/.keep", ""}},
                            R"(, "cgi": true, "mail": {"smarthost": "127.0.0.1:)" +
                                std::to_string(sink.port()) + "\"}"},
                           {"b.example", {{"cgi-bin/.keep", ""}}, R"(, "cgi": true)"}},
                 .before_exec = with_mail_server});
  const std::string script =
      "#!/bin/sh\nprintf 'A: b\\n\\n'\necho | /usr/sbin/sendmail x@c.example\necho \"status $?\"\n";
  server.add_file(0, "cgi-bin/mail", script, 0700);
  server.add_file(1, "cgi-bin/mail", script, 0700);
  const auto body_from = [&](const std::string& host) {
    Client client(server.port());
    client.send(request(host, "/cgi-bin/mail", "Connection: close\r\n"));
    return body_of(client.receive_to_end().value_or(""));
  };
  EXPECT_EQ(body_from("a.example"), "status 0\n") << server.error_log(0);
  EXPECT_EQ(sink.wait_for().recipients, std::vector<std::string>{"x@c.example"});
  EXPECT_EQ(body_from("b.example"), "inert\nstatus 0\n");
}

}  // namespace
}  // namespace perchild::test::mail_test
