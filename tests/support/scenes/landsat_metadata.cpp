#include "tests/support/scenes/landsat_metadata.hpp"

#include "tests/support/scenes/product.hpp"

// Groups and keys follow a real file (LC08_L2SP_001070_20190114) and the Landsat 8-9 Collection 2
// Data Format Control Books, LSDS-1822 and LSDS-1328.

namespace stip::scenes {

namespace {

struct entry {
  std::string key, value;
  bool quoted = false;
};

struct group {
  std::string name;
  std::vector<entry> entries;

  void word(const std::string& key, const std::string& value) {
    entries.push_back({key, value, true});
  }
  void plain(const std::string& key, const std::string& value) {
    entries.push_back({key, value, false});
  }
};

constexpr const char* origin = "Image courtesy of the U.S. Geological Survey";

group contents(const landsat_facts& f) {
  group g{"PRODUCT_CONTENTS", {}};
  g.word("ORIGIN", origin);
  g.word("DIGITAL_OBJECT_IDENTIFIER",
         f.level2 ? "https://doi.org/10.5066/P9OGBGM6" : "https://doi.org/10.5066/P975CC9B");
  g.word("LANDSAT_PRODUCT_ID", f.id);
  g.word("PROCESSING_LEVEL", f.level2 ? "L2SP" : "L1TP");
  g.plain("COLLECTION_NUMBER", "02");
  g.word("COLLECTION_CATEGORY", "T1");
  g.word("OUTPUT_FORMAT", "GEOTIFF");
  for (const auto& file : f.files) g.word("FILE_NAME_" + file.key, file.name);
  g.word("FILE_NAME_ANGLE_COEFFICIENT", f.id + "_ANG.txt");
  g.word("FILE_NAME_METADATA_ODL", f.id + "_MTL.txt");
  g.word("FILE_NAME_METADATA_XML", f.id + "_MTL.xml");
  for (const auto& file : f.files) g.word("DATA_TYPE_" + file.key, file.type);
  return g;
}

group image(const landsat_facts& f) {
  group g{"IMAGE_ATTRIBUTES", {}};
  g.word("SPACECRAFT_ID", "LANDSAT_8");
  g.word("SENSOR_ID", "OLI_TIRS");
  g.plain("WRS_TYPE", "2");
  g.plain("WRS_PATH", text("%d", f.path));
  g.plain("WRS_ROW", text("%d", f.row));
  g.word("NADIR_OFFNADIR", "NADIR");
  g.plain("TARGET_WRS_PATH", text("%d", f.path));
  g.plain("TARGET_WRS_ROW", text("%d", f.row));
  g.plain("DATE_ACQUIRED", f.acquired);
  g.word("SCENE_CENTER_TIME", "10:34:30.4390740Z");
  g.word("STATION_ID", "LGN");
  g.plain("CLOUD_COVER", text("%.2f", f.cloud_cover));
  g.plain("CLOUD_COVER_LAND", text("%.2f", f.cloud_cover));
  g.plain("IMAGE_QUALITY_OLI", "9");
  g.plain("IMAGE_QUALITY_TIRS", "9");
  g.plain("ROLL_ANGLE", "-0.001");
  g.plain("SUN_AZIMUTH", "147.50935585");
  g.plain("SUN_ELEVATION", text("%.8f", landsat_sun));
  g.plain("EARTH_SUN_DISTANCE", "1.0135616");
  return g;
}

void utm(group& g, const landsat_facts& f) {
  g.word("MAP_PROJECTION", "UTM");
  g.word("DATUM", "WGS84");
  g.word("ELLIPSOID", "WGS84");
  g.plain("UTM_ZONE", text("%d", f.zone));
}

group projection(const landsat_facts& f) {
  group g{"PROJECTION_ATTRIBUTES", {}};
  utm(g, f);
  if (!f.level2) g.plain("GRID_CELL_SIZE_PANCHROMATIC", "15.00");
  g.plain("GRID_CELL_SIZE_REFLECTIVE", "30.00");
  g.plain("GRID_CELL_SIZE_THERMAL", "30.00");
  if (!f.level2) {
    g.plain("PANCHROMATIC_LINES", text("%lld", 2 * f.lines - 1));
    g.plain("PANCHROMATIC_SAMPLES", text("%lld", 2 * f.samples - 1));
  }
  for (const auto* what : {"REFLECTIVE", "THERMAL"}) {
    g.plain(std::string(what) + "_LINES", text("%lld", f.lines));
    g.plain(std::string(what) + "_SAMPLES", text("%lld", f.samples));
  }
  g.word("ORIENTATION", "NORTH_UP");
  // Corners come as upper left, upper right, lower right, lower left; the file has LL before LR.
  constexpr std::pair<const char*, size_t> names[] = {{"UL", 0}, {"UR", 1}, {"LL", 3}, {"LR", 2}};
  for (const auto& [name, i] : names) {
    g.plain(text("CORNER_%s_LAT_PRODUCT", name), text("%.5f", f.corners[i].second));
    g.plain(text("CORNER_%s_LON_PRODUCT", name), text("%.5f", f.corners[i].first));
  }
  for (const auto& [name, i] : names) {
    const double x = f.left + (i == 1 || i == 2 ? 30.0 * double(f.samples - 1) : 0);
    const double y = f.top - (i >= 2 ? 30.0 * double(f.lines - 1) : 0);
    g.plain(text("CORNER_%s_PROJECTION_X_PRODUCT", name), text("%.3f", x));
    g.plain(text("CORNER_%s_PROJECTION_Y_PRODUCT", name), text("%.3f", y));
  }
  return g;
}

group record(const landsat_facts& f, bool level2) {
  group g{level2 ? "LEVEL2_PROCESSING_RECORD" : "LEVEL1_PROCESSING_RECORD", {}};
  auto id = f.id;
  if (!level2) id.replace(5, 4, "L1TP");
  g.word("ORIGIN", origin);
  g.word("REQUEST_ID", "L2");
  if (!level2) g.word("LANDSAT_SCENE_ID", "LC81980302019014LGN00");
  g.word("LANDSAT_PRODUCT_ID", id);
  g.word("PROCESSING_LEVEL", level2 ? "L2SP" : "L1TP");
  if (!level2) g.word("COLLECTION_CATEGORY", "T1");
  g.word("OUTPUT_FORMAT", "GEOTIFF");
  g.plain("DATE_PRODUCT_GENERATED", f.processed + "T00:50:29Z");
  g.word("PROCESSING_SOFTWARE_VERSION", "LPGS_15.3.1c");
  if (level2) {
    g.word("ALGORITHM_SOURCE_SURFACE_REFLECTANCE", "LaSRC_1.5.0");
    g.word("ALGORITHM_SOURCE_SURFACE_TEMPERATURE", "st_1.3.0");
  } else {
    g.word("DATA_SOURCE_ELEVATION", "GLS2000");
  }
  return g;
}

group surface_reflectance() {
  group g{"LEVEL2_SURFACE_REFLECTANCE_PARAMETERS", {}};
  for (int b = 1; b <= 7; ++b) {
    g.plain(text("REFLECTANCE_MAXIMUM_BAND_%d", b), "1.602213");
    g.plain(text("REFLECTANCE_MINIMUM_BAND_%d", b), "-0.199972");
  }
  for (int b = 1; b <= 7; ++b) g.plain(text("REFLECTANCE_MULT_BAND_%d", b), "2.75e-05");
  for (int b = 1; b <= 7; ++b) g.plain(text("REFLECTANCE_ADD_BAND_%d", b), "-0.2");
  return g;
}

group surface_temperature() {
  group g{"LEVEL2_SURFACE_TEMPERATURE_PARAMETERS", {}};
  g.plain("TEMPERATURE_MAXIMUM_BAND_ST_B10", "372.999941");
  g.plain("TEMPERATURE_MINIMUM_BAND_ST_B10", "149.003418");
  g.plain("TEMPERATURE_MULT_BAND_ST_B10", "0.00341802");
  g.plain("TEMPERATURE_ADD_BAND_ST_B10", "149.0");
  return g;
}

group rescaling() {
  static constexpr const char* radiance[] = {"1.2979E-02", "1.3291E-02", "1.2247E-02", "1.0328E-02",
                                             "6.3199E-03", "1.5717E-03", "5.2975E-04", "1.1688E-02",
                                             "2.4700E-03", "3.3420E-04", "3.3420E-04"};
  static constexpr const char* added[] = {"-64.89477", "-66.45304", "-61.23591", "-51.63757",
                                          "-31.59962", "-7.85854",  "-2.64875",  "-58.43951",
                                          "-12.34985", "0.10000",   "0.10000"};
  group g{"LEVEL1_RADIOMETRIC_RESCALING", {}};
  for (int b = 1; b <= 11; ++b) g.plain(text("RADIANCE_MULT_BAND_%d", b), radiance[b - 1]);
  for (int b = 1; b <= 11; ++b) g.plain(text("RADIANCE_ADD_BAND_%d", b), added[b - 1]);
  for (int b = 1; b <= 9; ++b) g.plain(text("REFLECTANCE_MULT_BAND_%d", b), "2.0000E-05");
  for (int b = 1; b <= 9; ++b) g.plain(text("REFLECTANCE_ADD_BAND_%d", b), "-0.100000");
  return g;
}

group thermal() {
  group g{"LEVEL1_THERMAL_CONSTANTS", {}};
  for (int i = 0; i < 2; ++i) {
    g.plain(text("K1_CONSTANT_BAND_%d", 10 + i), text("%.4f", landsat_k1[i]));
    g.plain(text("K2_CONSTANT_BAND_%d", 10 + i), text("%.4f", landsat_k2[i]));
  }
  return g;
}

group level1_projection(const landsat_facts& f) {
  group g{"LEVEL1_PROJECTION_PARAMETERS", {}};
  utm(g, f);
  g.plain("GRID_CELL_SIZE_PANCHROMATIC", "15.00");
  g.plain("GRID_CELL_SIZE_REFLECTIVE", "30.00");
  g.plain("GRID_CELL_SIZE_THERMAL", "30.00");
  g.word("ORIENTATION", "NORTH_UP");
  g.word("RESAMPLING_OPTION", "CUBIC_CONVOLUTION");
  return g;
}

std::vector<group> groups(const landsat_facts& f) {
  std::vector<group> all = {contents(f), image(f), projection(f)};
  if (f.level2) {
    all.push_back(record(f, true));
    all.push_back(surface_reflectance());
    all.push_back(surface_temperature());
  }
  all.push_back(record(f, false));
  all.push_back(rescaling());
  all.push_back(thermal());
  all.push_back(level1_projection(f));
  return all;
}

}  // namespace

std::string landsat_text(const landsat_facts& f) {
  std::string out = "GROUP = LANDSAT_METADATA_FILE\n";
  for (const auto& g : groups(f)) {
    out += "  GROUP = " + g.name + "\n";
    for (const auto& e : g.entries)
      out += "    " + e.key + " = " + (e.quoted ? "\"" + e.value + "\"" : e.value) + "\n";
    out += "  END_GROUP = " + g.name + "\n";
  }
  return out + "END_GROUP = LANDSAT_METADATA_FILE\nEND\n";
}

std::string landsat_xml(const landsat_facts& f) {
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<LANDSAT_METADATA_FILE>\n";
  for (const auto& g : groups(f)) {
    out += "  <" + g.name + ">\n";
    for (const auto& e : g.entries) out += "    <" + e.key + ">" + e.value + "</" + e.key + ">\n";
    out += "  </" + g.name + ">\n";
  }
  return out + "</LANDSAT_METADATA_FILE>\n";
}

}  // namespace stip::scenes
