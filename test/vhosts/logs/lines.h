// What a log file holds, line by line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace perchild::test {

// Without their '\n'. A last line that has none ends in "<torn>" here.
inline std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) {
      lines.push_back(std::string(text) + "<torn>");
      break;
    }
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  return lines;
}

}  // namespace perchild::test
