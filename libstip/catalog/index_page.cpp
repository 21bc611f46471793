#include "libstip/catalog/index_page.hpp"

#include <bit>
#include <vector>

#include "libstip/catalog/row_columns.hpp"

namespace stip {

namespace {

/// New numbers for the numbers of names or layouts in levels, in the order of first use.
class renumberer {
 public:
  explicit renumberer(size_t rows) : slots_(std::bit_ceil(2 * rows + 1)) {}

  /// `add()` gives the new number of what was not seen before.
  template <class Add>
  uint32_t operator()(uint32_t level, uint32_t number, Add&& add) {
    const auto key = (uint64_t{level} << 32 | number) + 1;
    if (key == last_key_) return last_number_;
    constexpr uint64_t odd = 0x9e3779b97f4a7c15;  // 2^64 / golden ratio: spreads the low bits
    const auto mask = slots_.size() - 1;
    auto at = (key * odd >> 32) & mask;
    while (slots_[at].key != 0 && slots_[at].key != key) at = (at + 1) & mask;
    if (slots_[at].key == 0) slots_[at] = {key, add()};
    last_key_ = key;
    return last_number_ = slots_[at].number;
  }

 private:
  struct slot {
    uint64_t key = 0;
    uint32_t number = 0;
  };
  std::vector<slot> slots_;
  uint64_t last_key_ = 0;
  uint32_t last_number_ = 0;
};

}  // namespace

found_page pack_page(std::span<const index_level> levels, std::span<const found_row> found,
                     size_t most_bytes, std::string_view node) {
  row_columns rows;
  rows.reserve(found.size());
  rows.texts.push_back(node);
  rows.node_sets.push_back({0});
  renumberer platforms(found.size()), sources(found.size()), tiles(found.size()),
      layouts(found.size());
  size_t bytes = node.size();
  const auto text = [&](const name_table& names, uint32_t number) {
    return [&rows, &bytes, name = names[number]] {
      rows.texts.push_back(name);
      bytes += name.size() + 1;
      return static_cast<uint32_t>(rows.texts.size() - 1);
    };
  };
  for (const auto& [lead, row, level] : found) {
    const auto& c = *levels[level].columns;
    const auto chips = c.chip_count(row);
    bytes += packed_row_bytes + chips * packed_chip_bytes +
             static_cast<size_t>(max_precision(c.algorithm));
    if (bytes > most_bytes && rows.size() > 0) break;
    rows.platform.push_back(platforms(level, c.platform[row], text(c.platforms, c.platform[row])));
    rows.source.push_back(sources(level, c.source[row], text(c.sources, c.source[row])));
    rows.tile.push_back(tiles(level, c.tile[row], text(c.tiles, c.tile[row])));
    rows.layout.push_back(layouts(level, c.layout[row], [&] {
      rows.layouts.push_back(c.layouts[c.layout[row]]->form());
      bytes += rows.layouts.back().size();
      return static_cast<uint32_t>(rows.layouts.size() - 1);
    }));
    rows.nodes.push_back(0);
    const auto before = rows.geocodes.size();
    append_unpacked(c.algorithm, c.geocode[row], rows.geocodes);
    rows.geocode_bytes.push_back(static_cast<uint8_t>(rows.geocodes.size() - before));
    rows.time.push_back(c.time[row]);
    rows.pixel_coverage.push_back(c.exact_pixel_coverage(row));
    rows.cloud_coverage.push_back(c.cloud_coverage[row]);
    rows.chips.append(c.chips, c.first_chip[row], chips);
  }
  found_page page;
  page.count = rows.size();
  page.rows = pack(rows);
  return page;
}

}  // namespace stip
