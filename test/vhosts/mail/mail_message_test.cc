// Messages as programs give them to sendmail, and its arguments.
#include "vhosts/mail/mail_message.h"

#include <gtest/gtest.h>

#include "daemon/sendmail/arguments.h"

namespace perchild::mail::test::mail_message_test {
namespace {

using Addresses = std::vector<std::string>;

TEST(MailMessage, RecipientsAreThoseOfTheHead) {
  struct Case {
    const char* message;
    Addresses recipients;
  };
  const Case cases[] = {
      {"To: a@b\n\nTo: no@b\n", {"a@b"}},
      {"to:a@b,c@d\r\nCC: e@f\r\nBcc: g@h\r\n\r\n", {"a@b", "c@d", "e@f", "g@h"}},
      {"To: A <a@b>, \"B, <x@y>\" <b@c> (or, d@e)\n", {"a@b", "b@c"}},
      {"To: a@b,\n c@d,\r\n\te@f\n\n", {"a@b", "c@d", "e@f"}},
      {"To: friends: a@b, C <c@d>; e@f\n\n", {"a@b", "c@d", "e@f"}},
      {"To: undisclosed-recipients:;\nBcc: a@b\n\n", {"a@b"}},
      {"To: (a \\) (b)) a@b\n\n", {"a@b"}},
      {"Subject: To: a@b\nX-To: c@d\n\n", {}},
      {"To: \"a\\\"@x\" <a@b>\n", {"a@b"}},
      {"no head\nTo: a@b\n", {}},
      {"", {}},
      {"\nTo: a@b\n", {}},
      {" To: a@b\n", {}},
      // For the check of addresses to refuse.
      {"To: \"a b\"@c\n", {"@c"}},
      {"To: <a@b\n", {"a@b"}},
  };
  for (const Case& one : cases)
    EXPECT_EQ(recipients_of(one.message), one.recipients) << one.message;
}

TEST(MailMessage, BccIsNotForOthersToSee) {
  std::string message =
      "To: a@b\r\nBCC: c@d,\r\n e@f\r\nSubject: x\r\nbcc : g@h\r\n\r\nBcc: text\r\n";
  drop_bcc(message);
  EXPECT_EQ(message, "To: a@b\r\nSubject: x\r\n\r\nBcc: text\r\n");
  message = "To: a@b\n\nx";
  drop_bcc(message);
  EXPECT_EQ(message, "To: a@b\n\nx");
}

TEST(MailMessage, EndsAtASingleDotIfItShould) {
  std::string message = "a\n..\n.b\n.\nc\n";
  end_at_dot(message);
  EXPECT_EQ(message, "a\n..\n.b\n");
  message = "a\r\n.\r\nc";
  end_at_dot(message);
  EXPECT_EQ(message, "a\r\n");
}

TEST(MailMessage, LinesEndInOneWay) {
  const auto plain = [](std::string message) {
    make_line_ends_plain(message);
    return message;
  };
  EXPECT_EQ(plain("a\r\nb\nc\r\r\n\r\r\nd\r"), "a\nb\nc\n\nd");
  EXPECT_EQ(plain("Subject: x\rBcc: a@b\n"), "Subject: x Bcc: a@b\n");
  EXPECT_EQ(plain("\r\r"), "");
  EXPECT_EQ(plain(""), "");
}

TEST(MailMessage, LongLinesAreBroken) {
  const auto broken = [](std::string message) {
    break_long_lines(message);
    return message;
  };
  const auto text = [](std::size_t size) { return std::string(size, 'x'); };
  EXPECT_EQ(broken(text(998) + "\n" + text(998)), text(998) + "\n" + text(998));
  EXPECT_EQ(broken("a\n" + text(999) + "\nb\n"), "a\n" + text(998) + "\n x\nb\n");
  EXPECT_EQ(broken(text(998 + 997 + 1)), text(998) + "\n " + text(997) + "\n x");
}

TEST(MailMessage, AFromIsMadeWhereThereIsNone) {
  const auto with_from = [](std::string message, const std::string& name) {
    add_missing_from(message, name, "a@b");
    return message;
  };
  EXPECT_EQ(with_from("To: c@d\n\nx", ""), "From: <a@b>\nTo: c@d\n\nx");
  EXPECT_EQ(with_from("\nx", "A \"B\"\n"), "From: \"A \\\"B\\\" \" <a@b>\n\nx");
  EXPECT_EQ(with_from("x", "A"), "From: \"A\" <a@b>\n\nx");
  EXPECT_EQ(with_from("X: y\nFROM: c@d\n\n", "A"), "X: y\nFROM: c@d\n\n");
  EXPECT_EQ(with_from("X: y\n\nFrom: c@d", ""), "From: <a@b>\nX: y\n\nFrom: c@d");
}

TEST(SendmailArguments, AreThoseThatProgramsHaveAlwaysGiven) {
  const auto parse = [](std::vector<std::string> words) { return parse_arguments(words); };
  const auto usual = parse({"-t", "-i", "-fme@a"});
  ASSERT_TRUE(usual);
  EXPECT_TRUE(usual->recipients_in_message);
  EXPECT_TRUE(usual->goes_on_after_dot);
  EXPECT_EQ(usual->sender, "me@a");
  const auto more =
      parse({"-F", "My name", "-oem", "-B8BITMIME", "-r", "me@a", "-bm", "you@b", "--", "-x@c"});
  ASSERT_TRUE(more);
  EXPECT_FALSE(more->recipients_in_message);
  EXPECT_EQ(more->sender, "me@a");
  EXPECT_EQ(more->recipients, (Addresses{"you@b", "-x@c"}));
  EXPECT_EQ(more->name, "My name");
  EXPECT_EQ(parse({"-f", "<>", "you@b"})->sender, "<>");
  EXPECT_EQ(parse({"-f<>", "you@b"})->sender, "<>");
  EXPECT_EQ(parse({"-L", "tag", "-N", "never", "-R", "hdrs", "-V", "id", "you@b"})->recipients,
            Addresses{"you@b"});
  EXPECT_EQ(parse({"-f"})->sender, "");
  EXPECT_FALSE(parse({"-bs"}));
  EXPECT_FALSE(parse({"-q"}));
}

}  // namespace
}  // namespace perchild::mail::test::mail_message_test
