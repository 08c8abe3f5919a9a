#include "vhosts/files/response_head.h"

#include <algorithm>
#include <string>

#include "privsep/result.h"
#include "vhosts/files/decimal.h"
#include "vhosts/files/error_pages.h"
#include "vhosts/http1/characters.h"

namespace perchild::files {
namespace {

constexpr std::string_view start_of_200 = "HTTP/1.1 200 OK\r\nServer: perchild\r\n";

constexpr std::string_view connection_line(Persistence persistence) {
  switch (persistence) {
    case Persistence::keep_alive:
      return {};
    case Persistence::keep_alive_stated:
      return "Connection: keep-alive\r\n";
    case Persistence::close:
      return "Connection: close\r\n";
  }
  __builtin_unreachable();
}

bool has_control_character(std::string_view value) {
  std::size_t at = http1::find_control(value, 0);
  while (at < value.size() && value[at] == '\t') at = http1::find_control(value, at + 1);
  return at != value.size();
}

constexpr std::string_view hex = "0123456789ABCDEF";

constexpr std::array<bool, 256> byte_set_of(std::string_view allowed) {
  std::array<bool, 256> set{};
  for (std::size_t c = '0'; c <= '9'; ++c) set[c] = true;
  for (std::size_t c = 'A'; c <= 'Z'; ++c) set[c] = set[c - 'A' + 'a'] = true;
  for (const char c : allowed) set[static_cast<unsigned char>(c)] = true;
  return set;
}
// RFC 3986, 3.3: pchar and '/'.
constexpr auto path_bytes = byte_set_of("-._~!$&'()*+,;=:@/");
// RFC 3986, 3.4, and '%': it is encoded already. Browsers send the last four as they are.
constexpr auto query_bytes = byte_set_of("-._~!$&'()*+,;=:@/?%|^{}");

}  // namespace

ResponseHead::ResponseHead(std::span<char> buffer, const DateCache& date)
    : begin_(buffer.data()), at_(begin_), end_(begin_ + buffer.size()), date_(date) {}

void ResponseHead::start(int status, Persistence persistence) {
  if (status == 200) {
    append(start_of_200);
  } else {
    const std::string_view reason = reason_of(status);
    PERCHILD_ASSERT(!reason.empty());
    return start(status, reason, persistence);
  }
  append(date_.line());
  append(connection_line(persistence));
}

void ResponseHead::start(int status, std::string_view reason, Persistence persistence) {
  if (reason.empty()) reason = reason_of(status);
  failed_ = failed_ || has_control_character(reason);
  Digits digits;
  append("HTTP/1.1 ");
  append(decimal(static_cast<std::uint64_t>(status), digits));
  append(" ");  // also where no phrase follows (RFC 9112, 4)
  append(reason);
  append(crlf);
  append(server_line);
  append(date_.line());
  append(connection_line(persistence));
}

void ResponseHead::add(std::string_view name, std::string_view value) {
  failed_ = failed_ || has_control_character(value);
  append(name);
  append(": ");
  append(value);
  append(crlf);
}

void ResponseHead::add_number(std::string_view name, std::uint64_t value) {
  Digits digits;
  add(name, decimal(value, digits));
}

void ResponseHead::add_content_range(const http1::ByteRange& part, std::uint64_t size) {
  Digits digits;
  append("Content-Range: bytes ");
  append(decimal(part.first, digits));
  append("-");
  append(decimal(part.last, digits));
  append("/");
  append(decimal(size, digits));
  append(crlf);
}

void ResponseHead::add_fields(std::string_view lines) {
  append(lines);
}

void ResponseHead::add_slash_location(std::string_view decoded_path, std::string_view query) {
  // "//host/" would be another site's address (RFC 3986, 4.2).
  decoded_path.remove_prefix(std::min(decoded_path.find_first_not_of('/'), decoded_path.size()));
  append("Location: /");
  append_encoded(decoded_path, path_bytes);
  append("/");
  if (!query.empty()) {
    append("?");
    append_encoded(query, query_bytes);
  }
  append(crlf);
}

std::string_view ResponseHead::finish() {
  append(crlf);
  if (failed_) return {};
  return {begin_, static_cast<std::size_t>(at_ - begin_)};
}

void ResponseHead::append(std::string_view text) {
  if (static_cast<std::size_t>(end_ - at_) < text.size()) {
    failed_ = true;
    return;
  }
  at_ = std::copy(text.begin(), text.end(), at_);
}

void ResponseHead::append_encoded(std::string_view text, const std::array<bool, 256>& verbatim) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (verbatim[byte]) {
      append({&c, 1});
    } else {
      const char encoded[3] = {'%', hex[byte >> 4], hex[byte & 15]};
      append({encoded, sizeof encoded});
    }
  }
}

std::string percent_encoded_path(std::string_view decoded_path) {
  std::string text;
  for (const char c : decoded_path) {
    const auto byte = static_cast<unsigned char>(c);
    if (path_bytes[byte]) {
      text += c;
    } else {
      text.append({'%', hex[byte >> 4], hex[byte & 15]});
    }
  }
  return text;
}

std::string_view not_modified_head(std::span<char> buffer, const DateCache& date,
                                   Persistence persistence, const FieldLines& lines) {
  ResponseHead head(buffer, date);
  head.start(304, persistence);
  head.add_fields(lines.for_304());
  return head.finish();
}

std::string_view partial_head(std::span<char> buffer, const DateCache& date,
                              Persistence persistence, const FieldLines& lines,
                              const http1::ByteRange& part, std::uint64_t size) {
  ResponseHead head(buffer, date);
  head.start(206, persistence);
  head.add_number("Content-Length", part.length());
  head.add_content_range(part, size);
  head.add_fields(lines.without_length());
  return head.finish();
}

std::string_view multipart_head(std::span<char> buffer, const DateCache& date,
                                Persistence persistence, const FieldLines& lines,
                                std::string_view boundary, std::uint64_t length) {
  ResponseHead head(buffer, date);
  head.start(206, persistence);
  head.add_number("Content-Length", length);
  head.add("Content-Type", "multipart/byteranges; boundary=" + std::string(boundary));
  head.add_fields(lines.without_type());
  return head.finish();
}

std::string_view error_head(std::span<char> buffer, const DateCache& date, int status,
                            Persistence persistence, std::string_view more) {
  ResponseHead head(buffer, date);
  head.start(status, persistence);
  head.add_fields(error_page(status).fields);
  head.add_fields(more);
  return head.finish();
}

std::string_view slash_redirect_head(std::span<char> buffer, const DateCache& date,
                                     Persistence persistence, std::string_view decoded_path,
                                     std::string_view query) {
  ResponseHead head(buffer, date);
  head.start(301, persistence);
  head.add_fields(error_page(301).fields);
  head.add_slash_location(decoded_path, query);
  return head.finish();
}

}  // namespace perchild::files
