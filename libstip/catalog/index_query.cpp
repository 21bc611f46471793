#include "libstip/catalog/index_query.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <tuple>
#include <unordered_map>

namespace stip {

namespace {

/// Rows that the filter loop looks at before it hands over what it found.
constexpr size_t batch_rows = 4096;

/// first_rows sorts out the best when it has gathered this many more rows than asked for.
constexpr size_t least_surplus = 1024;

struct row_range {
  uint32_t first = 0;
  uint32_t last = 0;
};

/// The conditions of a filter that are tested row by row, as numbers of these columns.
struct row_conditions {
  int64_t first_time = std::numeric_limits<int64_t>::min();
  int64_t last_time = std::numeric_limits<int64_t>::max();
  uint32_t first_source = 0, last_source = UINT32_MAX;
  uint32_t first_tile = 0, last_tile = UINT32_MAX;
  float least_cloud = -INFINITY, most_cloud = INFINITY;
  float least_pixel = -INFINITY;
};

/// The number of an exact name, as a range of one.
bool narrow(const name_table& names, const std::optional<std::string>& wanted, uint32_t& first,
            uint32_t& last) {
  if (!wanted) return true;
  const auto place = names.place(*wanted);
  first = last = static_cast<uint32_t>(place / 2);
  return place % 2 == 1;
}

/// False when no row can match.
bool resolve(const index_columns& c, const filter& f, row_conditions& out) {
  if (f.start) out.first_time = *f.start;
  if (f.end) out.last_time = *f.end;
  if (f.cloud_coverage) {
    out.least_cloud = 0;
    out.most_cloud = static_cast<float>(*f.cloud_coverage);
  }
  if (f.pixel_coverage) out.least_pixel = static_cast<float>(*f.pixel_coverage);
  return narrow(c.sources, f.source, out.first_source, out.last_source) &&
         narrow(c.tiles, f.tile, out.first_tile, out.last_tile);
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

/// The ranges of rows, ascending, in which the filter's platforms and geocodes lie.
std::vector<row_range> ranges_of(const index_columns& c, const filter& f) {
  const row_range all{0, static_cast<uint32_t>(c.size())};
  const auto platforms = platforms_of(c.platforms, f.platform);
  if (platforms.first == platforms.last) return {};
  if (!f.geocode) return {narrow(c.platform, all, platforms.first, platforms.last - 1)};
  const bool is_code = check_geocode(c.algorithm, *f.geocode).has_value();
  if (!is_code && !(f.recurse && f.geocode->empty())) return {};
  const auto packed = pack(c.algorithm, *f.geocode);
  const auto codes = f.recurse ? prefix_range(c.algorithm, *f.geocode) : std::pair{packed, packed};
  std::vector<row_range> ranges;
  for (auto id = platforms.first; id < platforms.last; ++id) {
    auto rows = narrow(c.geocode, narrow(c.platform, all, id, id), codes.first, codes.second);
    // The rows of one code are sorted by time.
    if (!f.recurse && (f.start || f.end))
      rows = narrow(c.time, rows, f.start.value_or(std::numeric_limits<int64_t>::min()),
                    f.end.value_or(std::numeric_limits<int64_t>::max()));
    if (rows.first < rows.last) ranges.push_back(rows);
  }
  return ranges;
}

/// Drops what is hidden, erased, outside of the box or of the cells.
class row_sieve {
 public:
  row_sieve(const index_columns& c, std::span<const uint32_t> hidden, const filter& f,
            const cell_predicate& cells)
      : c_(c), hidden_(hidden), box_(f.bbox), cells_(cells) {}

  size_t sift(std::span<uint32_t> rows) {
    size_t kept = 0;
    for (const auto row : rows) {
      while (!hidden_.empty() && hidden_.front() < row) hidden_ = hidden_.subspan(1);
      if (!hidden_.empty() && hidden_.front() == row) continue;
      if (c_.is_erased(row) || !admits_cell(c_.geocode[row])) continue;
      rows[kept++] = row;
    }
    return kept;
  }

 private:
  bool admits_cell(uint64_t code) {
    if (!box_ && !cells_) return true;
    // Rows of one cell stand together; only the first of a run is computed.
    if (code != last_code_) {
      const auto geocode = unpack(c_.algorithm, code);
      last_admitted_ =
          (!box_ || intersects(*box_, c_.algorithm, geocode)) && (!cells_ || cells_(geocode));
      last_code_ = code;
    }
    return last_admitted_;
  }

  const index_columns& c_;
  std::span<const uint32_t> hidden_;
  const std::optional<lon_lat_box>& box_;
  const cell_predicate& cells_;
  // No code packs to 0.
  uint64_t last_code_ = 0;
  bool last_admitted_ = false;
};

/// A row's place in an order: `lead` of the field that is asked for, then the default order. Names
/// stand for themselves as name_table::place does, so that a key that is not there has one too.
struct sort_place {
  uint64_t lead = 0;
  int64_t time = 0;
  uint64_t geocode = 0;
  uint64_t platform = 0, source = 0, tile = 0;
};

bool before(sort_field order, const sort_place& a, const sort_place& b) {
  if (order == sort_field::key)
    return std::tie(a.platform, a.geocode, a.source, a.tile, a.time) <
           std::tie(b.platform, b.geocode, b.source, b.tile, b.time);
  return std::tie(a.lead, a.time, a.geocode, a.platform, a.source, a.tile) <
         std::tie(b.lead, b.time, b.geocode, b.platform, b.source, b.tile);
}

/// An integer that orders as the float does (-0 as 0).
uint64_t ordered(float value) {
  const auto bits = std::bit_cast<uint32_t>(value + 0.0f);
  constexpr uint32_t sign = uint32_t{1} << 31;
  return bits & sign ? ~bits : bits | sign;
}

void set_lead(sort_place& p, sort_field order, float pixel, float cloud) {
  switch (order) {
    case sort_field::timestamp:
    case sort_field::key:
      break;
    case sort_field::geocode:
      p.lead = p.geocode;
      break;
    case sort_field::platform:
      p.lead = p.platform;
      break;
    case sort_field::source:
      p.lead = p.source;
      break;
    case sort_field::tile:
      p.lead = p.tile;
      break;
    case sort_field::pixel_coverage:
      p.lead = ordered(pixel);
      break;
    case sort_field::cloud_coverage:
      p.lead = ordered(cloud < 0 ? INFINITY : cloud);
      break;
  }
}

sort_place place_of(const index_columns& c, sort_field order, uint32_t row) {
  sort_place p;
  p.time = c.time[row];
  p.geocode = c.geocode[row];
  p.platform = 2 * uint64_t{c.platform[row]} + 1;
  p.source = 2 * uint64_t{c.source[row]} + 1;
  p.tile = 2 * uint64_t{c.tile[row]} + 1;
  set_lead(p, order, c.pixel_coverage[row], c.cloud_coverage[row]);
  return p;
}

sort_place place_of(const index_columns& c, sort_field order, const image_facts& image) {
  sort_place p;
  p.time = image.key.timestamp;
  p.geocode = pack(c.algorithm, image.key.geocode);
  p.platform = c.platforms.place(image.key.platform);
  p.source = c.sources.place(image.key.source);
  p.tile = c.tiles.place(image.key.tile);
  set_lead(p, order, compared_pixel_coverage(image.pixel_coverage),
           compared_cloud_coverage(image.cloud_coverage));
  return p;
}

}  // namespace

void scan(const index_columns& columns, std::span<const uint32_t> hidden, const filter& f,
          const cell_predicate& cells, const row_sink& found) {
  const auto& c = columns;
  row_sieve sieve(c, hidden, f, cells);
  if (f.key) {
    // One image at most: look it up by its parts and let the definition decide on the rest.
    filter place;
    place.geocode = f.key->geocode;
    place.start = place.end = f.key->timestamp;
    for (const auto& rows : ranges_of(c, place))
      for (auto row = rows.first; row < rows.last; ++row) {
        if (!matches(f, c.algorithm, c.entry(row).facts())) continue;
        std::array<uint32_t, 1> one{row};
        if (sieve.sift(one) == 1) found(one);
      }
    return;
  }
  row_conditions wanted;
  if (!resolve(c, f, wanted)) return;
  std::vector<uint32_t> batch(batch_rows);
  for (const auto& range : ranges_of(c, f)) {
    for (uint32_t first = range.first; first < range.last;) {
      const auto last = first + std::min<uint32_t>(batch_rows, range.last - first);
      size_t n = 0;
      // Without branches: the number of a row is always written, and kept when it matches.
      for (uint32_t row = first; row < last; ++row) {
        batch[n] = row;
        n += static_cast<size_t>(
            (c.time[row] >= wanted.first_time) & (c.time[row] <= wanted.last_time) &
            (c.source[row] >= wanted.first_source) & (c.source[row] <= wanted.last_source) &
            (c.tile[row] >= wanted.first_tile) & (c.tile[row] <= wanted.last_tile) &
            (c.cloud_coverage[row] >= wanted.least_cloud) &
            (c.cloud_coverage[row] <= wanted.most_cloud) &
            (c.pixel_coverage[row] >= wanted.least_pixel));
      }
      n = sieve.sift(std::span(batch).first(n));
      if (n > 0) found(std::span(batch).first(n));
      first = last;
    }
  }
}

std::vector<index_entry> first_rows(const index_columns& columns, std::span<const uint32_t> hidden,
                                    const filter& f, sort_field order, size_t limit,
                                    const std::optional<image_facts>& after) {
  if (limit == 0) return {};
  using candidate = std::pair<sort_place, uint32_t>;
  const auto sooner = [order](const candidate& a, const candidate& b) {
    return before(order, a.first, b.first);
  };
  // A geocode that is no code has no place among the packed ones; then names are compared.
  const bool is_placed = after && check_geocode(columns.algorithm, after->key.geocode).has_value();
  const auto start = is_placed ? place_of(columns, order, *after) : sort_place{};
  const auto is_after = [&](uint32_t row, const sort_place& place) {
    if (!after) return true;
    if (is_placed) return before(order, start, place);
    return before(order, *after, columns.entry(row).facts());
  };
  std::vector<candidate> best;
  bool is_cut = false;
  sort_place worst;
  const auto surplus = std::max(limit, least_surplus);
  const auto cut = [&] {
    const auto middle = best.begin() + static_cast<ptrdiff_t>(limit);
    std::nth_element(best.begin(), middle - 1, best.end(), sooner);
    best.erase(middle, best.end());
    worst = best.back().first;
    is_cut = true;
  };
  scan(columns, hidden, f, {}, [&](std::span<const uint32_t> rows) {
    for (const auto row : rows) {
      const auto place = place_of(columns, order, row);
      if ((is_cut && !before(order, place, worst)) || !is_after(row, place)) continue;
      best.emplace_back(place, row);
      if (best.size() > limit && best.size() - limit >= surplus) cut();
    }
  });
  std::sort(best.begin(), best.end(), sooner);
  if (best.size() > limit) best.resize(limit);
  std::vector<index_entry> entries;
  entries.reserve(best.size());
  for (const auto& [place, row] : best) entries.push_back(columns.entry(row));
  return entries;
}

std::vector<extent_row> count_extents(const index_columns& columns,
                                      std::span<const uint32_t> hidden, const filter& f,
                                      const cell_predicate& cells) {
  const auto& c = columns;
  const size_t shown = (f.geocode ? f.geocode->size() : 0) + 1;
  struct group {
    uint32_t platform, source;
    uint64_t geocode;
    uint32_t precision;
    bool operator==(const group&) const = default;
  };
  struct group_hash {
    size_t operator()(const group& g) const {
      constexpr uint64_t odd = 0x9e3779b97f4a7c15;  // 2^64 / golden ratio: spreads the low bits
      auto h = g.geocode * odd;
      h = (h ^ (h >> 32) ^ g.platform) * odd;
      h = (h ^ (h >> 32) ^ (uint64_t{g.source} << 8) ^ g.precision) * odd;
      return static_cast<size_t>(h ^ (h >> 32));
    }
  };
  std::unordered_map<group, uint64_t, group_hash> groups;
  std::pair<const group, uint64_t>* last = nullptr;
  uint64_t code = 0;
  group now{};
  scan(c, hidden, f, cells, [&](std::span<const uint32_t> rows) {
    for (const auto row : rows) {
      if (c.geocode[row] != code) {
        code = c.geocode[row];
        const auto geocode = unpack(c.algorithm, code);
        now.geocode = pack(c.algorithm, std::string_view(geocode).substr(0, shown));
        now.precision = static_cast<uint32_t>(geocode.size());
      }
      now.platform = c.platform[row];
      now.source = c.source[row];
      if (!last || !(last->first == now)) last = &*groups.try_emplace(now, 0).first;
      ++last->second;
    }
  });
  std::vector<extent_row> out;
  out.reserve(groups.size());
  for (const auto& [g, count] : groups)
    out.push_back({unpack(c.algorithm, g.geocode), std::string(c.platforms[g.platform]),
                   std::string(c.sources[g.source]), g.precision, count});
  return out;
}

}  // namespace stip
