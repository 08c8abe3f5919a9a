// The Connection field (RFC 9110, 7.6.1): a list of options, some of which are names of fields.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include "vhosts/http1/characters.h"

namespace perchild::gateway {

// Nobody names more in the Connection fields of a head. Each is held against each field.
inline constexpr std::size_t max_connection_options = 32;

// Those of all Connection fields of a head together.
class ConnectionOptions {
 public:
  // The value of one of them: a list with commas, whose empty elements are none.
  void add(std::string_view list) {
    while (!list.empty()) {
      const std::size_t comma = std::min(list.find(','), list.size());
      const std::string_view option = http1::trim_whitespace(list.substr(0, comma));
      if (!option.empty()) add_option(option);
      list.remove_prefix(std::min(comma + 1, list.size()));
    }
  }
  std::size_t size() const { return count_; }  // one more than that if they are too many
  bool are_too_many() const { return count_ > options_.size(); }
  bool have(std::string_view option) const {
    const std::size_t held = std::min(count_, options_.size());
    return std::any_of(options_.begin(), options_.begin() + held, [option](std::string_view own) {
      return http1::equals_ignoring_case(own, option);
    });
  }

 private:
  void add_option(std::string_view option) {
    if (count_ < options_.size()) options_[count_] = option;
    if (!are_too_many()) ++count_;
  }

  std::array<std::string_view, max_connection_options> options_;
  std::size_t count_ = 0;
};

}  // namespace perchild::gateway
