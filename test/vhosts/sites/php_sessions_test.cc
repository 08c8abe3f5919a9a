#include "vhosts/sites/php_sessions.h"

#include <gtest/gtest.h>

namespace perchild::test::php_sessions_test {
namespace {

PhpSessions sample() {
  return {{{"sess_a,B-9", 1'700'000'000'123'456'789, std::string("n|i:1;\0", 7)},
           {"sess_b", -1, std::string(1000, 'x')}}};
}

TEST(PhpSessions, AreUnpackedAsTheyWerePackedWhateverComesBehind) {
  const std::string bytes = sample().pack(10'000);
  for (const std::string& behind : {std::string(), std::string(50, '\0'), std::string("x")}) {
    const auto sessions = PhpSessions::unpack(bytes + behind);
    ASSERT_TRUE(sessions);
    EXPECT_EQ(sessions->all, sample().all);
  }
  EXPECT_EQ(PhpSessions{}.pack(4), std::string(4, '\0'));
}

TEST(PhpSessions, NoTruncationIsUnpacked) {
  const std::string bytes = sample().pack(10'000);
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(PhpSessions::unpack(std::string_view(bytes).substr(0, length))) << length;
  }
}

TEST(PhpSessions, AsManyArePackedAsThereIsRoomFor) {
  const std::size_t all = sample().pack(10'000).size();
  EXPECT_EQ(sample().pack(all).size(), all);
  const std::string one = sample().pack(all - 1);
  const auto sessions = PhpSessions::unpack(one);
  ASSERT_TRUE(sessions);
  ASSERT_EQ(sessions->all.size(), 1U);
  EXPECT_EQ(sessions->all[0], sample().all[0]);
  EXPECT_EQ(PhpSessions::unpack(sample().pack(one.size() - 1))->all.size(), 0U);
}

TEST(PhpSessions, HaveTheNamesOfSessionsAndSomethingInThem) {
  for (const char* name : {"sess_a", "sess_aZ09,-"}) EXPECT_TRUE(names_session(name)) << name;
  const std::string longest = "sess_" + std::string(250, 'a');
  EXPECT_TRUE(names_session(longest));
  for (const std::string& name :
       {std::string("sess_"), std::string("a"), std::string("sess_/x"), std::string("sess_.."),
        std::string("../sess_a"), std::string("sess_a\0", 7), longest + "a"}) {
    EXPECT_FALSE(names_session(name)) << name;
    PhpSessions sessions = sample();
    sessions.all[1].name = name;
    EXPECT_FALSE(PhpSessions::unpack(sessions.pack(10'000))) << name;
  }
  PhpSessions sessions = sample();
  sessions.all[0].data.clear();
  EXPECT_FALSE(PhpSessions::unpack(sessions.pack(10'000)));
}

}  // namespace
}  // namespace perchild::test::php_sessions_test
