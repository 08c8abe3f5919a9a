#include "vhosts/gateway/script_path.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace perchild::gateway {
namespace {

using Candidates = std::vector<std::string>;

const std::vector<std::string> php{"php", "phtml"};

template <typename Next>
Candidates all(Next next) {
  Candidates found;
  for (auto path = next(0); path; path = next(path->script.size())) {
    found.push_back(std::string(path->script) + '|' + std::string(path->path_info));
  }
  return found;
}

Candidates by_extension(std::string_view path) {
  return all([path](std::size_t from) { return next_script_by_extension(path, php, from); });
}

Candidates below(std::string_view path, std::string_view directory) {
  return all([=](std::size_t from) { return next_script_below(path, directory, from); });
}

TEST(ScriptPath, AScriptIsFoundByItsExtension) {
  EXPECT_EQ(by_extension("/index.php"), Candidates{"/index.php|"});
  EXPECT_EQ(by_extension("/a/b.phtml"), Candidates{"/a/b.phtml|"});
  EXPECT_EQ(by_extension("/index.php/2024/spring"), Candidates{"/index.php|/2024/spring"});
  EXPECT_EQ(by_extension("/index.php/"), Candidates{"/index.php|/"});
}

TEST(ScriptPath, EachPlaceWhereItMayEndIsACandidateInOrder) {
  EXPECT_EQ(by_extension("/a.php/b.php/c"), (Candidates{"/a.php|/b.php/c", "/a.php/b.php|/c"}));
  EXPECT_EQ(by_extension("/upload.jpg/x.php"), Candidates{"/upload.jpg/x.php|"});
}

TEST(ScriptPath, CaseDoesNotMakeASourceOfAScript) {
  EXPECT_EQ(by_extension("/A.PhP/x"), Candidates{"/A.PhP|/x"});
}

TEST(ScriptPath, OtherPathsHaveNone) {
  for (const std::string_view path : {"/", "/a", "/php", "/.php", "/a/.php/b", "/a.php5", "/a.phpx",
                                      "/a.php.txt", "/aphp", "/a.", "", "*"}) {
    EXPECT_EQ(by_extension(path), Candidates{}) << path;
  }
}

TEST(ScriptPath, BelowADirectoryAnyNameIsACandidate) {
  EXPECT_EQ(below("/cgi-bin/env", "/cgi-bin"), Candidates{"/cgi-bin/env|"});
  EXPECT_EQ(below("/cgi-bin/git/a.git/info", "/cgi-bin"),
            (Candidates{"/cgi-bin/git|/a.git/info", "/cgi-bin/git/a.git|/info",
                        "/cgi-bin/git/a.git/info|"}));
  EXPECT_EQ(below("/cgi-bin/env", "/cgi-bin/"), Candidates{"/cgi-bin/env|"});
  EXPECT_EQ(below("/a/b", "/"), (Candidates{"/a|/b", "/a/b|"}));
}

TEST(ScriptPath, NothingElseIsBelowADirectory) {
  for (const std::string_view path :
       {"/cgi-bin", "/cgi-bin/", "/cgi-binary/env", "/a/cgi-bin/env", "/"}) {
    EXPECT_EQ(below(path, "/cgi-bin"), Candidates{}) << path;
  }
}

TEST(ScriptPath, PartsMakeUpTheWholePath) {
  const std::string path = "/x.php/y.phtml/z";
  for (const std::string& candidate : by_extension(path)) {
    std::string joined = candidate;
    joined.erase(joined.find('|'), 1);
    EXPECT_EQ(joined, path);
  }
}

}  // namespace
}  // namespace perchild::gateway
