// Names that others have chosen, in commands that root copies.
#include "daemon/command/doctor/shell_word.h"

#include <gtest/gtest.h>

#include "test/support/command.h"

namespace perchild::test::shell_word_test {
namespace {

TEST(ShellWord, IsPlainWhereThatIsSafe) {
  EXPECT_EQ(shell_word("/srv/a.example/wp-config.php"), "/srv/a.example/wp-config.php");
}

TEST(ShellWord, QuotesWhatAShellWouldRead) {
  EXPECT_EQ(shell_word(""), "''");
  EXPECT_EQ(shell_word("a b"), "'a b'");
  EXPECT_EQ(shell_word("$(reboot)"), "'$(reboot)'");
  EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_word("~root"), "'~root'");
}

TEST(ShellWord, EscapesWhatATerminalWouldRead) {
  EXPECT_EQ(shell_word("a\nb"), "$'a\\x0ab'");
  EXPECT_EQ(shell_word("\x1b[2J"), "$'\\x1b[2J'");
  EXPECT_EQ(shell_word("\x9b'\\"), "$'\\x9b\\'\\\\'");
}

TEST(ShellWord, IsReadBackByAShellAsItWas) {
  std::string every;
  for (int byte = 1; byte < 256; ++byte) every += static_cast<char>(byte);
  for (const std::string& text : {every, every + "'", std::string("'"), std::string("\\"),
                                  std::string("a\n\nb"), std::string("-n"), std::string("!x")}) {
    const CommandEnd end = run_command({"bash", "-c", "LC_ALL=C; printf %s. " + shell_word(text)});
    EXPECT_EQ(end.output, text + ".");
  }
}

}  // namespace
}  // namespace perchild::test::shell_word_test
