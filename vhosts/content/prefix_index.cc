#include "vhosts/content/prefix_index.h"

#include <algorithm>

namespace perchild::content {
namespace {

// '/' before every other byte, so that what is in a folder follows it at once: "/a", "/a/b",
// "/a-b".
bool byte_comes_before(char a, char b) {
  if (a == b || b == '/') return false;
  return a == '/' || static_cast<unsigned char>(a) < static_cast<unsigned char>(b);
}

bool comes_before(std::string_view a, std::string_view b) {
  const auto [at_a, at_b] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (at_b == b.end()) return false;
  return at_a == a.end() || byte_comes_before(*at_a, *at_b);
}

bool holds(std::string_view folder, std::string_view path) {
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

}  // namespace

PrefixIndex::PrefixIndex(std::vector<std::string> folders) {
  std::sort(folders.begin(), folders.end(), comes_before);
  entries_.reserve(folders.size());
  for (std::string& folder : folders) {
    const auto last = entries_.empty() ? std::nullopt : std::optional(entries_.size() - 1);
    const auto around = innermost(last, folder);
    entries_.push_back({std::move(folder), around});
  }
}

std::optional<std::size_t> PrefixIndex::find(std::string_view path) const {
  const auto behind = std::upper_bound(entries_.begin(), entries_.end(), path,
                                       [](std::string_view wanted, const Entry& entry) {
                                         return comes_before(wanted, entry.folder);
                                       });
  if (behind == entries_.begin()) return std::nullopt;
  // Every folder that holds the path comes before it, and whatever stands between the innermost of
  // them and the path is in that folder too.
  return innermost(static_cast<std::size_t>(behind - entries_.begin()) - 1, path);
}

std::optional<std::size_t> PrefixIndex::innermost(std::optional<std::size_t> from,
                                                  std::string_view path) const {
  while (from && !holds(entries_[*from].folder, path)) from = entries_[*from].around;
  return from;
}

}  // namespace perchild::content
