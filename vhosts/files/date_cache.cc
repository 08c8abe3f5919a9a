#include "vhosts/files/date_cache.h"

#include <algorithm>
#include <span>

#include "vhosts/http1/date.h"

namespace perchild::files {

void DateCache::format(::time_t now) {
  constexpr std::string_view name = "Date: ";
  constexpr std::string_view crlf = "\r\n";
  now_ = now;
  char* const date = std::copy(name.begin(), name.end(), line_.data());
  http1::format_date(now, std::span<char, http1::date_length>(date, http1::date_length));
  std::copy(crlf.begin(), crlf.end(), date + http1::date_length);
}

}  // namespace perchild::files
