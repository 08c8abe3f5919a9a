#include "vhosts/content/hidden_names.h"

#include <gtest/gtest.h>

namespace perchild::content::hidden_names_test {
namespace {

TEST(HiddenNames, WhatIsNotMeantForVisitorsIsHiddenByDefault) {
  for (const char* path : {"/.git/config",
                           "/.env",
                           "/a/.htpasswd",
                           "/.GIT/config",
                           "/a/.svn/",
                           "/.well-known.bak",
                           "/index.html~",
                           "/a.bak",
                           "/a.backup",
                           "/a.bkp",
                           "/auth.json",
                           "/wp-config.php.1",
                           "/dump.sql.12",
                           "/wp-config.php_bak",
                           "/wp-config.php-old",
                           "/a.BAK",
                           "/b/.a.swp",
                           "/a.php.orig",
                           "/old.old",
                           "/a.save",
                           "/dump.sql",
                           "/dump.SQL.gz",
                           "/db.sqlite3",
                           "/composer.json",
                           "/Composer.Lock",
                           "/x/composer.phar",
                           "/#a#",
                           "/.perchild.json",
                           "/backup.sql/x.html",
                           "/index.php",
                           "/index.PHP",
                           "/index.php/a/b",
                           "/wp-config.php.gz",
                           "/a.phtml",
                           "/a.phar",
                           "/a.phps",
                           "/a.pht",
                           "/a.php5",
                           "/a.Php8",
                           "/..."}) {
    EXPECT_TRUE(HiddenNames().hides(path)) << path;
  }
}

TEST(HiddenNames, OrdinaryNamesAreNot) {
  for (const char* path : {"/",
                           "/index.html",
                           "/.well-known/acme-challenge/x",
                           "/a/.well-known/b",
                           "/a.b/c",
                           "/sql",
                           "/bak/",
                           "/a~b",
                           "/x.tar.gz",
                           "/composer.json.html",
                           "/package.json",
                           "/sql.html",
                           "/gz",
                           "/a.gz",
                           "/a.",
                           "/#a",
                           "/my.bakery/",
                           "/php",
                           "/php/a.html",
                           "/a.php.html",
                           "/a.phpx",
                           "/a.html.1",
                           "/a.1",
                           "/1",
                           "/backup/",
                           "/a.php10"}) {
    EXPECT_FALSE(HiddenNames().hides(path)) << path;
  }
}

TEST(HiddenNames, APatternMatchesAWholeName) {
  EXPECT_TRUE(matches_name("*.inc", "a.INC"));
  EXPECT_TRUE(matches_name("*", ""));
  EXPECT_TRUE(matches_name("a*b*c", "aXbYbZc"));
  EXPECT_TRUE(matches_name("?b",
                           "\xff"
                           "b"));
  EXPECT_TRUE(matches_name("**a", "aa"));
  EXPECT_FALSE(matches_name("*.inc", "a.inc.html"));
  EXPECT_FALSE(matches_name("?", ""));
  EXPECT_FALSE(matches_name("a*b", "abc"));
  EXPECT_FALSE(matches_name("", "a"));
}

TEST(HiddenNames, AManyStarredPatternIsNoLabour) {
  std::string pattern;
  for (int i = 0; i < 100; ++i) pattern += "*a";
  EXPECT_FALSE(matches_name(pattern + "b", std::string(255, 'a')));
}

TEST(HiddenNames, ThePatternsWidenAndNarrow) {
  const HiddenNames names({"*.inc", "!*.sql", "!public.inc"}, {});
  EXPECT_TRUE(names.hides("/a.inc"));
  EXPECT_TRUE(names.hides("/a.inc/b"));
  EXPECT_FALSE(names.hides("/dump.sql"));
  EXPECT_FALSE(names.hides("/public.inc")) << "the last one decides";
  EXPECT_TRUE(names.hides("/.env"));
}

TEST(HiddenNames, TheOwnerCannotShowWhatTheOperatorHides) {
  const HiddenNames names({"*.inc", "!*.sql"}, {"!*.inc", "secret.*", "!*.bak", "*.sql"});
  EXPECT_TRUE(names.hides("/a.inc"));
  EXPECT_TRUE(names.hides("/secret.txt"));
  EXPECT_FALSE(names.hides("/a.bak")) << "that is a default";
  EXPECT_TRUE(names.hides("/dump.sql"));
}

TEST(HiddenNames, WhatIsRunIsNoSecretByItsName) {
  const HiddenNames names({}, {}, {"php", "phtml"});
  EXPECT_FALSE(names.hides("/index.PHP"));
  EXPECT_FALSE(names.hides("/a.phtml/b"));
  for (const char* path :
       {"/a.phar", "/a.php~", "/a.php.gz", "/.a.php", "/a.php.bak", "/.git/a.php"}) {
    EXPECT_TRUE(names.hides(path)) << path;
  }
  EXPECT_TRUE(HiddenNames({"wp-config.php"}, {}, {"php"}).hides("/wp-config.php"));
}

TEST(HiddenNames, DeniedIsWhatSomebodyNames) {
  const HiddenNames names({"*.inc"}, {"x"});
  EXPECT_TRUE(names.denies("/a.inc"));
  EXPECT_TRUE(names.denies("/x/y"));
  EXPECT_TRUE(names.denies("/.perchild.json"));
  EXPECT_FALSE(names.denies("/.git"));
  EXPECT_FALSE(names.denies("/a.php"));
}

TEST(HiddenNames, TheOwnersSettingsAreAlwaysHidden) {
  const HiddenNames names({"!*"}, {"!*"});
  EXPECT_TRUE(names.hides("/.perchild.json"));
  EXPECT_TRUE(names.hides("/a/.Perchild.JSON"));
  EXPECT_FALSE(names.hides("/.env"));
}

}  // namespace
}  // namespace perchild::content::hidden_names_test
