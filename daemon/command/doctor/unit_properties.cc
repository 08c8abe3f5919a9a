#include "daemon/command/doctor/unit_properties.h"

#include <algorithm>

namespace perchild {

UnitProperties parse_unit_properties(std::string_view text) {
  UnitProperties properties;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t equals = line.find('=');
    if (equals == 0 || equals == line.npos) continue;
    properties[std::string(line.substr(0, equals))] = line.substr(equals + 1);
  }
  return properties;
}

}  // namespace perchild
