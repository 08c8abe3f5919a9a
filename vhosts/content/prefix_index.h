// Which of many folders is the innermost that holds a path. Folders are written without a '/' at
// their end: "" is the whole site, "/a" holds "/a", "/a/" and "/a/b", but not "/ab".
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace perchild::content {

class PrefixIndex {
 public:
  PrefixIndex() = default;
  // Each folder once, in any order.
  explicit PrefixIndex(std::vector<std::string> folders);

  // Their order here: folders() by number.
  const std::string& folder(std::size_t number) const { return entries_[number].folder; }
  std::size_t size() const { return entries_.size(); }

  // The innermost folder that holds `path`. O(log n), and one step for each folder around that.
  std::optional<std::size_t> find(std::string_view path) const;
  // The next one around a folder.
  std::optional<std::size_t> around(std::size_t number) const { return entries_[number].around; }

 private:
  struct Entry {
    std::string folder;
    std::optional<std::size_t> around;
  };
  std::optional<std::size_t> innermost(std::optional<std::size_t> from,
                                       std::string_view path) const;

  std::vector<Entry> entries_;  // in the order of comes_before
};

}  // namespace perchild::content
