#include "tests/support/scenes/eos_tile.hpp"
#include "tests/support/scenes/families.hpp"
#include "tests/support/scenes/hdf4_writer.hpp"

namespace stip::scenes {

namespace {

using stip::pixel_type;

constexpr const char* produced = "2021-06-30T01:17:53.000Z";
constexpr wave modis_bands[] = {wave::red,      wave::nir865,   wave::blue,    wave::green,
                                wave::swir1240, wave::swir1610, wave::swir2200};

struct tile_part {
  eos_grid grid;
  std::vector<eos_field> fields;
  /// Finest pixels a pixel of this grid.
  int64_t step = 1;
};

struct tile_plan {
  std::string short_name, long_name, platform;
  int days = 1;
  bool combined = false;
  std::vector<tile_part> parts;
};

result<product> plan_tile(const recipe& r, const std::string& folder, tile_plan plan) {
  if (r.tile_h < 0 || r.tile_h > 35 || r.tile_v < 0 || r.tile_v > 17)
    return fail(ec::invalid_argument, "make a tile", "columns are 0 to 35, rows 0 to 17");
  STIP_ASSIGN(const auto day, date_of(r, {2005, 1, 1}));
  const auto edge = plan.parts.back().grid.edge * plan.parts.back().step;
  auto land =
      std::make_shared<landscape>(landscape_options{r.seed, edge, edge, r.clouds, 0, swath::whole});
  product p;
  p.family = r.family;
  p.platform = plan.short_name;
  p.format = r.family == "mod09ga" ? "modis" : r.family;
  p.hdf4 = true;
  // MCD43A4's day is the middle of its sixteen, its range begins on that day in Collection 6.1.
  p.timestamp = day.dashed() + "T00:00:00Z";
  eos_facts facts;
  facts.short_name = plan.short_name;
  facts.tile_h = r.tile_h;
  facts.tile_v = r.tile_v;
  facts.granule = text("%s.A%d%03d.h%02dv%02d.061.2021181011753.hdf", plan.short_name.c_str(),
                       day.year, day.day_of_year(), r.tile_h, r.tile_v);
  facts.platform = plan.combined ? "Aqua" : "Terra";
  facts.instrument = "MODIS";
  facts.long_name = plan.long_name;
  facts.begins = day.dashed();
  facts.ends = date_of_days(day.days() + plan.days - 1).dashed();
  facts.produced = produced;
  facts.ring = tile_ring(r.tile_h, r.tile_v);
  p.path = folder + "/" + facts.granule;
  uint32_t number = 1;
  for (auto& part : plan.parts)
    for (const auto& f : part.fields) {
      auto l = eos_layer(land, part.step, part.grid, f, number++);
      l.gdal_name = "HDF4_EOS:EOS_GRID:\"" + p.path + "\":" + part.grid.name + ":" + f.name;
      part.grid.fields.push_back({f.name, f.type});
      p.layers.push_back(std::move(l));
    }
  p.write = [plan, facts, layers = p.layers](const std::string& path) {
    std::vector<hdf4_grid> grids;
    std::vector<eos_grid> shapes;
    size_t at = 0;
    for (const auto& part : plan.parts) {
      hdf4_grid g{part.grid.name, {}};
      for (const auto& f : part.fields)
        g.fields.push_back({&layers[at++], f.name, f.units, f.fill, f.low, f.high});
      grids.push_back(std::move(g));
      shapes.push_back(part.grid);
    }
    return write_hdf4(path, grids, struct_metadata(shapes, false), core_metadata(facts),
                      archive_metadata(facts, shapes.back()));
  };
  return p;
}

eos_field flags(const std::string& name, pixel_type type, double fill, double high,
                std::function<std::optional<double>(const place&)> value) {
  return {name, type, fill, 0, high, std::nullopt, std::nullopt, "bit field", std::move(value)};
}

}  // namespace

result<product> plan_mcd43a4(const recipe& r, const std::string& folder) {
  const auto edge = edge_of(r, 2400, 1);
  tile_part part{tile_grid("MOD_Grid_BRDF", r.tile_h, r.tile_v, edge), {}, 1};
  for (int b = 1; b <= 7; ++b)
    part.fields.push_back(flags(text("BRDF_Albedo_Band_Mandatory_Quality_Band%d", b),
                                pixel_type::uint8, 255, 254,
                                [b](const place& p) -> std::optional<double> {
                                  if (is_cloud(p)) return std::nullopt;
                                  return is_cirrus(p) || is_shadow(p) || p.noise > 2.4f - 0.1f * b;
                                }));
  for (int b = 1; b <= 7; ++b)
    part.fields.push_back({text("Nadir_Reflectance_Band%d", b), pixel_type::int16, 32767, 0, 32766,
                           0.0001, 0.0, "reflectance, no units",
                           clear_reflectance(modis_bands[b - 1])});
  return plan_tile(r, folder,
                   {"MCD43A4",
                    "MODIS/Terra+Aqua BRDF/Albedo Nadir BRDF-Adjusted Ref "
                    "Daily L3 Global - 500m",
                    "Aqua",
                    16,
                    true,
                    {part}});
}

result<product> plan_mod11a1(const recipe& r, const std::string& folder) {
  const auto edge = edge_of(r, 1200, 1);
  const auto across = 1200.0 / double(edge);
  tile_part part{tile_grid("MODIS_Grid_Daily_1km_LST", r.tile_h, r.tile_v, edge), {}, 1};
  const auto quality = [](const place& p) -> std::optional<double> {
    return is_cloud(p) ? 2 : is_cirrus(p) ? 65 : p.noise > 2 ? 17 : 0;
  };
  const auto clear = [](const place& p) -> std::optional<double> {
    if (is_cloud(p)) return std::nullopt;
    return 2000 * (1 - double(p.cirrus)) - 3 * std::abs(double(p.noise));
  };
  for (const bool day : {true, false}) {
    const std::string when = day ? "Day" : "Night";
    part.fields.push_back({"LST_" + when + "_1km", pixel_type::uint16, 0, 7500, 65535, 0.02, 0.0,
                           "K", clear_temperature(day ? 0 : -12)});
    part.fields.push_back(flags("QC_" + when, pixel_type::uint8, 255, 254, quality));
    part.fields.push_back({when + "_view_time", pixel_type::uint8, 255, 0, 240, 0.1, 0.0, "hrs",
                           smooth_field(day ? 105 : 220, 0.004 * across, 0.001 * across)});
    part.fields.push_back({when + "_view_angl", pixel_type::uint8, 255, 0, 130, 1.0, -65.0, "deg",
                           smooth_field(12, 0.08 * across, 0.01 * across)});
  }
  part.fields.push_back(
      {"Emis_31", pixel_type::uint8, 0, 1, 255, 0.002, 0.49, "none", clear_emissivity(0)});
  part.fields.push_back(
      {"Emis_32", pixel_type::uint8, 0, 1, 255, 0.002, 0.49, "none", clear_emissivity(0.006)});
  part.fields.push_back(
      {"Clear_day_cov", pixel_type::uint16, 0, 1, 65535, 0.0005, 0.0, "none", clear});
  part.fields.push_back(
      {"Clear_night_cov", pixel_type::uint16, 0, 1, 65535, 0.0005, 0.0, "none", clear});
  return plan_tile(r, folder,
                   {"MOD11A1",
                    "MODIS/Terra Land Surface Temperature/Emissivity Daily "
                    "L3 Global 1km SIN Grid",
                    "Terra",
                    1,
                    false,
                    {part}});
}

result<product> plan_mod09ga(const recipe& r, const std::string& folder) {
  const auto edge = edge_of(r, 2400, 2);
  const auto across = 1200.0 / double(edge / 2);
  tile_part coarse{tile_grid("MODIS_Grid_1km_2D", r.tile_h, r.tile_v, edge / 2), {}, 2};
  const auto state = [](const place& p) -> std::optional<double> {
    // Bits 0-1 cloud, 2 shadow, 3-5 land or water, 8-9 cirrus, 10 internal cloud, 13 adjacent.
    const bool cloud = is_cloud(p);
    const bool mixed = !cloud && p.cloud > 0.15f;
    const unsigned land = p.ground == cover::water ? 3 : 1;
    const unsigned veil = is_cirrus(p) ? 3 : p.cirrus > 0.1f ? 1 : 0;
    return unsigned(cloud) | unsigned(mixed) << 1 | unsigned(is_shadow(p)) << 2 | land << 3 |
           1u << 6 | veil << 8 | unsigned(cloud) << 10 | unsigned(mixed) << 13 |
           unsigned(p.ground == cover::snow) << 15;
  };
  const auto one = [](const place&) -> std::optional<double> { return 1; };
  const auto angle = [&](const char* name, double first, double slope) {
    return eos_field{name,
                     pixel_type::int16,
                     -32767,
                     -18000,
                     18000,
                     0.01,
                     0.0,
                     "degree",
                     smooth_field(first, slope * across, 0.3 * slope * across)};
  };
  coarse.fields = {
      flags("num_observations_1km", pixel_type::int8, -1, 127,
            [](const place& p) -> std::optional<double> { return 2 + (p.y / 40 + p.x / 90) % 3; }),
      flags("state_1km_1", pixel_type::uint16, 65535, 57343, state),
      angle("SensorZenith_1", 300, 4.1),
      angle("SensorAzimuth_1", -8200, 1.7),
      {"Range_1", pixel_type::uint16, 65535, 27160, 65534, 25.0, 0.0, "meters",
       smooth_field(28200, 6 * across, across)},
      angle("SolarZenith_1", 2900, 0.9),
      angle("SolarAzimuth_1", 14100, 0.6),
      flags("gflags_1", pixel_type::uint8, 255, 254, one),
      flags("orbit_pnt_1", pixel_type::int8, -1, 15, one),
      flags("granule_pnt_1", pixel_type::uint8, 255, 254, one)};
  tile_part fine{tile_grid("MODIS_Grid_500m_2D", r.tile_h, r.tile_v, edge), {}, 1};
  fine.fields.push_back(flags(
      "num_observations_500m", pixel_type::int8, -1, 127,
      [](const place& p) -> std::optional<double> { return 2 + (p.y / 80 + p.x / 180) % 3; }));
  for (int b = 1; b <= 7; ++b)
    fine.fields.push_back({text("sur_refl_b%02d_1", b), pixel_type::int16, -28672, -100, 16000,
                           10000.0, 0.0, "reflectance", any_reflectance(modis_bands[b - 1])});
  fine.fields.push_back(flags("QC_500m_1", pixel_type::uint32, 787410671, 4294966019.0,
                              [](const place& p) -> std::optional<double> {
                                return is_cloud(p) ? 1073741824.0 + 1 : 1073741824.0;
                              }));
  fine.fields.push_back(
      {"obscov_500m_1", pixel_type::int8, -1, 0, 100, 0.01, 0.0, "percent",
       [](const place& p) -> std::optional<double> { return 70 + 10 * double(p.noise); }});
  fine.fields.push_back(flags("iobs_res_1", pixel_type::uint8, 255, 254, one));
  return plan_tile(r, folder,
                   {"MOD09GA",
                    "MODIS/Terra Surface Reflectance Daily L2G Global 1km "
                    "and 500m SIN Grid",
                    "Terra",
                    1,
                    false,
                    {coarse, fine}});
}

}  // namespace stip::scenes
