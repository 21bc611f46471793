#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "libstip/core/error.hpp"
#include "libstip/raster/pixel_type.hpp"

// How the pixels of one block become the payload of its record, without loss. The bytes are
// defined in docs/data-format.md, section "Blocks".

namespace stip {

/// How a payload is coded. The numbers stand in files and messages: never renumber.
enum class codec_id : uint8_t {
  /// The pixels, little-endian (bits: packed rows).
  raw = 1,
  /// One pixel, which all others equal bit for bit.
  constant = 2,
  /// Integers: vertical difference, patched frame of reference (codec_vdpfor.hpp).
  vdpfor = 3,
  /// Planes of bytes of one significance, each raw, constant, LZ4 or Zstandard (codec_planes.hpp).
  planes = 4,
  /// The same over the difference of each pixel, taken as an integer, with the pixel above.
  up_planes = 5,
  /// Pixels of 1 or 2 bytes with few values: ranks in a table (codec_classes.hpp).
  classes = 6,
};

/// Whether a payload of this type can be coded so; false for unknown values of either.
bool is_known(codec_id codec, pixel_type type) noexcept;

/// "raw", "constant", "vdpfor", "planes", ...; "unknown" else.
std::string_view to_string(codec_id codec) noexcept;

/// The shape of a block as the codec sees it.
struct block_shape {
  pixel_type type = pixel_type::uint8;
  /// 1 .. defaults::max_block_edge each.
  size_t rows = 0;
  size_t columns = 0;

  size_t pixels() const noexcept { return rows * columns; }
  /// Bytes of the decoded pixels.
  size_t memory_bytes() const noexcept { return pixels() * size_of(type); }
  /// Bytes of the payload that is coded raw; no payload is longer.
  size_t raw_bytes() const noexcept;
};

/// Memory that the codec reuses from block to block; belongs to one thread at a time.
class codec_scratch {
 public:
  codec_scratch();
  ~codec_scratch();
  codec_scratch(codec_scratch&&) noexcept;
  codec_scratch& operator=(codec_scratch&&) noexcept;

  struct state;
  /// Made at the first use.
  state& get();

 private:
  std::unique_ptr<state> state_;
};

/// Appends the payload of `pixels` (dense, native byte order, shape.memory_bytes() bytes, any
/// alignment; bits 0 or 1) to `out` and returns how it is coded; the choice depends on the pixels
/// alone. At most shape.raw_bytes() are appended.
codec_id encode_pixels(const block_shape& shape, std::span<const std::byte> pixels,
                       codec_scratch& scratch, std::vector<std::byte>& out);

/// Writes shape.memory_bytes() bytes to `pixels`. Any payload is safe; false when it is not one
/// that the codec can have written (`pixels` is then unspecified).
[[nodiscard]] bool decode_pixels(const block_shape& shape, codec_id codec,
                                 std::span<const std::byte> payload, codec_scratch& scratch,
                                 std::span<std::byte> pixels);

}  // namespace stip
