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

namespace {

/// How many of the rows fit into a buffer of about so many bytes, one at least; names and layouts
/// are counted where they may be new.
size_t fitting_rows(std::span<const index_level> levels, std::span<const found_row> found,
                    size_t most_bytes, size_t& chips) {
  size_t bytes = 0;
  chips = 0;
  const row_layout* last = nullptr;
  for (size_t i = 0; i < found.size(); ++i) {
    const auto& c = *levels[found[i].level].columns;
    const auto* layout = c.layouts[c.layout[found[i].row]].get();
    bytes += packed_row_bytes + layout->chips() * packed_chip_bytes +
             static_cast<size_t>(max_precision(c.algorithm));
    if (layout != last) bytes += layout->form().size() + c.tiles[c.tile[found[i].row]].size();
    last = layout;
    if (bytes > most_bytes && i > 0) return i;
    chips += layout->chips();
  }
  return found.size();
}

}  // namespace

found_page pack_page(std::span<const index_level> levels, std::span<const found_row> found,
                     size_t most_bytes, std::string_view node) {
  size_t chips = 0;
  found = found.first(fitting_rows(levels, found, most_bytes, chips));
  const auto n = found.size();
  row_columns rows;
  rows.texts.push_back(node);
  rows.node_sets.push_back({0});
  rows.nodes.assign(n, 0);
  const auto columns_of = [&](const found_row& r) -> const index_columns& {
    return *levels[r.level].columns;
  };
  // Column by column: the processor waits for many rows' memory at once, and not for one row's.
  const auto gather = [&](auto& to, auto&& from) {
    to.resize(n);
    for (size_t i = 0; i < n; ++i) to[i] = from(columns_of(found[i]), found[i]);
  };
  const auto gather_names = [&](std::vector<uint32_t>& to, auto names, auto numbers) {
    renumberer known(n);
    gather(to, [&](const index_columns& c, const found_row& r) {
      const auto number = (c.*numbers)[r.row];
      return known(r.level, number, [&] {
        rows.texts.push_back((c.*names)[number]);
        return static_cast<uint32_t>(rows.texts.size() - 1);
      });
    });
  };
  gather_names(rows.platform, &index_columns::platforms, &index_columns::platform);
  gather_names(rows.source, &index_columns::sources, &index_columns::source);
  gather_names(rows.tile, &index_columns::tiles, &index_columns::tile);
  renumberer known_layouts(n);
  gather(rows.layout, [&](const index_columns& c, const found_row& r) {
    return known_layouts(r.level, c.layout[r.row], [&] {
      rows.layouts.push_back(c.layouts[c.layout[r.row]]->form());
      return static_cast<uint32_t>(rows.layouts.size() - 1);
    });
  });
  rows.geocodes.reserve(n * 8);
  gather(rows.geocode_bytes, [&](const index_columns& c, const found_row& r) {
    const auto before = rows.geocodes.size();
    append_unpacked(c.algorithm, c.geocode[r.row], rows.geocodes);
    return static_cast<uint8_t>(rows.geocodes.size() - before);
  });
  gather(rows.time, [](const index_columns& c, const found_row& r) { return c.time[r.row]; });
  gather(rows.pixel_coverage,
         [](const index_columns& c, const found_row& r) { return c.exact_pixel_coverage(r.row); });
  gather(rows.cloud_coverage,
         [](const index_columns& c, const found_row& r) { return c.cloud_coverage[r.row]; });
  const auto gather_chips = [&](auto column) {
    auto& to = rows.chips.*column;
    to.resize(chips);
    size_t at = 0;
    for (const auto& r : found) {
      const auto& c = columns_of(r);
      const auto count = c.chip_count(r.row);
      const auto* from = (c.chips.*column).data() + c.first_chip[r.row];
      for (size_t i = 0; i < count; ++i) to[at++] = from[i];
    }
  };
  gather_chips(&chip_columns::width);
  gather_chips(&chip_columns::height);
  gather_chips(&chip_columns::pixel_coverage);
  gather_chips(&chip_columns::bytes);
  gather_chips(&chip_columns::content);
  found_page page;
  page.count = n;
  page.rows = pack(rows);
  return page;
}

}  // namespace stip
