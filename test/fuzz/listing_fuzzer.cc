// A folder's listing: whatever its names are, the page is valid UTF-8, has no markup but its own,
// and leads nowhere but into the folder. The input is the query, then a name a line.
#include "test/fuzz/fuzz_driver.h"
#include "vhosts/pages/listing.h"
#include "vhosts/pages/utf8.h"

namespace {

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++count;
  return count;
}

void check_is_utf8(std::string_view page) {
  while (!page.empty()) {
    const std::size_t length = perchild::pages::utf8_length(page);
    perchild::fuzz::check(length > 0, "the page is UTF-8");
    page.remove_prefix(length);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace perchild::pages;
  using perchild::fuzz::check;
  std::string_view rest = perchild::fuzz::to_view(data, size);
  const auto take_line = [&rest] {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    return line;
  };
  const ListingOrder order = parse_listing_order(take_line());
  std::vector<ListedFile> files;
  while (!rest.empty()) {
    const std::string_view name = take_line();
    if (name.empty() || name.find('/') != name.npos) continue;
    files.push_back({std::string(name), name.size() % 2 != 0, name.size() * size, 0});
  }
  sort_listing(files, order);
  ListingPage page("/", order);
  for (const ListedFile& file : files) page.add(file);
  const std::string text = page.finish(false);
  check_is_utf8(text);
  check(count_of(text, "<tr>") == files.size() + 1, "a row a file, and the heading");
  check(count_of(text, "<a ") == files.size() + 3, "a link a file, and the columns");
  check(count_of(text, " href=\"./") == files.size(), "all of them into the folder");
  check(count_of(text, "<bdi>") == files.size(), "a name a file");
  return 0;
}
