#include "daemon/router/refusal.h"

#include <array>
#include <cstdio>

#include "vhosts/files/status.h"
#include "vhosts/http1/date.h"

namespace perchild {
namespace {

const char* sentence_for(int status) {
  switch (status) {
    case 400:
      return "The request is not valid HTTP, or names no site.";
    case 408:
      return "The request took too long to arrive.";
    case 414:
      return "The address asked for is too long.";
    case 417:
      return "The request expects what this server does not do.";
    case 421:
      return "This server has no site of that name.";
    case 431:
      return "The request's header fields are too large.";
    case 501:
      return "The request asks for what this server does not do.";
    case 503:
      return "The site cannot answer at the moment. Please try again.";
    case 505:
      return "This server speaks HTTP/1.1 here.";
    default:
      return "The request cannot be answered.";
  }
}

}  // namespace

std::string_view write_suspended(WithBody body, std::time_t now, std::span<char, 1024> buffer) {
  constexpr std::string_view page =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n"
      "<title>Site suspended</title>\n"
      "<style>body{font:1.1em/1.5 sans-serif;max-width:34em;margin:15vh auto;padding:0 "
      "1em}</style>\n"
      "</head>\n<body>\n<h1>This site is suspended</h1>\n"
      "<p>Its operator has taken it off line for now. If it is yours, please ask your hosting "
      "provider.</p>\n</body>\n</html>\n";
  std::array<char, http1::date_length> date;
  http1::format_date(now, date);
  const int length = std::snprintf(
      buffer.data(), buffer.size(),
      "HTTP/1.1 503 Service Unavailable\r\nDate: %.*s\r\nContent-Type: text/html; charset=utf-8\r\n"
      "Content-Length: %zu\r\nCache-Control: no-store\r\nRetry-After: 3600\r\n"
      "Connection: close\r\n\r\n%s",
      static_cast<int>(date.size()), date.data(), page.size(),
      body == WithBody::yes ? page.data() : "");
  return {buffer.data(), static_cast<std::size_t>(length)};
}

std::string_view write_refusal(int status, WithBody body, unsigned retry_seconds, std::time_t now,
                               std::span<char, 512> buffer) {
  const std::string_view reason = files::reason_of(status);
  std::array<char, http1::date_length> date;  // gmtime(3) would open the time zone's file
  http1::format_date(now, date);
  char retry[40] = "";
  if (retry_seconds > 0) std::snprintf(retry, sizeof retry, "Retry-After: %u\r\n", retry_seconds);
  const std::string_view sentence = sentence_for(status);
  const int length = std::snprintf(
      buffer.data(), buffer.size(),
      "HTTP/1.1 %d %.*s\r\nDate: %.*s\r\nContent-Type: text/plain; charset=utf-8\r\n"
      "Content-Length: %zu\r\n%sConnection: close\r\n\r\n%s%s",
      status, static_cast<int>(reason.size()), reason.data(), static_cast<int>(date.size()),
      date.data(), sentence.size() + 1, retry, body == WithBody::yes ? sentence.data() : "",
      body == WithBody::yes ? "\n" : "");
  return {buffer.data(), static_cast<std::size_t>(length)};
}

}  // namespace perchild
