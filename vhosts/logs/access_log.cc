#include "vhosts/logs/access_log.h"

#include <algorithm>

#include "vhosts/logs/escape.h"

namespace perchild::logs {
namespace {

constexpr std::size_t longest_protocol = 16;

// "GET /x HTTP/1.1", or as much as there is.
void append_request(Line& line, const AccessRecord& record) {
  if (record.method.empty() && record.target.empty()) {
    line.append('-');
    return;
  }
  line.append_escaped(record.method, AccessLog::longest_method);
  if (!record.method.empty() && !record.target.empty()) line.append(' ');
  line.append_escaped(record.target, AccessLog::longest_target);
  if (record.protocol.empty()) return;
  line.append(' ');
  line.append_escaped(record.protocol, longest_protocol);
}

void append_quoted(Line& line, std::string_view field) {
  line.append('"');
  line.append_escaped(field.empty() ? "-" : field, AccessLog::longest_field);
  line.append('"');
}

}  // namespace

void AccessLog::add(const AccessRecord& record) {
  const std::span<char> memory = buffer_.reserve(longest_line);
  if (memory.empty()) return;
  Line line(memory);
  line.append(record.host.empty() ? "-" : record.host);
  line.append(" - - [");
  line.append(clock_.combined());
  line.append("] \"");
  append_request(line, record);
  line.append("\" ");
  line.append_number(static_cast<std::uint64_t>(std::max(record.status, 0)));
  line.append(' ');
  if (record.body_bytes == 0) {
    line.append('-');
  } else {
    line.append_number(record.body_bytes);
  }
  line.append(' ');
  append_quoted(line, record.referer);
  line.append(' ');
  append_quoted(line, record.user_agent);
  line.append('\n');
  buffer_.commit(line.size());
}

}  // namespace perchild::logs
