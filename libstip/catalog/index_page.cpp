#include "libstip/catalog/index_page.hpp"

#include <algorithm>
#include <vector>

#include "libstip/catalog/row_columns.hpp"

namespace stip {

namespace {

/// New numbers for the numbers of names or layouts in levels, in the order of first use.
class renumberer {
 public:
  /// `add()` gives the new number of what was not seen before.
  template <class Add>
  uint32_t operator()(uint32_t level, uint32_t number, Add&& add) {
    const auto key = (uint64_t{level} << 32 | number) + 1;
    if (key == last_key_) return last_number_;
    auto* slot = find(key);
    if (slot->key == 0) {
      // At most half full. It begins small: of a thousand rows few have names of their own.
      if (2 * ++used_ > slots_.size()) {
        grow();
        slot = find(key);
      }
      *slot = {key, add()};
    }
    last_key_ = key;
    return last_number_ = slot->number;
  }

 private:
  struct slot {
    uint64_t key = 0;
    uint32_t number = 0;
  };

  slot* find(uint64_t key) {
    constexpr uint64_t odd = 0x9e3779b97f4a7c15;  // 2^64 / golden ratio: spreads the low bits
    const auto mask = slots_.size() - 1;
    auto at = (key * odd >> 32) & mask;
    while (slots_[at].key != 0 && slots_[at].key != key) at = (at + 1) & mask;
    return &slots_[at];
  }

  void grow() {
    std::vector<slot> old(2 * slots_.size());
    old.swap(slots_);
    for (const auto& s : old)
      if (s.key != 0) *find(s.key) = s;
  }

  std::vector<slot> slots_ = std::vector<slot>(64);
  size_t used_ = 0;
  uint64_t last_key_ = 0;
  uint32_t last_number_ = 0;
};

}  // namespace

namespace {

/// Gathers the columns of rows that were found. Column by column, so that the processor waits for
/// many rows' memory at once, and not for one row's.
class page_writer {
 public:
  page_writer(std::span<const index_level> levels, std::span<const found_row> found,
              size_t most_bytes)
      : found_(found) {
    for (const auto& level : levels) levels_.push_back(level.columns.get());
    // The rows of one level need not look for theirs.
    if (!found.empty() && std::all_of(found.begin(), found.end(), [&](const found_row& r) {
          return r.level == found.front().level;
        }))
      only_ = levels_[found.front().level];
    fit(most_bytes);
  }

  found_page write(std::string_view node) {
    const auto n = found_.size();
    rows_.texts.push_back(node);
    rows_.node_sets.push_back({0});
    rows_.nodes.assign(n, 0);
    names(rows_.platform, &index_columns::platforms, &index_columns::platform);
    names(rows_.source, &index_columns::sources, &index_columns::source);
    names(rows_.tile, &index_columns::tiles, &index_columns::tile);
    layouts();
    geocodes();
    numbers(rows_.time, &index_columns::time);
    numbers(rows_.cloud_coverage, &index_columns::cloud_coverage);
    chips();
    pixel_coverages();
    found_page page;
    page.count = n;
    page.rows = pack(rows_);
    return page;
  }

 private:
  const index_columns& columns_of(const found_row& r) const { return *levels_[r.level]; }

  /// Leaves as many rows as fit into a buffer of about so many bytes, one at least; names are
  /// counted where they may be new.
  void fit(size_t most_bytes) {
    size_t bytes = 0;
    const row_layout* last = nullptr;
    chip_counts_.reserve(found_.size());
    for (size_t i = 0; i < found_.size(); ++i) {
      const auto& r = found_[i];
      const auto& c = columns_of(r);
      const auto* layout = c.layouts[c.layout[r.row]].get();
      const auto count = static_cast<uint32_t>(layout->chips());
      bytes += packed_row_bytes + count * packed_chip_bytes +
               static_cast<size_t>(max_precision(c.algorithm));
      if (layout != last) bytes += layout->form().size() + c.tiles[c.tile[r.row]].size();
      last = layout;
      if (bytes > most_bytes && i > 0) {
        found_ = found_.first(i);
        return;
      }
      chip_counts_.push_back(count);
      chips_ += count;
    }
  }

  template <class T, class U>
  void numbers(std::vector<T>& to, std::vector<U> index_columns::*column) {
    to.resize(found_.size());
    if (only_) {
      const auto* from = (only_->*column).data();
      for (size_t i = 0; i < found_.size(); ++i) to[i] = from[found_[i].row];
    } else {
      for (size_t i = 0; i < found_.size(); ++i)
        to[i] = (columns_of(found_[i]).*column)[found_[i].row];
    }
  }

  void names(std::vector<uint32_t>& to, name_table index_columns::*table,
             std::vector<uint32_t> index_columns::*column) {
    numbers(to, column);
    renumberer known;
    for (size_t i = 0; i < found_.size(); ++i) {
      const auto number = to[i];
      to[i] = known(found_[i].level, number, [&] {
        rows_.texts.push_back((columns_of(found_[i]).*table)[number]);
        return static_cast<uint32_t>(rows_.texts.size() - 1);
      });
    }
  }

  void layouts() {
    auto& to = rows_.layout;
    numbers(to, &index_columns::layout);
    renumberer known;
    for (size_t i = 0; i < found_.size(); ++i) {
      const auto number = to[i];
      to[i] = known(found_[i].level, number, [&] {
        rows_.layouts.push_back(columns_of(found_[i]).layouts[number]->form());
        return static_cast<uint32_t>(rows_.layouts.size() - 1);
      });
    }
  }

  void geocodes() {
    if (found_.empty()) return;
    const auto algorithm = columns_of(found_.front()).algorithm;
    rows_.geocode_bytes.resize(found_.size());
    rows_.geocodes.resize(found_.size() * static_cast<size_t>(max_precision(algorithm)));
    auto* to = rows_.geocodes.data();
    for (size_t i = 0; i < found_.size(); ++i) {
      const auto& c = only_ ? *only_ : columns_of(found_[i]);
      auto* const end = unpack(algorithm, c.geocode[found_[i].row], to);
      rows_.geocode_bytes[i] = static_cast<uint8_t>(end - to);
      to = end;
    }
    rows_.geocodes.resize(static_cast<size_t>(to - rows_.geocodes.data()));
  }

  void chips() {
    rows_.chips.resize(chips_);
    auto* to = rows_.chips.data();
    for (size_t i = 0; i < found_.size(); ++i) {
      const auto& c = only_ ? *only_ : columns_of(found_[i]);
      to = std::copy_n(c.chips.data() + c.first_chip[found_[i].row], chip_counts_[i], to);
    }
  }

  void pixel_coverages() {
    rows_.pixel_coverage.resize(found_.size());
    size_t chip = 0;
    for (size_t i = 0; i < found_.size(); ++i) {
      // Of one chip it is the chip's own, which was gathered just now.
      rows_.pixel_coverage[i] = chip_counts_[i] == 1
                                    ? rows_.chips[chip].pixel_coverage
                                    : columns_of(found_[i]).exact_pixel_coverage(found_[i].row);
      chip += chip_counts_[i];
    }
  }

  std::span<const found_row> found_;
  std::vector<const index_columns*> levels_;
  /// Set when all rows are of one level.
  const index_columns* only_ = nullptr;
  std::vector<uint32_t> chip_counts_;
  size_t chips_ = 0;
  row_columns rows_;
};

}  // namespace

found_page pack_page(std::span<const index_level> levels, std::span<const found_row> found,
                     size_t most_bytes, std::string_view node) {
  return page_writer(levels, found, most_bytes).write(node);
}

}  // namespace stip
