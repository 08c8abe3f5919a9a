#include "privsep/server_log.h"

#include <unistd.h>

namespace perchild {
namespace {

void append_escaped(std::string& line, std::string_view text) {
  constexpr char digits[] = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f) {
      line += c;
    } else {
      line += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
    }
  }
}

}  // namespace

ServerLog::ServerLog(std::string_view program, const char* journal_stream)
    : program_(program), prefixed_(journal_stream != nullptr) {
  if (prefixed_) environment_ = std::string("JOURNAL_STREAM=") + journal_stream;
}

void ServerLog::line(Priority severity, std::string_view text) const {
  std::string line;
  if (prefixed_) line = '<' + std::to_string(static_cast<int>(severity)) + '>';
  line += program_ + ": ";
  append_escaped(line, text);
  line += '\n';
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace perchild
