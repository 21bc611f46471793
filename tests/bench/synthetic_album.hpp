#pragma once

#include <cstdint>
#include <string>

#include "libstip/catalog/index_builder.hpp"
#include "libstip/store/album_store.hpp"

namespace stip::bench {

/// One image of a synthetic album, as numbers.
struct synthetic_image {
  uint32_t platform = 0;
  uint64_t geocode = 0;
  epoch_seconds time = 0;
  uint32_t scene = 0;
  float pixel_coverage = 0;
  float cloud_coverage = 0;
  listed_chip chip;
};

/// Images of four platforms over 32,768 cells of geohash 5, with one subdataset of four bands each.
/// The filter below has 7,873 candidates by platform and geocode prefix, and about 1,060 hits,
/// however many images the album has.
class synthetic_album {
 public:
  explicit synthetic_album(uint64_t images) : images_(images) {}

  uint64_t size() const { return images_; }
  /// The same for the same number, in any order.
  synthetic_image image(uint64_t number) const;

  static std::string platform(uint32_t number);
  static std::string tile(uint32_t scene);
  static row_layout_ptr layout(uint32_t scene);
  static hash128 scene_id(uint32_t scene);
  /// Images of one scene.
  static constexpr uint64_t images_per_scene = 250;
  uint32_t scenes() const;

  /// Platform, prefix, time, cloud and pixel coverage; without clouds (which a store does not know
  /// yet) a shorter time gives as many hits.
  static filter query(bool with_clouds = true);

  index_columns columns() const;

  /// Commits all of them in groups, as a node that loads does.
  void fill(album_store& store) const;

 private:
  uint64_t images_;
};

/// Bytes of this process that are no file's (RssAnon).
uint64_t anonymous_bytes();

}  // namespace stip::bench
