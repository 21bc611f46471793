#include "libstip/format/eos_identity.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <vector>

#include "libstip/core/defaults.hpp"
#include "libstip/format/naming.hpp"
#include "libstip/raster/text.hpp"

namespace stip {

namespace {

constexpr epoch_seconds seconds_a_day = 86'400;
constexpr auto licence = "NASA Earth science data, free and open";

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](unsigned char c) { return std::isdigit(c) != 0; });
}

int number(std::string_view digits) {
  int out = 0;
  for (const char c : digits) out = out * 10 + (c - '0');
  return out;
}

/// "2016145", and further digits as hours, minutes, seconds.
std::optional<epoch_seconds> ordinal_time(std::string_view text) {
  constexpr size_t with_day = 7, with_minute = 11, with_second = 13;
  if (!all_digits(text) ||
      (text.size() != with_day && text.size() != with_minute && text.size() < with_second))
    return std::nullopt;
  const int day = number(text.substr(4, 3));
  const bool clock = text.size() >= with_minute;
  const int hour = clock ? number(text.substr(7, 2)) : 0;
  const int minute = clock ? number(text.substr(9, 2)) : 0;
  const int second = text.size() >= with_second ? number(text.substr(11, 2)) : 0;
  const auto first = from_civil(number(text.substr(0, 4)), 1, 1, hour, minute, second);
  if (!first || day < 1 || day > 366) return std::nullopt;
  return *first + (day - 1) * seconds_a_day;
}

bool is_hv(std::string_view text) {
  return text.size() == 6 && text[0] == 'h' && text[3] == 'v' && all_digits(text.substr(1, 2)) &&
         all_digits(text.substr(4, 2));
}

std::vector<std::string> parts_of(const std::string& name) {
  std::vector<std::string> out;
  size_t from = 0;
  for (;;) {
    const auto dot = name.find('.', from);
    out.push_back(name.substr(from, dot == std::string::npos ? dot : dot - from));
    if (dot == std::string::npos) return out;
    from = dot + 1;
  }
}

/// The item of that name, or of the first of several ("NAME.1").
std::string item(const eos_metadata& metadata, std::string_view name) {
  for (const auto& wanted : {std::string(name), std::string(name) + ".1"}) {
    const auto found = std::find_if(metadata.begin(), metadata.end(), [&](const auto& one) {
      return std::equal(
          one.first.begin(), one.first.end(), wanted.begin(), wanted.end(),
          [](unsigned char a, unsigned char b) { return std::toupper(a) == std::toupper(b); });
    });
    if (found != metadata.end() && !found->second.empty()) return found->second;
  }
  return {};
}

/// Reads a name of the form that all products have; what does not fit is left alone.
void read_name(const std::string& name, eos_identity& out) {
  constexpr size_t day_digits = 7, least_production_digits = 11;
  const auto parts = parts_of(name);
  if (parts.size() < 3) return;
  const auto day = std::find_if(parts.begin() + 1, parts.end(), [](const std::string& part) {
    return part.size() == 1 + day_digits && part[0] == 'A' && all_digits(part.substr(1));
  });
  if (day == parts.end()) return;
  if (out.short_name.empty()) out.short_name = parts.front();
  out.acquired = *day;
  for (auto part = day + 1; part != parts.end(); ++part) {
    if (is_hv(*part)) {
      out.hv = *part;
    } else if (all_digits(*part) && part->size() == 4 && part == day + 1) {
      out.acquired += "." + *part;
    } else if (all_digits(*part) && part->size() == 3) {
      if (out.collection.empty())
        out.collection = part->substr(std::min(part->find_first_not_of('0'), part->size() - 1));
    } else if (all_digits(*part) && part->size() >= least_production_digits) {
      if (!out.generated) out.generated = ordinal_time(*part);
    } else if (*part == "NRT") {
      out.near_real_time = true;
    }
  }
}

/// A time in any of the forms that ACDD files have.
std::optional<epoch_seconds> any_time(const std::string& text) {
  const auto parsed = parse_time(text);
  if (parsed) return *parsed;
  // "2013-06-30T07:01:16.5Z", and "20190805T212834" without its zone.
  if (text.find('-') != std::string::npos) return eos_time(text, {});
  const auto zoned = parse_time(text + "Z");
  return zoned ? std::optional(*zoned) : std::nullopt;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// Terra, Aqua, both, or the VIIRS carriers, by the first letters of the short name.
std::string spacecraft_of(std::string_view short_name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> carriers = {{
      {"MOD", "Terra"},
      {"MYD", "Aqua"},
      {"MCD", "Terra and Aqua"},
      {"VNP", "Suomi-NPP"},
      {"VJ1", "NOAA-20"},
      {"VJ2", "NOAA-21"},
  }};
  for (const auto& [prefix, name] : carriers)
    if (short_name.starts_with(prefix)) return std::string(name);
  return {};
}

void keep(scene_description& description, const std::string& key, const std::string& value) {
  if (!value.empty()) description.properties[key] = clean_text(value, defaults::max_property_bytes);
}

}  // namespace

std::optional<epoch_seconds> eos_time(const std::string& date, const std::string& time) {
  constexpr size_t clock_digits = 8;  // HH:MM:SS
  auto text = date.substr(0, 10);
  if (time.size() >= clock_digits)
    text += "T" + time.substr(0, clock_digits) + "Z";
  else if (date.size() > text.size() + clock_digits)
    text = date.substr(0, 10) + "T" + date.substr(11, clock_digits) + "Z";
  const auto parsed = parse_time(text);
  return parsed ? std::optional(*parsed) : std::nullopt;
}

eos_identity identify_eos(const eos_metadata& metadata, const std::string& name) {
  eos_identity out;
  out.short_name = item(metadata, "SHORTNAME");
  // Level 2 in NetCDF, by others than NASA's land teams (ACDD 1.3).
  if (out.short_name.empty()) out.short_name = item(metadata, "ID");
  out.collection = item(metadata, "VERSIONID");
  if (const auto at = out.collection.find_first_not_of('0'); at != std::string::npos)
    out.collection.erase(0, at);
  if (const auto made = item(metadata, "PRODUCTIONDATETIME"); !made.empty())
    out.generated = eos_time(made, {});
  // The name that the producer gave; the file may have been renamed since.
  read_name(item(metadata, "LOCALGRANULEID"), out);
  if (out.acquired.empty()) read_name(name, out);
  const auto day = item(metadata, "RANGEBEGINNINGDATE");
  if (!day.empty()) {
    out.begin = eos_time(day, item(metadata, "RANGEBEGINNINGTIME"));
    out.end = eos_time(item(metadata, "RANGEENDINGDATE"), item(metadata, "RANGEENDINGTIME"));
  }
  if (!out.begin) {
    out.begin = any_time(item(metadata, "TIME_COVERAGE_START"));
    out.end = any_time(item(metadata, "TIME_COVERAGE_END"));
  }
  if (!out.generated) out.generated = any_time(item(metadata, "DATE_CREATED"));
  if (!out.begin && !out.acquired.empty()) {
    auto digits = out.acquired.substr(1);
    std::erase(digits, '.');
    out.begin = ordinal_time(digits);
  }
  constexpr std::string_view quick = "NRT";
  if (out.short_name.ends_with(quick) || name.find(quick) != std::string::npos)
    out.near_real_time = true;
  out.spacecraft = spacecraft_of(out.short_name);
  out.instrument = out.spacecraft.empty()            ? item(metadata, "INSTRUMENTSHORTNAME")
                   : out.short_name.starts_with('V') ? "VIIRS"
                                                     : "MODIS";
  out.day_night = lower(item(metadata, "DAYNIGHTFLAG"));
  return out;
}

result<void> describe_eos(const eos_identity& identity, const std::string& input,
                          const scene_options& options, scene_description& description) {
  if (options.platform) description.platform = *options.platform;
  if (description.platform.empty()) description.platform = identity.short_name;
  STIP_TRY(check_name("platform", description.platform, input));
  description.tile = options.tile ? *options.tile : tile_of(input);
  STIP_TRY(check_name("tile", description.tile, input));
  if (!options.timestamp && !identity.begin)
    return fail(ec::invalid_argument, "open " + input, "nothing says when it was taken",
                "give --timestamp");
  description.timestamp = options.timestamp ? *options.timestamp : *identity.begin;
  description.start = identity.begin;
  description.end = identity.end;
  keep(description, "short_name", identity.short_name);
  keep(description, "collection", identity.collection);
  keep(description, "spacecraft", identity.spacecraft);
  keep(description, "instrument", identity.instrument);
  keep(description, "day_night", identity.day_night);
  keep(description, "hv", identity.hv);
  keep(description, "licence", licence);
  if (identity.generated) keep(description, "generated", to_iso8601(*identity.generated));
  if (identity.near_real_time) keep(description, "tier", "NRT");
  if (identity.short_name.empty() || identity.acquired.empty()) return {};
  const auto made = identity.generated ? to_compact(*identity.generated) : std::string("-");
  keep(description, "series",
       identity.short_name + " " + identity.acquired + " " +
           (identity.hv.empty() ? "-" : identity.hv) + " " + identity.collection);
  keep(description, "rank", (identity.near_real_time ? "0 " : "1 ") + made);
  return {};
}

}  // namespace stip
