#include "libstip/catalog/index.hpp"

#include <algorithm>
#include <iterator>

#include "libstip/catalog/index_columns.hpp"
#include "libstip/catalog/index_query.hpp"
#include "libstip/core/defaults.hpp"

namespace stip {

/// The base, shared by all snapshots up to the next merge, and what has changed since.
struct image_index::snapshot {
  std::shared_ptr<const index_columns> base;
  index_columns delta;
  /// The rows of the base that the delta replaces or erases, ascending.
  std::vector<uint32_t> hidden;
  size_t size = 0;

  static std::shared_ptr<const snapshot> make(std::shared_ptr<const index_columns> base,
                                              index_columns delta) {
    auto s = std::make_shared<snapshot>();
    s->size = base->size();
    for (size_t i = 0; i < delta.size(); ++i) {
      if (delta.base_row[i] != no_row) {
        s->hidden.push_back(delta.base_row[i]);
        --s->size;
      }
      if (!delta.is_erased(i)) ++s->size;
    }
    s->base = std::move(base);
    s->delta = std::move(delta);
    return s;
  }

  static std::shared_ptr<const snapshot> make(index_columns base) {
    index_columns nothing;
    nothing.algorithm = base.algorithm;
    return make(std::make_shared<index_columns>(std::move(base)), std::move(nothing));
  }
};

image_index::image_index(std::shared_ptr<const snapshot> s) : snapshot_(std::move(s)) {}

image_index::image_index(geocode_algorithm algorithm)
    : image_index(algorithm, std::span<const index_entry>{}) {}

image_index::image_index(geocode_algorithm algorithm, std::span<const index_entry> entries)
    : snapshot_(snapshot::make(make_base(algorithm, entries))) {}

image_index::~image_index() = default;

image_index image_index::with(const std::vector<index_change>& changes) const {
  const auto& base = *snapshot_->base;
  auto newest = make_delta(base.algorithm, changes);
  find_in_base(newest, base);
  auto delta = merge_deltas(snapshot_->delta, newest);
  if (delta.size() > defaults::min_index_delta &&
      delta.size() > base.size() / defaults::index_base_per_delta)
    return image_index(snapshot::make(merge_into_base(base, delta)));
  return image_index(snapshot::make(snapshot_->base, std::move(delta)));
}

size_t image_index::size() const {
  return snapshot_->size;
}

std::vector<index_entry> image_index::find(const filter& f, sort_field order, size_t limit,
                                           const std::optional<image_facts>& after) const {
  const auto& s = *snapshot_;
  auto narrowed = f;
  // In the order of time nothing before the last image's time can follow it.
  if (after && order == sort_field::timestamp)
    narrowed.start = std::max(f.start.value_or(after->key.timestamp), after->key.timestamp);
  auto old = first_rows(*s.base, s.hidden, narrowed, order, limit, after);
  auto fresh = first_rows(s.delta, {}, narrowed, order, limit, after);
  if (fresh.empty()) return old;
  std::vector<index_entry> merged;
  merged.reserve(old.size() + fresh.size());
  std::merge(std::make_move_iterator(old.begin()), std::make_move_iterator(old.end()),
             std::make_move_iterator(fresh.begin()), std::make_move_iterator(fresh.end()),
             std::back_inserter(merged), [order](const index_entry& a, const index_entry& b) {
               return before(order, a.facts(), b.facts());
             });
  if (merged.size() > limit) merged.resize(limit);
  return merged;
}

uint64_t image_index::count(const filter& f, const cell_predicate& cells) const {
  uint64_t sum = 0;
  const auto add = [&](std::span<const uint32_t> rows) { sum += rows.size(); };
  scan(*snapshot_->base, snapshot_->hidden, f, cells, add);
  scan(snapshot_->delta, {}, f, cells, add);
  return sum;
}

std::vector<extent_row> image_index::extents(const filter& f, const cell_predicate& cells) const {
  std::vector<std::vector<extent_row>> pages;
  pages.push_back(count_extents(*snapshot_->base, snapshot_->hidden, f, cells));
  pages.push_back(count_extents(snapshot_->delta, {}, f, cells));
  return merge_rows(std::move(pages));
}

std::vector<std::string> image_index::platforms() const {
  const auto& base = *snapshot_->base;
  const auto& delta = snapshot_->delta;
  std::vector<uint64_t> rows(base.platforms.size(), 0);
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto id = static_cast<uint32_t>(i);
    const auto [first, last] = std::equal_range(base.platform.begin(), base.platform.end(), id);
    rows[i] = static_cast<uint64_t>(last - first);
  }
  for (const auto row : snapshot_->hidden) --rows[base.platform[row]];
  std::vector<std::string> names;
  for (size_t i = 0; i < rows.size(); ++i)
    if (rows[i] > 0) names.emplace_back(base.platforms[i]);
  std::vector<uint8_t> is_new(delta.platforms.size(), 0);
  for (size_t i = 0; i < delta.size(); ++i)
    if (!delta.is_erased(i)) is_new[delta.platform[i]] = 1;
  for (size_t i = 0; i < is_new.size(); ++i)
    if (is_new[i]) names.emplace_back(delta.platforms[i]);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace stip
