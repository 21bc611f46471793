#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/catalog/cloud_fractions.hpp"
#include "libstip/core/clock.hpp"
#include "libstip/core/error.hpp"
#include "libstip/core/hash.hpp"
#include "libstip/core/time.hpp"
#include "libstip/raster/pixel_outline.hpp"
#include "libstip/raster/pixel_type.hpp"

namespace stip {

class packed_reader;
class packed_writer;

/// What names an image within its album. Every part is at most defaults::max_name_bytes of UTF-8
/// without control characters, and none is empty.
struct image_key {
  std::string platform;
  std::string geocode;
  std::string source;
  std::string tile;
  epoch_seconds timestamp = 0;

  bool operator==(const image_key&) const = default;
};

/// `PLATFORM/GEOCODE/SOURCE/TILE/YYYYMMDDTHHMMSSZ`, each part percent-encoded (RFC 3986
/// unreserved characters stay; `~` is encoded too, since an exported file's name has it for `/`).
std::string to_string(const image_key& key);

/// The inverse of to_string; hexadecimal digits of either case, and characters that were encoded
/// without need, are accepted. Errors: as check(image_key).
result<image_key> parse_image_key(std::string_view text);

/// A key as part of a file name: `~` for `/`.
std::string to_file_name(const image_key& key);

/// Checks lengths and characters of the parts, and that the year has four digits.
/// Errors: invalid_argument, limit_exceeded.
result<void> check(const image_key& key);

/// Whether the timestamp has a year of four digits, as keys need it; only such times are printed.
bool is_key_time(epoch_seconds time);

/// Checks one name: 1 to defaults::max_name_bytes bytes of UTF-8 without control characters.
/// `role` says in the error what it names ("platform"). Errors: invalid_argument, limit_exceeded.
result<void> check_name(std::string_view role, std::string_view name);

/// The image's id: XXH3-128 of its key.
hash128 image_id(const image_key& key);

/// Where the bytes of one block lie on a node. `bytes` 0: the block has no valid pixel and no
/// bytes.
struct block_location {
  uint64_t offset = 0;
  uint32_t segment = 0;
  uint32_t bytes = 0;

  bool operator==(const block_location&) const = default;
};

/// What a mask of an image's clouds says besides its pixels.
struct cloud_note {
  /// The scene record of the image that it was made of: of another image of the same key it says
  /// nothing.
  hash128 of;
  /// Nothing when not one pixel of the cell tells.
  std::optional<cloud_fractions> shares;

  bool operator==(const cloud_note&) const = default;
};

/// The number, and the name, that the mask of an image's clouds has among its subdatasets.
inline constexpr uint16_t cloud_mask_index = UINT16_MAX;
inline constexpr std::string_view cloud_mask_name = "cloud";

/// What is written of one chip (one subdataset of one image), without the place of its blocks.
///
/// A chip has `planes` = bands (+ mask planes) of height x width pixels each, stored as blocks of
/// at most block_edge x block_edge. Blocks are numbered plane by plane, in a plane row-major.
struct chip_description {
  image_key key;
  /// Name of the subdataset within the image, e.g. "0", "10m".
  std::string subdataset;
  /// Position of the subdataset among those that the loader declared, and how many it declared: an
  /// image is visible when all are there. A mask of its clouds is none of these: cloud_mask_index
  /// and 0.
  uint16_t subdataset_index = 0;
  uint16_t subdataset_count = 1;
  /// Not measured data (quality bands): does not count for the image's pixel coverage.
  bool quality = false;
  /// The scene record that the chip refers to.
  hash128 scene;
  pixel_type type = pixel_type::uint8;
  uint16_t bands = 0;
  /// Mask planes after the bands, of pixel_type::bit: 0 (validity is told by nodata or alpha),
  /// 1 (one for all bands) or `bands`.
  uint16_t mask_planes = 0;
  uint16_t block_edge = 0;
  /// Window of the scene's pixel grid (of the subdataset): may begin before 0 and end past the
  /// scene.
  int64_t column = 0;
  int64_t row = 0;
  uint32_t width = 0;
  uint32_t height = 0;
  /// Pixels whose centre lies in the cell, and how many of them hold data in at least one band.
  uint64_t cell_pixels = 0;
  uint64_t valid_pixels = 0;
  /// Around the valid pixels of the cell, see finished_chip. Empty where all of them are, or none.
  pixel_outline outline;
  /// Hash over type, shape and the content hashes of all blocks: equal chips have equal hashes,
  /// wherever and however they were stored.
  hash128 content;
  /// When the task that wrote it began.
  version written;
  /// The cell's place on the ring of tokens.
  uint64_t token = 0;
  /// Of a mask of the image's clouds alone.
  std::optional<cloud_note> clouds;

  bool operator==(const chip_description&) const = default;

  uint32_t planes() const { return uint32_t{bands} + mask_planes; }
  uint32_t block_columns() const { return (width + block_edge - 1) / block_edge; }
  uint32_t block_rows() const { return (height + block_edge - 1) / block_edge; }
  uint64_t blocks() const { return uint64_t{planes()} * block_columns() * block_rows(); }
  /// valid_pixels / cell_pixels.
  double pixel_coverage() const {
    return cell_pixels == 0 ? 0.0 : double(valid_pixels) / double(cell_pixels);
  }
};

/// Checks every number of a description that came from elsewhere against its bound: shapes,
/// counts, names. Errors: malformed, limit_exceeded.
result<void> check(const chip_description& chip);

/// A chip as a node holds it.
struct chip_record {
  chip_description chip;
  std::vector<block_location> blocks;

  /// Bytes as stored, headers included.
  uint64_t bytes() const;
};

/// What only some chips have, in the packed forms: the version byte says which of it there is.
uint8_t form_of(const chip_description& chip);
uint8_t expect_form(packed_reader& in);
void append_particulars(packed_writer& out, const chip_description& chip);
void read_particulars(packed_reader& in, uint8_t form, chip_description& chip);

/// Packed binary forms, for LMDB and messages. Decoding checks every length and then the
/// description itself (see check). Errors: malformed, limit_exceeded.
std::string encode(const chip_description& chip);
result<chip_description> decode_chip_description(std::string_view bytes);

}  // namespace stip
