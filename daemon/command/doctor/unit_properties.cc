#include "daemon/command/doctor/unit_properties.h"

#include <algorithm>

namespace perchild {

namespace {

// Calls `take` with name and value of each line that has both.
template <typename Take>
void for_each_property(std::string_view text, Take take) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t equals = line.find('=');
    if (equals == 0 || equals == line.npos) continue;
    take(line.substr(0, equals), line.substr(equals + 1));
  }
}

}  // namespace

UnitProperties parse_unit_properties(std::string_view text) {
  UnitProperties properties;
  for_each_property(text, [&](std::string_view name, std::string_view value) {
    properties[std::string(name)] = value;
  });
  return properties;
}

std::vector<std::string> values_of(std::string_view name, std::string_view text) {
  std::vector<std::string> values;
  for_each_property(text, [&](std::string_view each, std::string_view value) {
    if (each == name) values.emplace_back(value);
  });
  return values;
}

}  // namespace perchild
