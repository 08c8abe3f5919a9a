// The Connection field (RFC 9110, 7.6.1): a list of options, some of which are names of fields.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "vhosts/http1/characters.h"
#include "vhosts/http1/request_head.h"

namespace perchild::gateway {

// Calls fn(option) for each element of a comma-separated list, empty ones left out.
template <typename Fn>
void for_each_element(std::string_view list, Fn fn) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    const std::string_view element = http1::trim_whitespace(list.substr(0, comma));
    if (!element.empty()) fn(element);
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
}

inline bool has_element(std::string_view list, std::string_view wanted) {
  bool found = false;
  for_each_element(list, [&](std::string_view element) {
    found = found || http1::equals_ignoring_case(element, wanted);
  });
  return found;
}

// Whether one of the Connection fields among `fields`, which are field lines, has this option.
template <typename NextField>
bool is_connection_option(std::string_view fields, std::string_view option, NextField next_field) {
  while (const auto field = next_field(fields)) {
    if (http1::equals_ignoring_case(field->name, "connection") &&
        has_element(field->value, option)) {
      return true;
    }
  }
  return false;
}

}  // namespace perchild::gateway
