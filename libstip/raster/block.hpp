#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "libstip/core/error.hpp"
#include "libstip/raster/codec.hpp"
#include "libstip/raster/pixel_type.hpp"

// The record of a block: header, payload, zeros up to a multiple of 8 bytes. The bytes are defined
// in docs/data-format.md, section "Blocks".

namespace stip {

/// What the header of a record says of its block: at most 512 x 512 pixels of one band.
struct block_header {
  pixel_type type = pixel_type::uint8;
  codec_id codec = codec_id::raw;
  /// 1 .. defaults::max_block_edge each.
  uint16_t rows = 0;
  uint16_t columns = 0;
  /// Bytes between the header and the padding.
  uint32_t payload_bytes = 0;
  /// XXH3-64 of the decoded pixels, dense, row by row, little-endian.
  uint64_t content = 0;
  /// XXH3-64 of the payload.
  uint64_t payload_checksum = 0;

  bool operator==(const block_header&) const = default;
};

inline constexpr size_t block_header_bytes = 64;

/// Records begin and end at multiples of this.
inline constexpr size_t block_alignment = 8;

/// Bytes of the block's record with header and padding.
size_t record_bytes(const block_header& header) noexcept;

/// Bytes of the block's decoded pixels: rows * columns * size_of(type).
size_t pixel_bytes(const block_header& header) noexcept;

/// No record of this type and shape is longer, whatever its pixels.
size_t max_record_bytes(pixel_type type, uint16_t rows, uint16_t columns) noexcept;

/// Encodes blocks; keeps its scratch memory for the next one. One per thread.
class block_encoder {
 public:
  /// Appends the record of one block to `out` and returns its bytes. `pixels` is dense, row-major,
  /// in the machine's byte order, at any alignment. The same pixels give the same record.
  /// ec::invalid_argument: unknown type, edge not in 1..512, wrong size of `pixels`, or a bit that
  /// is neither 0 nor 1; `out` is then as it was.
  result<size_t> append_block(pixel_type type, uint16_t rows, uint16_t columns,
                              std::span<const std::byte> pixels, std::vector<std::byte>& out);

 private:
  codec_scratch scratch_;
};

/// Reads the header at the start of `record` and checks it: magic, version, checksum, known type
/// and codec, shape, and that the whole record is there. Bytes may follow the record.
/// ec::malformed: it is no record or is cut off; ec::corrupt: the header's checksum does not match;
/// ec::incompatible: a newer header version; ec::unsupported: unknown type or codec.
result<block_header> parse_block(std::span<const std::byte> record);

/// parse_block, and also the payload's checksum and the padding (ec::corrupt).
result<void> verify_block(std::span<const std::byte> record);

/// Decodes blocks; keeps its scratch memory for the next one. One per thread.
class block_decoder {
 public:
  /// Verifies the record at the start of `record` and writes its pixels, dense, row-major, in the
  /// machine's byte order. `pixels` has exactly pixel_bytes() bytes, at any alignment
  /// (else ec::invalid_argument). Any input is safe: a payload that no encoder wrote is
  /// ec::corrupt; `pixels` is then unspecified.
  result<void> decode_block(std::span<const std::byte> record, std::span<std::byte> pixels);

 private:
  codec_scratch scratch_;
};

/// block_decoder::decode_block with scratch memory of its own.
result<void> decode_block(std::span<const std::byte> record, std::span<std::byte> pixels);

}  // namespace stip
