#include "vhosts/content/prefix_index.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <set>

namespace perchild::content::prefix_index_test {
namespace {

std::string found(const PrefixIndex& index, std::string_view path) {
  const auto number = index.find(path);
  return number ? index.folder(*number) : "<none>";
}

TEST(PrefixIndex, AFolderHoldsItselfAndAllBelowItAndNothingElse) {
  const PrefixIndex index({"/a"});
  EXPECT_EQ(found(index, "/a"), "/a");
  EXPECT_EQ(found(index, "/a/"), "/a");
  EXPECT_EQ(found(index, "/a/b/c"), "/a");
  EXPECT_EQ(found(index, "/ab"), "<none>");
  EXPECT_EQ(found(index, "/a-b/c"), "<none>");
  EXPECT_EQ(found(index, "/"), "<none>");
  EXPECT_EQ(found(index, "/b/a"), "<none>");
}

TEST(PrefixIndex, TheInnermostFolderIsFoundWhateverStandsBetween) {
  const PrefixIndex index({"", "/a", "/a/b", "/a/b/c", "/a-b", "/a.b", "/ab", "/a/b!", "/a/a/z"});
  EXPECT_EQ(found(index, "/"), "");
  EXPECT_EQ(found(index, "/z"), "");
  EXPECT_EQ(found(index, "/a/b/d"), "/a/b");
  EXPECT_EQ(found(index, "/a/b/c"), "/a/b/c");
  EXPECT_EQ(found(index, "/a/a/y"), "/a");
  EXPECT_EQ(found(index, "/a-b/x"), "/a-b");
  EXPECT_EQ(found(index, "/a/b!"), "/a/b!");
  EXPECT_EQ(found(index, "/a/b!x"), "/a");
}

TEST(PrefixIndex, EachFolderKnowsTheNextOneAround) {
  const PrefixIndex index({"/a/b/c", "/a", "/b", ""});
  const auto number = index.find("/a/b/c/d");
  ASSERT_TRUE(number);
  const auto around = index.around(*number);
  ASSERT_TRUE(around);
  EXPECT_EQ(index.folder(*around), "/a");
  ASSERT_TRUE(index.around(*around));
  EXPECT_EQ(index.folder(*index.around(*around)), "");
  EXPECT_FALSE(index.around(*index.around(*around)));
}

RC_GTEST_PROP(PrefixIndex, SaysWhatTryingEveryFolderSays, ()) {
  const auto path_of = [](const std::vector<std::string>& segments) {
    std::string path;
    for (const std::string& segment : segments) path += "/" + segment;
    return path;
  };
  const auto segment = rc::gen::elementOf(std::vector<std::string>{"a", "b", "a-", "a!", "\xff"});
  const auto path = rc::gen::map(rc::gen::container<std::vector<std::string>>(segment), path_of);
  const auto folders = *rc::gen::container<std::set<std::string>>(path);
  const auto wanted = *path + (*rc::gen::arbitrary<bool>() ? "/" : "");
  std::string longest = "<none>";
  for (const std::string& folder : folders) {
    const bool holds = wanted == folder || wanted.starts_with(folder + "/");
    if (holds && (longest == "<none>" || folder.size() > longest.size())) longest = folder;
  }
  const PrefixIndex index(std::vector<std::string>(folders.begin(), folders.end()));
  RC_ASSERT(found(index, wanted) == longest);
}

}  // namespace
}  // namespace perchild::content::prefix_index_test
