#include "apps/stip/image.hpp"

namespace stip::cli {

namespace {

const argument album_argument = {"ALBUM", "the album's name"};

verb later(std::string_view name, std::string_view summary, std::string_view example) {
  return {name, summary, {album_argument}, {}, true, example};
}

}  // namespace

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
          later("index", "band indices and arithmetic: statistics, or a derived image",
                "stip image index olinda ndvi --store"),
          later("filter", "an image filter over images", "stip image filter olinda blur"),
          image_mosaic_verb(),
          image_delete_verb(),
      },
      "stip image store olinda '/data/*.tif' auto -l 5",
  };
}

}  // namespace stip::cli
