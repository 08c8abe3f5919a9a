// What a text holds. Expressions are POSIX's extended ones: <regex> takes ten seconds to compile.
#pragma once

#include <string>

namespace perchild::test {

// Whether all of `text` matches. Aborts at an expression that is none.
bool matches(const std::string& text, const std::string& expression);

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace perchild::test
