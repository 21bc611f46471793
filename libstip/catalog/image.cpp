#include "libstip/catalog/image.hpp"

#include <algorithm>
#include <array>

#include "libstip/core/defaults.hpp"
#include "libstip/core/packed.hpp"

namespace stip {

namespace {

constexpr size_t parts_of_a_key = 5;
/// The version byte of packed chips: the first, and what is added for each particular that follows.
constexpr uint8_t plain_form = 1;
constexpr uint8_t with_clouds = 1;
constexpr uint8_t with_outline = 2;

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_';
}

void append_encoded(std::string& out, std::string_view part) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  for (const char c : part) {
    if (is_plain(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<uint8_t>(c);
    out += '%';
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
}

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool decode_part(std::string_view text, std::string& out) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (is_plain(text[i])) {
      out += text[i];
      continue;
    }
    if (text[i] != '%' || text.size() - i < 3) return false;
    const int high = digit_value(text[i + 1]), low = digit_value(text[i + 2]);
    if (high < 0 || low < 0) return false;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return true;
}

/// Well-formed UTF-8 (Unicode 15, table 3-7) without C0, DEL and C1 control characters.
bool is_printable_utf8(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  for (size_t i = 0; i < text.size();) {
    const uint8_t lead = byte(i);
    if (lead < 0x80) {
      if (lead < 0x20 || lead == 0x7f) return false;
      ++i;
      continue;
    }
    if (lead < 0xc2 || lead > 0xf4) return false;
    const size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (text.size() - i < length) return false;
    uint8_t least = 0x80, most = 0xbf;
    if (lead == 0xc2) least = 0xa0;
    if (lead == 0xe0) least = 0xa0;
    if (lead == 0xed) most = 0x9f;
    if (lead == 0xf0) least = 0x90;
    if (lead == 0xf4) most = 0x8f;
    if (byte(i + 1) < least || byte(i + 1) > most) return false;
    for (size_t k = 2; k < length; ++k)
      if (byte(i + k) < 0x80 || byte(i + k) > 0xbf) return false;
    i += length;
  }
  return true;
}

bool is_sound(const cloud_note& note) {
  if (!note.shares) return true;
  const auto& s = *note.shares;
  // Written so that NaN fails too.
  return std::ranges::all_of(std::array{s.cloud, s.shadow, s.cirrus, s.dilated, s.snow},
                             [](double share) { return share >= 0 && share <= 1; });
}

tl::unexpected<error> bad_key(std::string_view text, std::string why) {
  return fail(ec::invalid_argument, "read image key '" + std::string(text) + "'", std::move(why),
              "write it as listed: PLATFORM/GEOCODE/SOURCE/TILE/YYYYMMDDTHHMMSSZ");
}

void append(packed_writer& out, const cloud_note& note) {
  out.hash(note.of).flag(note.shares.has_value());
  if (!note.shares) return;
  const auto& s = *note.shares;
  out.f64(s.cloud).f64(s.shadow).f64(s.cirrus).f64(s.dilated).f64(s.snow);
}

cloud_note read_cloud_note(packed_reader& in) {
  cloud_note note;
  note.of = in.hash();
  if (!in.flag()) return note;
  auto& s = note.shares.emplace();
  for (auto* share : {&s.cloud, &s.shadow, &s.cirrus, &s.dilated, &s.snow}) *share = in.f64();
  return note;
}

}  // namespace

std::string to_string(const image_key& key) {
  std::string out;
  for (const auto* part : {&key.platform, &key.geocode, &key.source, &key.tile}) {
    append_encoded(out, *part);
    out += '/';
  }
  out += to_compact(key.timestamp);
  return out;
}

result<image_key> parse_image_key(std::string_view text) {
  image_key key;
  const std::array<std::string*, parts_of_a_key - 1> parts = {&key.platform, &key.geocode,
                                                              &key.source, &key.tile};
  auto rest = text;
  for (auto* part : parts) {
    const auto slash = rest.find('/');
    if (slash == std::string_view::npos) return bad_key(text, "it has less than five parts");
    if (!decode_part(rest.substr(0, slash), *part))
      return bad_key(text, "a part is not percent-encoded");
    rest.remove_prefix(slash + 1);
  }
  const auto time = parse_time(rest);
  if (!time || to_compact(*time) != rest)
    return bad_key(text, "its last part is not a time like 20200714T180211Z");
  key.timestamp = *time;
  STIP_TRY(check(key));
  return key;
}

std::string to_file_name(const image_key& key) {
  auto name = to_string(key);
  std::replace(name.begin(), name.end(), '/', '~');
  return name;
}

bool is_key_time(epoch_seconds time) {
  static const auto first = *from_civil(min_year, 1, 1);
  static const auto last = *from_civil(max_year, 12, 31, 23, 59, 59);
  return time >= first && time <= last;
}

result<void> check_name(std::string_view role, std::string_view name) {
  const auto what = "accept " + std::string(role);
  if (name.empty()) return fail(ec::invalid_argument, what, "it is empty", "give it a name");
  if (name.size() > defaults::max_name_bytes)
    return fail(ec::limit_exceeded, what,
                "it has " + std::to_string(name.size()) + " bytes, at most " +
                    std::to_string(defaults::max_name_bytes) + " are allowed",
                "shorten it");
  if (!is_printable_utf8(name))
    return fail(ec::invalid_argument, what, "it is not UTF-8 or has control characters",
                "use printable characters");
  return {};
}

result<void> check(const image_key& key) {
  STIP_TRY(check_name("platform", key.platform));
  STIP_TRY(check_name("geocode", key.geocode));
  STIP_TRY(check_name("source", key.source));
  STIP_TRY(check_name("tile", key.tile));
  if (!is_key_time(key.timestamp))
    return fail(ec::invalid_argument, "accept timestamp " + std::to_string(key.timestamp),
                "its year is not 1 to 9999", "check the scene's time");
  return {};
}

hash128 image_id(const image_key& key) {
  return hash128_of(to_string(key));
}

result<void> check(const chip_description& chip) {
  for (const auto& named : {check(chip.key), check_name("subdataset", chip.subdataset)})
    if (!named)
      return fail(ec::malformed, "accept a chip", named.error().what + ": " + named.error().why);
  const auto what = [&] { return "accept chip " + to_string(chip.key) + "/" + chip.subdataset; };
  const auto bad = [&](std::string why) { return fail(ec::malformed, what(), std::move(why)); };
  const auto too_much = [&](std::string why) {
    return fail(ec::limit_exceeded, what(), std::move(why), "store at a longer geocode");
  };
  if (chip.clouds) {
    if (chip.subdataset_index != cloud_mask_index || chip.subdataset_count != 0)
      return bad("it is a mask of clouds and a declared subdataset");
    if (!chip.quality) return bad("it is a mask of clouds and measured data");
    if (!is_sound(*chip.clouds)) return bad("its share of clouds is no share");
  } else {
    if (chip.subdataset_count == 0 || chip.subdataset_count > defaults::max_subdatasets)
      return bad("its image has " + std::to_string(chip.subdataset_count) + " subdatasets");
    if (chip.subdataset_index >= chip.subdataset_count)
      return bad("its subdataset is not one of those declared");
  }
  if (!is_known(chip.type)) return bad("its pixel type is unknown");
  if (chip.bands == 0 || chip.bands > defaults::max_bands)
    return bad("it has " + std::to_string(chip.bands) + " bands");
  if (chip.mask_planes > 1 && chip.mask_planes != chip.bands)
    return bad("it has " + std::to_string(chip.mask_planes) + " masks for " +
               std::to_string(chip.bands) + " bands");
  if (chip.block_edge == 0 || chip.block_edge > defaults::max_block_edge)
    return bad("its blocks have an edge of " + std::to_string(chip.block_edge));
  if (chip.width == 0 || chip.height == 0) return bad("it has no pixels");
  if (chip.width > defaults::max_chip_edge || chip.height > defaults::max_chip_edge)
    return too_much("it has " + std::to_string(chip.width) + " x " + std::to_string(chip.height) +
                    " pixels");
  // The first factor alone is tested too, since the product of all three can exceed 64 bits.
  const auto blocks_a_plane = uint64_t{chip.block_columns()} * chip.block_rows();
  if (blocks_a_plane > defaults::max_chip_blocks ||
      blocks_a_plane * chip.planes() > defaults::max_chip_blocks)
    return too_much("it has more than " + std::to_string(defaults::max_chip_blocks) + " blocks");
  for (const auto offset : {chip.column, chip.row})
    if (offset < -defaults::max_window_offset || offset > defaults::max_window_offset)
      return bad("its window begins at " + std::to_string(offset));
  if (chip.cell_pixels > uint64_t{chip.width} * chip.height)
    return bad("its cell has more pixels than its window");
  if (chip.valid_pixels > chip.cell_pixels) return bad("it has more valid pixels than its cell");
  const bool partial = chip.valid_pixels > 0 && chip.valid_pixels < chip.cell_pixels;
  if (!is_sound(chip.outline, chip.width, chip.height) || (!chip.outline.empty() && !partial))
    return bad("the outline of its valid pixels is none");
  return {};
}

uint64_t chip_record::bytes() const {
  uint64_t sum = 0;
  for (const auto& block : blocks) sum += block.bytes;
  return sum;
}

uint8_t form_of(const chip_description& chip) {
  return static_cast<uint8_t>(plain_form + (chip.clouds ? with_clouds : 0) +
                              (chip.outline.empty() ? 0 : with_outline));
}

uint8_t expect_form(packed_reader& in) {
  return in.expect_version_up_to(plain_form + with_clouds + with_outline);
}

void append_particulars(packed_writer& out, const chip_description& chip) {
  if (chip.clouds) append(out, *chip.clouds);
  if (chip.outline.empty()) return;
  out.varint(chip.outline.size());
  for (const auto& corner : chip.outline) out.varint(corner.column).varint(corner.row);
}

void read_particulars(packed_reader& in, uint8_t form, chip_description& chip) {
  const auto has = [&](uint8_t what) { return ((form - plain_form) & what) != 0; };
  if (has(with_clouds)) chip.clouds = read_cloud_note(in);
  if (!has(with_outline)) return;
  chip.outline.resize(in.varint(max_outline_corners));
  in.expect(!chip.outline.empty(), "an outline without corners");
  for (auto& corner : chip.outline) {
    corner.column = static_cast<uint32_t>(in.varint(defaults::max_chip_edge));
    corner.row = static_cast<uint32_t>(in.varint(defaults::max_chip_edge));
  }
}

std::string encode(const chip_description& chip) {
  packed_writer out;
  out.u8(form_of(chip))
      .text(chip.key.platform)
      .text(chip.key.geocode)
      .text(chip.key.source)
      .text(chip.key.tile)
      .i64(chip.key.timestamp)
      .text(chip.subdataset)
      .u16(chip.subdataset_index)
      .u16(chip.subdataset_count)
      .flag(chip.quality)
      .hash(chip.scene)
      .u8(static_cast<uint8_t>(chip.type))
      .u16(chip.bands)
      .u16(chip.mask_planes)
      .u16(chip.block_edge)
      .i64(chip.column)
      .i64(chip.row)
      .u32(chip.width)
      .u32(chip.height)
      .u64(chip.cell_pixels)
      .u64(chip.valid_pixels)
      .hash(chip.content)
      .stamp(chip.written)
      .u64(chip.token);
  append_particulars(out, chip);
  return out.take();
}

result<chip_description> decode_chip_description(std::string_view bytes) {
  packed_reader in{"chip description", bytes};
  const auto form = expect_form(in);
  chip_description chip;
  for (auto* part : {&chip.key.platform, &chip.key.geocode, &chip.key.source, &chip.key.tile})
    *part = in.text(defaults::max_name_bytes);
  chip.key.timestamp = in.i64();
  chip.subdataset = in.text(defaults::max_name_bytes);
  chip.subdataset_index = in.u16();
  chip.subdataset_count = in.u16();
  chip.quality = in.flag();
  chip.scene = in.hash();
  chip.type = static_cast<pixel_type>(in.u8());
  chip.bands = in.u16();
  chip.mask_planes = in.u16();
  chip.block_edge = in.u16();
  chip.column = in.i64();
  chip.row = in.i64();
  chip.width = in.u32();
  chip.height = in.u32();
  chip.cell_pixels = in.u64();
  chip.valid_pixels = in.u64();
  chip.content = in.hash();
  chip.written = in.stamp();
  chip.token = in.u64();
  read_particulars(in, form, chip);
  STIP_TRY(in.finish());
  STIP_TRY(check(chip));
  return chip;
}

}  // namespace stip
