#include "libstip/raster/plan_cache.hpp"

#include <algorithm>

namespace stip {

plan_cache::key plan_cache::key_of(const scene_description& description,
                                   const std::vector<source_tiling>& tilings,
                                   const cut_options& options) {
  key out{{},
          options.algorithm,
          options.precision,
          options.memory_bytes,
          options.max_cells,
          options.cell_table_bytes};
  for (size_t i = 0; i < description.subdatasets.size(); ++i) {
    const auto& d = description.subdatasets[i];
    out.parts.push_back({d.grid, d.type, d.bands.size(), d.valid, tilings[i]});
  }
  return out;
}

std::shared_ptr<const cut_plan> plan_cache::find(const key& wanted) {
  const std::lock_guard guard{mutex_};
  const auto at = std::find_if(recent_.begin(), recent_.end(),
                               [&](const entry& one) { return one.of == wanted; });
  if (at == recent_.end()) return nullptr;
  recent_.splice(recent_.begin(), recent_, at);
  return at->plan;
}

result<std::shared_ptr<const cut_plan>> plan_cache::plan(const scene_description& description,
                                                         const std::vector<source_tiling>& tilings,
                                                         const cut_options& options) {
  // plan_cut refuses it.
  if (tilings.size() != description.subdatasets.size()) return plan_cut(description, {}, options);
  auto wanted = key_of(description, tilings, options);
  if (auto known = find(wanted)) return known;
  STIP_ASSIGN(std::shared_ptr<const cut_plan> made, plan_cut(description, tilings, options));
  if (made->kept_bytes() > defaults::max_cached_plan_bytes) return made;
  const std::lock_guard guard{mutex_};
  recent_.push_front({std::move(wanted), made});
  if (recent_.size() > defaults::max_cached_plans) recent_.pop_back();
  return made;
}

}  // namespace stip
