#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numbers>

#include "tests/support/scenes/archive.hpp"
#include "tests/support/scenes/families.hpp"
#include "tests/support/scenes/landsat_metadata.hpp"
#include "tests/support/scenes/raster_writer.hpp"

namespace stip::scenes {

namespace {

constexpr int epsg = 32631;
/// Centre of the upper left pixel of 30 m.
constexpr double left = 465900, top = 4839900;
/// Scenes are a little higher than wide.
constexpr int64_t elongation = 32;
constexpr int tile_edge = 256;

struct band {
  int number;
  wave at;
  double noise, path;
};

constexpr band reflective[] = {
    {1, wave::coastal, .0050, .095},  {2, wave::blue, .0052, .070},
    {3, wave::green, .0058, .045},    {4, wave::red, .0070, .030},
    {5, wave::nir865, .0085, .010},   {6, wave::swir1610, .0100, .003},
    {7, wave::swir2200, .0105, .002}, {9, wave::cirrus1375, .0004, .001}};
constexpr band panchromatic = {8, wave::green, .0080, .040};

/// LSDS-1328, QA_PIXEL: clear, cloudy and so on as bits, and each confidence in two more.
uint16_t quality(const place& p) {
  if (!p.inside) return 1;
  constexpr unsigned low = 1, high = 3;
  const bool cloud = is_cloud(p);
  // The rim is ragged.
  const bool near = !cloud && p.cloud + 0.1f * p.noise > 0.2f;
  const bool veil = is_cirrus(p);
  const bool shadow = is_shadow(p) && !near;
  const bool snow = !cloud && p.ground == cover::snow;
  unsigned bits = unsigned(near) << 1 | unsigned(veil) << 2 | unsigned(cloud) << 3 |
                  unsigned(shadow) << 4 | unsigned(snow) << 5;
  bits |= unsigned(!cloud && !near) << 6;
  bits |= unsigned(!cloud && p.ground == cover::water) << 7;
  bits |= (cloud ? high : low) << 8 | (shadow ? high : low) << 10 | (snow ? high : low) << 12 |
          (veil ? high : low) << 14;
  return static_cast<uint16_t>(bits);
}

class scene {
 public:
  scene(const recipe& r, bool level2, const std::string& folder, const calendar_date& day)
      : r_(r), level2_(level2) {
    const auto edge = edge_of(r, level2 ? 7750 : 15500, 2);
    step_ = level2 ? 1 : 2;
    samples_ = edge / step_;
    lines_ = samples_ + samples_ / elongation;
    land_ = std::make_shared<landscape>(
        landscape_options{r.seed, samples_ * step_, lines_ * step_, r.clouds, r.nodata,
                          r.nodata > 0 ? swath::rotated : swath::whole});
    const auto processed = date_of_days(day.days() + 14);
    facts_.level2 = level2;
    facts_.acquired = day.dashed();
    facts_.processed = processed.dashed();
    facts_.id = std::string("LC08_") + (level2 ? "L2SP" : "L1TP") + "_198030_" + day.compact() +
                "_" + processed.compact() + "_02_T1";
    facts_.lines = lines_;
    facts_.samples = samples_;
    facts_.left = left;
    facts_.top = top;
    what_.family = level2 ? "landsat-l2sp" : "landsat-l1tp";
    what_.platform = level2 ? "Landsat8C2L2" : "Landsat8C2L1";
    what_.format = "landsat";
    what_.timestamp = day.dashed() + "T10:34:30Z";
    what_.path = folder + "/" + facts_.id + (r.archive ? ".tar" : "");
    root_ = r.archive ? "/vsitar/" + what_.path : what_.path;
    level2 ? add_level2() : add_level1();
    add_places<uint16_t>("QA_PIXEL", "QUALITY_L1_PIXEL", {}, quality);
    add_places<uint16_t>("QA_RADSAT", "QUALITY_L1_RADIOMETRIC_SATURATION", {}, [](const place& p) {
      return p.inside && p.cloud > 0.97f && p.noise > 2 ? 0x1f : 0;
    });
  }

  product done() {
    what_.write = [self = *this](const std::string& path) { return self.write(path); };
    return what_;
  }

 private:
  void add(const std::string& name, const std::string& key, pixel_type type, bool fine,
           std::optional<double> nodata, paint pixels) {
    layer l;
    l.name = name;
    l.file = facts_.id + "_" + name + ".TIF";
    l.gdal_name = root_ + "/" + l.file;
    l.type = type;
    // Pixels of the panchromatic band share the centre of the first coarse one.
    const double size = fine ? 15 : 30;
    l.width = fine ? 2 * samples_ - 1 : samples_;
    l.height = fine ? 2 * lines_ - 1 : lines_;
    l.transform = {left - size / 2, size, 0, top + size / 2, 0, -size};
    l.crs = text("EPSG:%d", epsg);
    l.nodata = nodata;
    l.pixels = std::move(pixels);
    const std::string names[] = {"UINT8", "UINT16", "INT16"};
    facts_.files.push_back({key,
                            names[type == pixel_type::uint8    ? 0
                                  : type == pixel_type::uint16 ? 1
                                                               : 2],
                            l.file});
    what_.layers.push_back(std::move(l));
  }

  template <class T, class F>
  void add_places(const std::string& name, const std::string& key, std::optional<double> nodata,
                  F value) {
    const auto type = std::is_same_v<T, uint8_t>    ? pixel_type::uint8
                      : std::is_same_v<T, uint16_t> ? pixel_type::uint16
                                                    : pixel_type::int16;
    const auto number = 50 + static_cast<uint32_t>(what_.layers.size());
    add(name, key, type, false, nodata, paint_places<T>(land_, step_, number, value));
  }

  /// An int16 layer that is -9999 outside.
  template <class F>
  void add_signed(const std::string& name, const std::string& key, F value) {
    add_places<int16_t>(name, key, -9999, [value](const place& p) {
      return p.inside ? whole(value(p), -9998, 32767) : -9999.0;
    });
  }

  void add_level1() {
    const double sun = std::sin(landsat_sun * std::numbers::pi / 180);
    const auto look = [&](const band& b) {
      return reflective_band{b.at, uint32_t(b.number), b.noise, b.path, 50000 * sun, 5000, 1,
                             65535};
    };
    for (const auto& b : reflective)
      add(text("B%d", b.number), text("BAND_%d", b.number), pixel_type::uint16, false, 0,
          paint_reflectance(land_, step_, pixel_type::uint16, look(b)));
    add("B8", "BAND_8", pixel_type::uint16, true, 0,
        paint_reflectance(land_, 1, pixel_type::uint16, look(panchromatic)));
    for (int i = 0; i < 2; ++i)
      add_places<uint16_t>(text("B%d", 10 + i), text("BAND_%d", 10 + i), 0, [i](const place& p) {
        const double radiance = landsat_k1[i] / (std::exp(landsat_k2[i] / temperature(p)) - 1);
        return p.inside ? whole((radiance - 0.1) / 3.342e-4, 1, 65535) : 0;
      });
    const auto angle = [this](double first, double across) {
      return [first, slope = across / double(samples_)](const place& p) {
        return first + slope * double(p.x) + 0.2 * slope * double(p.y);
      };
    };
    add_signed("VAA", "ANGLE_SENSOR_AZIMUTH_BAND_4", angle(9800, 400));
    add_signed("VZA", "ANGLE_SENSOR_ZENITH_BAND_4", angle(-700, 1400));
    add_signed("SAA", "ANGLE_SOLAR_AZIMUTH_BAND_4", angle(14700, 300));
    add_signed("SZA", "ANGLE_SOLAR_ZENITH_BAND_4", angle(3000, 100));
  }

  void add_level2() {
    for (const auto& b : reflective)
      if (b.number <= 7)
        add(text("SR_B%d", b.number), text("BAND_%d", b.number), pixel_type::uint16, false, 0,
            paint_reflectance(
                land_, step_, pixel_type::uint16,
                {b.at, uint32_t(b.number), b.noise, 0, 1 / 2.75e-5, 0.2 / 2.75e-5, 1, 65535}));
    add_places<uint16_t>("ST_B10", "BAND_ST_B10", 0, [](const place& p) {
      return p.inside ? whole((temperature(p) - 149) / 0.00341802, 1, 65535) : 0;
    });
    add_signed("ST_TRAD", "THERMAL_RADIANCE",
               [](const place& p) { return 1000 * std::pow(temperature(p) / 100 - 2, 2) + 8000; });
    add_signed("ST_URAD", "UPWELL_RADIANCE",
               [](const place& p) { return 900 - 300 * double(p.height); });
    add_signed("ST_DRAD", "DOWNWELL_RADIANCE",
               [](const place& p) { return 1500 - 500 * double(p.height); });
    add_signed("ST_ATRAN", "ATMOSPHERIC_TRANSMITTANCE",
               [](const place& p) { return 8200 + 900 * double(p.height); });
    add_signed("ST_EMIS", "EMISSIVITY",
               [](const place& p) { return 9600 + 20 * double(p.ground) + 80 * double(p.vigour); });
    add_signed("ST_EMSD", "EMISSIVITY_STDEV",
               [](const place& p) { return 40 + 20 * std::abs(double(p.vigour)); });
    add_signed("ST_CDIST", "CLOUD_DISTANCE",
               [](const place& p) { return 1200 * (1 - double(std::max(p.cloud, p.shadow))); });
    add_places<uint8_t>("SR_QA_AEROSOL", "QUALITY_L2_AEROSOL", 1, [](const place& p) {
      return !p.inside ? 1 : p.ground == cover::water ? 4 + 0x60 : is_cloud(p) ? 0xc2 : 0x62;
    });
    add_signed("ST_QA", "QUALITY_L2_SURFACE_TEMPERATURE",
               [](const place& p) { return 220 + 700 * double(std::max(p.cloud, p.cirrus)); });
  }

  /// Percent of the pixels inside that are cloud.
  double cloud_cover() const {
    double inside = 0, cloudy = 0;
    survey s;
    const auto step = std::max<int64_t>(1, samples_ / 512) * step_;
    const auto across = samples_ * step_ / step;
    for (int64_t y = 0; y < lines_ * step_ / step; ++y) {
      land_->look({0, y, across, 1}, step, s);
      for (size_t i = 0; i < s.inside.size(); ++i)
        if (s.inside[i] != 0) ++inside, cloudy += s.cloud[i] >= 0.5f;
    }
    return inside > 0 ? 100 * cloudy / inside : 0;
  }

  result<void> write(const std::string& path) const {
    const auto folder = r_.archive ? path + ".files" : path;
    STIP_TRY(in_parallel(what_.layers.size(), r_.threads, [&](size_t i) {
      const auto& l = what_.layers[i];
      raster_form form;
      // Collection 2 is cloud-optimised: tiles of 256, deflate, overviews inside.
      form.driver = "COG";
      form.creation = {"COMPRESS=DEFLATE", "PREDICTOR=YES", text("BLOCKSIZE=%d", tile_edge),
                       "OVERVIEW_RESAMPLING=NEAREST", "NUM_THREADS=1"};
      form.metadata = {{"AREA_OR_POINT", "Point"}};
      form.block_width = form.block_height = tile_edge;
      return write_raster(folder + "/" + l.file, {&l}, form);
    }));
    auto facts = facts_;
    facts.cloud_cover = cloud_cover();
    STIP_ASSIGN(const auto corners,
                corners_of(text("EPSG:%d", epsg), left, top, 30.0 * double(samples_ - 1),
                           30.0 * double(lines_ - 1)));
    for (const auto& c : corners) facts.corners.emplace_back(c[0], c[1]);
    STIP_TRY(write_text(folder + "/" + facts.id + "_MTL.txt", landsat_text(facts)));
    STIP_TRY(write_text(folder + "/" + facts.id + "_MTL.xml", landsat_xml(facts)));
    STIP_TRY(write_text(folder + "/" + facts.id + "_ANG.txt",
                        "GROUP = FILE_HEADER\n  LANDSAT_SCENE_ID = \"" + facts.id +
                            "\"\n  NUMBER_OF_BANDS = 11\nEND_GROUP = FILE_HEADER\nEND\n"));
    if (!r_.archive) return {};
    STIP_TRY(tar_folder(folder, path));
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
    return {};
  }

  recipe r_;
  bool level2_;
  int64_t step_ = 1, samples_ = 0, lines_ = 0;
  std::shared_ptr<const landscape> land_;
  landsat_facts facts_;
  product what_;
  std::string root_;
};

}  // namespace

result<product> plan_landsat_l1tp(const recipe& r, const std::string& folder) {
  STIP_ASSIGN(const auto day, date_of(r, {2013, 6, 1}));
  return scene(r, false, folder, day).done();
}

result<product> plan_landsat_l2sp(const recipe& r, const std::string& folder) {
  STIP_ASSIGN(const auto day, date_of(r, {2013, 6, 1}));
  return scene(r, true, folder, day).done();
}

}  // namespace stip::scenes
