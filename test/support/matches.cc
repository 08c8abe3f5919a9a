#include "test/support/matches.h"

#include <regex.h>

#include <cstdlib>

namespace perchild::test {

bool matches(const std::string& text, const std::string& expression) {
  ::regex_t compiled;
  if (::regcomp(&compiled, ("^(" + expression + ")$").c_str(), REG_EXTENDED | REG_NOSUB) != 0) {
    std::abort();
  }
  const bool found = ::regexec(&compiled, text.c_str(), 0, nullptr, 0) == 0;
  ::regfree(&compiled);
  return found;
}

}  // namespace perchild::test
