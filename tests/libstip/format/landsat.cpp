#define CAF_SUITE format.landsat
#include <caf/test/unit_test.hpp>
#include <cmath>
#include <sstream>

#include "libstip/format/landsat_metadata.hpp"
#include "libstip/geo/georeference.hpp"
#include "tests/support/libstip/product_file.hpp"
#include "tests/support/libstip/scratch_directory.hpp"

using namespace stip;
using namespace stip::test;

namespace {

namespace fs = std::filesystem;

bool write_tif(const std::string& path, int edge, pixel_type type = pixel_type::uint16,
               int resolution = 30) {
  raster_file file;
  file.width = file.height = edge * 30 / resolution;
  file.type = type;
  file.transform = {500000, double(resolution), 0, 4600000, 0, -double(resolution)};
  return write_raster(path, file);
}

/// A quality band: fill on the left half, clear on the right.
bool write_quality(const std::string& path, int edge, unsigned clear = 21824) {
  raster_file file;
  file.width = file.height = edge;
  file.type = pixel_type::uint16;
  file.transform = {500000, 30, 0, 4600000, 0, -30};
  if (!write_raster(path, file)) return false;
  std::unique_ptr<GDALDataset> made(GDALDataset::Open(path.c_str(), GDAL_OF_UPDATE));
  std::vector<uint16_t> pixels(size_t(edge) * size_t(edge));
  for (size_t i = 0; i < pixels.size(); ++i)
    pixels[i] = i % size_t(edge) < size_t(edge) / 2 ? 1 : uint16_t(clear);
  return made->GetRasterBand(1)->RasterIO(GF_Write, 0, 0, edge, edge, pixels.data(), edge, edge,
                                          GDT_UInt16, 0, 0) == CE_None;
}

/// An MTL as lines: groups and their items.
struct mtl_group {
  std::string name;
  std::vector<std::pair<std::string, std::string>> items;
};

std::string odl(const std::string& root, const std::vector<mtl_group>& groups) {
  std::ostringstream out;
  out << "GROUP = " << root << "\n";
  for (const auto& group : groups) {
    out << "  GROUP = " << group.name << "\n";
    for (const auto& [key, value] : group.items) {
      const bool number = value.find_first_not_of("0123456789.-+E") == std::string::npos;
      out << "    " << key << " = " << (number ? value : "\"" + value + "\"") << "\n";
    }
    out << "  END_GROUP = " << group.name << "\n";
  }
  out << "END_GROUP = " << root << "\nEND\n";
  return out.str();
}

std::string as_xml(const std::string& root, const std::vector<mtl_group>& groups) {
  std::ostringstream out;
  out << "<?xml version=\"1.0\"?>\n<" << root << ">\n";
  for (const auto& group : groups) {
    out << "<" << group.name << ">\n";
    for (const auto& [key, value] : group.items)
      out << "<" << key << ">" << value << "</" << key << ">\n";
    out << "</" << group.name << ">\n";
  }
  out << "</" << root << ">\n";
  return out.str();
}

std::string as_json(const std::string& root, const std::vector<mtl_group>& groups) {
  std::ostringstream out;
  out << "{\"" << root << "\": {";
  for (size_t g = 0; g < groups.size(); ++g) {
    out << (g > 0 ? "," : "") << "\"" << groups[g].name << "\": {";
    for (size_t i = 0; i < groups[g].items.size(); ++i)
      out << (i > 0 ? "," : "") << "\"" << groups[g].items[i].first << "\": \""
          << groups[g].items[i].second << "\"";
    out << "}";
  }
  out << "}}";
  return out.str();
}

/// The MTL of a Collection 2 Level 1 product.
std::vector<mtl_group> level_1(const std::string& id, const std::vector<std::string>& bands,
                               const std::vector<std::string>& thermal) {
  mtl_group contents{"PRODUCT_CONTENTS",
                     {{"LANDSAT_PRODUCT_ID", id}, {"PROCESSING_LEVEL", id.substr(5, 4)}}};
  for (const auto& band : bands)
    contents.items.emplace_back("FILE_NAME_BAND_" + band.substr(1), id + "_" + band + ".TIF");
  contents.items.emplace_back("FILE_NAME_QUALITY_L1_PIXEL", id + "_QA_PIXEL.TIF");
  contents.items.emplace_back("FILE_NAME_ANGLE_COEFFICIENT", id + "_ANG.txt");
  mtl_group scaling{"LEVEL1_RADIOMETRIC_RESCALING", {}};
  for (const auto& band : bands) {
    const auto key = band.substr(1);
    scaling.items.emplace_back("RADIANCE_MULT_BAND_" + key, "0.5");
    scaling.items.emplace_back("RADIANCE_ADD_BAND_" + key, "-1.5");
    if (std::find(thermal.begin(), thermal.end(), band) != thermal.end()) continue;
    scaling.items.emplace_back("REFLECTANCE_MULT_BAND_" + key, "2.5000E-03");
    scaling.items.emplace_back("REFLECTANCE_ADD_BAND_" + key, "-0.25");
  }
  mtl_group constants{"LEVEL1_THERMAL_CONSTANTS", {}};
  for (const auto& band : thermal) {
    constants.items.emplace_back("K1_CONSTANT_BAND_" + band.substr(1), "607.76");
    constants.items.emplace_back("K2_CONSTANT_BAND_" + band.substr(1), "1260.56");
  }
  return {contents,
          {"IMAGE_ATTRIBUTES",
           {{"SPACECRAFT_ID", "LANDSAT_" + id.substr(3, 1)},
            {"SENSOR_ID", "SENSOR"},
            {"DATE_ACQUIRED", "2003-07-04"},
            {"SCENE_CENTER_TIME", "15:16:17.1234560Z"},
            {"CLOUD_COVER", "33.00"},
            {"SUN_AZIMUTH", "123.5"},
            {"SUN_ELEVATION", "61.25"},
            {"ROLL_ANGLE", "-0.125"}}},
          scaling,
          constants};
}

}  // namespace

CAF_TEST(the real level 2 product loads by its folder and MTL and tars) {
  const auto data = shared_data();
  if (!data) {
    CAF_MESSAGE("skipped: STIP_SHARED_DATA is not there");
    return;
  }
  const auto root = *data + "/landsat/LC08_L2SP_001070_20190114-C2";
  const std::string id = "LC08_L2SP_001070_20190114_20200830_02_T2";
  scratch_directory directory;
  const auto tar = tar_of(files_below(root));
  write_file(directory / "p.tar", tar);
  CAF_REQUIRE(write_gzip(directory / "p.tar.gz", tar));
  for (const auto& input :
       {root, root + "/" + id + "_MTL.xml", directory / "p.tar", directory / "p.tar.gz"}) {
    CAF_MESSAGE(input);
    const auto s = opened(input);
    CAF_REQUIRE(s != nullptr);
    const auto& d = s->description();
    CAF_CHECK_EQUAL(d.format, "landsat");
    CAF_CHECK_EQUAL(d.platform, "Landsat8C2L2");
    CAF_CHECK_EQUAL(d.tile, id);
    CAF_CHECK_EQUAL(to_compact(d.timestamp), "20190114T143430Z");
    CAF_CHECK_EQUAL(bands_of(*s),
                    "reflective: SR_B2 SR_B3 SR_B4 SR_B5 SR_B6 SR_B7, temperature: ST_B10, "
                    "quality: QA_PIXEL QA_RADSAT");
    CAF_CHECK_EQUAL(property(*s, "left_out"),
                    "SR_B1, ST_TRAD, ST_URAD, ST_DRAD, ST_ATRAN, ST_EMIS, ST_EMSD, ST_CDIST, "
                    "SR_QA_AEROSOL, ST_QA");
    const std::map<std::string, std::string> expected = {{"spacecraft", "Landsat 8"},
                                                         {"instrument", "OLI_TIRS"},
                                                         {"processing_level", "L2SP"},
                                                         {"collection", "02"},
                                                         {"tier", "T2"},
                                                         {"path_row", "001/070"},
                                                         {"scene_cloud_cover", "75.65"},
                                                         {"sun_azimuth", "107.50935585"},
                                                         {"sun_elevation", "59.49769288"},
                                                         {"off_nadir", "0.001"},
                                                         {"day_night", "day"},
                                                         {"scene", "LC80010702019014LGN00"},
                                                         {"series", "LC08 001070 20190114 L2 C02"},
                                                         {"rank", "1 20200830"}};
    for (const auto& [name, value] : expected) CAF_CHECK_EQUAL(property(*s, name), value);
    const auto* sr = subdataset(*s, "reflective");
    CAF_CHECK(same_crs(sr->grid.crs_wkt, "EPSG:32619"));
    CAF_CHECK(sr->valid == validity::nodata && sr->bands[5].nodata == std::optional<uint64_t>(0));
    CAF_CHECK_EQUAL(sr->bands[0].scale, 2.75e-5);
    CAF_CHECK_EQUAL(sr->bands[0].offset, -0.2);
    CAF_CHECK_EQUAL(sr->bands[0].properties.at("common_name"), "blue");
    const auto* st = subdataset(*s, "temperature");
    CAF_CHECK_EQUAL(st->bands[0].scale, 0.00341802);
    CAF_CHECK_EQUAL(st->bands[0].offset, 149.0);
    CAF_CHECK_EQUAL(st->bands[0].unit, "K");
    const auto file = [&](const std::string& band) {
      return root + "/" + id + "_" + band + ".TIF";
    };
    for (const auto& one : d.subdatasets)
      for (size_t i = 0; i < one.bands.size(); ++i)
        CAF_CHECK_EQUAL(difference(*s, one.id, i, file(one.bands[i].name)), "");
    // Fill is bit 0 of the quality band, which holds for its neighbour too.
    const auto* quality = subdataset(*s, "quality");
    CAF_CHECK(quality->quality && quality->valid == validity::mask);
    const auto mask = mask_of(*s, "quality");
    const std::unique_ptr<GDALDataset> qa(GDALDataset::Open(file("QA_PIXEL").c_str()));
    std::vector<uint16_t> pixels(mask.size());
    CAF_REQUIRE(qa->GetRasterBand(1)->RasterIO(GF_Read, 0, 0, 512, 512, pixels.data(), 512, 512,
                                               GDT_UInt16, 0, 0) == CE_None);
    size_t wrong = 0, fill = 0;
    for (size_t i = 0; i < mask.size(); ++i) {
      fill += pixels[i] & 1;
      wrong += (pixels[i] & 1) == int(mask[i]);
    }
    CAF_CHECK_EQUAL(wrong, 0u);
    CAF_CHECK(fill > 1000);
  }
  // Nothing is left beside what was read.
  CAF_CHECK_EQUAL(files_below(directory.path()).size(), 2u);
}

CAF_TEST(real folders of bands without metadata load by their names) {
  const auto data = shared_data();
  if (!data) {
    CAF_MESSAGE("skipped: STIP_SHARED_DATA is not there");
    return;
  }
  size_t count = 0;
  for (const auto& entry : fs::directory_iterator(*data + "/landsat/L8NY18")) {
    const auto name = entry.path().filename().string();
    const auto s = opened(entry.path().string());
    CAF_REQUIRE(s != nullptr);
    ++count;
    const auto& d = s->description();
    CAF_CHECK_EQUAL(d.platform, "Landsat8C1L1");
    CAF_CHECK_EQUAL(d.tile, name);
    CAF_CHECK_EQUAL(to_compact(d.timestamp), name.substr(17, 8) + "T000000Z");
    CAF_CHECK_EQUAL(
        bands_of(*s),
        "reflective: B1 B2 B3 B4 B5 B6 B7 B9, panchromatic: B8, thermal: B10 B11, quality: BQA");
    CAF_CHECK_EQUAL(property(*s, "path_row"), name.substr(10, 3) + "/" + name.substr(13, 3));
    CAF_CHECK_EQUAL(property(*s, "tier"), "T1");
    const auto* reflective = subdataset(*s, "reflective");
    CAF_CHECK_EQUAL(reflective->bands[3].scale, 2e-5);
    CAF_CHECK_EQUAL(reflective->bands[3].offset, -0.1);
    CAF_CHECK(subdataset(*s, "thermal")->bands[0].properties.contains("calibration"));
    const auto* quality = subdataset(*s, "quality");
    CAF_CHECK(quality->valid == validity::nodata &&
              quality->bands[0].nodata == std::optional<uint64_t>(1));
    for (const auto& one : d.subdatasets)
      for (size_t i = 0; i < one.bands.size(); ++i)
        CAF_CHECK_EQUAL(difference(*s, one.id, i,
                                   entry.path().string() + "/" + name.substr(0, 25) + "_" +
                                       one.bands[i].name + ".TIF"),
                        "");
  }
  CAF_CHECK_EQUAL(count, 19u);
}

CAF_TEST(a level 1 product of Landsat 7 has two thermal bands and a panchromatic one) {
  scratch_directory directory;
  const std::string id = "LE07_L1TP_014032_20030704_20200915_02_T1";
  const std::vector<std::string> bands = {"B1",        "B2",        "B3", "B4", "B5",
                                          "B6_VCID_1", "B6_VCID_2", "B7", "B8"};
  const std::vector<std::string> thermal = {"B6_VCID_1", "B6_VCID_2"};
  const auto root = directory / "scene";
  fs::create_directories(root);
  for (const auto& band : bands)
    CAF_REQUIRE(write_tif(root + "/" + id + "_" + band + ".TIF", 20, pixel_type::uint8,
                          band == "B8" ? 15 : 30));
  CAF_REQUIRE(write_quality(root + "/" + id + "_QA_PIXEL.TIF", 20));
  CAF_REQUIRE(write_tif(root + "/" + id + "_QA_RADSAT.TIF", 20));
  CAF_REQUIRE(write_tif(root + "/" + id + "_SZA.TIF", 20, pixel_type::int16));
  const auto groups = level_1(id, bands, thermal);
  const std::map<std::string, std::string> forms = {
      {"txt", odl("LANDSAT_METADATA_FILE", groups)},
      {"xml", as_xml("LANDSAT_METADATA_FILE", groups)},
      {"json", as_json("LANDSAT_METADATA_FILE", groups)}};
  std::optional<scene_description> first;
  for (const auto& [extension, text] : forms) {
    CAF_MESSAGE(extension);
    const auto file = root + "/" + id + "_MTL." + extension;
    write_file(file, text);
    const auto s = opened(file);
    CAF_REQUIRE(s != nullptr);
    const auto by_folder = opened(root);
    CAF_REQUIRE(by_folder != nullptr);
    CAF_CHECK_EQUAL(bands_of(*by_folder), bands_of(*s));
    fs::remove(file);
    CAF_CHECK_EQUAL(s->description().platform, "Landsat7C2L1");
    CAF_CHECK_EQUAL(to_compact(s->description().timestamp), "20030704T151617Z");
    CAF_CHECK_EQUAL(
        bands_of(*s),
        "reflective: B1 B2 B3 B4 B5 B7, panchromatic: B8, thermal: B6_VCID_1 B6_VCID_2, "
        "quality: QA_PIXEL QA_RADSAT, angles: SZA");
    const auto& b1 = subdataset(*s, "reflective")->bands[0];
    CAF_CHECK_EQUAL(b1.scale, 2.5e-3);
    CAF_CHECK_EQUAL(b1.offset, -0.25);
    CAF_CHECK_EQUAL(b1.unit, "reflectance");
    CAF_CHECK_EQUAL(b1.properties.at("radiance_scale"), "0.5");
    const auto& b6 = subdataset(*s, "thermal")->bands[1];
    CAF_CHECK_EQUAL(b6.scale, 0.5);
    CAF_CHECK_EQUAL(b6.unit, "W/(m2 sr um)");
    CAF_CHECK_EQUAL(b6.properties.at("k2"), "1260.56");
    const auto* angles = subdataset(*s, "angles");
    CAF_CHECK(angles->valid == validity::mask && angles->quality);
    const auto mask = mask_of(*s, "angles");
    CAF_CHECK_EQUAL(std::count(mask.begin(), mask.end(), std::byte{1}), 200);
    CAF_CHECK_EQUAL(subdataset(*s, "panchromatic")->grid.width, 40);
    CAF_CHECK_EQUAL(difference(*s, "thermal", 1, root + "/" + id + "_B6_VCID_2.TIF"), "");
    auto d = s->description();
    d.input.clear();
    d.input_bytes = 0;
    d.input_checksum = {};
    if (!first) first = d;
    CAF_CHECK(*first == d);
  }
}

CAF_TEST(collection 1 and MSS and level 2 of older satellites have their own bands) {
  scratch_directory directory;
  const auto made = [&](const std::string& id, const std::vector<std::string>& bands,
                        pixel_type type) {
    const auto root = directory / id;
    fs::create_directories(root);
    for (const auto& band : bands)
      CAF_REQUIRE(write_tif(root + "/" + id + "_" + band + ".TIF", 8, type));
    return root;
  };
  // Collection 1: other groups, BQA.
  const std::string c1 = "LC08_L1TP_014032_20180311_20180320_01_RT";
  const auto root = made(c1, {"B2", "B3", "B10", "BQA"}, pixel_type::uint16);
  write_file(root + "/" + c1 + "_MTL.txt",
             odl("L1_METADATA_FILE",
                 {{"METADATA_FILE_INFO",
                   {{"LANDSAT_PRODUCT_ID", c1},
                    {"LANDSAT_SCENE_ID", "LC80140322018070LGN00"},
                    {"FILE_DATE", "2018-03-20T01:02:03Z"}}},
                  {"PRODUCT_METADATA",
                   {{"SENSOR_ID", "OLI_TIRS"},
                    {"DATE_ACQUIRED", "2018-03-11"},
                    {"SCENE_CENTER_TIME", "15:40:00.0Z"},
                    {"FILE_NAME_BAND_2", c1 + "_B2.TIF"},
                    {"FILE_NAME_BAND_4", c1 + "_B4.TIF"}}},
                  {"IMAGE_ATTRIBUTES", {{"CLOUD_COVER", "1.5"}, {"SUN_ELEVATION", "-5"}}},
                  {"RADIOMETRIC_RESCALING",
                   {{"REFLECTANCE_MULT_BAND_2", "2.0000E-05"},
                    {"REFLECTANCE_ADD_BAND_2", "-0.100000"},
                    {"RADIANCE_MULT_BAND_10", "3.3420E-04"},
                    {"RADIANCE_ADD_BAND_10", "0.1"}}}}));
  const auto first = opened(root);
  CAF_REQUIRE(first != nullptr);
  CAF_CHECK_EQUAL(first->description().platform, "Landsat8C1L1");
  CAF_CHECK_EQUAL(to_compact(first->description().timestamp), "20180311T154000Z");
  CAF_CHECK_EQUAL(bands_of(*first), "reflective: B2 B3, thermal: B10, quality: BQA");
  CAF_CHECK_EQUAL(property(*first, "left_out"), "B4");
  CAF_CHECK_EQUAL(property(*first, "rank"), "0 20180320");
  CAF_CHECK_EQUAL(property(*first, "day_night"), "night");
  CAF_CHECK_EQUAL(property(*first, "generated"), "2018-03-20T01:02:03Z");
  CAF_CHECK_EQUAL(subdataset(*first, "thermal")->bands[0].scale, 3.342e-4);
  CAF_CHECK(subdataset(*first, "reflective")->bands[1].properties.contains("calibration"));
  // Landsat 1 to 3 number from 4 on.
  const auto mss = opened(made("LM03_L1GS_014032_19800311_20200906_02_T2",
                               {"B4", "B5", "B6", "B7", "QA_PIXEL"}, pixel_type::uint8));
  CAF_REQUIRE(mss != nullptr);
  CAF_CHECK_EQUAL(mss->description().platform, "Landsat3C2L1");
  CAF_CHECK_EQUAL(bands_of(*mss), "reflective: B4 B5 B6 B7, quality: QA_PIXEL");
  CAF_CHECK_EQUAL(subdataset(*mss, "reflective")->bands[0].properties.at("common_name"), "green");
  CAF_CHECK_EQUAL(subdataset(*mss, "reflective")->bands[0].properties.at("gsd"), "60");
  CAF_CHECK_EQUAL(property(*mss, "instrument"), "MSS");
  // TM at level 2: six reflective bands and a thermal one of three types of quality.
  const auto tm = made("LT05_L2SP_014032_19900311_20200906_02_T1",
                       {"SR_B1", "SR_B7", "ST_B6", "QA_PIXEL"}, pixel_type::uint16);
  const auto name = tm + "/LT05_L2SP_014032_19900311_20200906_02_T1_";
  CAF_REQUIRE(write_tif(name + "SR_CLOUD_QA.TIF", 8, pixel_type::uint8));
  CAF_REQUIRE(write_tif(name + "SR_ATMOS_OPACITY.TIF", 8, pixel_type::int16));
  CAF_REQUIRE(write_tif(name + "ST_QA.TIF", 8, pixel_type::int16));
  CAF_REQUIRE(write_tif(name + "ST_EMIS.TIF", 8, pixel_type::int16));
  const auto level_2 = opened(tm);
  CAF_REQUIRE(level_2 != nullptr);
  CAF_CHECK_EQUAL(level_2->description().platform, "Landsat5C2L2");
  CAF_CHECK_EQUAL(bands_of(*level_2),
                  "reflective: SR_B1 SR_B7, temperature: ST_B6, temperature_inputs: ST_EMIS, "
                  "quality: QA_PIXEL, "
                  "cloud: SR_CLOUD_QA, opacity: SR_ATMOS_OPACITY, temperature_quality: ST_QA");
  CAF_CHECK_EQUAL(subdataset(*level_2, "reflective")->bands[1].scale, 2.75e-5);
  const auto& emissivity = *subdataset(*level_2, "temperature_inputs");
  CAF_CHECK(emissivity.bands[0].nodata == std::optional<uint64_t>(uint16_t(-9999)));
  CAF_CHECK(subdataset(*level_2, "cloud")->valid == validity::mask);
}

CAF_TEST(a later tier and a later processing rank higher in one series) {
  scratch_directory directory;
  std::vector<std::string> ranks;
  std::string series;
  for (const auto* id :
       {"LC08_L1TP_014032_20180311_20180401_02_RT", "LC08_L1GT_014032_20180311_20180320_02_T2",
        "LC08_L1TP_014032_20180311_20200906_02_T1"}) {
    const auto root = directory / id;
    fs::create_directories(root);
    CAF_REQUIRE(write_tif(root + "/" + id + "_B2.TIF", 4));
    const auto s = opened(root);
    CAF_REQUIRE(s != nullptr);
    if (series.empty()) series = property(*s, "series");
    CAF_CHECK_EQUAL(property(*s, "series"), series);
    ranks.push_back(property(*s, "rank"));
  }
  CAF_CHECK(ranks[0] < ranks[1] && ranks[1] < ranks[2]);
  CAF_CHECK_EQUAL(series, "LC08 014032 20180311 L1 C02");
}

CAF_TEST(
    several products in one folder are several scenes and bands that differ in grid stay apart) {
  scratch_directory directory;
  const auto root = directory / "scenes";
  fs::create_directories(root);
  for (const auto* id :
       {"LC08_L1TP_014032_20180311_20180320_02_T1", "LC09_L1TP_014032_20220311_20220320_02_T1"})
    for (const auto* band : {"B2", "B3"})
      CAF_REQUIRE(write_tif(root + "/" + id + "_" + band + ".TIF", 8));
  CAF_REQUIRE(write_tif(root + "/LC09_L1TP_014032_20220311_20220320_02_T1_B4.TIF", 9));
  const auto scenes = all_of(root);
  CAF_REQUIRE_EQUAL(scenes.size(), 2u);
  CAF_CHECK_EQUAL(scenes[0]->description().platform, "Landsat8C2L1");
  CAF_CHECK_EQUAL(scenes[1]->description().platform, "Landsat9C2L1");
  CAF_CHECK_EQUAL(bands_of(*scenes[1]), "reflective: B2 B3, reflective-2: B4");
}

CAF_TEST(a lone band of a product stays a plain raster) {
  const auto data = shared_data();
  if (!data) {
    CAF_MESSAGE("skipped: STIP_SHARED_DATA is not there");
    return;
  }
  scene_options options;
  options.platform = "Some";
  const auto s = opened(
      *data + "/landsat/polar/LC08_L2SR_081119_20200101_20200823_02_T2_SR_B2_small.TIF", options);
  CAF_REQUIRE(s != nullptr);
  CAF_CHECK_EQUAL(s->description().format, "generic");
}

CAF_TEST(what is missing or damaged is said) {
  scratch_directory directory;
  const std::string id = "LC08_L1TP_014032_20180311_20180320_02_T1";
  const auto root = directory / id;
  fs::create_directories(root);
  const auto file = root + "/" + id + "_MTL.txt";
  const auto good = odl("LANDSAT_METADATA_FILE", level_1(id, {"B2"}, {}));
  write_file(file, good);
  CAF_CHECK(has(refusal(root), "none of the bands"));
  CAF_REQUIRE(write_tif(root + "/" + id + "_B2.TIF", 8));
  CAF_CHECK_EQUAL(refusal(root), "");
  write_file(file, good.substr(0, good.size() / 2));
  CAF_CHECK(refusal(root).starts_with("malformed"));
  auto bad = good;
  bad.replace(bad.find("2003-07-04"), 10, "2003-17-04");
  write_file(file, bad);
  CAF_CHECK(has(refusal(root), "does not say when it was taken"));
  bad = good;
  bad.replace(bad.find("_02_T1"), 6, "");
  write_file(file, bad);
  CAF_CHECK(has(refusal(root), "no product of Collection 1 or 2"));
  // A name in the metadata is looked for among the files of the product, nowhere else.
  bad = good;
  const auto at = bad.find(id + "_B2.TIF");
  bad.replace(at, id.size() + 7, "../" + id + "_B2.TIF");
  write_file(file, bad);
  CAF_CHECK_EQUAL(refusal(root), "");
  write_file(file, "");
  CAF_CHECK(has(refusal(root), "empty"));
  fs::remove(file);
  write_file(root + "/" + id + "_B2.TIF", "II*");
  CAF_CHECK(has(refusal(root), "_B2.TIF"));
  // Nothing says the collection.
  const auto unnamed = directory / "some";
  fs::create_directories(unnamed);
  CAF_REQUIRE(write_tif(unnamed + "/LC08_L1TP_014032_20180311_B2.TIF", 8));
  CAF_CHECK(has(refusal(unnamed), "give --platform"));
  scene_options options;
  options.platform = "Mine";
  const auto named = opened(unnamed, options);
  CAF_REQUIRE(named != nullptr);
  CAF_CHECK_EQUAL(named->description().platform, "Mine");
  // Archives that lie about what they hold.
  const auto tar = tar_of({{id + "_B2.TIF", "II*"}, {"../" + id + "_B3.TIF", "x"}});
  write_file(directory / "bad.tar", tar);
  CAF_CHECK(!refusal(directory / "bad.tar").empty());
  write_file(directory / "cut.tar", tar.substr(0, 700));
  CAF_CHECK(!refusal(directory / "cut.tar").empty());
  CAF_REQUIRE(write_gzip(directory / "cut.tar.gz", tar));
  write_file(directory / "cut.tar.gz", read_file(directory / "cut.tar.gz").substr(0, 60));
  CAF_CHECK(!refusal(directory / "cut.tar.gz").empty());
}

CAF_TEST(reflectances of collection 1 that were ordered load by their names) {
  scratch_directory directory;
  const std::string id = "LE07_L1TP_014032_20030704_20180320_01_T1";
  const auto root = directory / "ordered";
  fs::create_directories(root);
  for (const auto* band : {"sr_band1", "sr_band7", "bt_band6"})
    CAF_REQUIRE(write_tif(root + "/" + id + "_" + band + ".tif", 8, pixel_type::int16));
  CAF_REQUIRE(write_quality(root + "/" + id + "_pixel_qa.tif", 8, 66));
  const auto s = opened(root);
  CAF_REQUIRE(s != nullptr);
  CAF_CHECK_EQUAL(s->description().platform, "Landsat7C1L2");
  CAF_CHECK_EQUAL(bands_of(*s), "reflective: B1 B7, temperature: B6, quality: pixel_qa");
  const auto& b1 = subdataset(*s, "reflective")->bands[0];
  CAF_CHECK_EQUAL(b1.scale, 1e-4);
  CAF_CHECK(b1.nodata == std::optional<uint64_t>(uint16_t(-9999)));
  CAF_CHECK_EQUAL(subdataset(*s, "temperature")->bands[0].scale, 0.1);
}

CAF_TEST(a product with mutated metadata loads or is refused with a reason) {
  scratch_directory directory;
  const std::string id = "LE07_L1TP_014032_20030704_20200915_02_T1";
  const auto root = directory / "scene";
  fs::create_directories(root);
  for (const auto* band : {"B1", "B6_VCID_1"})
    CAF_REQUIRE(write_tif(root + "/" + id + "_" + band + ".TIF", 4, pixel_type::uint8));
  const auto groups = level_1(id, {"B1", "B6_VCID_1", "B8"}, {"B6_VCID_1"});
  const std::pair<const char*, std::string> forms[] = {
      {"txt", odl("LANDSAT_METADATA_FILE", groups)},
      {"xml", as_xml("LANDSAT_METADATA_FILE", groups)},
      {"json", as_json("LANDSAT_METADATA_FILE", groups)}};
  constexpr uint64_t seed = 20261126;
  const auto shown = "seed " + std::to_string(seed);
  CAF_MESSAGE(shown);
  std::mt19937_64 random(seed);
  size_t loaded = 0, refused = 0;
  for (int round = 0; round < 300; ++round) {
    const auto& [extension, text] = forms[round % 3];
    const auto file = root + "/" + id + "_MTL." + extension;
    write_file(file, mutated(text, random));
    const auto scenes = open_scenes("auto", root, {});
    fs::remove(file);
    ++(scenes ? loaded : refused);
    if (!scenes) {
      CAF_CHECK(!scenes.error().why.empty());
      continue;
    }
    for (const auto& one : scenes->front()->description().subdatasets)
      for (const auto& band : one.bands)
        CAF_CHECK(std::isfinite(band.scale) && band.scale != 0 && std::isfinite(band.offset));
  }
  CAF_CHECK(loaded > 50);
  CAF_CHECK(refused > 20);
}

CAF_TEST(no mutation of the metadata crashes) {
  using landsat::mtl;
  const std::string id = "LE07_L1TP_014032_20030704_20200915_02_T1";
  const auto groups = level_1(id, {"B1", "B6_VCID_1", "B8"}, {"B6_VCID_1"});
  const std::vector<std::string> texts = {odl("LANDSAT_METADATA_FILE", groups),
                                          as_xml("LANDSAT_METADATA_FILE", groups),
                                          as_json("LANDSAT_METADATA_FILE", groups)};
  constexpr uint64_t seed = 20261123;
  const auto shown = "seed " + std::to_string(seed);
  CAF_MESSAGE(shown);
  std::mt19937_64 random(seed);
  size_t read = 0, refused = 0;
  for (int round = 0; round < 6000; ++round) {
    const auto found = mtl::parse(mutated(texts[size_t(round) % 3], random), "text");
    ++(found ? read : refused);
    if (!found) {
      CAF_CHECK(!found.error().why.empty());
      continue;
    }
    CAF_CHECK(found->items().size() <= mtl::max_items);
    (void)landsat::read_product_id(found->find({"PRODUCT_CONTENTS"}, "LANDSAT_PRODUCT_ID"));
    (void)found->number({"LEVEL1_RADIOMETRIC_RESCALING"}, "REFLECTANCE_MULT_BAND_1");
  }
  CAF_CHECK(read > 500);
  CAF_CHECK(refused > 500);
  std::string many = "GROUP = LANDSAT_METADATA_FILE\n";
  for (int i = 0; i < 20'000; ++i) many += "A = 1\n";
  const auto too_many = mtl::parse(many, "text");
  CAF_CHECK(!too_many && too_many.error().code == ec::limit_exceeded);
}
