#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/catalog/row_layout.hpp"
#include "libstip/raster/scene.hpp"
#include "libstip/store/environment.hpp"

namespace stip {

/// The scene records that one transaction sees; each is decoded once.
class scene_records {
 public:
  explicit scene_records(const transaction& txn) : txn_(&txn) {}

  /// Null: the record is not there or cannot be read; rows then do without what it says.
  result<const scene_description*> find(const hash128& id);

  /// What a listing says of a subdataset's chips.
  struct shape {
    std::string_view subdataset;
    pixel_type type = pixel_type::uint8;
    uint16_t bands = 0;
    bool quality = false;
    hash128 scene;
  };

  /// What images of this scene, version and subdatasets have in common. A subdataset may be of
  /// another scene (a mask that was made of the image).
  result<row_layout_ptr> layout(const hash128& scene, const version& written,
                                std::span<const shape> subdatasets);

 private:
  const transaction* txn_;
  std::map<hash128, std::optional<scene_description>> scenes_;
};

/// The names of a subdataset's bands; where the scene record does not say, the numbers serve.
std::vector<std::string> band_names(const scene_description* scene, std::string_view subdataset,
                                    uint16_t bands);

}  // namespace stip
