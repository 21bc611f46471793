#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/catalog/index_entry.hpp"
#include "libstip/catalog/index_query.hpp"
#include "libstip/catalog/rows.hpp"
#include "libstip/core/defaults.hpp"

namespace stip {

/// A page of rows as it travels.
struct found_page {
  /// encode_rows of image rows.
  std::string rows;
  size_t count = 0;
  /// There are more rows after the last one.
  bool more = false;
};

class index_merge;

/// The images of one album on one node: an immutable snapshot of columns, sorted by platform,
/// geocode and time, with all that filters look at and listings show. Copies are cheap; any thread
/// may query.
///
/// The columns lie in levels, each smaller than the one before it: a change makes a new level, and
/// hides what it replaces in the others. Levels of similar size are merged, small ones by the
/// change itself, large ones beside it (see pending_merge).
class image_index {
 public:
  explicit image_index(geocode_algorithm algorithm);
  /// An index of these entries (later ones win). Entries whose geocode is no code of the algorithm
  /// are left out, here and in `with`.
  image_index(geocode_algorithm algorithm, std::span<const index_entry> entries);
  /// An index of what a builder has made of a store.
  explicit image_index(index_columns columns);
  ~image_index();
  image_index(const image_index&) = default;
  image_index(image_index&&) noexcept = default;
  image_index& operator=(const image_index&) = default;
  image_index& operator=(image_index&&) noexcept = default;

  /// A new index with the changes applied (later ones win). Costs about as much as the changes, and
  /// merges of levels with at most `inline_rows` rows together.
  image_index with(const std::vector<index_change>& changes,
                   size_t inline_rows = defaults::max_inline_merge_rows) const;

  /// The merge that is due of levels with more than `least_rows` rows together; nothing when there
  /// is none. It may run on any thread while changes go on.
  std::optional<index_merge> pending_merge(
      size_t least_rows = defaults::max_inline_merge_rows) const;

  /// A new index with the levels of a merge replaced by its outcome. The merge began with this
  /// index or one that this one was made of by `with` alone; else nothing changes.
  image_index adopt(const index_merge& merged) const;

  size_t size() const;

  /// A page of up to `limit` rows, and about defaults::max_page_bytes, as `find` orders them;
  /// `node` is named as the place of each.
  found_page page(const filter& f, sort_field order, size_t limit,
                  const std::optional<image_facts>& after, std::string_view node) const;

  /// Up to `limit` entries that match, in `order`, strictly after the image `after` (which need
  /// not exist; its facts give its place in the order). Takes memory for `limit` entries, not for
  /// all that match.
  std::vector<index_entry> find(const filter& f, sort_field order, size_t limit,
                                const std::optional<image_facts>& after) const;

  /// How many match, of the cells that `cells` takes.
  uint64_t count(const filter& f, const cell_predicate& cells = {}) const;

  /// Counts by geocode (cut to one character more than the filter's, or 1), platform, precision
  /// and source, in the order of merge_rows. Where several nodes hold copies of an image, `cells`
  /// takes those that this node answers for, so that each image is counted once in the cluster.
  std::vector<extent_row> extents(const filter& f, const cell_predicate& cells = {}) const;

  /// The distinct platforms, sorted.
  std::vector<std::string> platforms() const;

  /// How many rows a query with this filter has to look at, about: what it costs.
  size_t candidates(const filter& f) const;

  size_t levels() const;
  /// Bytes of memory that the columns and tables take.
  size_t memory_bytes() const;

 private:
  friend class index_merge;
  struct snapshot;
  explicit image_index(std::shared_ptr<const snapshot> s);
  std::vector<found_row> select(const filter& f, sort_field order, size_t limit,
                                const std::optional<image_facts>& after) const;
  std::shared_ptr<const snapshot> snapshot_;
};

/// The merge of some levels of an index, to be run beside changes.
class index_merge {
 public:
  /// Does the work. Blocks; for one thread.
  void run();

 private:
  friend class image_index;
  /// In the order of the index, one after another.
  std::vector<index_level> levels_;
  std::shared_ptr<const index_columns> merged_;
};

}  // namespace stip
