#include "libstip/catalog/index_query.hpp"

#include <algorithm>
#include <limits>
#include <unordered_map>

#include "libstip/catalog/index_order.hpp"
#include "libstip/catalog/index_scan.hpp"

namespace stip {

namespace {

/// first_rows sorts out the best when it has gathered this many more rows than asked for.
constexpr size_t least_surplus = 1024;

/// Looking at a row in the order of time costs about as much as scanning this many rows.
constexpr size_t scanned_per_visit = 8;

/// Rows that are tested first where the first ones may be enough.
constexpr uint32_t first_batch = 256;

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
    return before_in_level(c_, order_, a, b);
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
