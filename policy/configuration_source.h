// The text of a configuration file: where in it something stands, and who else could have written
// it.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/ids.h"
#include "policy/mistake.h"

namespace perchild {

inline constexpr std::size_t max_source_bytes = 64 * 1024 * 1024;    // of one file
inline constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";  // is on no line

class SourceFile {
 public:
  // `text` is at most max_source_bytes long.
  SourceFile(std::string name, std::string text);
  // Views of the text are held elsewhere.
  SourceFile(const SourceFile&) = delete;
  SourceFile& operator=(const SourceFile&) = delete;

  const std::string& name() const { return name_; }
  std::string_view text() const { return text_; }

  // Lines and columns count from 1; a column is a character of UTF-8. Costs no more in a file that
  // is one long line.
  struct Position {
    std::uint32_t line;
    std::uint32_t column;
  };
  Position position_of(std::size_t offset) const;

  // The name, position and excerpt of a mistake at `offset`; the rest of it is empty.
  Mistake mistake_at(std::size_t offset) const;

 private:
  std::size_t clamp(std::size_t offset) const;
  std::size_t characters_before(std::size_t offset) const;
  std::size_t line_of(std::size_t offset) const;
  Excerpt excerpt_at(std::size_t offset) const;

  std::string name_;
  std::string text_;
  std::vector<std::uint32_t> line_starts_;
  std::vector<std::uint32_t> characters_;  // before every block of the text
};

// Reads an open file to its end; `problem` says why it could not.
struct ReadText {
  std::string text;
  std::string problem;
};
[[nodiscard]] ReadText read_source(int fd);

// A sentence if somebody other than root and `reader` can change what is stat'ed here.
std::optional<std::string> objection_to_file(const struct ::stat& file, Uid reader);
std::optional<std::string> objection_to_folder(const struct ::stat& folder, Uid reader);
// For the folders further up: a sticky one (/tmp) protects what lies in it.
std::optional<std::string> objection_to_ancestor(const struct ::stat& folder, Uid reader);

// Opens files for the reader, which itself does not act.
struct OpenedSource {
  std::string text;
  std::string problem;              // not empty: could not be read, and why
  std::vector<Mistake> objections;  // to who may write it
};
class ConfigurationFiles {
 public:
  virtual ~ConfigurationFiles() = default;
  virtual OpenedSource open(const std::string& path) = 0;
  // The files that `pattern`, a glob(7), names relative to the folder of the file `from`; sorted.
  virtual std::vector<std::string> matching(const std::string& pattern,
                                            const std::string& from) = 0;
};

}  // namespace perchild
