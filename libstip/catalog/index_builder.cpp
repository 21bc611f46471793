#include "libstip/catalog/index_builder.hpp"

#include <algorithm>
#include <numeric>
#include <span>
#include <tuple>

namespace stip {

uint32_t name_collector::number(std::string_view name) {
  const auto found = numbers_.find(name);
  if (found != numbers_.end()) return found->second;
  const auto number = static_cast<uint32_t>(names_.size());
  names_.emplace_back(name);
  numbers_.emplace(names_.back(), number);
  return number;
}

name_table name_collector::table(std::vector<uint32_t>& places) const {
  std::vector<uint32_t> order(names_.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(),
            [&](uint32_t a, uint32_t b) { return names_[a] < names_[b]; });
  name_table sorted;
  places.resize(names_.size());
  for (uint32_t place = 0; place < order.size(); ++place) {
    places[order[place]] = place;
    sorted.append(names_[order[place]]);
  }
  return sorted;
}

index_builder::index_builder(geocode_algorithm algorithm) : algorithm_(algorithm) {
  columns_.algorithm = algorithm;
  layout(row_layout::make({}, {}));
}

void index_builder::reserve(size_t images, size_t chips) {
  columns_.reserve(images, chips);
}

uint32_t index_builder::layout(const row_layout_ptr& layout) {
  if (!layout) return 0;
  auto& same_form = layout_numbers_[layout->form()];
  for (const auto number : same_form)
    if (*columns_.layouts[number] == *layout) return number;
  const auto number = static_cast<uint32_t>(columns_.layouts.size());
  columns_.layouts.push_back(layout);
  // The key of the map points into the form of the first, which is kept.
  same_form.push_back(number);
  return number;
}

void index_builder::add(const image& added, std::span<const listed_chip> chips) {
  auto& c = columns_;
  c.platform.push_back(added.platform);
  c.source.push_back(added.source);
  c.tile.push_back(added.tile);
  c.geocode.push_back(added.geocode);
  c.time.push_back(added.time);
  c.pixel_coverage.push_back(compared_pixel_coverage(added.pixel_coverage));
  c.cloud_coverage.push_back(compared_cloud_coverage(added.cloud_coverage));
  const bool fits = c.layouts[added.layout]->chips() == chips.size();
  c.layout.push_back(fits ? added.layout : 0);
  c.first_chip.push_back(static_cast<uint32_t>(c.chips.size()));
  if (!fits) return;
  for (const auto& chip : chips) c.chips.push_back(chip);
}

bool index_builder::add(const index_entry& entry) {
  const auto& key = entry.key;
  if (!check_geocode(algorithm_, key.geocode)) return false;
  add({platform(key.platform), source(key.source), tile(key.tile), layout(entry.layout),
       pack(algorithm_, key.geocode), key.timestamp, entry.pixel_coverage, entry.cloud_coverage},
      entry.chips);
  return true;
}

namespace {

/// The order of rows, or nothing when they stand in it already and none is double.
std::vector<uint32_t> order_of(const index_columns& c) {
  const auto place = [&](uint32_t row) {
    return std::tie(c.platform[row], c.geocode[row], c.time[row]);
  };
  const auto rest = [&](uint32_t row) { return std::tie(c.source[row], c.tile[row]); };
  const auto rows = static_cast<uint32_t>(c.size());
  bool by_place = true, sorted = true;
  for (uint32_t row = 1; row < rows && by_place; ++row) {
    by_place = place(row - 1) <= place(row);
    sorted = sorted && (place(row - 1) < place(row) || rest(row - 1) < rest(row));
  }
  if (by_place && sorted) return {};
  std::vector<uint32_t> order(rows);
  std::iota(order.begin(), order.end(), 0u);
  if (!by_place)
    std::stable_sort(order.begin(), order.end(),
                     [&](uint32_t a, uint32_t b) { return place(a) < place(b); });
  // Names get their numbers as they come, so that images of one cell and time may stand in another
  // order than that of their names though all else is sorted.
  for (uint32_t first = 0; first < rows;) {
    auto last = first + 1;
    while (last < rows && place(order[last]) == place(order[first])) ++last;
    std::stable_sort(order.begin() + first, order.begin() + last,
                     [&](uint32_t a, uint32_t b) { return rest(a) < rest(b); });
    first = last;
  }
  return order;
}

template <class T>
void gather(std::vector<T>& column, const std::vector<uint32_t>& order) {
  std::vector<T> out;
  out.reserve(order.size());
  for (const auto row : order) out.push_back(column[row]);
  column = std::move(out);
}

}  // namespace

index_columns index_builder::finish(std::vector<uint32_t>* origins) && {
  auto& c = columns_;
  std::vector<uint32_t> places;
  const auto renumber = [&](std::vector<uint32_t>& column) {
    for (auto& number : column) number = places[number];
  };
  c.platforms = platforms_.table(places);
  renumber(c.platform);
  c.sources = sources_.table(places);
  renumber(c.source);
  c.tiles = tiles_.table(places);
  renumber(c.tile);
  auto order = order_of(c);
  if (!order.empty()) {
    const auto key = [&](uint32_t row) {
      return std::tie(c.platform[row], c.geocode[row], c.time[row], c.source[row], c.tile[row]);
    };
    size_t kept = 0;
    for (size_t i = 0; i < order.size(); ++i)
      if (i + 1 == order.size() || key(order[i]) != key(order[i + 1])) order[kept++] = order[i];
    order.resize(kept);
    std::vector<listed_chip> chips;
    chips.reserve(c.chips.size());
    std::vector<uint32_t> first_chip;
    first_chip.reserve(order.size());
    for (const auto row : order) {
      first_chip.push_back(static_cast<uint32_t>(chips.size()));
      const auto first = c.chips.begin() + c.first_chip[row];
      chips.insert(chips.end(), first, first + static_cast<ptrdiff_t>(c.chip_count(row)));
    }
    c.chips = std::move(chips);
    c.first_chip = std::move(first_chip);
    for (auto* column : {&c.platform, &c.source, &c.tile, &c.layout}) gather(*column, order);
    gather(c.geocode, order);
    gather(c.time, order);
    gather(c.pixel_coverage, order);
    gather(c.cloud_coverage, order);
  }
  if (origins) {
    if (order.empty()) {
      order.resize(c.size());
      std::iota(order.begin(), order.end(), 0u);
    }
    *origins = std::move(order);
  }
  sort_by_time(c);
  return std::move(columns_);
}

}  // namespace stip
