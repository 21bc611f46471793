#include <filesystem>

#include "tests/support/scenes/archive.hpp"
#include "tests/support/scenes/families.hpp"
#include "tests/support/scenes/raster_writer.hpp"

namespace stip::scenes {

namespace {

constexpr double left = 335400, top = 4713600, pixel = 0.6;

struct band {
  const char* name;
  wave at;
  double noise;
  /// Eight bits are stretched: number = reflectance * gain + offset.
  double gain, offset;
  int interpretation;
};

/// GCI_RedBand, GCI_GreenBand, GCI_BlueBand, GCI_Undefined.
constexpr band bands[] = {{"R", wave::red, .0085, 900, 40, 3},
                          {"G", wave::green, .0080, 900, 45, 4},
                          {"B", wave::blue, .0080, 900, 50, 5},
                          {"N", wave::nir, .0150, 430, 15, 0}};

}  // namespace

result<product> plan_naip(const recipe& r, const std::string& folder) {
  STIP_ASSIGN(const auto day, date_of(r, {2014, 5, 1}));
  const auto edge = edge_of(r, 10000, 1);
  const auto height = edge + edge / 5;
  auto land =
      std::make_shared<landscape>(landscape_options{r.seed, edge, height, 0, 0, swath::whole});
  const auto name = text("m_42071%02d_ne_19_060_%s", int(r.seed % 64) + 1, day.compact().c_str());
  product p;
  p.family = "naip";
  p.platform = "NAIP";
  p.format = "naip";
  p.timestamp = day.dashed() + "T00:00:00Z";
  p.path = folder + "/" + name + (r.archive ? ".zip" : ".tif");
  raster_form form;
  form.creation = {"INTERLEAVE=PIXEL", "PHOTOMETRIC=RGB", "ALPHA=NO", "BIGTIFF=IF_NEEDED"};
  form.metadata = {
      {"AREA_OR_POINT", "Area"},
      {"TIFFTAG_IMAGEDESCRIPTION", "USDA-FSA-APFO National Agriculture Imagery Program"}};
  for (int i = 0; i < 4; ++i) {
    const auto& b = bands[i];
    layer l;
    l.name = b.name;
    l.file = r.archive ? name + ".tif" : "";
    l.gdal_name = r.archive ? "/vsizip/" + p.path + "/" + l.file : p.path;
    l.band = i + 1;
    l.type = pixel_type::uint8;
    l.width = edge;
    l.height = height;
    l.transform = {left, pixel, 0, top, 0, -pixel};
    l.crs = "EPSG:26919";
    l.pixels = paint_reflectance(land, 1, pixel_type::uint8,
                                 {b.at, uint32_t(i), b.noise, 0.01, b.gain, b.offset, 1, 255});
    form.interpretation.push_back(b.interpretation);
    p.layers.push_back(std::move(l));
  }
  p.write = [layers = p.layers, form, name,
             archive = r.archive](const std::string& path) -> result<void> {
    std::vector<const layer*> all;
    for (const auto& l : layers) all.push_back(&l);
    if (!archive) return write_raster(path, all, form);
    const auto aside = path + ".files";
    STIP_TRY(write_raster(aside + "/" + name + ".tif", all, form));
    STIP_TRY(zip_folder(aside, "", path));
    std::error_code ignored;
    std::filesystem::remove_all(aside, ignored);
    return {};
  };
  return p;
}

}  // namespace stip::scenes
