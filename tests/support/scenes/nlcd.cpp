#include "tests/support/scenes/families.hpp"
#include "tests/support/scenes/raster_writer.hpp"

namespace stip::scenes {

namespace {

constexpr double left = 1394535, top = 2184345, pixel = 30;
constexpr int first_year = 2001, years = 21;

struct land_class {
  uint8_t code;
  const char* name;
  std::array<uint8_t, 3> colour;
};

/// Codes, names and colours of the National Land Cover Database's legend.
constexpr land_class legend[] = {
    {0, "Unclassified", {0, 0, 0}},
    {11, "Open Water", {70, 107, 159}},
    {12, "Perennial Ice/Snow", {209, 222, 248}},
    {21, "Developed, Open Space", {222, 197, 197}},
    {22, "Developed, Low Intensity", {217, 146, 130}},
    {23, "Developed, Medium Intensity", {235, 0, 0}},
    {24, "Developed, High Intensity", {171, 0, 0}},
    {31, "Barren Land", {179, 172, 159}},
    {41, "Deciduous Forest", {104, 171, 95}},
    {42, "Evergreen Forest", {28, 95, 44}},
    {43, "Mixed Forest", {181, 197, 143}},
    {52, "Shrub/Scrub", {204, 184, 121}},
    {71, "Herbaceous", {223, 223, 194}},
    {81, "Hay/Pasture", {220, 217, 57}},
    {82, "Cultivated Crops", {171, 108, 40}},
    {90, "Woody Wetlands", {184, 217, 235}},
    {95, "Emergent Herbaceous Wetlands", {108, 159, 184}},
};

uint8_t land_code(const place& p, uint8_t outside) {
  if (!p.inside) return outside;
  // A mapper's single pixels, and what grows along shores.
  const bool odd = p.noise > 2.1f;
  if (p.ground != cover::water && p.height < -0.16f) return p.vigour > 0 ? 90 : 95;
  switch (p.ground) {
    case cover::water:
      return 11;
    case cover::snow:
      return 12;
    case cover::urban:
      return static_cast<uint8_t>(21 + (p.slope > 0.05f) + (p.slope > 0.0f) + (p.vigour > 0.5f));
    case cover::bare:
      return odd ? 52 : 31;
    case cover::forest:
      return odd ? 52 : p.slope > 0.06f ? 42 : p.slope < -0.06f ? 41 : 43;
    case cover::crops:
      return odd ? 81 : 82;
    case cover::grass:
      return odd ? 52 : p.vigour > 0 ? 81 : 71;
  }
  return outside;
}

}  // namespace

result<product> plan_nlcd(const recipe& r, const std::string& folder) {
  if (r.container != "img" && r.container != "tif")
    return fail(ec::invalid_argument, "NLCD as '" + r.container + "'", "it is not img or tif");
  STIP_ASSIGN(const auto day, date_of(r, {first_year, 1, 1}));
  const bool annual = r.container == "tif";
  const int year = r.date.empty() ? first_year + static_cast<int>((r.seed - 1) % years) : day.year;
  const auto edge = edge_of(r, 20000, 1);
  const auto height = edge - edge / 3;
  auto land = std::make_shared<landscape>(landscape_options{
      r.seed, edge, height, 0, r.nodata, r.nodata > 0 ? swath::rotated : swath::whole});
  product p;
  p.family = "nlcd";
  p.platform = "NLCD";
  p.format = "nlcd";
  p.timestamp = text("%04d-01-01T00:00:00Z", year);
  p.path = folder + "/" +
           (annual ? text("Annual_NLCD_LndCov_%d_CU_C1V0.tif", year)
                   : text("nlcd_%d_land_cover_l48.img", year));
  layer l;
  l.name = "land_cover";
  l.gdal_name = p.path;
  l.type = pixel_type::uint8;
  l.width = edge;
  l.height = height;
  l.transform = {left, pixel, 0, top, 0, -pixel};
  l.crs = "EPSG:5070";
  // The annual series marks what is outside; the legacy one calls it unclassified.
  if (annual) l.nodata = 250;
  const uint8_t outside = annual ? 250 : 0;
  l.pixels = paint_places<uint8_t>(land, 1, 60,
                                   [outside](const place& at) { return land_code(at, outside); });
  p.layers.push_back(l);
  raster_form form;
  form.colours.assign(256, {0, 0, 0});
  form.categories.assign(annual ? 0 : 256, "");
  for (const auto& c : legend) {
    form.colours[c.code] = c.colour;
    if (!annual) form.categories[c.code] = c.name;
  }
  if (annual) {
    form.creation = {"TILED=YES",        "BLOCKXSIZE=256",
                     "BLOCKYSIZE=256",   "COMPRESS=DEFLATE",
                     "BIGTIFF=IF_SAFER", text("NUM_THREADS=%s", r.threads == 1 ? "1" : "ALL_CPUS")};
    form.block_width = form.block_height = 256;
  } else {
    form.driver = "HFA";
    form.creation = {"COMPRESSED=YES"};
    form.block_width = form.block_height = 512;
  }
  p.write = [l, form](const std::string& path) { return write_raster(path, {&l}, form); };
  return p;
}

}  // namespace stip::scenes
