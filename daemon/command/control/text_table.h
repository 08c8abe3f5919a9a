// Columns of text, as wide as what is in them.
//
// Runs in: command.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

namespace perchild {

enum class Align : std::uint8_t { left, right };

struct Column {
  std::string title;
  Align align = Align::left;
};

class TextTable {
 public:
  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  // The lines, titles first, without blanks at their ends.
  std::vector<std::string> lines() const;
  void write(std::ostream& out) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace perchild
