#include "vhosts/pages/listing.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <utility>

#include "vhosts/pages/look.h"
#include "vhosts/pages/utf8.h"

namespace perchild::pages {
namespace {

// What a table needs beyond the common style. On a narrow screen the dates give way to the names.
constexpr std::string_view table_style =
    "main{max-width:60rem;margin:2.5rem auto 3rem}"
    "h1{font-size:1.35rem;margin:0 0 1rem;overflow-wrap:anywhere}"
    "a{color:var(--link);text-decoration:none}a:hover,a:focus-visible{text-decoration:underline}"
    "table{width:100%;border-collapse:collapse}"
    "th{text-align:left;font-size:.875rem;font-weight:600;white-space:nowrap;"
    "border-bottom:1px solid var(--line)}"
    "th a{color:var(--soft)}td{border-bottom:1px solid var(--line);overflow-wrap:anywhere}"
    "th,td{padding:.45rem .75rem;vertical-align:top}"
    "th:first-child,td:first-child{padding-left:0}th:last-child,td:last-child{padding-right:0}"
    ".size{text-align:right}"
    ".size,.date{width:1%;white-space:nowrap;font-variant-numeric:tabular-nums;color:var(--soft)}"
    ".folder{font-weight:600}p{margin-top:1rem}"
    "@media(max-width:34rem){.date{display:none}.size{padding-right:0}}";

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// The digits that `text` begins with, which loses them; without zeros in front.
std::string_view take_number(std::string_view& text) {
  std::string_view digits = text.substr(0, text.find_first_not_of("0123456789"));
  text.remove_prefix(digits.size());
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
  return digits;
}

// Negative, 0 or positive, as memcmp(3).
template <typename Number>
int compare(Number a, Number b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

// Digits in a row are one number, of any size. A number and another byte compare as its digits do,
// none of which is that byte: so it is an order of sequences, and with the bytes for what is equal
// by it, a total one.
int compare_names(std::string_view a, std::string_view b) {
  std::string_view left_a = a;
  std::string_view left_b = b;
  while (!left_a.empty() && !left_b.empty()) {
    int order = 0;
    if (is_digit(left_a.front()) && is_digit(left_b.front())) {
      const std::string_view number_a = take_number(left_a);
      const std::string_view number_b = take_number(left_b);
      order = compare(number_a.size(), number_b.size());
      if (order == 0) order = number_a.compare(number_b);
    } else {
      order = compare(static_cast<unsigned char>(lower(left_a.front())),
                      static_cast<unsigned char>(lower(left_b.front())));
      left_a.remove_prefix(1);
      left_b.remove_prefix(1);
    }
    if (order != 0) return order;
  }
  if (left_a.empty() != left_b.empty()) return left_a.empty() ? -1 : 1;
  return a.compare(b);
}

int compare_by(ListingColumn column, const ListedFile& a, const ListedFile& b) {
  switch (column) {
    case ListingColumn::name:
      return compare_names(a.name, b.name);
    case ListingColumn::size:
      return compare(a.size, b.size);
    case ListingColumn::date:
      return compare(a.modified, b.modified);
  }
  return 0;
}

// "3.5 MB": three digits at most, or four before the first unit that has a fraction.
std::string size_text(std::uint64_t bytes) {
  constexpr std::array<const char*, 7> units{"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  if (bytes < 1000) return std::to_string(bytes) + " B";
  auto amount = static_cast<double>(bytes);
  std::size_t unit = 0;
  // What would be rounded to 1000.0 is 1.0 of the next one.
  while (amount >= 999.95 && unit + 1 < units.size()) {
    amount /= 1000;
    ++unit;
  }
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%.1f %s", amount, units[unit]);
  return text.data();
}

// "2026-11-24 03:00", in UTC: a worker cannot read the time zone's file.
std::string date_text(std::int64_t time) {
  constexpr std::int64_t last = 253'402'300'799;  // of the year 9999
  const std::chrono::sys_seconds point{
      std::chrono::seconds(std::clamp<std::int64_t>(time, 0, last))};
  const auto day = std::chrono::floor<std::chrono::days>(point);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{point - day};
  std::array<char, 40> text;
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02u %02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()));
  return text.data();
}

}  // namespace

ListingOrder parse_listing_order(std::string_view query) {
  ListingOrder order;
  while (!query.empty()) {
    const std::string_view part = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), part.size() + 1));
    if (part == "sort=name") order.column = ListingColumn::name;
    if (part == "sort=size") order.column = ListingColumn::size;
    if (part == "sort=date") order.column = ListingColumn::date;
    if (part == "order=asc") order.descending = false;
    if (part == "order=desc") order.descending = true;
  }
  return order;
}

void sort_listing(std::vector<ListedFile>& files, ListingOrder order) {
  std::sort(files.begin(), files.end(), [order](const ListedFile& a, const ListedFile& b) {
    if (a.is_folder != b.is_folder) return a.is_folder;
    const int way = compare_by(order.column, a, b);
    if (way != 0) return order.descending ? way > 0 : way < 0;
    return compare_names(a.name, b.name) < 0;
  });
}

void append_text(std::string& page, std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) {
      page.append("\xEF\xBF\xBD");  // U+FFFD
      text.remove_prefix(1);
      continue;
    }
    switch (text.front()) {
      case '&':
        page.append("&amp;");
        break;
      case '<':
        page.append("&lt;");
        break;
      case '>':
        page.append("&gt;");
        break;
      case '"':
        page.append("&quot;");
        break;
      case '\'':
        page.append("&#39;");
        break;
      default:
        page.append(text.substr(0, length));
    }
    text.remove_prefix(length);
  }
}

void append_address(std::string& page, std::string_view name) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    // RFC 3986, 2.3: unreserved. All else is encoded, be it allowed in some places or not.
    const bool is_verbatim = (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') ||
                             c == '-' || c == '.' || c == '_' || c == '~';
    if (is_verbatim) {
      page.push_back(c);
    } else {
      page.append({'%', hex[byte >> 4], hex[byte & 15]});
    }
  }
}

ListingPage::ListingPage(std::string_view path, ListingOrder order) : order_(order) {
  page_.append(before_title).append("Index of ");
  append_text(page_, path);
  page_.append(before_style).append(style).append(table_style).append(before_content);
  append_heading(path);
  page_.append("<table>\n<thead><tr>");
  append_column("Name", "name", ListingColumn::name, {});
  append_column("Size", "size", ListingColumn::size, "size");
  append_column("Modified", "date", ListingColumn::date, "date");
  page_.append("</tr></thead>\n<tbody>\n");
  if (path.size() > 1) {
    page_.append(
        "<tr><td class=\"folder\"><a href=\"../\">Parent folder</a></td><td class=\"size\"></td>"
        "<td class=\"date\"></td></tr>\n");
  }
}

// Each folder on the way is a link; where one is needs none.
void ListingPage::append_heading(std::string_view path) {
  page_.append("<h1>Index of ");
  std::string address = "/";
  std::string_view rest = path.substr(1);
  page_.append(rest.empty() ? "/" : "<a href=\"/\">/</a>");
  while (!rest.empty()) {
    const std::string_view name = rest.substr(0, rest.find('/'));
    rest.remove_prefix(name.size() + 1);
    append_address(address, name);
    address.push_back('/');
    if (!rest.empty()) page_.append("<a href=\"").append(address).append("\">");
    page_.append("<bdi>");
    append_text(page_, name);
    page_.append(rest.empty() ? "</bdi>/" : "</bdi></a>/");
  }
  page_.append("</h1>\n");
}

// Its link sorts by it; the one that is sorted by turns round.
void ListingPage::append_column(std::string_view label, std::string_view key, ListingColumn column,
                                std::string_view cell_class) {
  const bool is_sorted = order_.column == column;
  page_.append("<th scope=\"col\"");
  if (!cell_class.empty()) page_.append(" class=\"").append(cell_class).append("\"");
  if (is_sorted) {
    page_.append(order_.descending ? " aria-sort=\"descending\"" : " aria-sort=\"ascending\"");
  }
  page_.append("><a href=\"?sort=").append(key).append("&amp;order=");
  page_.append(is_sorted && !order_.descending ? "desc" : "asc").append("\">").append(label);
  if (is_sorted) page_.append(order_.descending ? " ↓" : " ↑");
  page_.append("</a></th>");
}

void ListingPage::add(const ListedFile& file) {
  ++count_;
  // "./" so that no name is taken for a scheme.
  page_.append(file.is_folder ? "<tr><td class=\"folder\"><a href=\"./" : "<tr><td><a href=\"./");
  append_address(page_, file.name);
  page_.append(file.is_folder ? "/\"><bdi>" : "\"><bdi>");
  append_text(page_, file.name);
  page_.append(file.is_folder ? "</bdi>/</a></td><td class=\"size\">"
                              : "</bdi></a></td><td class=\"size\">");
  if (!file.is_folder) page_.append(size_text(file.size));
  page_.append("</td><td class=\"date\">").append(date_text(file.modified)).append("</td></tr>\n");
}

std::string ListingPage::finish(bool there_are_more) {
  page_.append("</tbody>\n</table>\n");
  if (there_are_more) {
    page_.append("<p>There are more files here: only ");
    page_.append(std::to_string(count_)).append(" of them are shown.</p>\n");
  } else if (count_ == 0) {
    page_.append("<p>This folder is empty.</p>\n");
  }
  page_.append(after_content);
  return std::move(page_);
}

}  // namespace perchild::pages
