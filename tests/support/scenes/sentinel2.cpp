#include <algorithm>
#include <array>
#include <filesystem>

#include "tests/support/scenes/archive.hpp"
#include "tests/support/scenes/families.hpp"
#include "tests/support/scenes/raster_writer.hpp"
#include "tests/support/scenes/sentinel2_metadata.hpp"

namespace stip::scenes {

namespace {

struct band {
  const char* name;
  int resolution;
  wave at;
  /// Of the texture at the band's resolution and of the sensor, so that neighbours differ by as
  /// much entropy as in real products.
  double noise;
  /// Reflectance of the air in level 1.
  double path;
};

/// In the order of band_id.
constexpr std::array<band, 13> bands = {{
    {"B01", 60, wave::coastal, .002, .095},
    {"B02", 10, wave::blue, .0022, .070},
    {"B03", 10, wave::green, .0026, .045},
    {"B04", 10, wave::red, .0028, .030},
    {"B05", 20, wave::edge705, .0028, .022},
    {"B06", 20, wave::edge740, .0031, .018},
    {"B07", 20, wave::edge783, .0033, .015},
    {"B08", 10, wave::nir, .0058, .012},
    {"B8A", 20, wave::nir865, .0034, .010},
    {"B09", 60, wave::vapour945, .0016, .004},
    {"B10", 60, wave::cirrus1375, .00004, .000},
    {"B11", 20, wave::swir1610, .0032, .003},
    {"B12", 20, wave::swir2200, .003, .002},
}};

constexpr const char* tile = "T31TDH";
constexpr int epsg = 32631;
constexpr int64_t left = 399960, top = 4700040;
/// Red, green and blue of a true colour image are white at this reflectance.
constexpr double white = 0.3558;
/// Preview images are that many pixels wide.
constexpr int64_t preview_edge = 343;

/// Tiles of ESA's code streams.
int tile_edge(int resolution) {
  return resolution == 10 ? 1024 : resolution == 20 ? 640 : 192;
}

uint8_t scene_class(const place& p) {
  if (!p.inside) return 0;
  if (is_cloud(p)) return p.cloud > 0.85f ? 9 : 8;
  if (is_cirrus(p)) return 10;
  if (is_shadow(p)) return 3;
  switch (p.ground) {
    case cover::water:
      return 6;
    case cover::snow:
      return 11;
    case cover::bare:
    case cover::urban:
      return 5;
    default:
      return p.vigour + 0.3f * p.noise < -0.95f ? 7 : 4;
  }
}

class safe {
 public:
  safe(const recipe& r, bool level2, const std::string& folder, const calendar_date& day)
      : r_(r), level2_(level2) {
    const auto edge = edge_of(r, 10980, 6);
    land_ = std::make_shared<landscape>(landscape_options{
        r.seed, edge, edge, r.clouds, r.nodata, r.nodata > 0 ? swath::edge : swath::whole});
    facts_.level2 = level2;
    facts_.baseline = r.baseline;
    facts_.offsets = std::stod(r.baseline) >= 4;
    facts_.spacecraft = day.days() % 2 == 0 ? "S2A" : "S2B";
    facts_.tile = tile;
    facts_.orbit = "51";
    facts_.epsg = epsg;
    facts_.upper_left_x = left;
    facts_.upper_left_y = top;
    facts_.edge = edge;
    facts_.datatake = day.compact() + "T105031";
    facts_.sensed = day.compact() + "T105826";
    facts_.generated = day.compact() + (level2 ? "T151207" : "T125942");
    const auto absolute = text("A%06lld", static_cast<long long>(day.days()) % 100000 + 10000);
    facts_.granule = std::string(level2 ? "L2A_" : "L1C_") + tile + "_" + absolute + "_" +
                     day.compact() + "T105026";
    facts_.datastrip = "DS_VGS2_" + facts_.generated + "_S" + day.compact() + "T105026";
    auto number = r.baseline;
    std::erase(number, '.');
    facts_.product = facts_.spacecraft + (level2 ? "_MSIL2A_" : "_MSIL1C_") + facts_.datatake +
                     "_N" + number + "_R051_" + tile + "_" + facts_.generated;
    what_.family = level2 ? "sentinel2-l2a" : "sentinel2-l1c";
    what_.platform = level2 ? "Sentinel-2-L2A" : "Sentinel-2-L1C";
    what_.format = "sentinel2";
    what_.timestamp = day.dashed() + "T10:58:26Z";
    what_.path = folder + "/" + facts_.product + (r.archive ? ".zip" : ".SAFE");
    root_ = r.archive ? "/vsizip/" + what_.path + "/" + facts_.product + ".SAFE" : what_.path;
    add_layers();
  }

  product done() {
    // An @ marks what is there at another resolution too, and masks.
    what_.native = [](const layer& l) { return l.name.find('@') == std::string::npos; };
    what_.write = [self = *this](const std::string& path) { return self.write(path); };
    return what_;
  }

 private:
  std::string image_name(const char* what, int resolution) const {
    const auto base = "GRANULE/" + facts_.granule + "/IMG_DATA/";
    const auto name = std::string(tile) + "_" + facts_.datatake + "_" + what;
    if (!level2_) return base + name + ".jp2";
    return base + text("R%dm/", resolution) + name + text("_%dm.jp2", resolution);
  }

  void add(const std::string& name, const std::string& file, int resolution, pixel_type type,
           int number, paint pixels) {
    layer l;
    l.name = name;
    l.file = file;
    l.gdal_name = root_ + "/" + file;
    l.band = number;
    l.type = type;
    l.width = l.height = facts_.edge * 10 / resolution;
    l.transform = {double(left), double(resolution), 0, double(top), 0, -double(resolution)};
    l.crs = text("EPSG:%d", epsg);
    l.pixels = std::move(pixels);
    what_.layers.push_back(std::move(l));
  }

  void add_band(size_t i, int resolution, bool copy) {
    const auto& b = bands[i];
    reflective_band look{b.at, static_cast<uint32_t>(i), b.noise, level2_ ? 0 : b.path};
    // Coarser pixels of a finer band are means.
    if (copy) look.noise *= 0.75;
    look.offset = facts_.offsets ? 1000 : 0;
    add(copy ? std::string(b.name) + text("@%dm", resolution) : b.name,
        image_name(b.name, resolution), resolution, pixel_type::uint16, 1,
        paint_reflectance(land_, resolution / 10, pixel_type::uint16, look));
  }

  void add_true_colour(int resolution, bool copy) {
    static constexpr std::array<size_t, 3> sources = {3, 2, 1};
    for (size_t i = 0; i < 3; ++i) {
      const auto& b = bands[sources[i]];
      reflective_band look{
          b.at, static_cast<uint32_t>(sources[i]), b.noise, level2_ ? 0 : b.path, 255 / white, 0, 1,
          255};
      add(text("TCI%zu", i + 1) + (copy ? text("@%dm", resolution) : ""),
          image_name("TCI", resolution), resolution, pixel_type::uint8, int(i) + 1,
          paint_reflectance(land_, resolution / 10, pixel_type::uint8, look));
    }
  }

  template <class T, class F>
  void add_places(const std::string& name, const std::string& file, int resolution, int number,
                  F value) {
    add(name, file, resolution, std::is_same_v<T, uint8_t> ? pixel_type::uint8 : pixel_type::uint16,
        number, paint_places<T>(land_, resolution / 10, 40, value));
  }

  void add_layers() {
    const auto quality = "GRANULE/" + facts_.granule + "/QI_DATA/";
    for (size_t i = 0; i < bands.size(); ++i)
      if (!level2_ || i != 10) add_band(i, bands[i].resolution, false);
    add_true_colour(10, false);
    if (level2_) {
      add_places<uint8_t>("SCL", image_name("SCL", 20), 20, 1, scene_class);
      add_places<uint8_t>("CLD", quality + "MSK_CLDPRB_20m.jp2", 20, 1, cloud_probability);
      add_places<uint8_t>("SNW", quality + "MSK_SNWPRB_20m.jp2", 20, 1, snow_probability);
      add_places<uint16_t>("AOT", image_name("AOT", 20), 20, 1, aerosol);
      add_places<uint16_t>("WVP", image_name("WVP", 20), 20, 1, vapour);
    }
    if (level2_ && r_.copies) add_copies(quality);
    if (facts_.offsets) {
      const auto file = quality + "MSK_CLASSI_B00.jp2";
      add_places<uint8_t>("CLASSI1", file, 60, 1,
                          [](const place& p) { return p.inside && is_cloud(p); });
      add_places<uint8_t>("CLASSI2", file, 60, 2,
                          [](const place& p) { return p.inside && is_cirrus(p); });
      add_places<uint8_t>("CLASSI3", file, 60, 3, [](const place& p) {
        return p.inside && !is_cloud(p) && p.ground == cover::snow;
      });
    }
  }

  void add_copies(const std::string& quality) {
    for (const int resolution : {20, 60}) {
      for (size_t i = 0; i < bands.size(); ++i)
        if (i != 10 && i != 7 && bands[i].resolution < resolution) add_band(i, resolution, true);
      add_true_colour(resolution, true);
    }
    // Both are worked out at 20 m, and copied to the finer grid too.
    for (const int resolution : {10, 60}) {
      const auto suffix = text("@%dm", resolution);
      add_places<uint16_t>("AOT" + suffix, image_name("AOT", resolution), resolution, 1, aerosol);
      add_places<uint16_t>("WVP" + suffix, image_name("WVP", resolution), resolution, 1, vapour);
    }
    add_places<uint8_t>("SCL@60m", image_name("SCL", 60), 60, 1, scene_class);
    add_places<uint8_t>("CLD@60m", quality + "MSK_CLDPRB_60m.jp2", 60, 1, cloud_probability);
    add_places<uint8_t>("SNW@60m", quality + "MSK_SNWPRB_60m.jp2", 60, 1, snow_probability);
  }

  static uint8_t cloud_probability(const place& p) {
    return p.inside ? static_cast<uint8_t>(whole(100.0 * double(p.cloud), 0, 100)) : 0;
  }
  static uint8_t snow_probability(const place& p) {
    return p.inside && p.ground == cover::snow
               ? static_cast<uint8_t>(whole(90 * (1 - double(p.cloud)), 0, 100))
               : 0;
  }
  static uint16_t aerosol(const place& p) {
    return p.inside ? static_cast<uint16_t>(whole(140 - 60 * double(p.height), 1, 2000)) : 0;
  }
  static uint16_t vapour(const place& p) {
    return p.inside ? static_cast<uint16_t>(
                          whole(1600 - 900 * double(p.height) + 25 * double(p.noise), 1, 9000))
                    : 0;
  }

  /// Percent of the pixels inside that are under clouds, and percent outside, at 60 m.
  std::pair<double, double> shares() const {
    const auto edge = facts_.edge / 6;
    double inside = 0, cloudy = 0;
    survey s;
    for (int64_t y = 0; y < edge; y += 64) {
      land_->look({0, y, edge, std::min<int64_t>(64, edge - y)}, 6, s);
      for (size_t i = 0; i < s.inside.size(); ++i)
        if (s.inside[i] != 0) ++inside, cloudy += s.cloud[i] >= 0.5f || s.cirrus[i] >= 0.5f;
    }
    const auto all = static_cast<double>(edge * edge);
    return {inside > 0 ? 100 * cloudy / inside : 0, 100 * (all - inside) / all};
  }

  result<void> write(const std::string& path) const {
    const auto folder = r_.archive ? path + ".SAFE" : path;
    auto facts = facts_;
    std::tie(facts.cloudy_percent, facts.nodata_percent) = shares();
    STIP_ASSIGN(facts.outline, outline());
    // One job a file; the largest first, so that all threads end together.
    std::vector<std::vector<const layer*>> files;
    for (const auto& l : what_.layers)
      if (l.band == 1)
        files.push_back({&l});
      else
        files.back().push_back(&l);
    std::stable_sort(files.begin(), files.end(), [](const auto& a, const auto& b) {
      return a.front()->bytes() * a.size() > b.front()->bytes() * b.size();
    });
    STIP_TRY(in_parallel(files.size(), r_.threads, [&](size_t i) {
      return write_image(folder + "/" + files[i].front()->file, files[i]);
    }));
    STIP_TRY(write_preview(folder));
    const auto granule = folder + "/GRANULE/" + facts.granule;
    if (!facts.offsets) STIP_TRY(write_polygons(facts, granule + "/QI_DATA/MSK_CLOUDS_B00.gml"));
    for (const auto& l : what_.layers) {
      auto name = l.file.substr(0, l.file.size() - 4);
      if (l.band == 1 && name.find("IMG_DATA") != name.npos) facts.images.push_back(name);
    }
    STIP_TRY(write_text(folder + (level2_ ? "/MTD_MSIL2A.xml" : "/MTD_MSIL1C.xml"),
                        product_metadata(facts)));
    STIP_TRY(write_text(granule + "/MTD_TL.xml", tile_metadata(facts)));
    STIP_TRY(write_text(folder + "/DATASTRIP/" + facts.datastrip + "/MTD_DS.xml",
                        datastrip_metadata(facts)));
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
      if (entry.is_regular_file())
        facts.files.push_back(std::filesystem::relative(entry.path(), folder).generic_string());
    std::sort(facts.files.begin(), facts.files.end());
    STIP_TRY(write_text(folder + "/manifest.safe", safe_manifest(facts)));
    if (!r_.archive) return {};
    STIP_TRY(zip_folder(folder, facts.product + ".SAFE", path));
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
    return {};
  }

  static result<void> write_image(const std::string& path,
                                  const std::vector<const layer*>& layers) {
    const auto resolution = static_cast<int>(layers.front()->transform[1]);
    const auto edge = tile_edge(resolution);
    raster_form form;
    form.driver = "JP2OpenJPEG";
    form.creation = {"QUALITY=100",
                     "REVERSIBLE=YES",
                     "GeoJP2=NO",
                     "GMLJP2=YES",
                     text("BLOCKXSIZE=%d", edge),
                     text("BLOCKYSIZE=%d", edge)};
    if (layers.front()->type == pixel_type::uint16) form.creation.push_back("NBITS=15");
    if (layers.size() == 3) form.creation.push_back("YCC=NO");
    form.block_width = form.block_height = edge;
    return write_raster(path, layers, form);
  }

  result<void> write_preview(const std::string& folder) const {
    std::vector<layer> small;
    const auto step = std::max<int64_t>(1, facts_.edge / preview_edge);
    for (size_t i : {3, 2, 1}) {
      layer l;
      l.type = pixel_type::uint8;
      l.width = l.height = facts_.edge / step;
      l.transform = {double(left), double(10 * step), 0, double(top), 0, -double(10 * step)};
      l.crs = text("EPSG:%d", epsg);
      l.pixels = paint_reflectance(land_, step, pixel_type::uint8,
                                   {bands[i].at, uint32_t(i), bands[i].noise / 2,
                                    level2_ ? 0 : bands[i].path, 255 / white, 0, 1, 255});
      small.push_back(std::move(l));
    }
    return write_image(folder + "/GRANULE/" + facts_.granule + "/QI_DATA/" + tile + "_" +
                           facts_.datatake + "_PVI.jp2",
                       {&small[0], &small[1], &small[2]});
  }

  result<void> write_polygons(const sentinel2_facts& facts, const std::string& path) const {
    layer mask;
    mask.type = pixel_type::uint8;
    mask.width = mask.height = facts_.edge / 6;
    mask.transform = {double(left), 60, 0, double(top), 0, -60};
    mask.crs = text("EPSG:%d", epsg);
    mask.pixels = paint_places<uint8_t>(land_, 6, 40, [](const place& p) {
      return !p.inside ? 0 : is_cloud(p) ? 1 : is_cirrus(p) ? 2 : 0;
    });
    STIP_ASSIGN(auto polygons, polygons_of(mask));
    return write_text(path, cloud_polygons(facts, polygons));
  }

  /// As the product's metadata have it: latitude, longitude of each corner, closed.
  result<std::string> outline() const {
    const auto side = 10.0 * double(facts_.edge);
    STIP_ASSIGN(const auto corners,
                corners_of(text("EPSG:%d", epsg), double(left), double(top), side, side));
    std::string out;
    for (const size_t i : {0, 1, 2, 3, 0})
      out += text(out.empty() ? "%.12f %.12f" : " %.12f %.12f", corners[i][1], corners[i][0]);
    return out;
  }

  recipe r_;
  bool level2_;
  std::shared_ptr<const landscape> land_;
  sentinel2_facts facts_;
  product what_;
  std::string root_;
};

result<product> plan_safe(const recipe& r, const std::string& folder, bool level2) {
  STIP_ASSIGN(const auto day, date_of(r, {2016, 6, 1}));
  if (r.baseline.size() != 5 || r.baseline[2] != '.' ||
      r.baseline.find_first_not_of("0123456789.") != std::string::npos)
    return fail(ec::invalid_argument, "baseline '" + r.baseline + "'", "it is none like 05.09");
  return safe(r, level2, folder, day).done();
}

}  // namespace

result<product> plan_sentinel2_l1c(const recipe& r, const std::string& folder) {
  return plan_safe(r, folder, false);
}

result<product> plan_sentinel2_l2a(const recipe& r, const std::string& folder) {
  return plan_safe(r, folder, true);
}

}  // namespace stip::scenes
