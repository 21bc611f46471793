#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "libstip/catalog/image.hpp"
#include "libstip/catalog/row_layout.hpp"
#include "libstip/geo/geocode.hpp"
#include "libstip/store/environment.hpp"

// What stands in an album's LMDB environment: keys and values. The bytes are defined in
// docs/data-format.md, section "Metadata".

namespace stip {

/// The tables of an album's environment.
namespace table {
inline constexpr database ids = 0;         // kind, name -> id
inline constexpr database names = 1;       // kind, id -> name
inline constexpr database chips = 2;       // image, index -> chip of a visible image
inline constexpr database pending = 3;     // image, scene, count, index -> chip of no visible image
inline constexpr database scenes = 4;      // scene -> JSON
inline constexpr database tombstones = 5;  // image -> version
inline constexpr database segments = 6;    // segment -> segment_record
inline constexpr database meta = 7;        // word -> value
/// Their names, in the order of the numbers.
std::vector<std::string> all();
}  // namespace table

/// Integers in keys are big-endian, so that bytes sort as numbers do.
std::string big_endian(uint32_t value);
uint32_t read_big_endian32(std::string_view bytes);

/// Names are stored once and are numbers in keys and values.
enum class name_kind : uint8_t { platform = 0, source = 1, tile = 2, subdataset = 3 };

/// Names as one transaction sees them.
class stored_names {
 public:
  explicit stored_names(const transaction& txn) : txn_(&txn) {}

  /// The number of a name; nothing if it has none.
  result<std::optional<uint32_t>> find(name_kind kind, std::string_view name);

  /// The name of a number; valid as long as this object. Errors: corrupt (there is none).
  result<const std::string*> name(name_kind kind, uint32_t id);

 private:
  const transaction* txn_;
  std::unordered_map<uint64_t, std::string> known_;
};

/// The number of a name, which gets one if it has none.
result<uint32_t> intern(write_transaction& txn, name_kind kind, std::string_view name);

/// The numbers of names as one write transaction gives them; each is looked up once.
class interned_names {
 public:
  explicit interned_names(write_transaction& txn) : txn_(&txn) {}
  result<uint32_t> number(name_kind kind, const std::string& name);

 private:
  write_transaction* txn_;
  std::unordered_map<std::string, uint32_t> known_;
};

/// An image's part of a key: platform, packed geocode, timestamp, source, tile. It sorts as the
/// index does but for the order of platforms, sources and tiles.
inline constexpr size_t image_prefix_bytes = 28;

/// Of an image whose names all have numbers; nothing if one has none (no such image is stored).
result<std::optional<std::string>> find_prefix(stored_names& names, geocode_algorithm algorithm,
                                               const image_key& key);

/// Gives numbers to names that have none.
result<std::string> make_prefix(interned_names& names, geocode_algorithm algorithm,
                                const image_key& key);
inline result<std::string> make_prefix(write_transaction& txn, geocode_algorithm algorithm,
                                       const image_key& key) {
  interned_names names{txn};
  return make_prefix(names, algorithm, key);
}

/// The image of a key that begins with its prefix. Errors: corrupt.
result<image_key> read_prefix(stored_names& names, geocode_algorithm algorithm,
                              std::string_view key);

/// A chip's key in table::chips and in table::pending.
std::string chip_key(std::string_view prefix, uint16_t index);
/// Of a key of table::chips.
bool is_mask_key(std::string_view key);
std::string pending_key(std::string_view prefix, const hash128& scene, uint16_t count,
                        uint16_t index);

/// The value of either table.
std::string encode_chip(const chip_record& chip, uint32_t subdataset_id);

/// Reads key (of either table) and value into a record whose image is `image`. Errors: corrupt.
result<chip_record> decode_chip(const image_key& image, std::string_view key,
                                std::string_view value, stored_names& names);

/// The same without the places of the blocks, which are not looked at.
result<chip_description> decode_chip_without_places(const image_key& image, std::string_view key,
                                                    std::string_view value, stored_names& names);

/// What moving a chip's blocks needs of a value: its scene and the places of its blocks.
struct chip_places {
  hash128 scene;
  std::vector<block_location> blocks;
};
result<chip_places> decode_chip_places(std::string_view value);

/// The same value with other places of its blocks, of which there are as many. Errors: corrupt.
result<std::string> with_places(std::string_view value, const std::vector<block_location>& blocks);

/// What the index needs of a value.
struct stored_chip {
  listed_chip listed;
  hash128 scene;
  /// The number of the subdataset's name.
  uint32_t subdataset = 0;
  pixel_type type = pixel_type::uint8;
  uint16_t bands = 0;
  bool quality = false;
  version written;
  /// Of a mask alone.
  std::optional<cloud_note> clouds;
};
/// Reads it in less time than decode_chip. Errors: corrupt.
result<void> decode_stored_chip(std::string_view value, stored_chip& chip);

/// The numbers that an image's key begins with.
struct stored_image {
  uint32_t platform = 0, source = 0, tile = 0;
  uint64_t geocode = 0;
  epoch_seconds time = 0;
};
/// Of a key that has at least image_prefix_bytes.
stored_image read_prefix_numbers(std::string_view key);

/// What is known of a segment.
struct segment_record {
  /// No named block ends behind this.
  uint64_t end = 0;
  /// Bytes of blocks that are named now.
  uint64_t live_bytes = 0;
};
std::string encode(const segment_record& segment);
result<segment_record> decode_segment_record(std::string_view value);

/// All segments that table::segments names. Errors: corrupt.
result<std::unordered_map<uint32_t, segment_record>> read_segments(const transaction& txn);

std::string encode(const version& v);
result<version> decode_version(std::string_view value);

/// Small numbers of table::meta. An absent one reads as 0.
result<uint64_t> get_number(const transaction& txn, std::string_view word);
result<void> put_number(write_transaction& txn, std::string_view word, uint64_t value);

/// Words of table::meta.
namespace meta_word {
inline constexpr std::string_view format = "format";
inline constexpr std::string_view store = "store";
inline constexpr std::string_view algorithm = "algorithm";
inline constexpr std::string_view next_segment = "next-segment";
inline constexpr std::string_view images = "images";
inline constexpr std::string_view chips = "chips";
inline constexpr std::string_view scrub = "scrub";
}  // namespace meta_word

}  // namespace stip
