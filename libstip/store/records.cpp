#include "libstip/store/records.hpp"

#include <limits>

#include "libstip/core/defaults.hpp"
#include "libstip/core/packed.hpp"
#include "libstip/raster/block.hpp"

namespace stip {

namespace {

constexpr uint8_t segment_version = 1;
constexpr uint8_t stamp_version = 1;
constexpr std::string_view next_name_word = "next-name-";

/// Makes signed times sort as bytes.
constexpr uint64_t sign_bit = uint64_t{1} << 63;

template <class Integer>
void append_big_endian(std::string& out, Integer value) {
  for (size_t i = sizeof(Integer); i-- > 0;) out += static_cast<char>(value >> (8 * i) & 0xff);
}

template <class Integer>
Integer big_endian_at(std::string_view bytes, size_t at) {
  Integer value = 0;
  for (size_t i = 0; i < sizeof(Integer); ++i)
    value = static_cast<Integer>(value << 8 | static_cast<uint8_t>(bytes[at + i]));
  return value;
}

std::string name_key(name_kind kind, std::string_view name) {
  return std::string(1, static_cast<char>(kind)).append(name);
}

std::string id_key(name_kind kind, uint32_t id) {
  std::string key(1, static_cast<char>(kind));
  append_big_endian(key, id);
  return key;
}

tl::unexpected<error> damaged(std::string what, std::string why) {
  return fail(ec::corrupt, "read " + std::move(what), std::move(why),
              "repair the album from another node, or load it again");
}

/// What a decoder of the wire's forms calls malformed is damage here: we wrote it ourselves.
tl::unexpected<error> damaged(error err) {
  err.code = ec::corrupt;
  return fail(std::move(err));
}

void append_blocks(packed_writer& out, const std::vector<block_location>& blocks) {
  const block_location* previous = nullptr;
  for (size_t i = 0; i < blocks.size(); ++i) {
    const auto& block = blocks[i];
    if (block.bytes == 0) {
      size_t run = 1;
      while (i + run < blocks.size() && blocks[i + run].bytes == 0) ++run;
      out.varint(0).varint(run);
      i += run - 1;
      continue;
    }
    const bool follows = previous && previous->segment == block.segment &&
                         previous->offset + previous->bytes == block.offset;
    out.varint(uint64_t{block.bytes} / block_alignment << 1 | (follows ? 1 : 0));
    if (!follows) out.varint(block.segment).varint(block.offset / block_alignment);
    previous = &block;
  }
}

std::vector<block_location> read_blocks(packed_reader& in, size_t count) {
  constexpr uint64_t most_units = std::numeric_limits<uint32_t>::max() / block_alignment;
  std::vector<block_location> blocks(count);
  uint64_t end = 0;
  std::optional<uint32_t> segment;
  for (size_t i = 0; i < count && in.ok();) {
    const auto head = in.varint(most_units << 1 | 1);
    if (head == 0) {
      const auto run = in.varint(count - i);
      in.expect(run > 0, "an empty run of blocks");
      i += run;
      continue;
    }
    const auto bytes = static_cast<uint32_t>((head >> 1) * block_alignment);
    in.expect(bytes > 0, "a block of no bytes");
    if ((head & 1) == 0) {
      segment = static_cast<uint32_t>(in.varint(std::numeric_limits<uint32_t>::max()));
      end = in.varint(defaults::max_segment_offset / block_alignment) * block_alignment;
    }
    in.expect(segment.has_value(), "a block that follows none");
    if (!in.ok()) break;
    blocks[i++] = {end, *segment, bytes};
    end += bytes;
    in.expect(end <= defaults::max_segment_offset, "a block beyond any segment");
  }
  return blocks;
}

}  // namespace

std::vector<std::string> table::all() {
  return {"ids", "names", "chips", "pending", "scenes", "tombstones", "segments", "meta"};
}

std::string big_endian(uint32_t value) {
  std::string bytes;
  append_big_endian(bytes, value);
  return bytes;
}

uint32_t read_big_endian32(std::string_view bytes) {
  return bytes.size() == sizeof(uint32_t) ? big_endian_at<uint32_t>(bytes, 0) : 0;
}

result<std::optional<uint32_t>> stored_names::find(name_kind kind, std::string_view name) {
  STIP_ASSIGN(const auto value, txn_->get(table::ids, name_key(kind, name)));
  if (!value) return std::optional<uint32_t>{};
  if (value->size() != sizeof(uint32_t))
    return damaged("the number of name " + std::string(name), "it has another length");
  return std::optional{big_endian_at<uint32_t>(*value, 0)};
}

result<const std::string*> stored_names::name(name_kind kind, uint32_t id) {
  const auto slot = uint64_t{static_cast<uint8_t>(kind)} << 32 | id;
  if (const auto found = known_.find(slot); found != known_.end()) return &found->second;
  STIP_ASSIGN(const auto value, txn_->get(table::names, id_key(kind, id)));
  if (!value) return damaged("name " + std::to_string(id), "there is none of this number");
  return &known_.emplace(slot, std::string(*value)).first->second;
}

result<uint32_t> intern(write_transaction& txn, name_kind kind, std::string_view name) {
  STIP_ASSIGN(const auto known, stored_names{txn}.find(kind, name));
  if (known) return *known;
  const auto word = std::string(next_name_word) + std::to_string(static_cast<int>(kind));
  STIP_ASSIGN(const auto next, get_number(txn, word));
  if (next >= std::numeric_limits<uint32_t>::max())
    return fail(ec::limit_exceeded, "store name " + std::string(name), "all numbers are used");
  const auto id = static_cast<uint32_t>(next);
  STIP_TRY(put_number(txn, word, next + 1));
  STIP_TRY(txn.put(table::ids, name_key(kind, name), big_endian(id)));
  STIP_TRY(txn.put(table::names, id_key(kind, id), name));
  return id;
}

result<uint32_t> interned_names::number(name_kind kind, const std::string& name) {
  auto key = name_key(kind, name);
  if (const auto found = known_.find(key); found != known_.end()) return found->second;
  STIP_ASSIGN(const auto id, intern(*txn_, kind, name));
  known_.emplace(std::move(key), id);
  return id;
}

namespace {

std::string prefix_of(uint32_t platform, uint64_t geocode, epoch_seconds time, uint32_t source,
                      uint32_t tile) {
  std::string key;
  key.reserve(image_prefix_bytes);
  append_big_endian(key, platform);
  append_big_endian(key, geocode);
  append_big_endian(key, static_cast<uint64_t>(time) ^ sign_bit);
  append_big_endian(key, source);
  append_big_endian(key, tile);
  return key;
}

}  // namespace

result<std::optional<std::string>> find_prefix(stored_names& names, geocode_algorithm algorithm,
                                               const image_key& key) {
  if (!check_geocode(algorithm, key.geocode)) return std::optional<std::string>{};
  STIP_ASSIGN(const auto platform, names.find(name_kind::platform, key.platform));
  STIP_ASSIGN(const auto source, names.find(name_kind::source, key.source));
  STIP_ASSIGN(const auto tile, names.find(name_kind::tile, key.tile));
  if (!platform || !source || !tile) return std::optional<std::string>{};
  return std::optional{
      prefix_of(*platform, pack(algorithm, key.geocode), key.timestamp, *source, *tile)};
}

result<std::string> make_prefix(interned_names& names, geocode_algorithm algorithm,
                                const image_key& key) {
  STIP_TRY(check_geocode(algorithm, key.geocode));
  STIP_ASSIGN(const auto platform, names.number(name_kind::platform, key.platform));
  STIP_ASSIGN(const auto source, names.number(name_kind::source, key.source));
  STIP_ASSIGN(const auto tile, names.number(name_kind::tile, key.tile));
  return prefix_of(platform, pack(algorithm, key.geocode), key.timestamp, source, tile);
}

result<image_key> read_prefix(stored_names& names, geocode_algorithm algorithm,
                              std::string_view key) {
  if (key.size() < image_prefix_bytes) return damaged("the key of a chip", "it is cut off");
  const auto image = read_prefix_numbers(key);
  STIP_ASSIGN(const auto platform, names.name(name_kind::platform, image.platform));
  STIP_ASSIGN(const auto source, names.name(name_kind::source, image.source));
  STIP_ASSIGN(const auto tile, names.name(name_kind::tile, image.tile));
  return image_key{*platform, unpack(algorithm, image.geocode), *source, *tile, image.time};
}

std::string chip_key(std::string_view prefix, uint16_t index) {
  std::string key(prefix);
  append_big_endian(key, index);
  return key;
}

bool is_mask_key(std::string_view key) {
  return key.size() == image_prefix_bytes + sizeof(uint16_t) &&
         big_endian_at<uint16_t>(key, image_prefix_bytes) == cloud_mask_index;
}

std::string pending_key(std::string_view prefix, const hash128& scene, uint16_t count,
                        uint16_t index) {
  std::string key(prefix);
  append_big_endian(key, scene.high);
  append_big_endian(key, scene.low);
  append_big_endian(key, count);
  append_big_endian(key, index);
  return key;
}

std::string encode_chip(const chip_record& record, uint32_t subdataset_id) {
  const auto& chip = record.chip;
  packed_writer out;
  out.u8(form_of(chip))
      .flag(chip.quality)
      .varint(chip.subdataset_count)
      .varint(chip.cell_pixels)
      .varint(chip.valid_pixels)
      .hash(chip.scene)
      .varint(subdataset_id)
      .u8(static_cast<uint8_t>(chip.type))
      .varint(chip.bands)
      .varint(chip.mask_planes)
      .varint(chip.block_edge)
      .signed_varint(chip.column)
      .signed_varint(chip.row)
      .varint(chip.width)
      .varint(chip.height)
      .hash(chip.content)
      .stamp(chip.written)
      .u64(chip.token);
  append_particulars(out, chip);
  append_blocks(out, record.blocks);
  return out.take();
}

namespace {

/// All that stands before the blocks; gives the number of the subdataset's name.
uint32_t read_chip_fields(packed_reader& in, chip_description& chip) {
  constexpr uint64_t most16 = std::numeric_limits<uint16_t>::max();
  constexpr uint64_t most32 = std::numeric_limits<uint32_t>::max();
  const auto form = expect_form(in);
  chip.quality = in.flag();
  chip.subdataset_count = static_cast<uint16_t>(in.varint(most16));
  chip.cell_pixels = in.varint();
  chip.valid_pixels = in.varint();
  chip.scene = in.hash();
  const auto subdataset = static_cast<uint32_t>(in.varint(most32));
  chip.type = static_cast<pixel_type>(in.u8());
  chip.bands = static_cast<uint16_t>(in.varint(most16));
  chip.mask_planes = static_cast<uint16_t>(in.varint(most16));
  chip.block_edge = static_cast<uint16_t>(in.varint(most16));
  chip.column = in.signed_varint();
  chip.row = in.signed_varint();
  chip.width = static_cast<uint32_t>(in.varint(most32));
  chip.height = static_cast<uint32_t>(in.varint(most32));
  chip.content = in.hash();
  chip.written = in.stamp();
  chip.token = in.u64();
  read_particulars(in, form, chip);
  in.expect(chip.block_edge > 0, "blocks without an edge");
  return subdataset;
}

/// Reads up to the blocks; gives how many of them follow.
result<uint64_t> read_up_to_places(packed_reader& in, chip_description& chip) {
  read_chip_fields(in, chip);
  if (!in.ok()) return damaged(in.finish().error());
  const auto blocks = chip.blocks();
  if (blocks > defaults::max_chip_blocks)
    return damaged("stored chip", "it has " + std::to_string(blocks) + " blocks");
  return blocks;
}

}  // namespace

result<chip_places> decode_chip_places(std::string_view value) {
  packed_reader in{"stored chip", value};
  chip_description chip;
  STIP_ASSIGN(const auto count, read_up_to_places(in, chip));
  chip_places places{chip.scene, read_blocks(in, count)};
  if (auto whole = in.finish(); !whole) return damaged(std::move(whole).error());
  return places;
}

result<std::string> with_places(std::string_view value, const std::vector<block_location>& blocks) {
  packed_reader in{"stored chip", value};
  chip_description chip;
  STIP_ASSIGN(const auto count, read_up_to_places(in, chip));
  if (blocks.size() != count) return damaged("stored chip", "it has another number of blocks");
  packed_writer out;
  append_blocks(out, blocks);
  return std::string(value.substr(0, value.size() - in.remaining())).append(out.take());
}

namespace {

/// All but the blocks, checked: their number is within its bound.
result<void> read_description(packed_reader& in, const image_key& image, std::string_view key,
                              stored_names& names, chip_description& chip) {
  if (key.size() < image_prefix_bytes + sizeof(uint16_t))
    return damaged("the key of a chip", "it is cut off");
  chip.key = image;
  chip.subdataset_index = big_endian_at<uint16_t>(key, key.size() - sizeof(uint16_t));
  const auto subdataset = read_chip_fields(in, chip);
  if (!in.ok()) return damaged(in.finish().error());
  STIP_ASSIGN(const auto* name, names.name(name_kind::subdataset, subdataset));
  chip.subdataset = *name;
  if (auto sound = check(chip); !sound) return damaged(std::move(sound).error());
  return {};
}

}  // namespace

result<chip_description> decode_chip_without_places(const image_key& image, std::string_view key,
                                                    std::string_view value, stored_names& names) {
  packed_reader in{"stored chip", value};
  chip_description chip;
  STIP_TRY(read_description(in, image, key, names, chip));
  return chip;
}

result<chip_record> decode_chip(const image_key& image, std::string_view key,
                                std::string_view value, stored_names& names) {
  packed_reader in{"stored chip", value};
  chip_record record;
  STIP_TRY(read_description(in, image, key, names, record.chip));
  record.blocks = read_blocks(in, record.chip.blocks());
  if (auto whole = in.finish(); !whole) return damaged(std::move(whole).error());
  return record;
}

result<void> decode_stored_chip(std::string_view value, stored_chip& out) {
  constexpr uint64_t most16 = std::numeric_limits<uint16_t>::max();
  constexpr uint64_t most32 = std::numeric_limits<uint32_t>::max();
  packed_reader in{"stored chip", value};
  const auto form = expect_form(in);
  out.quality = in.flag();
  chip_description chip;
  in.varint(most16);
  chip.cell_pixels = in.varint();
  chip.valid_pixels = in.varint();
  in.expect(chip.valid_pixels <= chip.cell_pixels, "more valid pixels than pixels");
  out.listed.pixel_coverage = chip.pixel_coverage();
  out.scene = in.hash();
  out.subdataset = static_cast<uint32_t>(in.varint(most32));
  out.type = static_cast<pixel_type>(in.u8());
  in.expect(is_known(out.type), "a pixel type is unknown");
  out.bands = static_cast<uint16_t>(in.varint(defaults::max_bands));
  in.varint(most16);
  in.varint(most16);
  in.signed_varint();
  in.signed_varint();
  out.listed.width = static_cast<uint32_t>(in.varint(most32));
  out.listed.height = static_cast<uint32_t>(in.varint(most32));
  out.listed.content = in.hash();
  out.written = in.stamp();
  in.u64();
  read_particulars(in, form, chip);
  out.clouds = chip.clouds;
  // As read_blocks, but for the sum of their bytes alone.
  out.listed.bytes = 0;
  while (in.ok() && in.remaining() > 0) {
    const auto head = in.varint();
    if (head == 0) {
      in.varint();
      continue;
    }
    out.listed.bytes += (head >> 1) * block_alignment;
    if ((head & 1) != 0) continue;
    in.varint();
    in.varint();
  }
  if (!in.ok()) return damaged(in.finish().error());
  return {};
}

stored_image read_prefix_numbers(std::string_view key) {
  return {big_endian_at<uint32_t>(key, 0), big_endian_at<uint32_t>(key, 20),
          big_endian_at<uint32_t>(key, 24), big_endian_at<uint64_t>(key, 4),
          static_cast<epoch_seconds>(big_endian_at<uint64_t>(key, 12) ^ sign_bit)};
}

std::string encode(const segment_record& segment) {
  return packed_writer{}.u8(segment_version).varint(segment.end).varint(segment.live_bytes).take();
}

result<segment_record> decode_segment_record(std::string_view value) {
  packed_reader in{"segment record", value};
  in.expect_version(segment_version);
  segment_record segment;
  segment.end = in.varint();
  segment.live_bytes = in.varint();
  if (auto whole = in.finish(); !whole) return damaged(std::move(whole).error());
  return segment;
}

result<std::unordered_map<uint32_t, segment_record>> read_segments(const transaction& txn) {
  std::unordered_map<uint32_t, segment_record> segments;
  STIP_ASSIGN(auto at, cursor::open(txn, table::segments));
  STIP_ASSIGN(bool more, at.seek(big_endian(0)));
  while (more) {
    if (at.key().size() != sizeof(uint32_t))
      return damaged("a segment's key", "it has another length");
    STIP_ASSIGN(segments[read_big_endian32(at.key())], decode_segment_record(at.value()));
    STIP_ASSIGN(more, at.next());
  }
  return segments;
}

std::string encode(const version& v) {
  return packed_writer{}.u8(stamp_version).stamp(v).take();
}

result<version> decode_version(std::string_view value) {
  packed_reader in{"version", value};
  in.expect_version(stamp_version);
  const auto v = in.stamp();
  if (auto whole = in.finish(); !whole) return damaged(std::move(whole).error());
  return v;
}

result<uint64_t> get_number(const transaction& txn, std::string_view word) {
  STIP_ASSIGN(const auto value, txn.get(table::meta, word));
  if (!value) return uint64_t{0};
  packed_reader in{"number", *value};
  const auto number = in.u64();
  if (auto whole = in.finish(); !whole) return damaged(std::move(whole).error());
  return number;
}

result<void> put_number(write_transaction& txn, std::string_view word, uint64_t value) {
  return txn.put(table::meta, word, packed_writer{}.u64(value).take());
}

}  // namespace stip
