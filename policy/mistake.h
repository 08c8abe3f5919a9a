// What is wrong with a configuration, and where: said to whoever wrote it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace perchild {

// An error keeps the configuration from being used. A warning does not. A note says what has not
// been looked at.
enum class Severity : std::uint8_t { error, warning, note };

std::string_view name_of(Severity severity);

inline constexpr std::size_t max_mistakes = 10'000;  // that are told in one go

// The part of the source line around a mistake. Harmless to a terminal.
struct Excerpt {
  std::string line;
  std::size_t caret = 0;  // characters left of the one that is meant
};

struct Mistake {
  std::string file;
  std::uint32_t line = 0;    // from 1; 0: about the whole file
  std::uint32_t column = 0;  // from 1, in characters
  std::string pointer;       // RFC 6901; empty: the whole document
  Severity severity = Severity::error;
  std::string sentence;
  std::string hint;  // what to do about it; may be empty
  Excerpt excerpt;
};

// Several lines, the first `file:line:column: error: sentence`, each ended by a line feed.
std::string format_mistake(const Mistake& mistake);

// One JSON object on one line, without a line feed.
std::string mistake_as_json(const Mistake& mistake);

// `text` between double quotes for a sentence: control characters escaped, cut where it is long.
std::string in_quotes(std::string_view text);

// The bytes of the control character at the front of `text`, C1 ones of two bytes included; else 0.
std::size_t control_length(std::string_view text);

std::size_t count_of(const std::vector<Mistake>& mistakes, Severity severity);

}  // namespace perchild
