#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <vector>

#include "libstip/raster/cut.hpp"

namespace stip {

/// Plans of the last scenes, for those that fall into the same windows: the days of a file, the
/// dates of a tile. Thread-safe.
class plan_cache {
 public:
  /// What plan_cut gives.
  result<std::shared_ptr<const cut_plan>> plan(const scene_description& description,
                                               const std::vector<source_tiling>& tilings,
                                               const cut_options& options);

 private:
  /// What a plan depends on.
  struct key {
    struct part {
      stip::grid grid;
      pixel_type type = pixel_type::uint8;
      size_t bands = 0;
      validity valid = validity::all;
      source_tiling tiling;
      bool operator==(const part&) const = default;
    };
    std::vector<part> parts;
    geocode_algorithm algorithm = geocode_algorithm::geohash;
    int precision = 0;
    uint64_t memory_bytes = 0, max_cells = 0, cell_table_bytes = 0;
    bool operator==(const key&) const = default;
  };
  struct entry {
    key of;
    std::shared_ptr<const cut_plan> plan;
  };

  static key key_of(const scene_description& description, const std::vector<source_tiling>& tilings,
                    const cut_options& options);
  std::shared_ptr<const cut_plan> find(const key& wanted);

  std::mutex mutex_;
  /// The latest first.
  std::list<entry> recent_;
};

}  // namespace stip
