#include "policy/json_syntax.h"

#include <algorithm>

#include "policy/mistake.h"

namespace perchild {
namespace {

constexpr std::string_view blank = " \t\r\n";

constexpr bool is_word_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         c == '-' || c == '+' || c == '.';
}

std::size_t skip(std::string_view text, std::size_t offset, std::string_view characters) {
  return std::min(text.find_first_not_of(characters, offset), text.size());
}

std::size_t end_of_string(std::string_view text, std::size_t begin) {
  for (std::size_t i = begin + 1;; i += 2) {
    i = text.find_first_of("\"\\", i);
    if (i == std::string_view::npos) return text.size();
    if (text[i] == '"') return i + 1;
  }
}

std::size_t end_of_word(std::string_view text, std::size_t begin) {
  std::size_t end = begin;
  while (end < text.size() && is_word_char(text[end])) ++end;
  return end;
}

// Finds the first thing that should not be where it is.
class Explanation {
 public:
  Explanation(const SourceFile& source, const JsonFailure& failure)
      : source_(source), text_(source.text()), failure_(failure) {}

  JsonProblem make() {
    std::size_t at = failure_.behind_last;
    if (failure_.last == JsonLast::value && failure_.read_to < at) return bad_value(word_start());
    if (failure_.last == JsonLast::start && text_.starts_with(byte_order_mark)) {
      at = byte_order_mark.size();
    }
    at = skip(text_, at, blank);
    if (at == text_.size()) return at_end();
    switch (failure_.last) {
      case JsonLast::start:
      case JsonLast::array_start:
        return bad_value(at);
      case JsonLast::object_start:
        return bad_key(at);
      case JsonLast::key:
        return behind_key(at);
      case JsonLast::value:
        return behind_value(at);
    }
    return at_end();
  }

 private:
  bool in_object() const { return failure_.open && text_[*failure_.open] == '{'; }

  // The parser took a part of what is one word to us: "01", "12kg".
  std::size_t word_start() const {
    std::size_t at = failure_.read_to;
    while (at > 0 && is_word_char(text_[at - 1])) --at;
    return at;
  }

  JsonProblem at_end() const {
    if (!failure_.open) return {0, "the file is empty", "the least that it needs is { }"};
    const auto open = source_.position_of(*failure_.open);
    // Not behind the last line's end, where there is nothing to see.
    const std::size_t last = text_.find_last_not_of(blank);
    return {last + 1,
            "the file ends here, but the '" + std::string(1, text_[*failure_.open]) + "' at " +
                std::to_string(open.line) + ":" + std::to_string(open.column) + " is still open",
            ""};
  }

  JsonProblem behind_key(std::size_t at) const {
    if (text_[at] != ':') return {at, "a ':' is missing between a key and its value", ""};
    at = skip(text_, at + 1, blank);
    return at == text_.size() ? at_end() : bad_value(at);
  }

  JsonProblem behind_value(std::size_t at) const {
    if (!failure_.open) return {at, "something follows the end of the configuration", ""};
    const std::size_t comma = at;
    if (text_[at] != ',') {
      if (is_comment(at)) return comment(at);
      const std::string closing = in_object() ? "'}'" : "']'";
      return {at, "a ',' or " + closing + " is missing before this", ""};
    }
    at = skip(text_, at + 1, blank);
    if (at == text_.size()) return at_end();
    if (text_[at] == '}' || text_[at] == ']') {
      return {comma, "a ',' must not stand behind the last element", "take it away"};
    }
    return in_object() ? bad_key(at) : bad_value(at);
  }

  JsonProblem bad_key(std::size_t at) const {
    if (text_[at] == '"') return bad_string(at);
    if (is_comment(at)) return comment(at);
    const bool word = end_of_word(text_, at) != at || text_[at] == '\'';
    return {at, "a key must stand here", word ? "put it between double quotes" : ""};
  }

  JsonProblem bad_value(std::size_t at) const {
    const char c = text_[at];
    if (c == '"') return bad_string(at);
    if (c == '\'') return {at, "a string stands between double quotes", ""};
    if (is_comment(at)) return comment(at);
    const std::string_view word = text_.substr(at, end_of_word(text_, at) - at);
    if (word.empty()) return {at, "a value is missing here", ""};
    if (failure_.number_too_large) return {at, "the number is too large", ""};
    if (c == '-' || c == '+' || c == '.' || (c >= '0' && c <= '9')) {
      return {at, in_quotes(word) + " is not a number", "text stands between double quotes"};
    }
    return {at, in_quotes(word) + " is not a value", "text stands between double quotes"};
  }

  bool is_comment(std::size_t at) const {
    const std::string_view rest = text_.substr(at);
    return rest.starts_with("//") || rest.starts_with("/*") || rest.starts_with('#');
  }
  static JsonProblem comment(std::size_t at) { return {at, "JSON has no comments", ""}; }

  JsonProblem bad_string(std::size_t begin) const {
    const std::size_t at = failure_.read_to;
    if (at <= begin) return {begin, "this is not a string", ""};
    if (at >= text_.size()) return {begin, "this string never ends", ""};
    if (text_[at] == '\n' || text_[at] == '\r') {
      return {begin, "this string does not end on its line", "write a line feed as \\n"};
    }
    if (static_cast<unsigned char>(text_[at]) < 0x20) {
      return {at, "a string must not hold a control character", "write a tab as \\t"};
    }
    const std::size_t escape = text_.rfind('\\', at);
    if (escape != std::string_view::npos && escape >= begin && at - escape <= 6) {
      return {escape, "this escape sequence is none of JSON's", "write a backslash as \\\\"};
    }
    return {start_of_character(at), "this is not UTF-8", ""};
  }

  // A sequence of bytes that breaks off is bad from its first byte on.
  std::size_t start_of_character(std::size_t at) const {
    const auto byte = [this](std::size_t i) { return static_cast<unsigned char>(text_[i]); };
    if (byte(at) >= 0xC0) return at;
    do {
      --at;
    } while ((byte(at) & 0xC0U) == 0x80U);
    return at;
  }

  const SourceFile& source_;
  std::string_view text_;
  const JsonFailure& failure_;
};

}  // namespace

JsonTokens::JsonTokens(std::string_view text) : text_(text) {
  if (text.starts_with(byte_order_mark)) offset_ = byte_order_mark.size();
}

JsonToken JsonTokens::next() {
  const std::size_t begin = skip(text_, offset_, " \t\r\n,:");
  if (begin == text_.size()) return {begin, begin};
  if (text_[begin] == '"') {
    offset_ = end_of_string(text_, begin);
  } else {
    offset_ = std::max(end_of_word(text_, begin), begin + 1);
  }
  return {begin, offset_};
}

JsonProblem explain_failure(const SourceFile& source, const JsonFailure& failure) {
  return Explanation(source, failure).make();
}

}  // namespace perchild
