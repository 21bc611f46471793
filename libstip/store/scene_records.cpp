#include "libstip/store/scene_records.hpp"

#include "libstip/catalog/scene_record.hpp"
#include "libstip/store/records.hpp"

namespace stip {

result<const scene_description*> scene_records::find(const hash128& id) {
  const auto [at, is_new] = scenes_.try_emplace(id);
  if (is_new) {
    STIP_ASSIGN(const auto json, txn_->get(table::scenes, to_string(id)));
    if (json)
      if (auto decoded = decode_scene(*json)) at->second = std::move(*decoded);
  }
  return at->second ? &*at->second : nullptr;
}

result<row_layout_ptr> scene_records::layout(const hash128& scene, const version& written,
                                             std::span<const shape> subdatasets) {
  STIP_ASSIGN(const auto* description, find(scene));
  std::vector<row_layout::subdataset> listed;
  for (const auto& s : subdatasets) {
    STIP_ASSIGN(const auto* own, find(s.scene));
    listed.push_back({std::string(s.subdataset), s.type, band_names(own, s.subdataset, s.bands),
                      s.scene, s.quality});
  }
  static const std::map<std::string, std::string> none;
  return row_layout::make(description ? description->properties : none, listed, written);
}

std::vector<std::string> band_names(const scene_description* scene, std::string_view subdataset,
                                    uint16_t bands) {
  std::vector<std::string> names;
  if (scene)
    for (const auto& s : scene->subdatasets)
      if (s.id == subdataset)
        for (const auto& band : s.bands) names.push_back(band.name);
  if (names.size() != bands) {
    names.clear();
    for (int i = 1; i <= bands; ++i) names.push_back(std::to_string(i));
  }
  return names;
}

}  // namespace stip
