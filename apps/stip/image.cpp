#include "apps/stip/image.hpp"

namespace stip::cli {

noun image_noun() {
  return {
      "image",
      "images: store, find, show, export, delete",
      {
          image_store_verb(),
          image_list_verb(),
          image_search_verb(),
          image_show_verb(),
          image_probe_verb(),
          image_export_verb(),
          image_split_verb(),
          image_merge_verb(),
          image_fill_verb(),
          image_coalesce_verb(),
          image_align_verb(),
          image_cloud_verb(),
          image_index_verb(),
          image_filter_verb(),
          image_mosaic_verb(),
          image_delete_verb(),
      },
      "stip image store olinda '/data/*.tif' auto -l 5",
  };
}

}  // namespace stip::cli
