// The bytes are a site's own settings: hostile to the worker that reads them. Whatever it takes for
// good makes rules that can be used.
#include <string>
#include <vector>

#include "policy/owner_settings.h"
#include "test/fuzz/fuzz_driver.h"
#include "vhosts/content/rule_book.h"

namespace {

using perchild::content::RuleBook;
using perchild::fuzz::check;

const std::vector<std::string> topics = {"index",   "redirect", "rewrite",    "try",  "deny",
                                         "headers", "cors",     "expires",    "etag", "charset",
                                         "types",   "symlinks", "error_pages"};

void check_usable(perchild::Content owners) {
  perchild::Content operators;
  operators.settings.symlinks = perchild::Symlinks::owner;
  operators.settings.deny = {"*.inc"};
  const auto book = RuleBook::make(std::move(operators), std::move(owners));
  check(book.has_value(), "good settings make rules");
  for (const char* path : {"/", "/a", "/a/b.html", "/images/x.png"}) {
    const RuleBook::Found found = book->find(path);
    if (found.too_costly) continue;
    check(found.rules->symlinks() <= perchild::Symlinks::owner, "no link more is followed");
    check(found.rules->hides("/x.inc") && found.rules->hides("/.perchild.json"),
          "what the operator hides stays hidden");
    const auto match =
        perchild::content::first_match(found.rules->redirects(), path, book->matcher());
    if (match.rule == nullptr) continue;
    const std::string address =
        match.rule->to.address({.path = path, .host = "a.example", .captures = match.captures});
    check(!address.starts_with("//"), "a target of this site is one");
    check(address.find_first_of("\r\n\t ") == std::string::npos, "a target is one word");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto settings =
      perchild::read_owner_settings(std::string(perchild::fuzz::to_view(data, size)), topics);
  const bool is_good = count_of(settings.mistakes, perchild::Severity::error) == 0;
  check(settings.content.has_value() == is_good, "settings come out if nothing is wrong");
  if (settings.content) check_usable(std::move(*settings.content));
  return 0;
}
