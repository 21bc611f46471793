#include "libstip/catalog/index_columns.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <optional>
#include <tuple>
#include <unordered_map>

#include "libstip/core/defaults.hpp"

namespace stip {

namespace {

/// The new numbers of a level's names and layouts in a merged one.
struct renumbering {
  std::vector<uint32_t> platform, source, tile, layout;
};

/// Of the layouts of two levels, each distinct one once.
std::vector<row_layout_ptr> merge_layouts(const std::vector<row_layout_ptr>& a,
                                          const std::vector<row_layout_ptr>& b,
                                          std::vector<uint32_t>& new_a,
                                          std::vector<uint32_t>& new_b) {
  auto merged = a;
  new_a.resize(a.size());
  std::iota(new_a.begin(), new_a.end(), 0u);
  std::unordered_multimap<std::string_view, uint32_t> known;
  for (uint32_t i = 0; i < a.size(); ++i) known.emplace(a[i]->form(), i);
  for (const auto& layout : b) {
    const auto [first, last] = known.equal_range(layout->form());
    const auto same =
        std::find_if(first, last, [&](const auto& k) { return *merged[k.second] == *layout; });
    new_b.push_back(same != last ? same->second : static_cast<uint32_t>(merged.size()));
    if (same == last) merged.push_back(layout);
  }
  return merged;
}

void prune_layouts(index_columns& c) {
  std::vector<uint8_t> used(c.layouts.size(), 0);
  used[0] = 1;
  for (const auto number : c.layout) used[number] = 1;
  std::vector<uint32_t> numbers(c.layouts.size());
  size_t kept = 0;
  for (size_t i = 0; i < c.layouts.size(); ++i) {
    numbers[i] = static_cast<uint32_t>(kept);
    if (used[i]) c.layouts[kept++] = c.layouts[i];
  }
  if (kept == c.layouts.size()) return;
  c.layouts.resize(kept);
  for (auto& number : c.layout) number = numbers[number];
}

/// Sorts by the upper 32 bits, keeping the order of equal ones, a byte at a time.
void radix_sort_by_high(std::vector<uint64_t>& values, uint32_t most) {
  constexpr int digit_bits = 11;
  constexpr size_t digits = size_t{1} << digit_bits;
  std::vector<uint64_t> other(values.size());
  for (int shift = 0; shift < 32 && (most >> shift) != 0; shift += digit_bits) {
    std::array<size_t, digits> ends{};
    const auto digit = [&](uint64_t v) { return (v >> (32 + shift)) & (digits - 1); };
    for (const auto v : values) ++ends[digit(v)];
    size_t begin = 0;
    for (auto& end : ends) begin = std::exchange(end, begin) + begin;
    for (const auto v : values) other[ends[digit(v)]++] = v;
    values.swap(other);
  }
}

}  // namespace

image_key index_columns::key(uint32_t row) const {
  return {std::string(platforms[platform[row]]), unpack(algorithm, geocode[row]),
          std::string(sources[source[row]]), std::string(tiles[tile[row]]), time[row]};
}

index_entry index_columns::entry(uint32_t row) const {
  index_entry out{key(row), pixel_coverage[row], cloud_coverage[row], {}, {}};
  if (layout[row] != 0) out.layout = layouts[layout[row]];
  for (size_t i = 0; i < chip_count(row); ++i) out.chips.push_back(chips[first_chip[row] + i]);
  return out;
}

double index_columns::exact_pixel_coverage(uint32_t row) const {
  const auto& l = *layouts[layout[row]];
  if (l.chips() == 0) return pixel_coverage[row];
  const auto* first = chips.data() + first_chip[row];
  if (l.chips() == 1) return first->pixel_coverage;
  std::optional<double> measured, quality;
  for (size_t i = 0; i < l.chips(); ++i) {
    auto& least = l.is_quality(i) ? quality : measured;
    least = std::min(least.value_or(1), first[i].pixel_coverage);
  }
  return measured ? *measured : *quality;
}

void index_columns::reserve(size_t rows, size_t chip_rows) {
  for (auto* column : {&platform, &source, &tile, &layout, &first_chip}) column->reserve(rows);
  geocode.reserve(rows);
  time.reserve(rows);
  pixel_coverage.reserve(rows);
  cloud_coverage.reserve(rows);
  chips.reserve(chip_rows);
}

size_t index_columns::memory_bytes() const {
  const auto of = [](const auto&... columns) {
    return ((columns.capacity() * sizeof(columns[0])) + ...);
  };
  size_t sum = platforms.memory_bytes() + sources.memory_bytes() + tiles.memory_bytes();
  for (const auto& l : layouts) sum += l->memory_bytes();
  return sum + of(platform, source, tile, layout, geocode, time, pixel_coverage, cloud_coverage,
                  first_chip, by_time, layouts, chips);
}

index_columns merge(const index_columns& a, const hidden_rows& hidden_a, const index_columns& b,
                    const hidden_rows& hidden_b) {
  renumbering na, nb;
  index_columns out;
  out.algorithm = a.algorithm;
  out.platforms = name_table::merge(a.platforms, b.platforms, na.platform, nb.platform);
  out.sources = name_table::merge(a.sources, b.sources, na.source, nb.source);
  out.tiles = name_table::merge(a.tiles, b.tiles, na.tile, nb.tile);
  out.layouts = merge_layouts(a.layouts, b.layouts, na.layout, nb.layout);
  out.reserve(a.size() + b.size() - hidden_a.count() - hidden_b.count(),
              a.chips.size() + b.chips.size());
  const auto key = [](const index_columns& c, const renumbering& n, size_t i) {
    return std::tuple(n.platform[c.platform[i]], c.geocode[i], c.time[i], n.source[c.source[i]],
                      n.tile[c.tile[i]]);
  };
  const auto take = [&](const index_columns& c, const hidden_rows& hidden, const renumbering& n,
                        size_t i) {
    if (!hidden.empty() && hidden.contains(static_cast<uint32_t>(i))) return;
    out.platform.push_back(n.platform[c.platform[i]]);
    out.source.push_back(n.source[c.source[i]]);
    out.tile.push_back(n.tile[c.tile[i]]);
    out.layout.push_back(n.layout[c.layout[i]]);
    out.geocode.push_back(c.geocode[i]);
    out.time.push_back(c.time[i]);
    out.pixel_coverage.push_back(c.pixel_coverage[i]);
    out.cloud_coverage.push_back(c.cloud_coverage[i]);
    out.first_chip.push_back(static_cast<uint32_t>(out.chips.size()));
    const auto chips = c.chips.begin() + c.first_chip[i];
    out.chips.insert(out.chips.end(), chips, chips + static_cast<ptrdiff_t>(c.chip_count(i)));
  };
  size_t i = 0, k = 0;
  while (i < a.size() && k < b.size()) {
    // A row that is hidden in one level may stand in the other: each is taken or left by itself.
    if (key(a, na, i) < key(b, nb, k))
      take(a, hidden_a, na, i++);
    else
      take(b, hidden_b, nb, k++);
  }
  for (; i < a.size(); ++i) take(a, hidden_a, na, i);
  for (; k < b.size(); ++k) take(b, hidden_b, nb, k);
  if (!hidden_a.empty() || !hidden_b.empty()) {
    out.platforms.prune(out.platform);
    out.sources.prune(out.source);
    out.tiles.prune(out.tile);
    prune_layouts(out);
  }
  sort_by_time(out);
  return out;
}

std::vector<uint64_t> places_in(const name_table& names, const name_table& in) {
  std::vector<uint64_t> out(names.size());
  for (size_t i = 0; i < out.size(); ++i) out[i] = in.place(names[i]);
  return out;
}

std::vector<uint32_t> find_rows(const index_columns& wanted, const index_columns& in) {
  const auto platform = places_in(wanted.platforms, in.platforms);
  const auto source = places_in(wanted.sources, in.sources);
  const auto tile = places_in(wanted.tiles, in.tiles);
  const auto there = [&](size_t row) {
    return std::tuple(2 * uint64_t{in.platform[row]} + 1, in.geocode[row], in.time[row],
                      2 * uint64_t{in.source[row]} + 1, 2 * uint64_t{in.tile[row]} + 1);
  };
  std::vector<uint32_t> rows(wanted.size(), no_row);
  // Both are sorted: each search begins where the last one ended, in steps that double.
  size_t first = 0;
  for (size_t i = 0; i < wanted.size(); ++i) {
    const auto sought = std::tuple(platform[wanted.platform[i]], wanted.geocode[i], wanted.time[i],
                                   source[wanted.source[i]], tile[wanted.tile[i]]);
    size_t step = 1, last = first;
    while (last < in.size() && there(last) < sought) {
      first = last + 1;
      last += step;
      step *= 2;
    }
    last = std::min(last, in.size());
    while (first < last) {
      const auto middle = first + (last - first) / 2;
      if (there(middle) < sought)
        first = middle + 1;
      else
        last = middle;
    }
    if (first < in.size() && there(first) == sought) rows[i] = static_cast<uint32_t>(first);
  }
  return rows;
}

void sort_by_time(index_columns& c) {
  c.by_time.clear();
  if (c.size() < defaults::min_time_ordered_rows) return;
  const auto [least, most] = std::minmax_element(c.time.begin(), c.time.end());
  const auto first = static_cast<uint64_t>(*least);
  const auto span = static_cast<uint64_t>(*most) - first;
  const auto sooner = [&](uint32_t a, uint32_t b) {
    return std::tie(c.time[a], c.geocode[a], a) < std::tie(c.time[b], c.geocode[b], b);
  };
  c.by_time.resize(c.size());
  if (span > std::numeric_limits<uint32_t>::max()) {
    std::iota(c.by_time.begin(), c.by_time.end(), 0u);
    std::sort(c.by_time.begin(), c.by_time.end(), sooner);
    return;
  }
  std::vector<uint64_t> keys(c.size());
  for (size_t row = 0; row < keys.size(); ++row)
    keys[row] = (static_cast<uint64_t>(c.time[row]) - first) << 32 | row;
  radix_sort_by_high(keys, static_cast<uint32_t>(span));
  for (size_t i = 0; i < keys.size(); ++i) c.by_time[i] = static_cast<uint32_t>(keys[i]);
  // With one platform, equal times stand in the order of their geocodes already.
  if (c.platforms.size() <= 1) return;
  for (auto begin = c.by_time.begin(); begin != c.by_time.end();) {
    const auto end = std::find_if(begin, c.by_time.end(),
                                  [&](uint32_t row) { return c.time[row] != c.time[*begin]; });
    if (!std::is_sorted(begin, end, sooner)) std::sort(begin, end, sooner);
    begin = end;
  }
}

}  // namespace stip
