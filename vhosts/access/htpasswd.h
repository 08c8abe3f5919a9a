// The format of .htpasswd files: lines "name:hash", blank lines, and comments that begin with '#'.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "policy/password_hash.h"

namespace perchild::access {

struct HtpasswdLine {
  std::size_t number = 0;  // from 1
  std::string_view name;
  std::string_view hash;
  // What is wrong with the line, after which its user has no way in; empty if it is good.
  std::string_view fault;
};

// Takes the lines that say something out of a file's text, one after another.
class HtpasswdReader {
 public:
  explicit HtpasswdReader(std::string_view text) : rest_(text) {}
  std::optional<HtpasswdLine> next();

 private:
  std::string_view rest_;
  std::size_t number_ = 0;
};

}  // namespace perchild::access
