#include "libstip/catalog/index_order.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace stip {

namespace {

/// Below so many rows, comparing sorts faster than counting digits.
constexpr size_t least_radix_rows = 256;

/// Sorts by lead, keeping the order of equal ones: by counting digits of what differs.
void radix_sort_by_lead(std::vector<found_row>& rows) {
  constexpr int digit_bits = 8;
  constexpr size_t digits = size_t{1} << digit_bits;
  uint64_t least = rows.front().lead, most = least;
  for (const auto& r : rows) {
    least = std::min(least, r.lead);
    most = std::max(most, r.lead);
  }
  std::vector<found_row> other(rows.size());
  for (int shift = 0; shift < 64 && (most - least) >> shift != 0; shift += digit_bits) {
    std::array<uint32_t, digits> ends{};
    const auto digit = [&](const found_row& r) { return (r.lead - least) >> shift & (digits - 1); };
    for (const auto& r : rows) ++ends[digit(r)];
    uint32_t begin = 0;
    for (auto& end : ends) begin += std::exchange(end, begin);
    for (const auto& r : rows) other[ends[digit(r)]++] = r;
    rows.swap(other);
  }
}

int compare(std::string_view a, std::string_view b) {
  return a.compare(b);
}

template <class T>
int compare(T a, T b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

}  // namespace

resume_point::resume_point(const index_columns& c, sort_field order,
                           const std::optional<image_facts>& after)
    : c_(c), order_(order), after_(after) {
  if (!after) return;
  const auto& key = after->key;
  // A geocode that is no code has no place among the packed ones; then names are compared.
  is_placed_ = check_geocode(c.algorithm, key.geocode).has_value();
  if (!is_placed_) return;
  time_ = key.timestamp;
  geocode_ = pack(c.algorithm, key.geocode);
  platform_ = c.platforms.place(key.platform);
  source_ = c.sources.place(key.source);
  tile_ = c.tiles.place(key.tile);
  switch (order) {
    case sort_field::timestamp:
      lead_ = ordered(time_);
      break;
    case sort_field::geocode:
      lead_ = geocode_;
      break;
    case sort_field::platform:
    case sort_field::key:
      lead_ = platform_;
      break;
    case sort_field::source:
      lead_ = source_;
      break;
    case sort_field::tile:
      lead_ = tile_;
      break;
    case sort_field::pixel_coverage:
      lead_ = ordered(compared_pixel_coverage(after->pixel_coverage));
      break;
    case sort_field::cloud_coverage:
      lead_ = ordered_cloud(compared_cloud_coverage(after->cloud_coverage));
      break;
  }
}

row_range resume_point::narrow(row_range rows) const {
  if (!after_ || !is_placed_ || rows.first == rows.last) return rows;
  const auto platform = place_of(c_.platform[rows.first]);
  if ((order_ == sort_field::platform || order_ == sort_field::key) && platform < platform_)
    return {rows.last, rows.last};
  if (order_ == sort_field::geocode || (order_ == sort_field::key && platform == platform_)) {
    const auto begin = c_.geocode.begin();
    rows.first = static_cast<uint32_t>(
        std::lower_bound(begin + rows.first, begin + rows.last, geocode_) - begin);
  }
  return rows;
}

void sort_rows(const index_columns& c, sort_field order, std::vector<found_row>& rows) {
  const auto sooner = [&](const found_row& a, const found_row& b) {
    return before_in_level(c, order, a, b);
  };
  if (rows.size() < least_radix_rows) {
    std::sort(rows.begin(), rows.end(), sooner);
    return;
  }
  // Rows of one platform stand by geocode, and so do those of one time among them.
  const bool is_settled =
      order == sort_field::timestamp &&
      c.platform[rows.front().row] == c.platform[rows.back().row] &&
      std::is_sorted(rows.begin(), rows.end(),
                     [](const auto& a, const auto& b) { return a.row < b.row; });
  radix_sort_by_lead(rows);
  if (is_settled) return;
  for (auto begin = rows.begin(); begin != rows.end();) {
    const auto end =
        std::find_if(begin, rows.end(), [&](const found_row& r) { return r.lead != begin->lead; });
    if (!std::is_sorted(begin, end, sooner)) std::sort(begin, end, sooner);
    begin = end;
  }
}

bool before_in_levels(std::span<const index_level> levels, sort_field order, const found_row& a,
                      const found_row& b) {
  const auto& ca = *levels[a.level].columns;
  const auto& cb = *levels[b.level].columns;
  const auto platform = [&] {
    return compare(ca.platforms[ca.platform[a.row]], cb.platforms[cb.platform[b.row]]);
  };
  const auto source = [&] {
    return compare(ca.sources[ca.source[a.row]], cb.sources[cb.source[b.row]]);
  };
  const auto tile = [&] { return compare(ca.tiles[ca.tile[a.row]], cb.tiles[cb.tile[b.row]]); };
  const auto geocode = [&] { return compare(ca.geocode[a.row], cb.geocode[b.row]); };
  const auto time = [&] { return compare(ca.time[a.row], cb.time[b.row]); };
  if (order == sort_field::key) {
    if (const int p = platform()) return p < 0;
    if (const int g = geocode()) return g < 0;
    if (const int s = source()) return s < 0;
    if (const int t = tile()) return t < 0;
    return time() < 0;
  }
  const int lead = order == sort_field::platform ? platform()
                   : order == sort_field::source ? source()
                   : order == sort_field::tile   ? tile()
                                                 : compare(a.lead, b.lead);
  if (lead != 0) return lead < 0;
  if (const int t = time()) return t < 0;
  if (const int g = geocode()) return g < 0;
  if (const int p = platform()) return p < 0;
  if (const int s = source()) return s < 0;
  return tile() < 0;
}

}  // namespace stip
