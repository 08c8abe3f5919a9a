#include "vhosts/gateway/passed_field.h"

#include <algorithm>

#include "vhosts/gateway/field_scanner.h"
#include "vhosts/http1/characters.h"

namespace perchild::gateway {

bool is_passed_to_programs(std::string_view name) {
  const bool is_plain = std::all_of(name.begin(), name.end(), [](char c) {
    const char lower = http1::to_lower(c);
    return (lower >= 'a' && lower <= 'z') || http1::is_digit(c) || c == '-';
  });
  if (!is_plain || is_hop_by_hop(name)) return false;
  return !http1::equals_ignoring_case(name, "expect") &&
         !http1::equals_ignoring_case(name, "proxy");
}

}  // namespace perchild::gateway
