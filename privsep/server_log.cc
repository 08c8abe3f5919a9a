#include "privsep/server_log.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>

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
    : program_(program), prefixed_(journal_stream != nullptr), kind_(Kind::other) {
  if (prefixed_) environment_ = std::string("JOURNAL_STREAM=") + journal_stream;
  struct ::stat facts;
  if (::fstat(STDERR_FILENO, &facts) != 0) return;
  if (S_ISFIFO(facts.st_mode)) kind_ = Kind::pipe;
  if (S_ISSOCK(facts.st_mode)) kind_ = Kind::socket;
}

std::string ServerLog::format(Priority severity, std::string_view text) const {
  std::string line;
  if (prefixed_) line = '<' + std::to_string(static_cast<int>(severity)) + '>';
  line += program_ + ": ";
  append_escaped(line, text);
  line += '\n';
  return line;
}

void ServerLog::line(Priority severity, std::string_view text) const {
  if (lost_ > 0) {
    const std::string before =
        format(Priority::warning, std::to_string(lost_) + " lines of this log were lost");
    if (!write_whole(before)) {
      ++lost_;
      return;
    }
    lost_ = 0;
  }
  if (!write_whole(format(severity, text))) ++lost_;
}

// Not O_NONBLOCK, which would hold for everybody who shares the open file: whoever started us.
bool ServerLog::write_whole(std::string_view line) const {
  ssize_t written = 0;
  if (kind_ == Kind::socket) {
    written = ::send(STDERR_FILENO, line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  } else if (kind_ == Kind::pipe) {
    const ::iovec part{const_cast<char*>(line.data()), line.size()};
    written = ::pwritev2(STDERR_FILENO, &part, 1, -1, RWF_NOWAIT);
    // A kernel before 6.4 cannot do that to a pipe.
    if (written < 0 && errno == EOPNOTSUPP) {
      written = ::write(STDERR_FILENO, line.data(), line.size());
    }
  } else {
    written = ::write(STDERR_FILENO, line.data(), line.size());
  }
  return written == static_cast<ssize_t>(line.size());
}

}  // namespace perchild
