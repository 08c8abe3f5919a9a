#include "vhosts/http1/date.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "vhosts/http1/characters.h"

namespace perchild::http1 {
namespace {

using std::chrono::day;
using std::chrono::days;
using std::chrono::month;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::sys_seconds;
using std::chrono::year;
using std::chrono::year_month_day;

constexpr std::array<std::string_view, 7> weekdays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                      "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::size_t short_name = 3;

constexpr sys_seconds first_time = sys_days{year{0} / 1 / 1};
constexpr sys_seconds last_time = sys_days{year{10'000} / 1 / 1} - seconds{1};

void put_digits(char* to, int width, int value) {
  for (int i = width; i-- > 0; value /= 10) to[i] = static_cast<char>('0' + value % 10);
}

// A date as its text says it.
struct Parts {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
};

// Reads a date from its front, and remembers if anything did not fit.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool at_end() const { return good_ && rest_.empty(); }

  void literal(std::string_view wanted) {
    if (!rest_.starts_with(wanted)) return fail();
    rest_.remove_prefix(wanted.size());
  }

  int digits(std::size_t width) {
    int value = 0;
    if (rest_.size() < width) {
      fail();
      return 0;
    }
    for (const char c : rest_.substr(0, width)) {
      if (!is_digit(c)) fail();
      value = value * 10 + (c - '0');
    }
    rest_.remove_prefix(width);
    return value;
  }

  // asctime pads the day with a space.
  unsigned padded_day() {
    if (!rest_.starts_with(' ')) return static_cast<unsigned>(digits(2));
    rest_.remove_prefix(1);
    return static_cast<unsigned>(digits(1));
  }

  unsigned month_name() {
    const auto found = std::find(months.begin(), months.end(), rest_.substr(0, short_name));
    if (found == months.end()) {
      fail();
      return 0;
    }
    rest_.remove_prefix(short_name);
    return static_cast<unsigned>(found - months.begin()) + 1;
  }

  void time(Parts& parts) {
    parts.hour = digits(2);
    literal(":");
    parts.minute = digits(2);
    literal(":");
    parts.second = digits(2);
  }

 private:
  void fail() { good_ = false; }

  std::string_view rest_;
  bool good_ = true;
};

// The weekday whose name, short or whole, `text` begins with, and what follows it.
struct Weekday {
  unsigned number;
  bool whole;
  std::string_view rest;
};

std::optional<Weekday> take_weekday(std::string_view text) {
  for (unsigned i = 0; i < weekdays.size(); ++i) {
    const std::string_view name = weekdays[i];
    if (text.starts_with(name)) return Weekday{i, true, text.substr(name.size())};
    if (text.starts_with(name.substr(0, short_name))) {
      return Weekday{i, false, text.substr(short_name)};
    }
  }
  return std::nullopt;
}

// "Sunday, 06-Nov-94 08:49:37 GMT": which century? (RFC 9110, 5.6.7)
int whole_year(int two_digits, std::time_t now) {
  const sys_seconds clamped = std::clamp(sys_seconds{seconds{now}}, first_time, last_time);
  const int this_year = static_cast<int>(year_month_day{std::chrono::floor<days>(clamped)}.year());
  const int candidate = this_year - this_year % 100 + two_digits;
  return candidate > this_year + 50 ? candidate - 100 : candidate;
}

std::optional<std::time_t> to_time(const Parts& parts, unsigned weekday) {
  const year_month_day date{year{parts.year}, month{parts.month}, day{parts.day}};
  if (!date.ok() || parts.hour > 23 || parts.minute > 59 || parts.second > 60) return std::nullopt;
  if (std::chrono::weekday{sys_days{date}}.c_encoding() != weekday) return std::nullopt;
  const sys_seconds time = sys_days{date} + std::chrono::hours{parts.hour} +
                           std::chrono::minutes{parts.minute} + seconds{parts.second};
  return std::time_t{time.time_since_epoch().count()};
}

}  // namespace

std::string_view format_date(std::time_t time, std::span<char, date_length> buffer) {
  const sys_seconds at = std::clamp(sys_seconds{seconds{time}}, first_time, last_time);
  const sys_days midnight = std::chrono::floor<days>(at);
  const year_month_day date{midnight};
  const int second = static_cast<int>((at - midnight).count());

  char* const to = buffer.data();
  constexpr std::string_view shape = "Www, 00 Mmm 0000 00:00:00 GMT";
  static_assert(shape.size() == date_length);
  std::copy(shape.begin(), shape.end(), to);
  std::copy_n(weekdays[std::chrono::weekday{midnight}.c_encoding()].data(), short_name, to);
  put_digits(to + 5, 2, static_cast<int>(static_cast<unsigned>(date.day())));
  std::copy_n(months[static_cast<unsigned>(date.month()) - 1].data(), short_name, to + 8);
  put_digits(to + 12, 4, static_cast<int>(date.year()));
  put_digits(to + 17, 2, second / 3600);
  put_digits(to + 20, 2, second / 60 % 60);
  put_digits(to + 23, 2, second % 60);
  return {to, date_length};
}

std::optional<std::time_t> parse_date(std::string_view text, std::time_t now) {
  const auto weekday = take_weekday(text);
  if (!weekday) return std::nullopt;
  Reader reader(weekday->rest);
  Parts parts;
  if (weekday->rest.starts_with(' ') && !weekday->whole) {  // "Sun Nov  6 08:49:37 1994"
    reader.literal(" ");
    parts.month = reader.month_name();
    reader.literal(" ");
    parts.day = reader.padded_day();
    reader.literal(" ");
    reader.time(parts);
    reader.literal(" ");
    parts.year = reader.digits(4);
  } else {  // "Sun, 06 Nov 1994 08:49:37 GMT" or "Sunday, 06-Nov-94 08:49:37 GMT"
    const std::string_view separator = weekday->whole ? "-" : " ";
    reader.literal(", ");
    parts.day = static_cast<unsigned>(reader.digits(2));
    reader.literal(separator);
    parts.month = reader.month_name();
    reader.literal(separator);
    parts.year = weekday->whole ? whole_year(reader.digits(2), now) : reader.digits(4);
    reader.literal(" ");
    reader.time(parts);
    reader.literal(" GMT");
  }
  if (!reader.at_end()) return std::nullopt;
  return to_time(parts, weekday->number);
}

}  // namespace perchild::http1
