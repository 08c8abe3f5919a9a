// The tokens of a JSON text, and why a text is none, in words for people.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "policy/configuration_source.h"

namespace perchild {

struct JsonToken {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// Walks over the tokens of a text that a parser has accepted up to the one that is asked for.
// Commas and colons are not counted as tokens.
class JsonTokens {
 public:
  explicit JsonTokens(std::string_view text);
  JsonToken next();
  std::size_t offset() const { return offset_; }  // behind the last token
  std::string_view text_of(JsonToken token) const {
    return text_.substr(token.begin, token.end - token.begin);
  }

 private:
  std::string_view text_;
  std::size_t offset_ = 0;
};

// What came last before a parser gave up.
enum class JsonLast : std::uint8_t { start, key, value, object_start, array_start };

struct JsonFailure {
  std::size_t behind_last = 0;  // offset behind the last good token
  JsonLast last = JsonLast::start;
  std::size_t read_to = 0;  // the byte that the parser was at
  bool number_too_large = false;
  std::optional<std::size_t> open;  // the innermost object or array that has not ended
};

struct JsonProblem {
  std::size_t offset = 0;
  std::string sentence;
  std::string hint;
};

JsonProblem explain_failure(const SourceFile& source, const JsonFailure& failure);

}  // namespace perchild
