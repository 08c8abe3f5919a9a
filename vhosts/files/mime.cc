#include "vhosts/files/mime.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "vhosts/http1/characters.h"

namespace perchild::files {
namespace {

struct Row {
  std::string_view extension;  // lower case
  std::string_view type;
};

// For the compiler alone.
constexpr Row rows[] = {
#include "mime_table.inc"
};

constexpr std::size_t longest_extension = 31;

constexpr bool before(const Row& a, const Row& b) {
  return a.extension < b.extension;
}
static_assert(std::is_sorted(std::begin(rows), std::end(rows), before));
static_assert(std::all_of(std::begin(rows), std::end(rows), [](const Row& row) {
  return row.extension.size() <= longest_extension && row.type.size() <= longest_content_type;
}));

// What is left of a row: an extension and its type, one behind the other in `text`. Pointers would
// be relocated in each worker, page by page, while its first visitor waits.
struct Place {
  std::uint32_t begin;
  std::uint8_t extension_size, type_size;
};

constexpr std::size_t text_size() {
  std::size_t size = 0;
  for (const Row& row : rows) size += row.extension.size() + row.type.size();
  return size;
}

struct Table {
  std::array<Place, std::size(rows)> places{};
  std::array<char, text_size()> text{};

  std::string_view extension(const Place& place) const {
    return {text.data() + place.begin, place.extension_size};
  }
  std::string_view type(const Place& place) const {
    return {text.data() + place.begin + place.extension_size, place.type_size};
  }
};

constexpr Table make_table() {
  Table table;
  char* end = table.text.data();
  for (std::size_t i = 0; i < std::size(rows); ++i) {
    const Row& row = rows[i];
    table.places[i] = {static_cast<std::uint32_t>(end - table.text.data()),
                       static_cast<std::uint8_t>(row.extension.size()),
                       static_cast<std::uint8_t>(row.type.size())};
    end = std::copy(row.extension.begin(), row.extension.end(), end);
    end = std::copy(row.type.begin(), row.type.end(), end);
  }
  return table;
}

constexpr Table table = make_table();

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

std::string_view extension_of(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return {};
  return name.substr(dot + 1);
}

std::string_view coding_of_name(std::string_view path) {
  return http1::equals_ignoring_case(extension_of(path), "svgz") ? "gzip" : std::string_view();
}

std::string_view content_type_of(std::string_view path) {
  const std::string_view extension = extension_of(path);
  if (extension.empty() || extension.size() > longest_extension) return default_content_type;
  std::array<char, longest_extension> folded;
  char* const end = std::transform(extension.begin(), extension.end(), folded.begin(), lower);
  const std::string_view key(folded.data(), static_cast<std::size_t>(end - folded.data()));
  const Place* const place = std::lower_bound(table.places.begin(), table.places.end(), key,
                                              [](const Place& candidate, std::string_view wanted) {
                                                return table.extension(candidate) < wanted;
                                              });
  if (place == table.places.end() || table.extension(*place) != key) return default_content_type;
  return table.type(*place);
}

}  // namespace perchild::files
