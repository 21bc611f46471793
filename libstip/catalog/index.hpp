#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/catalog/filter.hpp"
#include "libstip/catalog/rows.hpp"

namespace stip {

/// One visible image, as the index takes it in.
struct index_entry {
  image_key key;
  float pixel_coverage = 0;
  /// Negative: unknown.
  float cloud_coverage = -1;

  bool operator==(const index_entry&) const = default;
  image_facts facts() const {
    return {key, pixel_coverage,
            cloud_coverage < 0 ? std::nullopt : std::optional<double>(cloud_coverage)};
  }
};

struct index_change {
  enum class kind : uint8_t { put, erase };
  kind what = kind::put;
  index_entry entry;
};

/// Chooses cells by their geocode; an empty one takes all. Asked once for each run of equal codes.
using cell_predicate = std::function<bool(std::string_view geocode)>;

/// The images of one album on one node: an immutable columnar snapshot, sorted by platform,
/// geocode and time, with a small delta of what is new. Copies are cheap; any thread may query.
class image_index {
 public:
  explicit image_index(geocode_algorithm algorithm);
  /// An index of these entries (later ones win), e.g. all that a store has; fastest when they are
  /// sorted by platform, geocode, time, source and tile. Entries whose geocode is no code of the
  /// algorithm are left out, here and in `with`.
  image_index(geocode_algorithm algorithm, std::span<const index_entry> entries);
  ~image_index();
  image_index(const image_index&) = default;
  image_index(image_index&&) noexcept = default;
  image_index& operator=(const image_index&) = default;
  image_index& operator=(image_index&&) noexcept = default;

  /// A new index with the changes applied (later ones win). Cost: proportional to the delta, with
  /// a merge into the base when the delta has grown past a share of it.
  image_index with(const std::vector<index_change>& changes) const;

  size_t size() const;

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

 private:
  struct snapshot;
  explicit image_index(std::shared_ptr<const snapshot> s);
  std::shared_ptr<const snapshot> snapshot_;
};

}  // namespace stip
