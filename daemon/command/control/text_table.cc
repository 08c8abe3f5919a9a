#include "daemon/command/control/text_table.h"

#include <algorithm>
#include <ostream>

namespace perchild {

std::vector<std::string> TextTable::lines() const {
  std::vector<std::string> titles;
  std::vector<std::size_t> widths;
  for (const Column& column : columns_) {
    titles.push_back(column.title);
    widths.push_back(column.title.size());
  }
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < widths.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  const auto line_of = [&](const std::vector<std::string>& row) {
    std::string line;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      const std::string blanks(widths[i] - row[i].size(), ' ');
      if (i > 0) line += "  ";
      line += columns_[i].align == Align::left ? row[i] + blanks : blanks + row[i];
    }
    line.erase(line.find_last_not_of(' ') + 1);
    return line;
  };
  std::vector<std::string> lines{line_of(titles)};
  for (const auto& row : rows_) lines.push_back(line_of(row));
  return lines;
}

void TextTable::write(std::ostream& out) const {
  for (const std::string& line : lines()) out << line << "\n";
}

}  // namespace perchild
