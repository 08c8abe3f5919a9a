// The names in a folder, read one by one.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "privsep/unique_fd.h"

namespace perchild::files {

class Directory {
 public:
  // Of Docroot::open_directory().
  explicit Directory(UniqueFd fd) : fd_(std::move(fd)) {}

  // The next name but "." and "..", in no order; empty at the end, or when reading fails. It is
  // good until the next call.
  std::string_view next();

 private:
  UniqueFd fd_;
  alignas(8) std::array<char, 8192> entries_;
  std::size_t at_ = 0;
  std::size_t filled_ = 0;
};

}  // namespace perchild::files
