#include "libstip/format/naming.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

#include "libstip/core/defaults.hpp"
#include "libstip/raster/text.hpp"

namespace stip {

namespace {

/// Years in which an eight-digit number in a name is taken for a date: from the first Landsat on.
constexpr int first_image_year = 1972;
constexpr int last_image_year = 2100;

constexpr std::array<std::string_view, 30> extensions = {
    "tif", "tiff", "gtiff", "jp2", "j2k",  "img",  "nc",    "nc4", "cdf", "h5",
    "he5", "hdf",  "hdf5",  "grb", "grb2", "grib", "grib2", "png", "jpg", "jpeg",
    "bil", "bip",  "bsq",   "dat", "asc",  "fits", "zip",   "gz",  "tgz", "tar"};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// The number that `count` digits from `at` on make; nullopt when they are not all digits.
std::optional<int> digits(std::string_view text, size_t at, size_t count) {
  if (at + count > text.size()) return std::nullopt;
  int out = 0;
  for (const char c : text.substr(at, count)) {
    if (!is_digit(c)) return std::nullopt;
    out = out * 10 + (c - '0');
  }
  return out;
}

bool digit_at(std::string_view text, size_t at) {
  return at < text.size() && is_digit(text[at]);
}

std::optional<epoch_seconds> image_date(int year, int month, int day, int hour = 0, int minute = 0,
                                        int second = 0) {
  if (year < first_image_year || year > last_image_year) return std::nullopt;
  const auto time = from_civil(year, month, day, hour, minute, second);
  return time ? std::optional(*time) : std::nullopt;
}

/// The date that begins at `at`, where no digit precedes.
std::optional<epoch_seconds> date_at(std::string_view name, size_t at) {
  const auto year = digits(name, at, 4);
  if (!year) return std::nullopt;
  if (const auto month_day = digits(name, at + 4, 4)) {
    if (digit_at(name, at + 8)) return std::nullopt;
    const int month = *month_day / 100;
    const int day = *month_day % 100;
    const bool clock = at + 8 < name.size() && name[at + 8] == 'T' && !digit_at(name, at + 15);
    if (const auto time = clock ? digits(name, at + 9, 6) : std::nullopt)
      if (const auto instant =
              image_date(*year, month, day, *time / 10000, *time / 100 % 100, *time % 100))
        return instant;
    return image_date(*year, month, day);
  }
  const auto month = digits(name, at + 5, 2);
  const auto day = digits(name, at + 8, 2);
  if (!month || !day || name[at + 4] != '-' || name[at + 7] != '-' || digit_at(name, at + 10))
    return std::nullopt;
  return image_date(*year, *month, *day);
}

}  // namespace

std::string_view file_name(std::string_view path) {
  while (!path.empty() && path.back() == '/') path.remove_suffix(1);
  const auto slash = path.find_last_of('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string tile_of(std::string_view input) {
  std::string_view name = file_name(input);
  std::set<std::string> taken;
  for (;;) {
    const auto dot = name.find_last_of('.');
    if (dot == std::string_view::npos || dot == 0) break;
    std::string extension(name.substr(dot + 1));
    std::transform(extension.begin(), extension.end(), extension.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const bool known =
        std::find(extensions.begin(), extensions.end(), extension) != extensions.end();
    if (!known || !taken.insert(extension).second) break;
    name = name.substr(0, dot);
  }
  return std::string(name);
}

std::optional<epoch_seconds> date_in_name(std::string_view name) {
  for (size_t at = 0; at < name.size(); ++at) {
    if (!is_digit(name[at]) || (at > 0 && is_digit(name[at - 1]))) continue;
    if (const auto date = date_at(name, at)) return date;
  }
  return std::nullopt;
}

std::optional<epoch_seconds> parse_tiff_date(std::string_view text) {
  constexpr std::string_view form = "YYYY:MM:DD HH:MM:SS";
  if (text.size() < form.size()) return std::nullopt;
  for (size_t i = 0; i < form.size(); ++i)
    if ((form[i] == ':' || form[i] == ' ') && text[i] != form[i]) return std::nullopt;
  const auto year = digits(text, 0, 4);
  const auto month = digits(text, 5, 2);
  const auto day = digits(text, 8, 2);
  const auto hour = digits(text, 11, 2);
  const auto minute = digits(text, 14, 2);
  const auto second = digits(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  return image_date(*year, *month, *day, *hour, *minute, *second);
}

result<void> check_name(std::string_view part, std::string_view value, const std::string& input) {
  const auto refuse = [&](const char* why) {
    return fail(ec::invalid_argument, "open " + clean_text(input, input.size()),
                "its " + std::string(part) + " " + why, "give --" + std::string(part));
  };
  if (value.empty()) return refuse("is empty");
  if (value.size() > defaults::max_name_bytes) return refuse("is too long");
  if (!is_clean_text(value)) return refuse("is not plain UTF-8 text");
  return {};
}

}  // namespace stip
