#include "libstip/core/time.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>

namespace stip {

namespace {

struct civil {
  int year, month, day, hour, minute, second;
};

civil to_civil(epoch_seconds time) {
  using namespace std::chrono;
  const sys_seconds at{seconds{time}};
  const auto midnight = floor<days>(at);
  const year_month_day date{midnight};
  const hh_mm_ss clock{at - midnight};
  return {int(date.year()),           int(unsigned(date.month())),  int(unsigned(date.day())),
          int(clock.hours().count()), int(clock.minutes().count()), int(clock.seconds().count())};
}

std::string print(epoch_seconds time, const char* format) {
  const auto c = to_civil(time);
  std::array<char, 64> buffer;
  const int n = std::snprintf(buffer.data(), buffer.size(), format, c.year, c.month, c.day, c.hour,
                              c.minute, c.second);
  return {buffer.data(), static_cast<size_t>(n)};
}

/// Takes exactly `count` digits off the front of `text`.
bool take_digits(std::string_view& text, size_t count, int& value) {
  if (text.size() < count) return false;
  int x = 0;
  for (size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    x = x * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  value = x;
  return true;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

tl::unexpected<error> bad_time(std::string_view text) {
  return fail(ec::invalid_argument, "read time '" + std::string(text) + "'",
              "neither epoch seconds nor ISO 8601", "write it like 2020-07-14T18:02:11Z");
}

}  // namespace

std::string to_compact(epoch_seconds time) {
  return print(time, "%04d%02d%02dT%02d%02d%02dZ");
}

std::string to_iso8601(epoch_seconds time) {
  return print(time, "%04d-%02d-%02dT%02d:%02d:%02dZ");
}

result<epoch_seconds> from_civil(int year, int month, int day, int hour, int minute, int second) {
  using namespace std::chrono;
  const year_month_day date{std::chrono::year{year}, std::chrono::month(unsigned(month)),
                            std::chrono::day(unsigned(day))};
  const bool in_range = year >= min_year && year <= max_year && month >= 1 && day >= 1 &&
                        date.ok() && hour >= 0 && hour <= 23 && minute >= 0 && minute <= 59 &&
                        second >= 0 && second <= 60;
  if (!in_range)
    return fail(ec::invalid_argument, "read time", "no such date or time of day",
                "write it like 2020-07-14T18:02:11Z");
  return sys_seconds{sys_days{date}}.time_since_epoch().count() + hour * 3600 + minute * 60 +
         second;
}

result<epoch_seconds> parse_time(std::string_view text) {
  const bool negative = !text.empty() && text.front() == '-';
  const auto digits = negative ? text.substr(1) : text;
  if (all_digits(digits) && (negative || (digits.size() != 8 && digits.size() != 4))) {
    epoch_seconds value = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    static const auto first = *from_civil(min_year, 1, 1);
    static const auto last = *from_civil(max_year, 12, 31, 23, 59, 59);
    if (code != std::errc{} || end != text.data() + text.size() || value < first || value > last)
      return bad_time(text);
    return value;
  }
  auto rest = text;
  int year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0, offset = 0;
  if (!take_digits(rest, 4, year)) return bad_time(text);
  if (take(rest, '-')) {
    if (!take_digits(rest, 2, month)) return bad_time(text);
    if (take(rest, '-') && !take_digits(rest, 2, day)) return bad_time(text);
  } else if (!rest.empty()) {
    if (!take_digits(rest, 2, month) || !take_digits(rest, 2, day)) return bad_time(text);
  }
  if (take(rest, 'T') || take(rest, ' ')) {
    if (!take_digits(rest, 2, hour)) return bad_time(text);
    const bool colon = take(rest, ':');
    if (!take_digits(rest, 2, minute)) return bad_time(text);
    if (colon ? take(rest, ':') : (!rest.empty() && rest.front() >= '0' && rest.front() <= '9')) {
      if (!take_digits(rest, 2, second)) return bad_time(text);
      if (take(rest, '.')) {
        const auto n = rest.find_first_not_of("0123456789");
        if (n == 0 || rest.empty()) return bad_time(text);
        rest.remove_prefix(n == std::string_view::npos ? rest.size() : n);
      }
    }
    if (!rest.empty() && (rest.front() == '+' || rest.front() == '-')) {
      const int sign = rest.front() == '-' ? -1 : 1;
      rest.remove_prefix(1);
      int h = 0, m = 0;
      if (!take_digits(rest, 2, h)) return bad_time(text);
      take(rest, ':');
      if (!rest.empty() && !take_digits(rest, 2, m)) return bad_time(text);
      if (h > 15 || m > 59) return bad_time(text);
      offset = sign * (h * 3600 + m * 60);
    } else {
      take(rest, 'Z');
    }
  }
  if (!rest.empty()) return bad_time(text);
  auto time = from_civil(year, month, day, hour, minute, second);
  if (!time) return bad_time(text);
  return *time - offset;
}

}  // namespace stip
