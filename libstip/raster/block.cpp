#include "libstip/raster/block.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <string>

#include "libstip/core/defaults.hpp"
#include "libstip/core/hash.hpp"

namespace stip {

namespace {

static_assert(std::endian::native == std::endian::little, "headers are copied as they are");

/// "STPB", read as a little-endian number.
constexpr uint32_t magic = 0x42505453;

constexpr uint16_t header_version = 2;

/// The header as it lies on disk.
struct disk_header {
  uint32_t magic;
  uint16_t version;
  uint8_t type;
  uint8_t codec;
  uint16_t rows;
  uint16_t columns;
  uint32_t payload_bytes;
  uint64_t content;
  uint64_t payload_checksum;
  uint64_t reserved[3];
  uint64_t header_checksum;
};

static_assert(sizeof(disk_header) == block_header_bytes);
static_assert(offsetof(disk_header, content) == 16);
static_assert(offsetof(disk_header, header_checksum) == 56);

uint64_t checksum_of(const disk_header& header) {
  return hash64(std::as_bytes(std::span(&header, 1)).first(offsetof(disk_header, header_checksum)));
}

size_t aligned(size_t bytes) {
  return (bytes + block_alignment - 1) / block_alignment * block_alignment;
}

bool is_edge(size_t edge) {
  return edge >= 1 && edge <= defaults::max_block_edge;
}

block_shape shape_of(const block_header& header) {
  return {header.type, header.rows, header.columns};
}

tl::unexpected<error> not_a_record(std::string why) {
  return fail(ec::malformed, "read block", std::move(why));
}

tl::unexpected<error> damaged(std::string why) {
  return fail(ec::corrupt, "read block", std::move(why),
              "restore it from a replica, or store the scene again");
}

std::span<const std::byte> payload_of(const block_header& header,
                                      std::span<const std::byte> record) {
  return record.subspan(block_header_bytes, header.payload_bytes);
}

}  // namespace

size_t record_bytes(const block_header& header) noexcept {
  return aligned(block_header_bytes + header.payload_bytes);
}

size_t pixel_bytes(const block_header& header) noexcept {
  return shape_of(header).memory_bytes();
}

size_t max_record_bytes(pixel_type type, uint16_t rows, uint16_t columns) noexcept {
  return aligned(block_header_bytes + block_shape{type, rows, columns}.raw_bytes());
}

result<size_t> block_encoder::append_block(pixel_type type, uint16_t rows, uint16_t columns,
                                           std::span<const std::byte> pixels,
                                           std::vector<std::byte>& out) {
  const auto refuse = [](std::string why) {
    return fail(ec::invalid_argument, "encode block", std::move(why));
  };
  if (!is_known(type)) return refuse("unknown pixel type");
  if (!is_edge(rows) || !is_edge(columns))
    return refuse("a block of " + std::to_string(rows) + " x " + std::to_string(columns) +
                  " pixels; an edge has 1 to " + std::to_string(defaults::max_block_edge));
  const block_shape shape{type, rows, columns};
  if (pixels.size() != shape.memory_bytes())
    return refuse(std::to_string(pixels.size()) + " bytes of pixels where the shape needs " +
                  std::to_string(shape.memory_bytes()));
  if (type == pixel_type::bit) {
    std::byte all{0};
    for (const std::byte pixel : pixels) all |= pixel;
    if (std::to_integer<unsigned>(all) > 1) return refuse("a bit that is neither 0 nor 1");
  }
  const size_t begin = out.size();
  out.resize(begin + block_header_bytes);
  disk_header header{};
  header.magic = magic;
  header.version = header_version;
  header.type = static_cast<uint8_t>(type);
  header.codec = static_cast<uint8_t>(encode_pixels(shape, pixels, scratch_, out));
  header.rows = rows;
  header.columns = columns;
  header.payload_bytes = static_cast<uint32_t>(out.size() - begin - block_header_bytes);
  header.content = hash64(pixels);
  header.payload_checksum = hash64(std::span(out).subspan(begin + block_header_bytes));
  header.header_checksum = checksum_of(header);
  std::memcpy(out.data() + begin, &header, sizeof header);
  out.resize(begin + aligned(out.size() - begin));
  return out.size() - begin;
}

result<block_header> parse_block(std::span<const std::byte> record) {
  disk_header disk;
  if (record.size() < sizeof disk)
    return not_a_record("it ends after " + std::to_string(record.size()) + " bytes of its header");
  std::memcpy(&disk, record.data(), sizeof disk);
  if (disk.magic != magic) return not_a_record("it does not begin with the magic number");
  if (disk.header_checksum != checksum_of(disk))
    return damaged("the header does not match its checksum");
  if (disk.version != header_version)
    return fail(ec::incompatible, "read block",
                "its header has version " + std::to_string(disk.version) + ", known is " +
                    std::to_string(header_version),
                "update stip");
  block_header header;
  header.type = static_cast<pixel_type>(disk.type);
  header.codec = static_cast<codec_id>(disk.codec);
  header.rows = disk.rows;
  header.columns = disk.columns;
  header.payload_bytes = disk.payload_bytes;
  header.content = disk.content;
  header.payload_checksum = disk.payload_checksum;
  if (!is_known(header.type) || !is_known(header.codec, header.type))
    return fail(ec::unsupported, "read block",
                "pixel type " + std::to_string(disk.type) + " in codec " +
                    std::to_string(disk.codec) + " is unknown",
                "update stip");
  if (!is_edge(header.rows) || !is_edge(header.columns))
    return not_a_record("its shape is " + std::to_string(header.rows) + " x " +
                        std::to_string(header.columns));
  if (header.payload_bytes == 0 || header.payload_bytes > shape_of(header).raw_bytes())
    return not_a_record("its payload has " + std::to_string(header.payload_bytes) + " bytes");
  if (std::any_of(std::begin(disk.reserved), std::end(disk.reserved),
                  [](uint64_t word) { return word != 0; }))
    return not_a_record("a reserved field is set");
  if (record.size() < record_bytes(header))
    return not_a_record("it ends after " + std::to_string(record.size()) + " of " +
                        std::to_string(record_bytes(header)) + " bytes");
  return header;
}

result<void> verify_block(std::span<const std::byte> record) {
  STIP_ASSIGN(const block_header header, parse_block(record));
  if (hash64(payload_of(header, record)) != header.payload_checksum)
    return damaged("the payload does not match its checksum");
  const auto padding =
      record.first(record_bytes(header)).subspan(block_header_bytes + header.payload_bytes);
  if (std::any_of(padding.begin(), padding.end(), [](std::byte b) { return b != std::byte{0}; }))
    return damaged("the padding is not zero");
  return {};
}

result<void> block_decoder::decode_block(std::span<const std::byte> record,
                                         std::span<std::byte> pixels) {
  STIP_ASSIGN(const block_header header, parse_block(record));
  const auto shape = shape_of(header);
  if (pixels.size() != shape.memory_bytes())
    return fail(ec::invalid_argument, "read block",
                "room for " + std::to_string(pixels.size()) + " bytes where the pixels have " +
                    std::to_string(shape.memory_bytes()));
  // The checksum of the pixels says all: that of the payload is for those who do not decode, and
  // would cost as much again. It only serves to tell what is wrong.
  const auto payload = payload_of(header, record);
  const bool decoded = decode_pixels(shape, header.codec, payload, scratch_, pixels);
  if (decoded && hash64(pixels) == header.content) return {};
  if (hash64(payload) != header.payload_checksum)
    return damaged("the payload does not match its checksum");
  if (!decoded)
    return damaged("the payload is not what the codec " + std::string(to_string(header.codec)) +
                   " writes");
  return damaged("the pixels do not match their checksum");
}

result<void> decode_block(std::span<const std::byte> record, std::span<std::byte> pixels) {
  return block_decoder{}.decode_block(record, pixels);
}

}  // namespace stip
