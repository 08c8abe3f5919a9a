#include "daemon/router/refusal.h"

#include <array>
#include <charconv>

#include "privsep/result.h"
#include "vhosts/files/status.h"
#include "vhosts/http1/date.h"
#include "vhosts/pages/look.h"
#include "vhosts/pages/notices.h"

namespace perchild {
namespace {

const char* sentence_for(int status) {
  switch (status) {
    case 400:
      return "The request is not valid HTTP, names no site, or came without TLS to where TLS is "
             "spoken.";
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

// Text in a buffer that has room for it.
class Text {
 public:
  explicit Text(RefusalBuffer& buffer) : buffer_(buffer) {}

  Text& operator<<(std::string_view part) {
    PERCHILD_ASSERT(part.size() <= buffer_.size() - length_);
    length_ += part.copy(buffer_.data() + length_, part.size());
    return *this;
  }
  Text& operator<<(std::size_t number) {
    std::array<char, 24> digits;
    const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
    return *this << std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data()));
  }
  std::string_view view() const { return {buffer_.data(), length_}; }

 private:
  RefusalBuffer& buffer_;
  std::size_t length_ = 0;
};

// Up to the empty line.
void write_head(Text& text, int status, std::size_t body_size, unsigned retry_seconds,
                std::time_t now) {
  std::array<char, http1::date_length> date;  // gmtime(3) would open the time zone's file
  text << "HTTP/1.1 " << static_cast<std::size_t>(status) << " " << files::reason_of(status)
       << "\r\n"
       << files::server_line << "Date: " << http1::format_date(now, date)
       << "\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: " << body_size
       << "\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n";
  if (retry_seconds > 0) text << "Retry-After: " << std::size_t{retry_seconds} << "\r\n";
  text << "Connection: close\r\n\r\n";
}

}  // namespace

tls::Alert alert_for(int status) {
  switch (status) {
    case 400:                                // names no site
      return tls::Alert::missing_extension;  // RFC 8446, 9.2
    case 408:                                // as if it had ended there
      return tls::Alert::decode_error;
    case 421:
      return tls::Alert::unrecognized_name;
    default:
      return tls::Alert::internal_error;
  }
}

std::string_view write_suspended(WithBody body, std::time_t now, RefusalBuffer& buffer) {
  const std::string_view page = pages::suspended_page();
  Text text(buffer);
  write_head(text, 503, page.size(), 3600, now);
  if (body == WithBody::yes) text << page;
  return text.view();
}

std::string_view write_refusal(int status, WithBody body, unsigned retry_seconds, std::time_t now,
                               RefusalBuffer& buffer) {
  RefusalBuffer page_buffer;
  Text page(page_buffer);
  const std::string_view reason = files::reason_of(status);
  page << pages::before_title << reason << pages::before_style << pages::style
       << pages::before_content << "<p class=\"code\">" << static_cast<std::size_t>(status)
       << "</p>\n<h1>" << reason << "</h1>\n<p>" << sentence_for(status) << "</p>\n"
       << pages::after_content;
  Text text(buffer);
  write_head(text, status, page.view().size(), retry_seconds, now);
  if (body == WithBody::yes) text << page.view();
  return text.view();
}

}  // namespace perchild
