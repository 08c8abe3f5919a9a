#include "vhosts/pages/notices.h"

#include <gtest/gtest.h>

namespace perchild::pages::notices_test {
namespace {

TEST(Notices, AreWholePagesThatNoSearchEngineIsToKeep) {
  for (const std::string_view page : {suspended_page(), welcome_page()}) {
    EXPECT_TRUE(page.starts_with("<!DOCTYPE html>\n"));
    EXPECT_TRUE(page.ends_with("</html>\n"));
    EXPECT_NE(page.find("<meta name=\"robots\" content=\"noindex\">"), page.npos);
    EXPECT_NE(page.find("prefers-color-scheme:dark"), page.npos);
  }
  EXPECT_NE(suspended_page().find("<h1>This site is suspended</h1>"), std::string_view::npos);
  EXPECT_NE(welcome_page().find("<h1>This site is ready</h1>"), std::string_view::npos);
}

}  // namespace
}  // namespace perchild::pages::notices_test
