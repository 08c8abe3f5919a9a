#include "vhosts/pages/listing.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace perchild::pages::listing_test {
namespace {

constexpr ListingOrder by_name{};

std::string page_of(std::string_view path, const std::vector<ListedFile>& files,
                    ListingOrder order = by_name, bool there_are_more = false) {
  ListingPage page(path, order);
  for (const ListedFile& file : files) page.add(file);
  return page.finish(there_are_more);
}

bool has(std::string_view page, std::string_view text) {
  return page.find(text) != page.npos;
}

std::string names_in_order(std::vector<ListedFile> files, ListingOrder order) {
  sort_listing(files, order);
  std::string names;
  for (const ListedFile& file : files) names.append(names.empty() ? "" : " ").append(file.name);
  return names;
}

TEST(ListingOrders, AreReadFromAQuery) {
  EXPECT_EQ(parse_listing_order(""), by_name);
  EXPECT_EQ(parse_listing_order("sort=size"), (ListingOrder{ListingColumn::size, false}));
  EXPECT_EQ(parse_listing_order("order=desc&sort=date"), (ListingOrder{ListingColumn::date, true}));
  EXPECT_EQ(parse_listing_order("a=b&sort=size&&order=desc&order=asc"),
            (ListingOrder{ListingColumn::size, false}));
}

TEST(ListingOrders, LeaveOutWhatTheyDoNotUnderstand) {
  for (const std::string_view query : {"sort", "sort=", "sort=Size", "xsort=size", "order=down",
                                       "&&&", "sort=size;order=desc", "sort%3Dsize"}) {
    EXPECT_EQ(parse_listing_order(query), by_name) << query;
  }
}

TEST(ListingOrders, PutFoldersFirstAndNamesWithoutRegardToCase) {
  const std::vector<ListedFile> files{{"b", false, 1, 30},  {"C", false, 3, 10},
                                      {"a", false, 3, 20},  {"z", true, 0, 40},
                                      {"Ab", false, 2, 20}, {"y", true, 0, 50}};
  EXPECT_EQ(names_in_order(files, by_name), "y z a Ab b C");
  EXPECT_EQ(names_in_order(files, {ListingColumn::name, true}), "z y C b Ab a");
  EXPECT_EQ(names_in_order(files, {ListingColumn::size, false}), "y z b Ab a C");
  EXPECT_EQ(names_in_order(files, {ListingColumn::size, true}), "y z a C Ab b");
  EXPECT_EQ(names_in_order(files, {ListingColumn::date, false}), "z y C a Ab b");
  EXPECT_EQ(names_in_order(files, {ListingColumn::date, true}), "y z b a Ab C");
}

TEST(ListingOrders, TakeDigitsInARowForANumber) {
  const std::vector<ListedFile> files{{"file10"}, {"b"},      {"file2"}, {"file2.5"}, {"File1"},
                                      {"2024"},   {"10.9"},   {"9.10"},  {"9.9"},     {"file"},
                                      {"file-1"}, {"file02"}, {"x1y10"}, {"x1y9"},    {"x01y9"}};
  EXPECT_EQ(names_in_order(files, by_name),
            "9.9 9.10 10.9 2024 b file file-1 File1 file02 file2 file2.5 file10 x01y9 x1y9 x1y10");
  // Larger than any type of number.
  const std::string digits(100, '9');
  EXPECT_EQ(names_in_order({{"1" + digits}, {digits + "0"}, {digits}, {"0"}}, by_name),
            "0 " + digits + " 1" + digits + " " + digits + "0");
}

// Of any two one comes first, and not by way of a third.
TEST(ListingOrders, AreTotal) {
  std::vector<std::string> names{""};
  for (std::size_t at = 0; names[at].size() < 3; ++at) {
    for (const char c : std::string_view("019aA-")) names.push_back(names[at] + c);
  }
  std::vector<ListedFile> files;
  for (const std::string& name : names) files.push_back({name});
  const std::string forward = names_in_order(files, by_name);
  std::reverse(files.begin(), files.end());
  EXPECT_EQ(names_in_order(files, by_name), forward);
  sort_listing(files, by_name);
  const auto is_before = [](const ListedFile& a, const ListedFile& b) {
    std::vector<ListedFile> two{b, a};
    sort_listing(two, by_name);
    return two[0].name == a.name;
  };
  for (std::size_t i = 0; i < files.size(); ++i) {
    for (std::size_t j = i + 1; j < files.size(); ++j) {
      ASSERT_TRUE(is_before(files[i], files[j])) << files[i].name << " " << files[j].name;
    }
  }
}

TEST(Listings, LinkFilesAndFoldersByTheirNames) {
  const std::string page =
      page_of("/", {{"pictures", true, 0, 1795489200}, {"a b.txt", false, 1234, 1795489200}});
  EXPECT_TRUE(has(page, R"(<td class="folder"><a href="./pictures/"><bdi>pictures</bdi>/</a></td>)"
                        R"(<td class="size"></td><td class="date">2026-11-24 03:00</td>)"));
  EXPECT_TRUE(has(page, R"(<td><a href="./a%20b.txt"><bdi>a b.txt</bdi></a></td>)"
                        R"(<td class="size">1.2 kB</td><td class="date">2026-11-24 03:00</td>)"));
  EXPECT_FALSE(has(page, "Parent folder"));
  EXPECT_TRUE(has(page, "<h1>Index of /</h1>"));
}

TEST(Listings, LeadToTheFoldersAround) {
  const std::string page = page_of("/a&b/c/", {});
  EXPECT_TRUE(has(page, R"(<a href="../">Parent folder</a>)"));
  EXPECT_TRUE(has(page, R"(<h1>Index of <a href="/">/</a><a href="/a%26b/"><bdi>a&amp;b</bdi></a>/)"
                        R"(<bdi>c</bdi>/</h1>)"));
  EXPECT_TRUE(has(page, "<title>Index of /a&amp;b/c/</title>"));
  EXPECT_TRUE(has(page, "This folder is empty."));
}

// In the text of a link, in its address, in the heading and in the title.
TEST(Listings, TakeNoNameForMarkup) {
  const std::string name = R"("><script>alert('x')</script>&lt;)";
  const std::string page = page_of("/" + name + "/", {{name}});
  EXPECT_FALSE(has(page, "<script"));
  EXPECT_FALSE(has(page, "alert('"));
  const std::string text = "&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;lt;";
  EXPECT_TRUE(has(page, "<bdi>" + text + "</bdi>"));
  EXPECT_TRUE(has(page, "<title>Index of /" + text + "/</title>"));
  EXPECT_TRUE(has(page, "href=\"./%22%3E%3Cscript%3Ealert%28%27x%27%29%3C%2Fscript%3E%26lt%3B\""));
}

TEST(Listings, TakeNoNameForASchemeOrAnotherHost) {
  const std::string page = page_of("/", {{"javascript:alert(1)"}, {"?sort=size"}, {"#top"}});
  EXPECT_TRUE(has(page, "href=\"./javascript%3Aalert%281%29\""));
  EXPECT_TRUE(has(page, "href=\"./%3Fsort%3Dsize\""));
  EXPECT_TRUE(has(page, "href=\"./%23top\""));
}

TEST(Listings, ReplaceWhatIsNoUtf8InTextAndKeepItInAddresses) {
  const std::string page = page_of("/", {{"gr\xfc\xdf"}, {"gr\u00fc\u00df"}});
  EXPECT_TRUE(has(page, "<a href=\"./gr%FC%DF\"><bdi>gr\uFFFD\uFFFD</bdi>"));
  EXPECT_TRUE(has(page, "<a href=\"./gr%C3%BC%C3%9F\"><bdi>gr\u00fc\u00df</bdi>"));
}

TEST(Listings, SayByWhatTheyAreSortedAndTurnRound) {
  const std::string by_size = page_of("/", {}, {ListingColumn::size, false});
  EXPECT_TRUE(has(by_size, R"(<th scope="col" class="size" aria-sort="ascending">)"
                           R"(<a href="?sort=size&amp;order=desc">Size ↑</a>)"));
  EXPECT_TRUE(has(by_size, R"(<th scope="col"><a href="?sort=name&amp;order=asc">Name</a>)"));
  const std::string by_date = page_of("/", {}, {ListingColumn::date, true});
  EXPECT_TRUE(has(by_date, R"(aria-sort="descending"><a href="?sort=date&amp;order=asc">)"));
}

TEST(Listings, SayHowManyAreShownOfMore) {
  EXPECT_TRUE(has(page_of("/", {{"a"}, {"b"}}, by_name, true), "only 2 of them are shown"));
  EXPECT_FALSE(has(page_of("/", {{"a"}, {"b"}}), "of them are shown"));
}

TEST(Listings, WriteSizesAndDatesThatExist) {
  const auto size_of = [](std::uint64_t size) {
    const std::string page = page_of("/", {{"a", false, size}});
    const std::size_t begin = page.rfind("\"size\">") + 7;
    return page.substr(begin, page.find('<', begin) - begin);
  };
  EXPECT_EQ(size_of(0), "0 B");
  EXPECT_EQ(size_of(999), "999 B");
  EXPECT_EQ(size_of(1000), "1.0 kB");
  EXPECT_EQ(size_of(999'949), "999.9 kB");
  EXPECT_EQ(size_of(999'950), "1.0 MB");
  EXPECT_EQ(size_of(~std::uint64_t{0}), "18.4 EB");
  const auto date_of = [](std::int64_t time) {
    const std::string page = page_of("/", {{"a", false, 0, time}});
    return page.substr(page.rfind("\"date\">") + 7, 16);
  };
  EXPECT_EQ(date_of(951'782'400), "2000-02-29 00:00");
  EXPECT_EQ(date_of(-1), "1970-01-01 00:00");
  EXPECT_EQ(date_of(std::int64_t{1} << 62), "9999-12-31 23:59");
}

}  // namespace
}  // namespace perchild::pages::listing_test
