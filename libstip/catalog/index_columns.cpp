#include "libstip/catalog/index_columns.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <unordered_map>

namespace stip {

namespace {

/// Numbers names in the order of their first use; `ranks` tells their places in the order.
class name_collector {
 public:
  uint32_t id(std::string_view name) {
    // Neighbours mostly share their names.
    if (last_ < names_.size() && names_[last_] == name) return last_;
    const auto [at, is_new] = ids_.try_emplace(name, static_cast<uint32_t>(names_.size()));
    if (is_new) names_.push_back(name);
    return last_ = at->second;
  }

  std::vector<uint32_t> ranks(name_table& table) const {
    std::vector<uint32_t> order(names_.size());
    std::iota(order.begin(), order.end(), 0u);
    std::sort(order.begin(), order.end(),
              [&](uint32_t a, uint32_t b) { return names_[a] < names_[b]; });
    std::vector<uint32_t> ranks(names_.size());
    for (uint32_t rank = 0; rank < order.size(); ++rank) {
      ranks[order[rank]] = rank;
      table.append(names_[order[rank]]);
    }
    return ranks;
  }

 private:
  // Views into the caller's entries.
  std::vector<std::string_view> names_;
  std::unordered_map<std::string_view, uint32_t> ids_;
  uint32_t last_ = 0;
};

/// What a row is sorted by, and where it came from.
struct sortable {
  uint32_t platform, source, tile;
  uint64_t geocode;
  int64_t time;
  size_t position;

  auto key() const { return std::tie(platform, geocode, time, source, tile); }
};

const index_entry& entry_of(const index_entry& entry) {
  return entry;
}
const index_entry& entry_of(const index_change& change) {
  return change.entry;
}
bool erases(const index_entry&) {
  return false;
}
bool erases(const index_change& change) {
  return change.what == index_change::kind::erase;
}

enum class contents : uint8_t { base, delta };

void reserve(index_columns& columns, size_t rows, contents kind) {
  const auto all = [&](auto&... column) { (column.reserve(rows), ...); };
  all(columns.platform, columns.source, columns.tile, columns.geocode, columns.time,
      columns.pixel_coverage, columns.cloud_coverage);
  if (kind == contents::delta) all(columns.erased, columns.base_row);
}

template <class Input>
index_columns columns_of(geocode_algorithm algorithm, std::span<const Input> inputs,
                         contents kind) {
  index_columns out;
  out.algorithm = algorithm;
  name_collector platforms, sources, tiles;
  std::vector<sortable> rows;
  rows.reserve(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto& key = entry_of(inputs[i]).key;
    if (!check_geocode(algorithm, key.geocode)) continue;
    rows.push_back({platforms.id(key.platform), sources.id(key.source), tiles.id(key.tile),
                    pack(algorithm, key.geocode), key.timestamp, i});
  }
  const auto platform_ranks = platforms.ranks(out.platforms);
  const auto source_ranks = sources.ranks(out.sources);
  const auto tile_ranks = tiles.ranks(out.tiles);
  for (auto& row : rows) {
    row.platform = platform_ranks[row.platform];
    row.source = source_ranks[row.source];
    row.tile = tile_ranks[row.tile];
  }
  const auto sooner = [](const sortable& a, const sortable& b) {
    return a.key() < b.key() || (a.key() == b.key() && a.position < b.position);
  };
  // What comes from a store's metadata is sorted already.
  if (!std::is_sorted(rows.begin(), rows.end(), sooner))
    std::sort(rows.begin(), rows.end(), sooner);
  reserve(out, rows.size(), kind);
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto& row = rows[i];
    if (i + 1 < rows.size() && rows[i + 1].key() == row.key()) continue;
    const auto& input = inputs[row.position];
    const auto& entry = entry_of(input);
    out.platform.push_back(row.platform);
    out.source.push_back(row.source);
    out.tile.push_back(row.tile);
    out.geocode.push_back(row.geocode);
    out.time.push_back(row.time);
    out.pixel_coverage.push_back(compared_pixel_coverage(entry.pixel_coverage));
    out.cloud_coverage.push_back(compared_cloud_coverage(entry.cloud_coverage));
    if (kind == contents::base) continue;
    out.erased.push_back(erases(input) ? 1 : 0);
    out.base_row.push_back(no_row);
  }
  return out;
}

/// The new numbers of a table's names in a merged one.
struct renumbering {
  std::vector<uint32_t> platform, source, tile;
};

/// Merges rows by key, the newer of equal ones counts; `drops` tells which to leave out.
template <class Drops>
index_columns merge(const index_columns& older, const index_columns& newer, contents kind,
                    const Drops& drops) {
  renumbering a, b;
  index_columns out;
  out.algorithm = older.algorithm;
  out.platforms = name_table::merge(older.platforms, newer.platforms, a.platform, b.platform);
  out.sources = name_table::merge(older.sources, newer.sources, a.source, b.source);
  out.tiles = name_table::merge(older.tiles, newer.tiles, a.tile, b.tile);
  reserve(out, older.size() + newer.size(), kind);
  const auto key = [](const index_columns& c, const renumbering& n, size_t i) {
    return std::tuple(n.platform[c.platform[i]], c.geocode[i], c.time[i], n.source[c.source[i]],
                      n.tile[c.tile[i]]);
  };
  const auto take = [&](const index_columns& c, const renumbering& n, size_t i) {
    if (drops(c, i)) return;
    out.platform.push_back(n.platform[c.platform[i]]);
    out.source.push_back(n.source[c.source[i]]);
    out.tile.push_back(n.tile[c.tile[i]]);
    out.geocode.push_back(c.geocode[i]);
    out.time.push_back(c.time[i]);
    out.pixel_coverage.push_back(c.pixel_coverage[i]);
    out.cloud_coverage.push_back(c.cloud_coverage[i]);
    if (kind == contents::base) return;
    out.erased.push_back(c.erased[i]);
    out.base_row.push_back(c.base_row[i]);
  };
  size_t i = 0, k = 0;
  while (i < older.size() && k < newer.size()) {
    const auto left = key(older, a, i), right = key(newer, b, k);
    if (left < right) {
      take(older, a, i++);
      continue;
    }
    if (left == right) ++i;
    take(newer, b, k++);
  }
  for (; i < older.size(); ++i) take(older, a, i);
  for (; k < newer.size(); ++k) take(newer, b, k);
  return out;
}

/// Drops the names that no row has.
void prune(name_table& names, std::vector<uint32_t>& column) {
  std::vector<uint8_t> used(names.size(), 0);
  for (const auto id : column) used[id] = 1;
  if (std::find(used.begin(), used.end(), 0) == used.end()) return;
  name_table kept;
  std::vector<uint32_t> numbers(names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    numbers[i] = static_cast<uint32_t>(kept.size());
    if (used[i]) kept.append(names[i]);
  }
  for (auto& id : column) id = numbers[id];
  names = std::move(kept);
}

}  // namespace

uint32_t name_table::lower_bound(std::string_view name) const {
  size_t first = 0, last = size();
  while (first < last) {
    const auto middle = first + (last - first) / 2;
    if ((*this)[middle] < name)
      first = middle + 1;
    else
      last = middle;
  }
  return static_cast<uint32_t>(first);
}

uint64_t name_table::place(std::string_view name) const {
  const auto i = lower_bound(name);
  return 2 * uint64_t{i} + (i < size() && (*this)[i] == name ? 1 : 0);
}

void name_table::append(std::string_view name) {
  bytes_ += name;
  ends_.push_back(bytes_.size());
}

name_table name_table::merge(const name_table& a, const name_table& b, std::vector<uint32_t>& new_a,
                             std::vector<uint32_t>& new_b) {
  name_table out;
  out.bytes_.reserve(a.bytes_.size() + b.bytes_.size());
  out.ends_.reserve(a.size() + b.size());
  new_a.resize(a.size());
  new_b.resize(b.size());
  for (size_t i = 0, k = 0; i < a.size() || k < b.size();) {
    const int order = i == a.size() ? 1 : k == b.size() ? -1 : a[i].compare(b[k]);
    const auto number = static_cast<uint32_t>(out.size());
    out.append(order <= 0 ? a[i] : b[k]);
    if (order <= 0) new_a[i++] = number;
    if (order >= 0) new_b[k++] = number;
  }
  return out;
}

index_entry index_columns::entry(uint32_t row) const {
  index_entry out;
  out.key.platform = platforms[platform[row]];
  out.key.geocode = unpack(algorithm, geocode[row]);
  out.key.source = sources[source[row]];
  out.key.tile = tiles[tile[row]];
  out.key.timestamp = time[row];
  out.pixel_coverage = pixel_coverage[row];
  out.cloud_coverage = cloud_coverage[row];
  return out;
}

index_columns make_delta(geocode_algorithm algorithm, std::span<const index_change> changes) {
  return columns_of(algorithm, changes, contents::delta);
}

index_columns make_base(geocode_algorithm algorithm, std::span<const index_entry> entries) {
  return columns_of(algorithm, entries, contents::base);
}

index_columns merge_deltas(const index_columns& older, const index_columns& newer) {
  return merge(older, newer, contents::delta, [](const index_columns& c, size_t i) {
    return c.is_erased(i) && c.base_row[i] == no_row;
  });
}

index_columns merge_into_base(const index_columns& base, const index_columns& delta) {
  auto out = merge(base, delta, contents::base,
                   [](const index_columns& c, size_t i) { return c.is_erased(i); });
  prune(out.platforms, out.platform);
  prune(out.sources, out.source);
  prune(out.tiles, out.tile);
  return out;
}

void find_in_base(index_columns& delta, const index_columns& base) {
  const auto places = [](const name_table& names, const name_table& in) {
    std::vector<uint64_t> out(names.size());
    for (size_t i = 0; i < out.size(); ++i) out[i] = in.place(names[i]);
    return out;
  };
  const auto platform = places(delta.platforms, base.platforms);
  const auto source = places(delta.sources, base.sources);
  const auto tile = places(delta.tiles, base.tiles);
  const auto in_base = [&](size_t row) {
    return std::tuple(2 * uint64_t{base.platform[row]} + 1, base.geocode[row], base.time[row],
                      2 * uint64_t{base.source[row]} + 1, 2 * uint64_t{base.tile[row]} + 1);
  };
  for (size_t i = 0; i < delta.size(); ++i) {
    const auto wanted = std::tuple(platform[delta.platform[i]], delta.geocode[i], delta.time[i],
                                   source[delta.source[i]], tile[delta.tile[i]]);
    size_t first = 0, last = base.size();
    while (first < last) {
      const auto middle = first + (last - first) / 2;
      if (in_base(middle) < wanted)
        first = middle + 1;
      else
        last = middle;
    }
    const bool found = first < base.size() && in_base(first) == wanted;
    delta.base_row[i] = found ? static_cast<uint32_t>(first) : no_row;
  }
}

}  // namespace stip
