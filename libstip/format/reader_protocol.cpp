#include "libstip/format/reader_protocol.hpp"

#include <limits>

#include "libstip/core/defaults.hpp"
#include "libstip/core/packed.hpp"
#include "libstip/format/reader_settings.hpp"
#include "libstip/raster/text.hpp"

namespace stip {

namespace {

constexpr uint8_t form_version = 1;

enum class kind : uint8_t { open = 1, read, failed, opened, scene, pixels };

/// Bytes of a path, an error's text, a CRS or a footprint at most.
constexpr size_t max_text = size_t{1} << 20;
constexpr size_t max_extent = std::numeric_limits<int32_t>::max();

packed_writer begin(kind what) {
  packed_writer out;
  out.u8(form_version).u8(static_cast<uint8_t>(what));
  return out;
}

void put(packed_writer& out, const std::optional<std::string>& text) {
  out.flag(text.has_value());
  if (text) out.text(*text);
}

std::optional<std::string> optional_text(packed_reader& in) {
  if (!in.flag()) return std::nullopt;
  return std::string(in.text(max_text));
}

void put(packed_writer& out, const std::optional<epoch_seconds>& time) {
  out.flag(time.has_value());
  if (time) out.i64(*time);
}

std::optional<epoch_seconds> optional_time(packed_reader& in) {
  if (!in.flag()) return std::nullopt;
  return in.i64();
}

void put(packed_writer& out, const std::map<std::string, std::string>& properties) {
  out.varint(properties.size());
  for (const auto& [key, value] : properties) out.text(key).text(value);
}

std::map<std::string, std::string> properties_of(packed_reader& in) {
  std::map<std::string, std::string> out;
  const auto count = in.count(defaults::max_scene_list, 2);
  for (size_t i = 0; i < count; ++i) {
    std::string key(in.text(max_text));
    std::string value(in.text(max_text));
    in.expect(is_clean_text(key) && is_clean_text(value), "a property is no plain text");
    out.emplace(std::move(key), std::move(value));
  }
  return out;
}

void put(packed_writer& out, const std::vector<std::string>& list) {
  out.varint(list.size());
  for (const auto& text : list) out.text(text);
}

std::vector<std::string> list_of(packed_reader& in) {
  std::vector<std::string> out;
  const auto count = in.count(defaults::max_scene_list, 1);
  for (size_t i = 0; i < count; ++i) out.emplace_back(in.text(max_text));
  return out;
}

void put(packed_writer& out, const band_description& band) {
  out.text(band.name).f64(band.scale).f64(band.offset).text(band.unit);
  out.flag(band.nodata.has_value());
  if (band.nodata) out.u64(*band.nodata);
  out.text(band.colour);
  put(out, band.colour_table);
  put(out, band.categories);
  put(out, band.properties);
}

band_description band_of(packed_reader& in) {
  band_description out;
  out.name = in.text(max_text);
  out.scale = in.f64();
  out.offset = in.f64();
  out.unit = in.text(max_text);
  if (in.flag()) out.nodata = in.u64();
  out.colour = in.text(max_text);
  out.colour_table = list_of(in);
  out.categories = list_of(in);
  out.properties = properties_of(in);
  in.expect(is_clean_text(out.name) && is_clean_text(out.unit), "a band's name is no plain text");
  return out;
}

void put(packed_writer& out, const subdataset_description& part) {
  out.text(part.id).text(part.grid.crs_wkt);
  for (const auto number : part.grid.transform) out.f64(number);
  out.varint(static_cast<uint64_t>(part.grid.width));
  out.varint(static_cast<uint64_t>(part.grid.height));
  out.u8(static_cast<uint8_t>(part.type)).u8(static_cast<uint8_t>(part.valid)).flag(part.quality);
  out.varint(part.bands.size());
  for (const auto& band : part.bands) put(out, band);
}

subdataset_description subdataset_of(packed_reader& in) {
  subdataset_description out;
  out.id = in.text(max_text);
  out.grid.crs_wkt = in.text(max_text);
  for (auto& number : out.grid.transform) number = in.f64();
  out.grid.width = static_cast<int64_t>(in.varint(max_extent));
  out.grid.height = static_cast<int64_t>(in.varint(max_extent));
  out.type = static_cast<pixel_type>(in.u8());
  const auto valid = in.u8();
  in.expect(valid <= static_cast<uint8_t>(validity::all), "a validity is unknown");
  out.valid = static_cast<validity>(valid);
  out.quality = in.flag();
  constexpr size_t least_band_bytes = 23;
  const auto bands = in.count(defaults::max_bands, least_band_bytes);
  for (size_t i = 0; i < bands; ++i) out.bands.push_back(band_of(in));
  if (!in.ok()) return out;
  in.expect(!out.bands.empty() && is_clean_text(out.id), "a subdataset has no bands or no name");
  in.expect(is_known(out.type) && out.type != pixel_type::bit, "a pixel type is unknown");
  if (const auto checked = check_grid(out.grid); !checked) in.expect(false, "a grid is unusable");
  return out;
}

void put(packed_writer& out, const opened_scene& scene) {
  const auto& d = scene.description;
  out.text(d.format).text(d.platform).text(d.tile).i64(d.timestamp);
  put(out, d.start);
  put(out, d.end);
  put(out, d.properties);
  out.text(d.footprint).text(d.input).u64(d.input_bytes).hash(d.input_checksum);
  out.varint(d.subdatasets.size());
  for (size_t i = 0; i < d.subdatasets.size(); ++i) {
    put(out, d.subdatasets[i]);
    const auto& tiling = i < scene.tilings.size() ? scene.tilings[i] : source_tiling{1, 1, true};
    out.varint(static_cast<uint64_t>(tiling.block_width));
    out.varint(static_cast<uint64_t>(tiling.block_height)).flag(tiling.bands_together);
  }
}

opened_scene scene_of(packed_reader& in) {
  opened_scene out;
  auto& d = out.description;
  d.format = in.text(max_text);
  d.platform = in.text(defaults::max_name_bytes);
  d.tile = in.text(defaults::max_name_bytes);
  d.timestamp = in.i64();
  d.start = optional_time(in);
  d.end = optional_time(in);
  d.properties = properties_of(in);
  d.footprint = in.text(max_text);
  d.input = in.text(max_text);
  d.input_bytes = in.u64();
  d.input_checksum = in.hash();
  in.expect(is_clean_text(d.format) && is_clean_text(d.platform) && is_clean_text(d.tile) &&
                is_clean_text(d.footprint) && is_clean_text(d.input),
            "a text of the scene is no plain text");
  constexpr size_t least_subdataset_bytes = 59;
  const auto parts = in.count(defaults::max_subdatasets, least_subdataset_bytes);
  for (size_t i = 0; i < parts; ++i) {
    d.subdatasets.push_back(subdataset_of(in));
    source_tiling tiling;
    tiling.block_width = static_cast<int64_t>(in.varint(max_extent));
    tiling.block_height = static_cast<int64_t>(in.varint(max_extent));
    tiling.bands_together = in.flag();
    in.expect(tiling.block_width >= 1 && tiling.block_height >= 1, "a block has no pixels");
    out.tilings.push_back(tiling);
    if (!in.ok()) break;
  }
  in.expect(!d.subdatasets.empty(), "a scene has no subdatasets");
  return out;
}

kind begin(packed_reader& in) {
  in.expect_version(form_version);
  return static_cast<kind>(in.u8());
}

}  // namespace

std::string encode(const reader_request& request) {
  if (const auto* open = std::get_if<open_request>(&request)) {
    auto out = begin(kind::open);
    out.text(open->format).text(open->input);
    put(out, open->options.platform);
    put(out, open->options.timestamp);
    put(out, open->options.tile);
    put(out, open->options.subdataset);
    out.flag(open->describe);
    return out.take();
  }
  const auto& read = std::get<read_request>(request);
  auto out = begin(kind::read);
  out.u32(read.scene).u32(read.subdataset);
  out.i64(read.window.column).i64(read.window.row).i64(read.window.width).i64(read.window.height);
  out.u32(read.first_band).u32(read.count).flag(read.mask);
  return out.take();
}

result<reader_request> decode_reader_request(std::string_view bytes) {
  packed_reader in{"request of a node", bytes};
  reader_request out;
  switch (begin(in)) {
    case kind::open: {
      open_request open;
      open.format = in.text(max_text);
      open.input = in.text(max_text);
      open.options.platform = optional_text(in);
      open.options.timestamp = optional_time(in);
      open.options.tile = optional_text(in);
      open.options.subdataset = optional_text(in);
      open.describe = in.flag();
      out = std::move(open);
      break;
    }
    case kind::read: {
      read_request read;
      read.scene = in.u32();
      read.subdataset = in.u32();
      read.window = {in.i64(), in.i64(), in.i64(), in.i64()};
      read.first_band = in.u32();
      read.count = in.u32();
      read.mask = in.flag();
      out = read;
      break;
    }
    default:
      in.expect(false, "the request is unknown");
  }
  STIP_TRY(in.finish());
  return out;
}

std::string encode(const reader_answer& answer) {
  if (const auto* failed = std::get_if<error>(&answer)) {
    auto out = begin(kind::failed);
    out.u8(static_cast<uint8_t>(failed->code));
    for (const auto* text : {&failed->what, &failed->why, &failed->advice})
      out.text(std::string_view(*text).substr(0, max_text));
    return out.take();
  }
  if (const auto* opened = std::get_if<opened_input>(&answer)) {
    auto out = begin(kind::opened);
    out.u32(opened->scenes).hash(opened->hash);
    return out.take();
  }
  if (const auto* scene = std::get_if<opened_scene>(&answer)) {
    auto out = begin(kind::scene);
    put(out, *scene);
    return out.take();
  }
  auto out = begin(kind::pixels);
  out.u64(std::get<pixels_read>(answer).bytes);
  return out.take();
}

result<reader_answer> decode_reader_answer(std::string_view bytes) {
  packed_reader in{"answer of a reader process", bytes};
  reader_answer out;
  switch (begin(in)) {
    case kind::failed: {
      error failed;
      const auto code = in.u8();
      in.expect(code > 0 && code <= static_cast<uint8_t>(ec::internal), "an error is unknown");
      failed.code = static_cast<ec>(code);
      // What a library says may hold any bytes.
      failed.what = clean_text(std::string(in.text(max_text)), max_text);
      failed.why = clean_text(std::string(in.text(max_text)), max_text);
      failed.advice = clean_text(std::string(in.text(max_text)), max_text);
      out = std::move(failed);
      break;
    }
    case kind::opened: {
      opened_input opened;
      opened.scenes = in.u32();
      opened.hash = in.hash();
      in.expect(opened.scenes <= max_scenes_per_input, "it has too many scenes");
      out = opened;
      break;
    }
    case kind::scene:
      out = scene_of(in);
      break;
    case kind::pixels:
      out = pixels_read{in.u64()};
      break;
    default:
      in.expect(false, "the answer is unknown");
  }
  STIP_TRY(in.finish());
  return out;
}

}  // namespace stip
