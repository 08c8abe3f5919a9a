#include "privsep/result.h"

#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace perchild {

std::string SysError::text() const {
  std::string text = operation;
  if (!subject.empty()) text += ' ' + subject;
  if (error != 0) text += std::string(": ") + ::strerror(error);
  return text;
}

void assertion_failed(const char* expression, const char* file, int line) {
  const std::string text = std::string("<2>perchild: assertion failed: ") + expression + " at " +
                           file + ":" + std::to_string(line) + "\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
  std::abort();
}

}  // namespace perchild
