#include "vhosts/logs/access_log.h"

#include <algorithm>

namespace perchild::logs {
namespace {

constexpr std::size_t longest_protocol = 16;
constexpr std::size_t longest_site = 256;

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

// A blank or a quote in it would shift the fields behind it, which are found by counting.
void append_user(Line& line, std::string_view user) {
  if (user.empty()) {
    line.append('-');
  } else if (user.find(' ') == std::string_view::npos) {
    line.append_escaped(user, AccessLog::longest_user);
  } else {
    line.append('"');
    line.append_escaped(user, AccessLog::longest_user);
    line.append('"');
  }
}

void append_quoted(Line& line, std::string_view field) {
  if (field.empty()) return line.append("\"-\"");
  line.append('"');
  line.append_escaped(field, AccessLog::longest_field);
  line.append('"');
}

std::uint64_t status_of(const AccessRecord& record) {
  return static_cast<std::uint64_t>(std::max(record.status, 0));
}

void append_json_key(Line& line, std::string_view key) {
  line.append(",\"");
  line.append(key);
  line.append("\":");
}

void append_json(Line& line, std::string_view key, std::string_view text, std::size_t longest) {
  append_json_key(line, key);
  if (text.empty()) {
    line.append("null");
    return;
  }
  line.append('"');
  line.append_json_escaped(text, longest);
  line.append('"');
}

void append_json(Line& line, std::string_view key, std::uint64_t number) {
  append_json_key(line, key);
  line.append_number(number);
}

}  // namespace

void AccessLog::add(const AccessRecord& record) {
  const std::span<char> memory = buffer_.reserve(longest_line);
  if (memory.empty()) return;
  Line line(memory);
  if (format_ == LogFormat::json) {
    write_json(line, record);
  } else {
    write_combined(line, record);
  }
  line.append('\n');
  buffer_.commit(line.size());
}

void AccessLog::write_combined(Line& line, const AccessRecord& record) const {
  line.append(record.host.empty() ? "-" : record.host);
  line.append(" - ");
  append_user(line, record.user);
  line.append(" [");
  line.append(clock_.combined());
  line.append("] \"");
  append_request(line, record);
  line.append("\" ");
  line.append_number(status_of(record));
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
}

void AccessLog::write_json(Line& line, const AccessRecord& record) const {
  line.append("{\"time\":\"");
  line.append(clock_.iso());
  line.append('"');
  append_json(line, "client", record.host, longest_method);
  append_json(line, "user", record.user, longest_user);
  append_json(line, "site", record.site, longest_site);
  append_json(line, "method", record.method, longest_method);
  append_json(line, "target", record.target, longest_target);
  append_json(line, "protocol", record.protocol, longest_protocol);
  append_json(line, "status", status_of(record));
  append_json(line, "body_bytes", record.body_bytes);
  append_json(line, "bytes_in", record.bytes_in);
  append_json(line, "bytes_out", record.bytes_out);
  append_json(line, "microseconds", record.microseconds);
  append_json(line, "referer", record.referer, longest_field);
  append_json(line, "user_agent", record.user_agent, longest_field);
  line.append('}');
}

}  // namespace perchild::logs
