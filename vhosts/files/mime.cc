#include "vhosts/files/mime.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>

namespace perchild::files {
namespace {

struct Row {
  std::string_view extension;  // lower case
  std::string_view type;
};

constexpr Row table[] = {
#include "mime_table.inc"
};

constexpr std::size_t longest_extension = 31;

constexpr bool before(const Row& a, const Row& b) {
  return a.extension < b.extension;
}
static_assert(std::is_sorted(std::begin(table), std::end(table), before));
static_assert(std::all_of(std::begin(table), std::end(table),
                          [](const Row& row) { return row.type.size() <= longest_content_type; }));

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

std::string_view content_type_of(std::string_view path) {
  const std::string_view extension = extension_of(path);
  if (extension.empty() || extension.size() > longest_extension) return default_content_type;
  std::array<char, longest_extension> folded;
  char* const end = std::transform(extension.begin(), extension.end(), folded.begin(), lower);
  const std::string_view key(folded.data(), static_cast<std::size_t>(end - folded.data()));
  const Row* const row = std::lower_bound(
      std::begin(table), std::end(table), key,
      [](const Row& candidate, std::string_view wanted) { return candidate.extension < wanted; });
  if (row == std::end(table) || row->extension != key) return default_content_type;
  return row->type;
}

}  // namespace perchild::files
