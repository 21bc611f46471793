#include "tests/bench/chip_sets.hpp"

#include <gdal_priv.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>

#include "libstip/raster/gdal_type.hpp"
#include "tests/bench/harness.hpp"
#include "tests/bench/synthetic_scene.hpp"

namespace stip::bench {

namespace {

constexpr size_t chip_edge = 256;
constexpr size_t max_set_bytes = 4 << 20;

/// Sets of fewer bytes have their chips several times: a batch of chips lies in the cache of all
/// cores, not in that of one, where a copy is three times as fast.
constexpr size_t min_set_bytes = 2 << 20;

/// The windows of at most 256 x 256 of files of one grid, a file or a band of it being a band.
/// Pixels are read as `type`, multiplied by `scale`.
void add_windows(const std::string& shared, const std::vector<std::string>& files,
                 std::vector<int> bands, pixel_type type, double scale, chip_set& out) {
  std::vector<GDALDatasetUniquePtr> open;
  for (const auto& file : files) {
    // Statistics that a driver would like to save must not appear beside the samples.
    open.emplace_back(GDALDataset::FromHandle(
        GDALOpenEx((shared + "/" + file).c_str(), GDAL_OF_RASTER, nullptr, nullptr, nullptr)));
    if (!open.back()) {
      std::printf("%s: left out, %s is not there\n", out.name.c_str(), file.c_str());
      return;
    }
  }
  const int width = open[0]->GetRasterXSize();
  const int height = open[0]->GetRasterYSize();
  const int edge = static_cast<int>(chip_edge);
  if (bands.empty())
    for (int b = 1; b <= open[0]->GetRasterCount(); ++b) bands.push_back(b);
  for (int y = 0; y < height; y += edge)
    for (int x = 0; x < width; x += edge) {
      chip c{type,
             static_cast<size_t>(std::min(edge, height - y)),
             static_cast<size_t>(std::min(edge, width - x)),
             {}};
      const int rows = static_cast<int>(c.rows);
      const int columns = static_cast<int>(c.columns);
      // Slivers at a scene's edge say little about chips.
      if ((rows < edge / 4 || columns < edge / 4) && (height > edge || width > edge)) continue;
      for (const auto& file : open)
        for (const int band : bands) {
          std::vector<double> values(c.rows * c.columns);
          if (file->GetRasterBand(band)->RasterIO(GF_Read, x, y, columns, rows, values.data(),
                                                  columns, rows, GDT_Float64, 0, 0,
                                                  nullptr) != CE_None)
            give_up("cannot read a sample: " + std::string(CPLGetLastErrorMsg()));
          for (double& v : values) v *= scale;
          if (!is_float(type))
            for (double& v : values) v = std::round(v);
          std::vector<std::byte> pixels(c.band_bytes());
          GDALCopyWords(values.data(), GDT_Float64, 8, pixels.data(), gdal_type(type),
                        static_cast<int>(size_of(type)), static_cast<int>(values.size()));
          c.bands.push_back(std::move(pixels));
        }
      const auto same = [](const auto& band) {
        return std::memcmp(band.data(), band.data() + 1, band.size() - 1) == 0;
      };
      // Fill around a scene is no chip.
      if (std::all_of(c.bands.begin(), c.bands.end(), same)) continue;
      if (out.bytes() + c.bytes() > max_set_bytes) return;
      out.chips.push_back(std::move(c));
    }
}

void keep(chip_set set, std::vector<chip_set>& out) {
  if (set.chips.empty()) return;
  const size_t different = set.chips.size();
  for (size_t i = 0; set.bytes() < min_set_bytes; ++i)
    set.chips.push_back(set.chips[i % different]);
  out.push_back(std::move(set));
}

std::vector<std::string> numbered(const std::string& before, const std::vector<std::string>& names,
                                  const std::string& after) {
  std::vector<std::string> out;
  for (const auto& name : names) out.push_back(before + name + after);
  return out;
}

/// The same pixels as another type, multiplied by `scale`.
chip_set converted(const chip_set& from, pixel_type type, double scale, std::string name) {
  chip_set out{std::move(name), {}};
  for (const auto& c : from.chips) {
    chip next{type, c.rows, c.columns, {}};
    if (out.bytes() + c.bands.size() * next.band_bytes() > max_set_bytes) break;
    for (const auto& band : c.bands) {
      std::vector<double> values(c.rows * c.columns);
      std::vector<std::byte> pixels(next.band_bytes());
      GDALCopyWords(band.data(), gdal_type(c.type), static_cast<int>(size_of(c.type)),
                    values.data(), GDT_Float64, 8, static_cast<int>(values.size()));
      for (double& v : values) v *= scale;
      GDALCopyWords(values.data(), GDT_Float64, 8, pixels.data(), gdal_type(type),
                    static_cast<int>(size_of(type)), static_cast<int>(values.size()));
      next.bands.push_back(std::move(pixels));
    }
    out.chips.push_back(std::move(next));
  }
  return out;
}

}  // namespace

size_t chip_set::bytes() const {
  size_t total = 0;
  for (const auto& c : chips) total += c.bytes();
  return total;
}

double difference_entropy(const chip& c, size_t band) {
  std::map<int, size_t> counts;
  const auto* pixels = reinterpret_cast<const uint16_t*>(c.bands[band].data());
  size_t total = 0;
  for (size_t row = 0; row < c.rows; ++row)
    for (size_t column = 1; column < c.columns; ++column) {
      const size_t at = row * c.columns + column;
      ++counts[int(pixels[at]) - int(pixels[at - 1])];
      ++total;
    }
  double bits = 0;
  for (const auto& [difference, count] : counts) {
    const double share = double(count) / double(total);
    bits -= share * std::log2(share);
  }
  return bits;
}

chip_set synthetic_chips() {
  // The western half of a scene, which has no nodata.
  constexpr size_t chips_across = 2;
  constexpr size_t chips_down = 2;
  synthetic_scene scene;
  scene.width = 2 * chips_across * chip_edge;
  scene.height = chips_down * chip_edge;
  const synthetic_rows rows(scene);
  chip_set out{"synthetic Sentinel-2", {}};
  out.chips.resize(chips_across * chips_down);
  for (auto& c : out.chips) {
    c = {pixel_type::uint16, chip_edge, chip_edge, {}};
    c.bands.assign(synthetic_scene::bands, std::vector<std::byte>(c.band_bytes()));
  }
  const auto width = static_cast<size_t>(scene.width);
  std::vector<uint16_t> row(synthetic_scene::bands * width);
  for (size_t y = 0; y < static_cast<size_t>(scene.height); ++y) {
    rows.row(static_cast<int64_t>(y), row);
    for (size_t x = 0; x < chips_across; ++x)
      for (size_t band = 0; band < synthetic_scene::bands; ++band) {
        auto& c = out.chips[y / chip_edge * chips_across + x];
        constexpr size_t row_bytes = chip_edge * sizeof(uint16_t);
        std::memcpy(c.bands[band].data() + y % chip_edge * row_bytes,
                    row.data() + band * width + x * chip_edge, row_bytes);
      }
  }
  return out;
}

std::vector<chip_set> real_uint16_chips(const std::string& shared) {
  std::vector<chip_set> out;
  constexpr auto u16 = pixel_type::uint16;
  chip_set l1c{"Sentinel-2 L1C, 10 m (T33TVL)", {}};
  // The samples are reflectances; the sensor's numbers are 10,000 times them.
  for (const char* date : {"20150820T100728", "20150909T100017", "20150711T100008"})
    add_windows(
        shared,
        {"sentinel2/eolearn-T33TVL-s2cloudless/S2_L1C_13bands_" + std::string(date) + ".tif"},
        {2, 3, 4, 8}, u16, 10000, l1c);
  keep(std::move(l1c), out);
  chip_set clip{"Sentinel-2 L1C, 10 m (T31TDH)", {}};
  add_windows(shared,
              numbered("sentinel2/T31TDH-L1C-13bands-jp2/T31TDH_20150726T105026_",
                       {"B02", "B03", "B04", "B08"}, ".jp2"),
              {1}, u16, 1, clip);
  keep(std::move(clip), out);
  chip_set coastal{"Sentinel-2 B01, 60 m (T15SWC)", {}};
  add_windows(shared, {"sentinel2/T15SWC-B01-60m/B01.jp2"}, {1}, u16, 1, coastal);
  keep(std::move(coastal), out);
  chip_set etm{"Landsat 7 ETM+ (8 bits in uint16)", {}};
  add_windows(shared, {"landsat/L7_ETMs.tif"}, {1, 2, 3, 4}, u16, 1, etm);
  keep(std::move(etm), out);
  chip_set oli{"Landsat 8 level 2 (decimated, cloudy)", {}};
  add_windows(shared,
              numbered("landsat/LC08_L2SP_001070_20190114-C2/"
                       "LC08_L2SP_001070_20190114_20200830_02_T2_SR_B",
                       {"2", "3", "4", "5"}, ".TIF"),
              {1}, u16, 1, oli);
  keep(std::move(oli), out);
  chip_set pan{"Landsat 8 B7 (Memphis)", {}};
  add_windows(shared, {"landsat/LC08_B7_Memphis_COG.tiff"}, {1}, u16, 1, pan);
  keep(std::move(pan), out);
  chip_set elkton{"Landsat 8 (Elkton)", {}};
  add_windows(shared,
              numbered("landsat/LC8-Elkton-VA/L8-B", {"2", "3", "4", "5"}, "-Elkton-VA.tiff"), {1},
              u16, 1, elkton);
  keep(std::move(elkton), out);
  chip_set mosaic{"Landsat 8 mosaic with fill", {}};
  add_windows(shared, {"landsat/mosaic-pair/mosaic_cog1.tif"}, {}, u16, 1, mosaic);
  keep(std::move(mosaic), out);
  chip_set quality{"Landsat 8 QA_PIXEL", {}};
  add_windows(shared,
              {"landsat/LC08_L2SP_001070_20190114-C2/"
               "LC08_L2SP_001070_20190114_20200830_02_T2_QA_PIXEL.TIF"},
              {1}, u16, 1, quality);
  keep(std::move(quality), out);
  chip_set radar{"Sentinel-1 GRD", {}};
  add_windows(shared,
              {"other/S1A_IW_GRDH_1SDV_20210202T060035_20210202T060100_036407_0445F3_B8EA_vh_"
               "extract.tif"},
              {1}, u16, 1, radar);
  keep(std::move(radar), out);
  return out;
}

std::vector<chip_set> other_chips(const std::string& shared) {
  std::vector<chip_set> out;
  const auto add = [&](const char* name, const std::vector<std::string>& files,
                       const std::vector<int>& bands, pixel_type type) {
    chip_set set{name, {}};
    for (const auto& file : files) add_windows(shared, {file}, bands, type, 1, set);
    keep(std::move(set), out);
  };
  add("uint8: NAIP",
      {"naip/m_3607717_sw_18_1_20160620_subset.tif", "naip/m_3607824_se_17_1_20160620_subset.tif"},
      {}, pixel_type::uint8);
  add("uint8: Landsat 7", {"landsat/L7_ETMs.tif"}, {}, pixel_type::uint8);
  add("uint8: Landsat 7 with fill", {"landsat/RGB.byte.tif"}, {}, pixel_type::uint8);
  add("uint8: land cover",
      {"landcover/ESA_WorldCover_10m_2020_v100_N03E003_Map.tif",
       "landcover/ESA_WorldCover_10m_2020_v100_N06E003_Map.tif"},
      {}, pixel_type::uint8);
  add("uint8: Fmask",
      {"cloudmasks/"
       "S2B_OPER_MSI_L1C_TL_VGS4_20210426T010904_A021606_T56JMQ_N03.00.fmask.original.img"},
      {}, pixel_type::uint8);
  chip_set nbar{"int16: Landsat 5 NBAR", {}};
  add_windows(shared,
              numbered("landsat/LS5_NBAR_19920323/LS5_TM_NBAR_P54_GANBAR01-002_090_084_19920323_B",
                       {"10", "20", "30", "40"}, ".tif"),
              {1}, pixel_type::int16, 1, nbar);
  keep(std::move(nbar), out);
  const auto synthetic = synthetic_chips();
  out.push_back(converted(synthetic, pixel_type::uint32, 1, "uint32: synthetic"));
  out.push_back(converted(synthetic, pixel_type::int32, -7, "int32: synthetic x -7"));
  add("float32: NDVI", {"sentinel2/eolearn-T33TVL-s2cloudless/NDVI_series_34dates.tif"}, {},
      pixel_type::float32);
  add("float32: L1C reflectance",
      {"sentinel2/eolearn-T33TVL-s2cloudless/S2_L1C_13bands_20150820T100728.tif",
       "sentinel2/eolearn-T33TVL-s2cloudless/S2_L1C_13bands_20150909T100017.tif"},
      {}, pixel_type::float32);
  add("float32: cloud probability", {"sentinel2/eolearn-T33TVL-s2cloudless/CLP_series_34dates.tif"},
      {}, pixel_type::float32);
  out.push_back(converted(synthetic, pixel_type::float32, 1e-4, "float32: synthetic x 1e-4"));
  out.push_back(converted(synthetic, pixel_type::float64, 1, "float64: synthetic, whole numbers"));
  out.push_back(converted(synthetic, pixel_type::float64, 1e-4, "float64: synthetic x 1e-4"));
  return out;
}

}  // namespace stip::bench
