#include "libstip/catalog/index.hpp"

#include <algorithm>
#include <iterator>

#include "libstip/catalog/index_builder.hpp"
#include "libstip/catalog/index_page.hpp"
#include "libstip/core/defaults.hpp"

namespace stip {

/// Levels from the largest to the smallest. Each image is visible in one of them.
struct image_index::snapshot {
  geocode_algorithm algorithm = geocode_algorithm::geohash;
  std::vector<index_level> levels;
  size_t size = 0;

  static std::shared_ptr<const snapshot> make(geocode_algorithm algorithm,
                                              std::vector<index_level> levels) {
    auto s = std::make_shared<snapshot>();
    s->algorithm = algorithm;
    s->levels = std::move(levels);
    for (const auto& level : s->levels) s->size += level.visible();
    return s;
  }
};

namespace {

index_columns columns_of(geocode_algorithm algorithm, std::span<const index_entry> entries) {
  index_builder builder(algorithm);
  builder.reserve(entries.size(), entries.size());
  for (const auto& entry : entries) builder.add(entry);
  return std::move(builder).finish();
}

index_level level_of(index_columns columns) {
  return {std::make_shared<const index_columns>(std::move(columns)), {}};
}

index_columns merge(const index_level& a, const index_level& b) {
  return stip::merge(*a.columns, a.hidden, *b.columns, b.hidden);
}

index_level nothing_of(geocode_algorithm algorithm) {
  index_columns nothing;
  nothing.algorithm = algorithm;
  nothing.layouts.push_back(row_layout::make({}, {}));
  return level_of(std::move(nothing));
}

/// Should this level go into the one before it, which is larger?
bool is_due(const index_level& before, const index_level& level) {
  return before.visible() < level.visible() * defaults::index_level_ratio;
}

/// More hidden rows than visible ones: to be written anew.
bool is_sparse(const index_level& level) {
  return level.hidden.count() > level.visible();
}

/// Merges the last levels as long as that is cheap.
void tidy(geocode_algorithm algorithm, std::vector<index_level>& levels, size_t inline_rows) {
  std::erase_if(levels, [](const index_level& level) { return level.visible() == 0; });
  for (auto& level : levels)
    if (is_sparse(level) && level.columns->size() <= inline_rows)
      level = level_of(merge(level, nothing_of(algorithm)));
  while (levels.size() > 1) {
    const auto& last = levels.back();
    const auto& before = levels[levels.size() - 2];
    const bool is_cheap = last.columns->size() + before.columns->size() <= inline_rows;
    const bool too_many = levels.size() > defaults::max_index_levels;
    if (!too_many && !(is_cheap && is_due(before, last))) return;
    auto merged = level_of(merge(before, last));
    levels.pop_back();
    levels.back() = std::move(merged);
  }
}

/// Hides the rows of an old level in what it was merged into.
void hide(const std::vector<uint32_t>& rows, const index_columns& old, index_level& in) {
  if (rows.empty()) return;
  index_builder builder(old.algorithm);
  for (const auto row : rows) builder.add(old.entry(row));
  auto there = find_rows(std::move(builder).finish(), *in.columns);
  std::erase(there, no_row);
  in.hidden.add(there);
}

}  // namespace

image_index::image_index(std::shared_ptr<const snapshot> s) : snapshot_(std::move(s)) {}

image_index::image_index(geocode_algorithm algorithm) : snapshot_(snapshot::make(algorithm, {})) {}

image_index::image_index(geocode_algorithm algorithm, std::span<const index_entry> entries)
    : image_index(columns_of(algorithm, entries)) {}

image_index::image_index(index_columns columns) {
  const auto algorithm = columns.algorithm;
  std::vector<index_level> levels;
  if (columns.size() > 0) levels.push_back(level_of(std::move(columns)));
  snapshot_ = snapshot::make(algorithm, std::move(levels));
}

image_index::~image_index() = default;

image_index image_index::with(const std::vector<index_change>& changes, size_t inline_rows) const {
  const auto algorithm = snapshot_->algorithm;
  index_builder builder(algorithm);
  builder.reserve(changes.size(), changes.size());
  std::vector<uint8_t> erases;
  for (const auto& change : changes)
    if (builder.add(change.entry)) erases.push_back(change.what == index_change::kind::erase);
  std::vector<uint32_t> origins;
  auto newest = level_of(std::move(builder).finish(&origins));
  auto levels = snapshot_->levels;
  for (auto& level : levels) {
    auto rows = find_rows(*newest.columns, *level.columns);
    std::erase(rows, no_row);
    level.hidden.add(rows);
  }
  std::vector<uint32_t> erased;
  for (uint32_t row = 0; row < origins.size(); ++row)
    if (erases[origins[row]]) erased.push_back(row);
  newest.hidden.add(erased);
  if (newest.visible() > 0) {
    if (!erased.empty()) newest = level_of(merge(newest, nothing_of(algorithm)));
    levels.push_back(std::move(newest));
  }
  tidy(algorithm, levels, inline_rows);
  return image_index(snapshot::make(algorithm, std::move(levels)));
}

void index_merge::run() {
  if (levels_.empty()) return;
  // The smallest first: their rows are copied more than once.
  auto merged = levels_.size() == 1
                    ? level_of(merge(levels_.back(), nothing_of(levels_[0].columns->algorithm)))
                    : levels_.back();
  for (size_t i = levels_.size() - 1; i-- > 0;) merged = level_of(merge(levels_[i], merged));
  merged_ = merged.columns;
}

std::optional<index_merge> image_index::pending_merge(size_t least_rows) const {
  const auto& levels = snapshot_->levels;
  size_t first = levels.size();
  size_t below = 0;
  for (size_t i = levels.size(); i-- > 0;) {
    if (is_sparse(levels[i]) ||
        (below > 0 && levels[i].visible() < below * defaults::index_level_ratio))
      first = i;
    below += levels[i].visible();
  }
  if (first == levels.size()) return {};
  // Small levels at the end are left out of a large merge: changes merge them meanwhile, and it
  // would come too late.
  auto last = first;
  for (auto i = first; i < levels.size(); ++i)
    if (levels[i].columns->size() > least_rows / 2) last = i;
  if (last == first && last + 1 < levels.size()) ++last;
  index_merge merge;
  size_t rows = 0;
  for (auto i = first; i <= last; ++i) {
    merge.levels_.push_back(levels[i]);
    rows += levels[i].columns->size();
  }
  // What the next change does by itself is not worth a thread.
  if (rows <= least_rows) return {};
  return merge;
}

image_index image_index::adopt(const index_merge& merge) const {
  if (!merge.merged_) return *this;
  auto levels = snapshot_->levels;
  const auto is_first = [&](const index_level& level) {
    return level.columns == merge.levels_.front().columns;
  };
  const auto first = std::find_if(levels.begin(), levels.end(), is_first);
  // Changes may have merged the smallest of its levels meanwhile: then it comes too late.
  const auto count = static_cast<ptrdiff_t>(merge.levels_.size());
  if (levels.end() - first < count) return *this;
  index_level merged{merge.merged_, {}};
  for (ptrdiff_t i = 0; i < count; ++i) {
    const auto& now = first[i];
    const auto& then = merge.levels_[static_cast<size_t>(i)];
    if (now.columns != then.columns) return *this;
    std::vector<uint32_t> hidden_since;
    if (now.hidden.count() != then.hidden.count())
      now.hidden.for_each([&](uint32_t row) {
        if (!then.hidden.contains(row)) hidden_since.push_back(row);
      });
    hide(hidden_since, *now.columns, merged);
  }
  *first = std::move(merged);
  levels.erase(first + 1, first + count);
  return image_index(snapshot::make(snapshot_->algorithm, std::move(levels)));
}

size_t image_index::size() const {
  return snapshot_->size;
}

std::vector<found_row> image_index::select(const filter& f, sort_field order, size_t limit,
                                           const std::optional<image_facts>& after) const {
  const auto& levels = snapshot_->levels;
  auto narrowed = f;
  // In the order of time nothing before the last image's time can follow it.
  if (after && order == sort_field::timestamp)
    narrowed.start = std::max(f.start.value_or(after->key.timestamp), after->key.timestamp);
  std::vector<std::vector<found_row>> found;
  found.reserve(levels.size());
  for (uint32_t i = 0; i < levels.size(); ++i)
    found.push_back(first_rows(levels[i], i, narrowed, order, limit, after));
  return merge_found(levels, std::move(found), order, limit);
}

std::vector<index_entry> image_index::find(const filter& f, sort_field order, size_t limit,
                                           const std::optional<image_facts>& after) const {
  std::vector<index_entry> entries;
  for (const auto& found : select(f, order, limit, after))
    entries.push_back(snapshot_->levels[found.level].columns->entry(found.row));
  return entries;
}

found_page image_index::page(const filter& f, sort_field order, size_t limit,
                             const std::optional<image_facts>& after, std::string_view node) const {
  // One more than is wanted tells whether there are more.
  auto found = select(f, order, limit == SIZE_MAX ? limit : limit + 1, after);
  const bool more = found.size() > limit;
  if (more) found.resize(limit);
  auto page = pack_page(snapshot_->levels, found, defaults::max_page_bytes, node);
  page.more = more || page.count < found.size();
  return page;
}

uint64_t image_index::count(const filter& f, const cell_predicate& cells) const {
  uint64_t sum = 0;
  for (const auto& level : snapshot_->levels) sum += count_rows(level, f, cells);
  return sum;
}

std::vector<extent_row> image_index::extents(const filter& f, const cell_predicate& cells) const {
  std::vector<std::vector<extent_row>> pages;
  for (const auto& level : snapshot_->levels) pages.push_back(count_extents(level, f, cells));
  return merge_rows(std::move(pages));
}

std::vector<std::string> image_index::platforms() const {
  std::vector<std::string> names;
  for (const auto& level : snapshot_->levels) {
    const auto& c = *level.columns;
    std::vector<uint64_t> rows(c.platforms.size(), 0);
    for (uint32_t id = 0; id < rows.size(); ++id) {
      const auto [first, last] = std::equal_range(c.platform.begin(), c.platform.end(), id);
      rows[id] = static_cast<uint64_t>(last - first);
    }
    level.hidden.for_each([&](uint32_t row) { --rows[c.platform[row]]; });
    for (size_t i = 0; i < rows.size(); ++i)
      if (rows[i] > 0) names.emplace_back(c.platforms[i]);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

size_t image_index::candidates(const filter& f) const {
  size_t sum = 0;
  for (const auto& level : snapshot_->levels) sum += candidate_rows(level, f);
  return sum;
}

size_t image_index::levels() const {
  return snapshot_->levels.size();
}

size_t image_index::memory_bytes() const {
  size_t sum = 0;
  for (const auto& level : snapshot_->levels) sum += level.columns->memory_bytes();
  return sum;
}

}  // namespace stip
