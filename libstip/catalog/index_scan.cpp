#include "libstip/catalog/index_scan.hpp"

#include <numeric>

namespace stip {

namespace {

/// Keeps those of the first n rows that `matches`, in place and without branches.
template <class Matches>
size_t keep(uint32_t* rows, size_t n, Matches&& matches) {
  size_t kept = 0;
  for (size_t i = 0; i < n; ++i) {
    const auto row = rows[i];
    rows[kept] = row;
    kept += matches(row) ? 1 : 0;
  }
  return kept;
}

/// The platforms that the filter admits: numbers first to last (exclusive).
row_range platforms_of(const name_table& platforms, const std::optional<std::string>& wanted) {
  const auto all = static_cast<uint32_t>(platforms.size());
  if (!wanted) return {0, all};
  const bool is_prefix = wanted->ends_with('*');
  const auto name = std::string_view(*wanted).substr(0, wanted->size() - (is_prefix ? 1 : 0));
  const auto first = platforms.lower_bound(name);
  auto last = first;
  while (last < all && (is_prefix ? platforms[last].starts_with(name) : platforms[last] == name))
    ++last;
  return {first, last};
}

/// The part of a sorted column's rows first to last that has values least to most.
template <class T>
row_range narrow(const std::vector<T>& column, row_range rows, T least, T most) {
  const auto begin = column.begin() + rows.first, end = column.begin() + rows.last;
  const auto first = std::lower_bound(begin, end, least);
  const auto last = std::upper_bound(first, end, most);
  return {static_cast<uint32_t>(first - column.begin()),
          static_cast<uint32_t>(last - column.begin())};
}

/// The number of a name in a table.
std::optional<uint32_t> number_of(const name_table& names, const std::string& name) {
  const auto place = names.place(name);
  if (place % 2 == 0) return {};
  return static_cast<uint32_t>(place / 2);
}

}  // namespace

std::optional<row_conditions> row_conditions::of(const index_columns& c, const filter& f) {
  row_conditions out;
  if (f.start || f.end)
    out.time_ = {f.start.value_or(std::numeric_limits<int64_t>::min()),
                 f.end.value_or(std::numeric_limits<int64_t>::max())};
  if (out.time_ && out.time_->first > out.time_->second) return {};
  if (f.source && !(out.source_ = number_of(c.sources, *f.source))) return {};
  if (f.tile && !(out.tile_ = number_of(c.tiles, *f.tile))) return {};
  if (f.cloud_coverage) out.most_cloud_ = static_cast<float>(*f.cloud_coverage);
  if (f.pixel_coverage) out.least_pixel_ = static_cast<float>(*f.pixel_coverage);
  return out;
}

size_t row_conditions::test(const index_columns& c, uint32_t first, uint32_t last,
                            uint32_t* matching) const {
  // A pass for each condition that there is, over what the one before it left.
  size_t n = 0;
  if (time_) {
    // As unsigned differences, so that one comparison tells both bounds.
    const auto least = static_cast<uint64_t>(time_->first);
    const auto span = static_cast<uint64_t>(time_->second) - least;
    const auto* times = c.time.data();
    for (auto row = first; row < last; ++row) {
      matching[n] = row;
      n += static_cast<uint64_t>(times[row]) - least <= span ? 1 : 0;
    }
  } else {
    n = last - first;
    std::iota(matching, matching + n, first);
  }
  if (tile_)
    n = keep(matching, n, [&, t = c.tile.data()](uint32_t row) { return t[row] == *tile_; });
  if (source_)
    n = keep(matching, n, [&, s = c.source.data()](uint32_t row) { return s[row] == *source_; });
  if (most_cloud_)
    n = keep(matching, n, [most = *most_cloud_, v = c.cloud_coverage.data()](uint32_t row) {
      return (v[row] >= 0) & (v[row] <= most);
    });
  if (least_pixel_)
    n = keep(matching, n, [least = *least_pixel_, v = c.pixel_coverage.data()](uint32_t row) {
      return v[row] >= least;
    });
  return n;
}

bool row_conditions::test(const index_columns& c, uint32_t row) const {
  uint32_t matching = 0;
  return test(c, row, row + 1, &matching) == 1;
}

std::vector<row_range> ranges_of(const index_columns& c, const filter& f) {
  const row_range all{0, static_cast<uint32_t>(c.size())};
  const auto platforms = platforms_of(c.platforms, f.platform);
  std::pair<uint64_t, uint64_t> codes{0, UINT64_MAX};
  if (f.geocode) {
    const bool is_code = check_geocode(c.algorithm, *f.geocode).has_value();
    if (!is_code && !(f.recurse && f.geocode->empty())) return {};
    const auto packed = pack(c.algorithm, *f.geocode);
    codes = f.recurse ? prefix_range(c.algorithm, *f.geocode) : std::pair{packed, packed};
  }
  std::vector<row_range> ranges;
  for (auto id = platforms.first; id < platforms.last; ++id) {
    auto rows = narrow(c.platform, all, id, id);
    if (f.geocode) rows = narrow(c.geocode, rows, codes.first, codes.second);
    // The rows of one code are sorted by time.
    if (f.geocode && !f.recurse && (f.start || f.end))
      rows = narrow(c.time, rows, f.start.value_or(std::numeric_limits<int64_t>::min()),
                    f.end.value_or(std::numeric_limits<int64_t>::max()));
    if (rows.first < rows.last) ranges.push_back(rows);
  }
  return ranges;
}

bool row_sieve::admits_cell(uint64_t code) {
  if (!box_ && !cells_) return true;
  // Rows of one cell stand together; only the first of a run is computed.
  if (code != last_code_) {
    const auto geocode = unpack(level_.columns->algorithm, code);
    last_admitted_ = (!box_ || intersects(*box_, level_.columns->algorithm, geocode)) &&
                     (!cells_ || cells_(geocode));
    last_code_ = code;
  }
  return last_admitted_;
}

std::optional<uint32_t> row_of_key(const index_level& level, const filter& f) {
  // Look it up by its parts and let the definition decide on the rest.
  const auto& c = *level.columns;
  filter place;
  place.platform = f.key->platform;
  place.geocode = f.key->geocode;
  place.start = place.end = f.key->timestamp;
  // A name that ends with '*' is a prefix to a filter.
  if (f.key->platform.ends_with('*')) place.platform.reset();
  for (const auto& rows : ranges_of(c, place))
    for (auto row = rows.first; row < rows.last; ++row) {
      const image_facts facts{
          c.key(row), c.pixel_coverage[row],
          c.cloud_coverage[row] < 0 ? std::nullopt : std::optional<double>(c.cloud_coverage[row])};
      if (matches(f, c.algorithm, facts)) return row;
    }
  return {};
}

}  // namespace stip
