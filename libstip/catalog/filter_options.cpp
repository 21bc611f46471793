#include "libstip/catalog/filter_options.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace stip {

namespace {

constexpr std::array options = {
    filter_option{"platform", 'p', true, "platform; a trailing star takes all that begin so"},
    filter_option{"source", 's', true, "source, e.g. raw or merged"},
    filter_option{"geocode", 'g', true, "geocode of the cell"},
    filter_option{"recurse", 'r', false, "take the cells below the geocode too"},
    filter_option{"start_timestamp", 'a', true, "not before: epoch seconds or ISO 8601"},
    filter_option{"end_timestamp", 'e', true, "not after: epoch seconds or ISO 8601"},
    filter_option{"cloud_coverage", 'c', true, "cloud coverage at most, 0 to 1"},
    filter_option{"pixel_coverage", 'x', true, "pixel coverage at least, 0 to 1"},
    filter_option{"bbox", '\0', true, "W,S,E,N in degrees; W > E crosses the antimeridian"},
    filter_option{"tile", '\0', true, "tile: the name of the scene"},
    filter_option{"sort", '\0', true,
                  "order: timestamp, geocode, platform, source, tile, pixel_coverage, "
                  "cloud_coverage or key"},
};

/// A number, all of the text, and neither NaN nor infinite.
bool read_number(std::string_view text, double& value) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc{} && end == text.data() + text.size() && std::isfinite(value);
}

result<double> parse_share(std::string_view text) {
  double value = 0;
  if (!read_number(text, value) || value < 0 || value > 1)
    return fail(ec::invalid_argument, "read '" + std::string(text) + "'", "it is not a share",
                "give a number from 0 to 1");
  return value;
}

result<bool> parse_presence(std::string_view text) {
  if (text.empty() || text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  return fail(ec::invalid_argument, "read '" + std::string(text) + "'", "it takes no value",
              "leave the value out");
}

template <class T, class U>
result<void> keep(result<T> parsed, U& place) {
  if (!parsed) return fail(std::move(parsed).error());
  place = std::move(*parsed);
  return {};
}

result<void> apply(const std::string& name, const std::string& value, filter& f) {
  if (name == "platform") return keep(result<std::string>(value), f.platform);
  if (name == "source") return keep(result<std::string>(value), f.source);
  if (name == "geocode") return keep(result<std::string>(value), f.geocode);
  if (name == "recurse") return keep(parse_presence(value), f.recurse);
  if (name == "start_timestamp") return keep(parse_time(value), f.start);
  if (name == "end_timestamp") return keep(parse_time(value), f.end);
  if (name == "cloud_coverage") return keep(parse_share(value), f.cloud_coverage);
  if (name == "pixel_coverage") return keep(parse_share(value), f.pixel_coverage);
  if (name == "bbox") return keep(parse_box(value), f.bbox);
  if (name == "tile") return keep(result<std::string>(value), f.tile);
  if (name == "sort") return parse_sort_field(value).map([](sort_field) {});
  return fail(ec::invalid_argument, "filter", "no such option", "see the options of the filter");
}

}  // namespace

std::span<const filter_option> filter_options() {
  return options;
}

result<filter> parse_filter(const std::map<std::string, std::string>& values) {
  filter f;
  for (const auto& [name, value] : values) {
    auto applied = apply(name, value, f);
    if (applied) continue;
    auto err = std::move(applied).error();
    err.what = "--" + name + ": " + err.what;
    return fail(std::move(err));
  }
  STIP_TRY(check(f));
  return f;
}

result<sort_field> parse_order(const std::map<std::string, std::string>& values) {
  const auto found = values.find("sort");
  if (found == values.end()) return sort_field::timestamp;
  return parse_sort_field(found->second);
}

result<lon_lat_box> parse_box(std::string_view text) {
  const auto bad = [&] {
    return fail(ec::invalid_argument, "read box '" + std::string(text) + "'",
                "it is not four numbers on the globe",
                "give W,S,E,N in degrees with S <= N, e.g. -105.5,39.5,-104.5,40.5");
  };
  lon_lat_box box;
  const std::array edges = {&box.west, &box.south, &box.east, &box.north};
  auto rest = text;
  for (size_t i = 0; i < edges.size(); ++i) {
    const bool last = i + 1 == edges.size();
    const auto comma = last ? rest.size() : rest.find(',');
    if (comma == std::string_view::npos || !read_number(rest.substr(0, comma), *edges[i]))
      return bad();
    if (!last) rest.remove_prefix(comma + 1);
  }
  filter probe;
  probe.bbox = box;
  if (!check(probe)) return bad();
  return box;
}

}  // namespace stip
