#include "tests/support/scenes/eos_tile.hpp"
#include "tests/support/scenes/families.hpp"
#include "tests/support/scenes/hdf5_writer.hpp"

namespace stip::scenes {

namespace {

struct tile_part {
  eos_grid grid;
  std::vector<eos_field> fields;
  int64_t step = 1;
};

result<product> plan_tile(const recipe& r, const std::string& folder, const std::string& name,
                          const std::string& collection, std::vector<tile_part> parts) {
  if (r.tile_h < 0 || r.tile_h > 35 || r.tile_v < 0 || r.tile_v > 17)
    return fail(ec::invalid_argument, "make a tile", "columns are 0 to 35, rows 0 to 17");
  STIP_ASSIGN(const auto day, date_of(r, {2013, 1, 1}));
  const auto edge = parts.back().grid.edge * parts.back().step;
  auto land =
      std::make_shared<landscape>(landscape_options{r.seed, edge, edge, r.clouds, 0, swath::whole});
  product p;
  p.family = r.family;
  p.platform = name;
  p.format = "viirs";
  p.timestamp = day.dashed() + "T00:00:00Z";
  const auto granule = text("%s.A%d%03d.h%02dv%02d.%s.2021181011753.h5", name.c_str(), day.year,
                            day.day_of_year(), r.tile_h, r.tile_v, collection.c_str());
  p.path = folder + "/" + granule;
  uint32_t number = 1;
  for (auto& part : parts)
    for (const auto& f : part.fields) {
      auto l = eos_layer(land, part.step, part.grid, f, number++);
      l.gdal_name =
          "HDF5:\"" + p.path + "\"://HDFEOS/GRIDS/" + part.grid.name + "/Data_Fields/" + f.name;
      // GDAL 3.6.2 does not read StructMetadata of HDF-EOS5, nor this driver fill values.
      l.gdal_knows_grid = false;
      part.grid.fields.push_back({f.name, f.type});
      p.layers.push_back(std::move(l));
    }
  const std::vector<std::pair<std::string, std::string>> attributes = {
      {"ShortName", name},
      {"VersionID", collection},
      {"LocalGranuleID", granule},
      {"PlatformShortName", "SUOMI-NPP"},
      {"InstrumentShortname", "VIIRS"},
      {"DayNightFlag", "Day"},
      {"HorizontalTileNumber", text("%02d", r.tile_h)},
      {"VerticalTileNumber", text("%02d", r.tile_v)},
      {"RangeBeginningDate", day.dashed()},
      {"RangeBeginningTime", "00:00:00.000000"},
      {"RangeEndingDate", day.dashed()},
      {"RangeEndingTime", "23:59:59.000000"},
      {"ProductionTime", "2021-06-30 01:17:53.000"},
      {"identifier_product_doi_authority", "https://doi.org"}};
  p.write = [parts, attributes, layers = p.layers, threads = r.threads](const std::string& path) {
    hdf5_form form;
    form.attributes = attributes;
    form.threads = threads;
    std::vector<eos_grid> shapes;
    size_t at = 0;
    for (const auto& part : parts) {
      hdf5_grid g{part.grid, {}};
      for (size_t i = 0; i < part.fields.size(); ++i) g.fields.push_back(&layers[at++]);
      form.grids.push_back(std::move(g));
      shapes.push_back(part.grid);
    }
    form.structure = struct_metadata(shapes, true);
    return write_hdf5(path, form);
  };
  return p;
}

}  // namespace

result<product> plan_vnp21(const recipe& r, const std::string& folder) {
  const auto edge = edge_of(r, 1200, 1);
  const auto across = 1200.0 / double(edge);
  tile_part part{tile_grid("VIIRS_Grid_Daily_1km_LST21", r.tile_h, r.tile_v, edge), {}, 1};
  part.fields = {
      {"LST_1KM", pixel_type::uint16, 0, 7500, 65535, 0.02, 0.0, "K", clear_temperature(0)},
      {"QC", pixel_type::uint16, 65535, 0, 65534, std::nullopt, std::nullopt, "bit field",
       [](const place& p) -> std::optional<double> {
         return is_cloud(p) ? 2 : is_cirrus(p) ? 0x4141 : p.noise > 2 ? 0x1001 : 0x4000;
       }},
      {"Emis_14", pixel_type::uint8, 0, 1, 255, 0.002, 0.49, "none", clear_emissivity(-0.02)},
      {"Emis_15", pixel_type::uint8, 0, 1, 255, 0.002, 0.49, "none", clear_emissivity(0)},
      {"Emis_16", pixel_type::uint8, 0, 1, 255, 0.002, 0.49, "none", clear_emissivity(0.006)},
      {"View_Angle", pixel_type::uint8, 255, 0, 130, 1.0, -65.0, "degree",
       smooth_field(12, 0.08 * across, 0.01 * across)},
      {"View_Time", pixel_type::uint8, 255, 0, 240, 0.1, 0.0, "hrs",
       smooth_field(130, 0.004 * across, 0.001 * across)}};
  return plan_tile(r, folder, "VNP21A1D", "001", {part});
}

result<product> plan_vnp09(const recipe& r, const std::string& folder) {
  const auto edge = edge_of(r, 2400, 2);
  const auto across = 1200.0 / double(edge / 2);
  static constexpr std::pair<const char*, wave> coarse_bands[] = {
      {"M1", wave::coastal},  {"M2", wave::coastal},   {"M3", wave::blue},
      {"M4", wave::green},    {"M5", wave::red},       {"M7", wave::nir865},
      {"M8", wave::swir1240}, {"M10", wave::swir1610}, {"M11", wave::swir2200}};
  static constexpr std::pair<const char*, wave> fine_bands[] = {
      {"I1", wave::red}, {"I2", wave::nir865}, {"I3", wave::swir1610}};
  const auto reflective = [](const char* band, wave at) {
    return eos_field{text("SurfReflect_%s_1", band),
                     pixel_type::int16,
                     -28672,
                     -100,
                     16000,
                     0.0001,
                     0.0,
                     "none",
                     any_reflectance(at)};
  };
  tile_part coarse{tile_grid("VIIRS_Grid_1km_2D", r.tile_h, r.tile_v, edge / 2), {}, 2};
  for (const auto& [band, at] : coarse_bands) coarse.fields.push_back(reflective(band, at));
  coarse.fields.push_back({"SensorZenith_1", pixel_type::int16, -32767, 0, 18000, 0.01, 0.0,
                           "degree", smooth_field(300, 4.1 * across, across)});
  coarse.fields.push_back({"SurfReflect_QF1_1", pixel_type::uint8, 255, 0, 254, std::nullopt,
                           std::nullopt, "bit field", [](const place& p) -> std::optional<double> {
                             return 2 | unsigned(is_cloud(p) ? 3 : is_cirrus(p) ? 1 : 0) << 2;
                           }});
  tile_part fine{tile_grid("VIIRS_Grid_500m_2D", r.tile_h, r.tile_v, edge), {}, 1};
  for (const auto& [band, at] : fine_bands) fine.fields.push_back(reflective(band, at));
  return plan_tile(r, folder, "VNP09GA", "001", {coarse, fine});
}

}  // namespace stip::scenes
