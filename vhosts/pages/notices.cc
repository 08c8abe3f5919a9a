#include "vhosts/pages/notices.h"

#include "vhosts/pages/constant_text.h"
#include "vhosts/pages/look.h"

namespace perchild::pages {
namespace {

using Page = ConstantText<1280>;

constexpr Page notice(std::string_view title, std::string_view paragraph) {
  Page page;
  page.append(before_title);
  page.append(title);
  page.append("</title>\n<meta name=\"robots\" content=\"noindex\">\n<style>");
  page.append(style);
  page.append(before_content);
  page.append("<h1>");
  page.append(title);
  page.append("</h1>\n<p>");
  page.append(paragraph);
  page.append("</p>\n");
  page.append(after_content);
  return page;
}

constexpr Page suspended =
    notice("This site is suspended",
           "It is not being served at the moment. If it is yours, please ask your hosting "
           "provider.");
constexpr Page welcome =
    notice("This site is ready",
           "There is nothing here yet. If it is yours, put an <code>index.html</code> into its "
           "folder.");

}  // namespace

std::string_view suspended_page() {
  return suspended.view();
}

std::string_view welcome_page() {
  return welcome.view();
}

}  // namespace perchild::pages
