// Whole texts against POSIX extended regular expressions: <regex> takes ten seconds to compile.
#pragma once

#include <string>

namespace perchild::test {

// Whether all of `text` matches. Aborts at an expression that is none.
bool matches(const std::string& text, const std::string& expression);

}  // namespace perchild::test
