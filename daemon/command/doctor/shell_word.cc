#include "daemon/command/doctor/shell_word.h"

#include <algorithm>

namespace perchild {
namespace {

bool is_plain(char c) {
  const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return is_letter || (c >= '0' && c <= '9') ||
         std::string_view("_./:,@%+=-").find(c) != std::string_view::npos;
}

bool is_printable(char c) {
  return c >= ' ' && c <= '~';
}

std::string in_single_quotes(std::string_view text) {
  std::string word = "'";
  for (const char c : text) {
    if (c == '\'') {
      word += "'\\''";
    } else {
      word += c;
    }
  }
  return word + "'";
}

// Always two digits: bash reads no more of them, so a digit that follows stays a digit.
std::string with_escapes(std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::string word = "$'";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (!is_printable(c)) {
      word.append({'\\', 'x', hex[byte >> 4], hex[byte & 15]});
    } else if (c == '\'' || c == '\\') {
      word.append({'\\', c});
    } else {
      word += c;
    }
  }
  return word + "'";
}

}  // namespace

std::string shell_word(std::string_view text) {
  if (!text.empty() && std::all_of(text.begin(), text.end(), is_plain)) return std::string(text);
  const bool printable = std::all_of(text.begin(), text.end(), is_printable);
  return printable ? in_single_quotes(text) : with_escapes(text);
}

}  // namespace perchild
