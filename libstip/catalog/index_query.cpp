#include "libstip/catalog/index_query.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <tuple>
#include <unordered_map>

#include "libstip/catalog/index_scan.hpp"

namespace stip {

namespace {

/// first_rows sorts out the best when it has gathered this many more rows than asked for.
constexpr size_t least_surplus = 1024;

/// Looking at a row in the order of time costs about as much as scanning this many rows.
constexpr size_t scanned_per_visit = 8;

/// Rows that are tested first where the first ones may be enough.
constexpr uint32_t first_batch = 256;

/// Below so many rows, comparing sorts faster than counting digits.
constexpr size_t least_radix_rows = 256;

/// An integer that orders as the float does (-0 as 0).
uint64_t ordered(float value) {
  const auto bits = std::bit_cast<uint32_t>(value + 0.0f);
  constexpr uint32_t sign = uint32_t{1} << 31;
  return bits & sign ? ~bits : bits | sign;
}

uint64_t ordered_cloud(float cloud) {
  return ordered(cloud < 0 ? INFINITY : cloud);
}

/// An integer that orders as the time does.
uint64_t ordered(int64_t time) {
  return static_cast<uint64_t>(time) ^ uint64_t { 1 } << 63;
}

/// Names stand for themselves as name_table::place does, so that a key that is not there has a
/// place too.
uint64_t place_of(uint32_t name) {
  return 2 * uint64_t{name} + 1;
}

uint64_t lead_of(const index_columns& c, sort_field order, uint32_t row) {
  switch (order) {
    case sort_field::timestamp:
      return ordered(c.time[row]);
    case sort_field::geocode:
      return c.geocode[row];
    case sort_field::platform:
    case sort_field::key:
      return place_of(c.platform[row]);
    case sort_field::source:
      return place_of(c.source[row]);
    case sort_field::tile:
      return place_of(c.tile[row]);
    case sort_field::pixel_coverage:
      return ordered(c.pixel_coverage[row]);
    case sort_field::cloud_coverage:
      return ordered_cloud(c.cloud_coverage[row]);
  }
  return 0;
}

/// Of two rows of a level with the same lead: which comes first?
bool ties_before(const index_columns& c, sort_field order, uint32_t a, uint32_t b) {
  if (order == sort_field::key)
    return std::tie(c.geocode[a], c.source[a], c.tile[a], c.time[a]) <
           std::tie(c.geocode[b], c.source[b], c.tile[b], c.time[b]);
  // Of one time and cell, rows stand in the order of platform, source and tile.
  return std::tie(c.time[a], c.geocode[a], a) < std::tie(c.time[b], c.geocode[b], b);
}

/// Which rows come after an image, which need not be there.
class resume_point {
 public:
  resume_point(const index_columns& c, sort_field order, const std::optional<image_facts>& after)
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

  bool precedes(uint32_t row, uint64_t lead) const {
    if (!after_) return true;
    if (!is_placed_) {
      const auto cloud = c_.cloud_coverage[row];
      const image_facts facts{c_.key(row), c_.pixel_coverage[row],
                              cloud < 0 ? std::nullopt : std::optional<double>(cloud)};
      return before(order_, *after_, facts);
    }
    if (lead != lead_) return lead_ < lead;
    const auto platform = place_of(c_.platform[row]), source = place_of(c_.source[row]),
               tile = place_of(c_.tile[row]);
    if (order_ == sort_field::key)
      return std::tie(geocode_, source_, tile_, time_) <
             std::tie(c_.geocode[row], source, tile, c_.time[row]);
    return std::tie(time_, geocode_, platform_, source_, tile_) <
           std::tie(c_.time[row], c_.geocode[row], platform, source, tile);
  }

  /// Leaves the rows of a range that may come after it.
  row_range narrow(row_range rows) const {
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

 private:
  const index_columns& c_;
  sort_field order_;
  const std::optional<image_facts>& after_;
  bool is_placed_ = false;
  uint64_t lead_ = 0;
  int64_t time_ = 0;
  uint64_t geocode_ = 0, platform_ = 0, source_ = 0, tile_ = 0;
};

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

void sort_rows(const index_columns& c, sort_field order, std::vector<found_row>& rows) {
  const auto sooner = [&](const found_row& a, const found_row& b) {
    return a.lead != b.lead ? a.lead < b.lead : ties_before(c, order, a.row, b.row);
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

/// The rows that come first of those that it is given.
class best_rows {
 public:
  best_rows(const index_columns& c, sort_field order, size_t limit, const resume_point& start)
      : c_(c), order_(order), limit_(limit), start_(start) {
    rows_.reserve(std::min(limit, least_surplus) + least_surplus);
  }

  /// False: there are enough that come before it.
  bool add(uint32_t row) {
    const auto lead = lead_of(c_, order_, row);
    const found_row r{lead, row, 0};
    if (is_cut_ && !sooner(r, worst_)) return false;
    if (!start_.precedes(row, lead)) return true;
    ++taken_;
    rows_.push_back(r);
    if (rows_.size() > limit_ && rows_.size() - limit_ >= std::max(limit_, least_surplus)) cut();
    return true;
  }

  /// How many were taken so far, those included that were pushed out again.
  size_t taken() const { return taken_; }

  std::vector<found_row> take() {
    sort_rows(c_, order_, rows_);
    if (rows_.size() > limit_) rows_.resize(limit_);
    return std::move(rows_);
  }

 private:
  bool sooner(const found_row& a, const found_row& b) const {
    return a.lead != b.lead ? a.lead < b.lead : ties_before(c_, order_, a.row, b.row);
  }

  void cut() {
    const auto middle = rows_.begin() + static_cast<ptrdiff_t>(limit_);
    std::nth_element(rows_.begin(), middle - 1, rows_.end(),
                     [this](const auto& a, const auto& b) { return sooner(a, b); });
    rows_.erase(middle, rows_.end());
    worst_ = rows_.back();
    is_cut_ = true;
  }

  const index_columns& c_;
  sort_field order_;
  size_t limit_;
  const resume_point& start_;
  std::vector<found_row> rows_;
  size_t taken_ = 0;
  bool is_cut_ = false;
  found_row worst_;
};

size_t rows_in(const std::vector<row_range>& ranges) {
  size_t sum = 0;
  for (const auto& range : ranges) sum += range.last - range.first;
  return sum;
}

/// Looks at rows in the order of time until it has enough. Nothing when that would take longer than
/// scanning the ranges.
std::optional<std::vector<found_row>> walk_by_time(const index_level& level, const filter& f,
                                                   const std::vector<row_range>& ranges,
                                                   const row_conditions& wanted, size_t limit,
                                                   const resume_point& start,
                                                   const std::optional<image_facts>& after) {
  const auto& c = *level.columns;
  auto visits = rows_in(ranges) / scanned_per_visit;
  if (c.by_time.empty() || visits < limit) return {};
  auto first = std::numeric_limits<int64_t>::min();
  if (f.start) first = *f.start;
  if (after) first = std::max(first, after->key.timestamp);
  auto at = std::lower_bound(c.by_time.begin(), c.by_time.end(), first,
                             [&](uint32_t row, int64_t time) { return c.time[row] < time; });
  const cell_predicate all;
  row_sieve sieve(level, f, all);
  const bool is_everything = rows_in(ranges) == c.size();
  const auto in_ranges = [&](uint32_t row) {
    return is_everything || std::any_of(ranges.begin(), ranges.end(), [row](const row_range& r) {
             return row >= r.first && row < r.last;
           });
  };
  std::vector<found_row> rows;
  for (; at != c.by_time.end() && rows.size() < limit; ++at) {
    const auto row = *at;
    if (f.end && c.time[row] > *f.end) break;
    if (visits-- == 0) return {};
    if (!in_ranges(row) || !wanted.test(c, row) || !sieve.admits(row)) continue;
    const auto lead = ordered(c.time[row]);
    if (start.precedes(row, lead)) rows.push_back({lead, row, 0});
  }
  return rows;
}

int compare(std::string_view a, std::string_view b) {
  return a.compare(b);
}

template <class T>
int compare(T a, T b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

/// As `before`, of rows of any levels.
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

}  // namespace

uint64_t count_rows(const index_level& level, const filter& f, const cell_predicate& cells) {
  uint64_t sum = 0;
  scan(level, f, cells, [&](std::span<const uint32_t> rows) { sum += rows.size(); });
  return sum;
}

std::vector<found_row> first_rows(const index_level& level, uint32_t number, const filter& f,
                                  sort_field order, size_t limit,
                                  const std::optional<image_facts>& after) {
  if (limit == 0) return {};
  const auto& c = *level.columns;
  const resume_point start(c, order, after);
  const auto numbered = [number](std::vector<found_row> rows) {
    for (auto& r : rows) r.level = number;
    return rows;
  };
  best_rows best(c, order, limit, start);
  const cell_predicate all;
  if (f.key) {
    scan(level, f, all, [&](std::span<const uint32_t> rows) {
      for (const auto row : rows) (void)best.add(row);
    });
    return numbered(best.take());
  }
  const auto wanted = row_conditions::of(c, f);
  if (!wanted) return {};
  auto ranges = ranges_of(c, f);
  for (auto& range : ranges) range = start.narrow(range);
  if (order == sort_field::timestamp)
    if (auto walked = walk_by_time(level, f, ranges, *wanted, limit, start, after))
      return numbered(std::move(*walked));
  // A range is one platform's, by geocode: in these orders what comes first stands first.
  const bool by_geocode = order == sort_field::geocode || order == sort_field::key;
  row_sieve sieve(level, f, all);
  std::vector<uint32_t> batch;
  for (const auto& range : ranges) {
    const auto before_range = best.taken();
    std::optional<uint64_t> last_needed;
    const auto take = [&](std::span<const uint32_t> rows, uint32_t next) {
      for (const auto row : rows) {
        if (!best.add(row) && order == sort_field::geocode) return false;
        if (by_geocode && !last_needed && best.taken() - before_range >= limit)
          last_needed = c.geocode[row];
      }
      return !last_needed || next >= range.last || c.geocode[next] <= *last_needed;
    };
    scan_range(c, range, *wanted, sieve, batch, take, by_geocode ? first_batch : scan_batch_rows);
    // Of one platform alone there are enough, and the others come later.
    if ((order == sort_field::platform || order == sort_field::key) && best.taken() >= limit) break;
  }
  return numbered(best.take());
}

std::vector<found_row> merge_found(std::span<const index_level> levels,
                                   std::vector<std::vector<found_row>> found, sort_field order,
                                   size_t limit) {
  std::erase_if(found, [](const auto& rows) { return rows.empty(); });
  if (found.empty()) return {};
  // The shortest first, so that few rows are merged often.
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.size() < b.size(); });
  auto merged = std::move(found.front());
  std::vector<found_row> both;
  for (size_t i = 1; i < found.size(); ++i) {
    both.clear();
    both.reserve(merged.size() + found[i].size());
    std::merge(merged.begin(), merged.end(), found[i].begin(), found[i].end(),
               std::back_inserter(both), [&](const found_row& a, const found_row& b) {
                 return before_in_levels(levels, order, a, b);
               });
    merged.swap(both);
  }
  if (merged.size() > limit) merged.resize(limit);
  return merged;
}

std::vector<extent_row> count_extents(const index_level& level, const filter& f,
                                      const cell_predicate& cells) {
  const auto& c = *level.columns;
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
  scan(level, f, cells, [&](std::span<const uint32_t> rows) {
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

size_t candidate_rows(const index_level& level, const filter& f) {
  return rows_in(ranges_of(*level.columns, f));
}

}  // namespace stip
