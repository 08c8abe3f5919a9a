#include "daemon/checker/password_lists.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "test/support/temporary_directory.h"

namespace perchild::test::password_lists_test {
namespace {

const std::string of_secret = "$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0";
const std::string of_nothing = "$apr1$abcdefgh$L.PT565ESX4Tp2bqNs7Ie.";

class PasswordListsTest : public ::testing::Test {
 protected:
  PasswordLists read(const std::vector<PasswordList>& lists) {
    return PasswordLists(lists, {1, 2}, complaints_);
  }
  PasswordLists read_file(const std::string& contents) {
    return read({{folder_.write("users", contents), {}}});
  }
  PasswordVerdict ask(const PasswordLists& lists, std::string_view user, std::string_view password,
                      std::uint32_t list = 0) {
    return lists.check(hashing_, list, user, password);
  }
  static bool outdated_after(const PasswordLists& lists, std::chrono::milliseconds time) {
    return lists.outdated(PasswordLists::Clock::now() + time);
  }

  TemporaryDirectory folder_;
  std::vector<std::string> complaints_;
  Hashing hashing_;
};

TEST_F(PasswordListsTest, AnswerForEachListByItself) {
  const PasswordLists lists = read({{"", {{"alice", of_secret}}}, {"", {{"bob", of_secret}}}});
  EXPECT_EQ(ask(lists, "alice", "secret"), PasswordVerdict::right);
  EXPECT_EQ(ask(lists, "alice", "Secret"), PasswordVerdict::wrong);
  EXPECT_EQ(ask(lists, "bob", "secret"), PasswordVerdict::wrong);
  EXPECT_EQ(ask(lists, "bob", "secret", 1), PasswordVerdict::right);
  EXPECT_EQ(ask(lists, "alice", "secret", 1), PasswordVerdict::wrong);
  EXPECT_TRUE(complaints_.empty());
}

TEST_F(PasswordListsTest, AStrangerWithAUsersPasswordIsStillOne) {
  const PasswordLists lists = read({{"", {{"alice", of_secret}}}});
  for (const char* name : {"", "alic", "alice ", "Alice", "carol"}) {
    EXPECT_EQ(ask(lists, name, "secret"), PasswordVerdict::wrong) << name;
  }
  EXPECT_EQ(ask(read_file("# nobody\n"), "alice", "secret"), PasswordVerdict::wrong);
}

TEST_F(PasswordListsTest, OfAFileAreItsGoodLines) {
  const PasswordLists lists = read_file("alice:" + of_secret + "\nbob:secret\nalice:" + of_nothing +
                                        "\ncarol:" + of_secret);
  EXPECT_EQ(ask(lists, "alice", "secret"), PasswordVerdict::right);
  EXPECT_EQ(ask(lists, "alice", ""), PasswordVerdict::wrong);
  EXPECT_EQ(ask(lists, "bob", "secret"), PasswordVerdict::wrong);
  EXPECT_EQ(ask(lists, "carol", "secret"), PasswordVerdict::right);
  ASSERT_EQ(complaints_.size(), 2u);
  EXPECT_NE(complaints_[0].find("/users, line 2: is not a password hash"), std::string::npos);
  EXPECT_NE(complaints_[1].find("/users, line 3: names a user a second time"), std::string::npos);
}

TEST_F(PasswordListsTest, OfWhatIsNoReadableFileAreUnavailable) {
  const std::string fifo = folder_.path() + "/fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0666), 0);
  folder_.write("large", std::string(PasswordLists::largest_file + 1, '\n'));
  for (const std::string& path : {folder_.path() + "/missing", folder_.path(), fifo,
                                  folder_.path() + "/large", std::string("/dev/zero")}) {
    complaints_.clear();
    const PasswordLists lists = read({{path, {}}});
    EXPECT_EQ(ask(lists, "alice", "secret"), PasswordVerdict::unavailable) << path;
    ASSERT_EQ(complaints_.size(), 1u) << path;
    EXPECT_NE(complaints_[0].find(path + " cannot be used"), std::string::npos) << complaints_[0];
    EXPECT_FALSE(outdated_after(lists, {})) << path;
    EXPECT_TRUE(outdated_after(lists, PasswordLists::lifetime_in_trouble)) << path;
  }
}

TEST_F(PasswordListsTest, AreOutdatedOnceAFileChangesAndAfterAWhile) {
  const PasswordLists lists = read_file("alice:" + of_secret + "\n");
  EXPECT_FALSE(outdated_after(lists, std::chrono::seconds(50)));
  EXPECT_TRUE(outdated_after(lists, PasswordLists::lifetime));
  std::ofstream(folder_.path() + "/users", std::ios::app) << "#\n";
  EXPECT_TRUE(outdated_after(lists, {}));
}

TEST_F(PasswordListsTest, AreOutdatedOnceAnotherFileHasTheName) {
  const PasswordLists renamed = read_file("alice:" + of_secret + "\n");
  std::filesystem::rename(folder_.path() + "/users", folder_.path() + "/users~");
  EXPECT_TRUE(outdated_after(renamed, {}));
  const PasswordLists removed = read_file("alice:" + of_secret + "\n");
  std::filesystem::remove(folder_.path() + "/users");
  EXPECT_TRUE(outdated_after(removed, {}));
}

TEST_F(PasswordListsTest, OfTheConfigurationAreNeverOutdatedAndMissingOnesSoon) {
  EXPECT_FALSE(outdated_after(read({{"", {{"alice", of_secret}}}}), std::chrono::hours(100)));
  const PasswordLists missing = read({{folder_.path() + "/missing", {}}});
  EXPECT_FALSE(outdated_after(missing, {}));
  EXPECT_TRUE(outdated_after(missing, PasswordLists::lifetime_in_trouble));
}

}  // namespace
}  // namespace perchild::test::password_lists_test
