#include "libstip/raster/cog_layout.hpp"

#include <cpl_vsi.h>
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <limits>

#include "libstip/raster/gdal_dataset.hpp"
#include "libstip/raster/plain_tiff.hpp"
#include "libstip/raster/tiff_tile.hpp"

namespace stip {

namespace {

/// Tags of TIFF 6.0 and GDAL that are set here; the others are GDAL's own.
enum tag : uint16_t {
  subfile_type = 254,
  image_width = 256,
  image_length = 257,
  bits_per_sample = 258,
  compression = 259,
  photometric = 262,
  strip_offsets = 273,
  samples_per_pixel = 277,
  rows_per_strip = 278,
  strip_byte_counts = 279,
  planar_configuration = 284,
  predictor = 317,
  colour_map = 320,
  tile_width = 322,
  tile_length = 323,
  tile_offsets = 324,
  tile_byte_counts = 325,
  extra_samples = 338,
  sample_format = 339,
  gdal_metadata = 42112,
  gdal_nodata = 42113,
};

constexpr uint16_t adobe_deflate = 8;
constexpr uint16_t photometric_mask = 4;
constexpr uint32_t reduced_image = 1;
constexpr uint32_t transparency_mask = 4;

/// Offsets beyond this do not fit a classic TIFF; deflate may make a tile slightly larger.
constexpr double classic_bytes = 3.5e9;

/// Unique within the process, beside other memory files of GDAL.
std::string memory_name() {
  static std::atomic<uint64_t> next{0};
  return "/vsimem/stip-template-" + std::to_string(next++) + ".tif";
}

tiff_tags tags_of(const cog_level& of, pixel_type type, const tiff_tags& common, size_t number,
                  bool mask) {
  tiff_tags out;
  if (number == 0 && !mask) {
    out = common;
  } else if (!mask) {
    for (const uint16_t kept : {bits_per_sample, photometric, samples_per_pixel, colour_map,
                                extra_samples, sample_format, gdal_nodata})
      if (const auto found = common.find(kept); found != common.end()) out.insert(*found);
  } else {
    out[bits_per_sample] = tiff_values::shorts({1});
    out[photometric] = tiff_values::shorts({photometric_mask});
    out[samples_per_pixel] = tiff_values::shorts({1});
  }
  out[subfile_type] =
      tiff_values::longs({(number > 0 ? reduced_image : 0) | (mask ? transparency_mask : 0)});
  out[image_width] = tiff_values::longs({static_cast<uint32_t>(of.width)});
  out[image_length] = tiff_values::longs({static_cast<uint32_t>(of.height)});
  out[compression] = tiff_values::shorts({adobe_deflate});
  out[planar_configuration] = tiff_values::shorts({1});
  out[tile_width] = tiff_values::shorts({static_cast<uint16_t>(cog_tile_edge)});
  out[tile_length] = tiff_values::shorts({static_cast<uint16_t>(cog_tile_edge)});
  if (!mask) out[predictor] = tiff_values::shorts({static_cast<uint16_t>(predictor_of(type))});
  return out;
}

}  // namespace

result<tiff_tags> cog_tags(const cog_description& of) {
  prepare_gdal();
  chip_image pixel;
  pixel.description = of.pixels;
  pixel.description.grid.width = pixel.description.grid.height = 1;
  pixel.pixels.resize(pixel.bands() * size_of(of.pixels.type));
  pixel.masks.assign(mask_planes(of.pixels.valid, pixel.bands()), 1);
  pixel.items = of.items;
  pixel.properties = of.properties;
  const auto name = memory_name();
  auto written = plain_tiff::write(name.c_str(), pixel);
  result<tiff_tags> out;
  if (written) {
    vsi_l_offset bytes = 0;
    const auto* file = VSIGetMemFileBuffer(name.c_str(), &bytes, FALSE);
    out = file == nullptr ? fail(ec::internal, "describe a picture", "GDAL wrote nothing")
                          : read_tiff_tags({reinterpret_cast<const std::byte*>(file), bytes});
  } else {
    out = fail(std::move(written).error());
  }
  VSIUnlink(name.c_str());
  STIP_TRY(out);
  for (const uint16_t own : {strip_offsets, rows_per_strip, strip_byte_counts, tile_offsets,
                             tile_byte_counts, predictor})
    out->erase(own);
  if (const auto found = out->find(gdal_metadata); found != out->end()) {
    auto& bytes = found->second.bytes;
    std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    std::string wanted(plain_tiff::domain_placeholder);
    wanted += '"';
    for (auto at = text.find(wanted); at != std::string::npos; at = text.find(wanted, at + 1))
      text.replace(at, plain_tiff::domain_attribute.size(), plain_tiff::domain_attribute);
    std::memcpy(bytes.data(), text.data(), bytes.size());
  }
  return out;
}

result<void> write_cog_layout(const std::string& name, const cog_description& of,
                              const tiff_tags& tags, const std::vector<cog_level>& levels,
                              const nameless_file& spool) {
  const auto what = "write " + name;
  const bool masked = of.pixels.valid == validity::mask;
  double bytes = 0;
  for (const auto& level : levels)
    for (const auto* pieces : {&level.pixels, &level.masks})
      for (const auto& tile : *pieces) bytes += tile.bytes;
  const bool big = bytes > classic_bytes;
  // What follows the header: directories, then tiles from the smallest overview to the picture.
  struct image {
    const std::vector<cog_piece>* pieces;
    tiff_tags tags;
    uint64_t at = 0;
    std::vector<uint64_t> offsets;
  };
  std::vector<image> images;
  for (size_t i = 0; i < levels.size(); ++i)
    for (const bool mask : {false, true}) {
      if (mask && !masked) continue;
      const auto& pieces = mask ? levels[i].masks : levels[i].pixels;
      image made{&pieces, tags_of(levels[i], of.pixels.type, tags, i, mask), 0,
                 std::vector<uint64_t>(pieces.size())};
      std::vector<uint32_t> sizes;
      for (const auto& p : pieces) sizes.push_back(p.bytes);
      made.tags[tile_byte_counts] = tiff_values::longs(sizes);
      const std::vector<uint32_t> none(big ? 0 : pieces.size());
      made.tags[tile_offsets] = big ? tiff_values::long8s(made.offsets) : tiff_values::longs(none);
      images.push_back(std::move(made));
    }
  const auto header = make_tiff_header(big);
  uint64_t at = header.size();
  for (auto& i : images) {
    i.at = at;
    at += directory_bytes(i.tags, big);
  }
  const int file = ::open(name.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC,
                          S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH);
  if (file < 0) return fail(system_error(what, errno));
  const auto put = [&]() -> result<void> {
    STIP_TRY(write_at(file, 0, header, what));
    const size_t step = masked ? 2 : 1;
    for (size_t l = levels.size(); l-- > 0;) {
      // Row by row, each tile with its mask: the same pixels give the same file, whoever painted
      // which part first.
      for (size_t i = 0; i < images[l * step].pieces->size(); ++i)
        for (size_t k = 0; k < step; ++k) {
          auto& one = images[l * step + k];
          const auto& tile = (*one.pieces)[i];
          if (tile.bytes == 0) continue;
          one.offsets[i] = at;
          STIP_TRY(spool.copy(tile.offset, tile.bytes, file, at));
          at += tile.bytes;
        }
    }
    for (size_t i = 0; i < images.size(); ++i) {
      auto& one = images[i];
      if (big) {
        one.tags[tile_offsets] = tiff_values::long8s(one.offsets);
      } else {
        if (at > std::numeric_limits<uint32_t>::max())
          return fail(ec::internal, what, "it grew beyond what its form can hold");
        one.tags[tile_offsets] = tiff_values::longs({one.offsets.begin(), one.offsets.end()});
      }
      STIP_TRY(write_at(
          file, one.at,
          make_directory(one.tags, big, one.at, i + 1 < images.size() ? images[i + 1].at : 0),
          what));
    }
    return {};
  };
  auto done = put();
  if (::close(file) != 0 && done) done = fail(system_error(what, errno));
  return done;
}

}  // namespace stip
