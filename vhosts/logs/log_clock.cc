#include "vhosts/logs/log_clock.h"

#include <algorithm>
#include <cstdlib>

namespace perchild::logs {
namespace {

char* put_two(char* at, int number) {
  *at++ = static_cast<char>('0' + number / 10 % 10);
  *at++ = static_cast<char>('0' + number % 10);
  return at;
}

char* put_four(char* at, int number) {
  return put_two(put_two(at, number / 100), number);
}

char* put(char* at, std::string_view text) {
  return std::copy(text.begin(), text.end(), at);
}

char* put_time(char* at, const ::tm& time) {
  at = put_two(at, time.tm_hour);
  *at++ = ':';
  at = put_two(at, time.tm_min);
  *at++ = ':';
  return put_two(at, time.tm_sec);
}

// "+0530", or "+05:30" with a separator.
char* put_offset(char* at, long seconds, std::string_view separator) {
  const int minutes = static_cast<int>(std::labs(seconds) / 60);
  *at++ = seconds < 0 ? '-' : '+';
  at = put_two(at, minutes / 60);
  at = put(at, separator);
  return put_two(at, minutes % 60);
}

}  // namespace

void LogClock::load() {
  ::tzset();
  // Whatever libc would still do at the first use, it does here.
  ::tm unused{};
  const ::time_t epoch = 0;
  ::localtime_r(&epoch, &unused);
}

void LogClock::format(::time_t now) {
  constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  now_ = now;
  ::tm time{};
  // Not localtime(), which looks at /etc/localtime again each time (tzset(3)).
  if (::localtime_r(&now, &time) == nullptr) time = {};
  const int year = time.tm_year + 1900;

  char* at = put_two(combined_.data(), time.tm_mday);
  *at++ = '/';
  at = put(at, months.substr(static_cast<std::size_t>(time.tm_mon) * 3, 3));
  *at++ = '/';
  at = put_four(at, year);
  *at++ = ':';
  at = put_time(at, time);
  *at++ = ' ';
  put_offset(at, time.tm_gmtoff, "");

  at = put_four(iso_.data(), year);
  *at++ = '-';
  at = put_two(at, time.tm_mon + 1);
  *at++ = '-';
  at = put_two(at, time.tm_mday);
  *at++ = 'T';
  at = put_time(at, time);
  put_offset(at, time.tm_gmtoff, ":");
}

}  // namespace perchild::logs
