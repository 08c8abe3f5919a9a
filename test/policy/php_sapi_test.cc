// Which file is a PHP that cannot answer requests.
#include "daemon/command/check/php_sapi.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "test/policy/temporary_folder.h"

namespace perchild::test::php_sapi_test {
namespace {

using namespace std::string_literals;

const std::string elf = "\177ELF\2\1\1"s + std::string(5000, '\0');
const std::string php = "X-Powered-By: PHP/8.2.36\0"s;
const std::string cgi = "PHP_FCGI_MAX_REQUESTS\0"s;

TEST(PhpSapi, APhpThatSpeaksNoFastCgiIsKnownByWhatIsInIt) {
  const TemporaryFolder folder;
  EXPECT_TRUE(is_php_without_fastcgi(folder.write("cli", elf + php)));
  EXPECT_FALSE(is_php_without_fastcgi(folder.write("cgi", elf + php + cgi)));
}

TEST(PhpSapi, WhatIsNoPhpMayWellStartOne) {
  const TemporaryFolder folder;
  EXPECT_FALSE(is_php_without_fastcgi(folder.write("script", "#!/bin/sh\n# " + php)));
  EXPECT_FALSE(is_php_without_fastcgi(folder.write("program", elf)));
  EXPECT_FALSE(is_php_without_fastcgi(folder.write("empty", "")));
  EXPECT_FALSE(is_php_without_fastcgi(folder.make_folder("folder")));
  EXPECT_FALSE(is_php_without_fastcgi(folder.path("missing")));
}

TEST(PhpSapi, DebiansAreTold) {
  EXPECT_FALSE(is_php_without_fastcgi("/usr/bin/php-cgi"));
  for (const char* path : {"/usr/bin/php", "/usr/sbin/php-fpm8.2"}) {
    EXPECT_EQ(is_php_without_fastcgi(path), ::access(path, R_OK) == 0) << path;
  }
}

}  // namespace
}  // namespace perchild::test::php_sapi_test
