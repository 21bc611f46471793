#define CAF_SUITE format.sentinel2
#include <caf/test/unit_test.hpp>
#include <cmath>
#include <sstream>

#include "libstip/format/sentinel2_bands.hpp"
#include "libstip/format/sentinel2_metadata.hpp"
#include "libstip/geo/georeference.hpp"
#include "tests/support/libstip/product_file.hpp"
#include "tests/support/libstip/scratch_directory.hpp"

using namespace stip;
using namespace stip::test;

namespace {

/// Where the real files are; the test ends here without them.
std::string tiny_safe() {
  const auto data = shared_data();
  return data ? *data +
                    "/sentinel2/T22HBD-L2A-tiny/"
                    "esa_S2B_MSIL2A_20210122T133229_N0214_R081_T22HBD_20210122T155500.SAFE"
              : std::string();
}

/// How a small SAFE is made.
struct safe {
  std::string level = "1C";
  std::string baseline = "05.09";
  std::string generated = "2022-01-02T12:00:00.000000Z";
  /// By band id; empty: no list.
  std::vector<std::pair<int, int>> offsets = {{0, -1000}, {1, -1000}, {2, -900}, {3, -1000}};
  std::vector<std::string> tiles = {"31TDH"};
  /// The edge of a granule in pixels of 10 m; others are in proportion.
  int edge = 60;
  /// Opaque clouds, cirrus and snow at 60 m.
  bool classification = false;
};

std::string compact(const std::string& baseline) {
  return baseline.substr(0, 2) + baseline.substr(3);
}

std::string product_xml(const safe& s) {
  const bool l1c = s.level == "1C";
  std::ostringstream out;
  out << "<?xml version=\"1.0\"?>\n<n1:Level-" << s.level << "_User_Product xmlns:n1=\"x\">"
      << "<n1:General_Info><Product_Info><PRODUCT_START_TIME>2022-01-01T10:50:21.024Z</"
         "PRODUCT_START_TIME>"
      << "<PRODUCT_URI>S2A_MSIL" << s.level << "_20220101T105021_N" << compact(s.baseline)
      << "_R051_T31TDH_20220102T120000.SAFE</PRODUCT_URI><PROCESSING_BASELINE>" << s.baseline
      << "</PROCESSING_BASELINE><GENERATION_TIME>" << s.generated << "</GENERATION_TIME>"
      << "<Datatake datatakeIdentifier=\"GS2A_20220101T105021_034089_N" << s.baseline << "\">"
      << "<SPACECRAFT_NAME>Sentinel-2A</SPACECRAFT_NAME>"
      << "<DATATAKE_SENSING_START>2022-01-01T10:50:21.024Z</DATATAKE_SENSING_START>"
      << "<SENSING_ORBIT_NUMBER>51</SENSING_ORBIT_NUMBER>"
      << "<SENSING_ORBIT_DIRECTION>DESCENDING</SENSING_ORBIT_DIRECTION></Datatake></Product_Info>"
      << "<Product_Image_Characteristics>";
  if (l1c)
    out << "<QUANTIFICATION_VALUE unit=\"none\">10000</QUANTIFICATION_VALUE>";
  else
    out << "<QUANTIFICATION_VALUES_LIST><BOA_QUANTIFICATION_VALUE>10000</BOA_QUANTIFICATION_VALUE>"
        << "<AOT_QUANTIFICATION_VALUE>1000.0</AOT_QUANTIFICATION_VALUE>"
        << "<WVP_QUANTIFICATION_VALUE>2000.0</WVP_QUANTIFICATION_VALUE></"
           "QUANTIFICATION_VALUES_LIST>";
  const std::string offset = l1c ? "RADIO_ADD_OFFSET" : "BOA_ADD_OFFSET";
  for (const auto& [id, value] : s.offsets)
    out << "<" << offset << " band_id=\"" << id << "\">" << value << "</" << offset << ">";
  out << "<Spectral_Information bandId=\"2\" physicalBand=\"B3\"><RESOLUTION>10</RESOLUTION>"
      << "<Wavelength><CENTRAL unit=\"nm\">559.0</CENTRAL></Wavelength></Spectral_Information>"
      << "</Product_Image_Characteristics></n1:General_Info><n1:Quality_Indicators_Info>"
      << "<Cloud_Coverage_Assessment>12.5</Cloud_Coverage_Assessment></n1:Quality_Indicators_Info>"
      << "</n1:Level-" << s.level << "_User_Product>";
  return out.str();
}

std::string granule_xml(const safe& s, const std::string& tile) {
  std::ostringstream out;
  out << "<?xml version=\"1.0\"?>\n<n1:Level-" << s.level
      << "_Tile_ID xmlns:n1=\"y\"><n1:General_Info>"
      << "<TILE_ID>S2A_OPER_MSI_L" << s.level << "_TL_VGS1_20220102T120000_A034089_T" << tile
      << "_N" << s.baseline << "</TILE_ID><DATASTRIP_ID>S2A_OPER_MSI_L" << s.level
      << "_DS_VGS1_20220102T120000_S20220101T105018_N" << s.baseline << "</DATASTRIP_ID>"
      << "<SENSING_TIME>2022-01-01T10:57:39.838906Z</SENSING_TIME></n1:General_Info>"
      << "<n1:Geometric_Info><Tile_Geocoding><Size resolution=\"10\"><NROWS>" << s.edge
      << "</NROWS><NCOLS>" << s.edge << "</NCOLS></Size></Tile_Geocoding><Tile_Angles>"
      << "<Mean_Sun_Angle><ZENITH_ANGLE>60.5</ZENITH_ANGLE><AZIMUTH_ANGLE>165.25</AZIMUTH_ANGLE></"
         "Mean_Sun_Angle>"
      << "<Mean_Viewing_Incidence_Angle_List>"
      << "<Mean_Viewing_Incidence_Angle "
         "bandId=\"0\"><ZENITH_ANGLE>2</ZENITH_ANGLE><AZIMUTH_ANGLE>350</AZIMUTH_ANGLE></"
         "Mean_Viewing_Incidence_Angle>"
      << "<Mean_Viewing_Incidence_Angle "
         "bandId=\"1\"><ZENITH_ANGLE>4</ZENITH_ANGLE><AZIMUTH_ANGLE>10</AZIMUTH_ANGLE></"
         "Mean_Viewing_Incidence_Angle>"
      << "</Mean_Viewing_Incidence_Angle_List></Tile_Angles></n1:Geometric_Info></n1:Level-"
      << s.level << "_Tile_ID>";
  return out.str();
}

bool write_band(const std::string& path, int edge, int resolution, int bands = 1,
                pixel_type type = pixel_type::uint16) {
  raster_file file;
  file.width = file.height = edge * 10 / resolution;
  file.bands = bands;
  file.type = type;
  file.transform = {399960, double(resolution), 0, 4700040, 0, -double(resolution)};
  return write_jp2(path, file);
}

struct band_of_product {
  const char* name;
  int resolution;
};
constexpr band_of_product all_bands[] = {
    {"B01", 60}, {"B02", 10}, {"B03", 10}, {"B04", 10}, {"B05", 20}, {"B06", 20}, {"B07", 20},
    {"B08", 10}, {"B8A", 20}, {"B09", 60}, {"B10", 60}, {"B11", 20}, {"B12", 20}};

/// Writes the SAFE in the compact naming. Whether GDAL was content.
bool write_safe(const std::string& root, const safe& s) {
  namespace fs = std::filesystem;
  fs::create_directories(root);
  write_file(root + "/MTD_MSIL" + s.level + ".xml", product_xml(s));
  bool done = true;
  for (const auto& tile : s.tiles) {
    const auto granule = root + "/GRANULE/L" + s.level + "_T" + tile + "_A034089_20220101T105018";
    fs::create_directories(granule + "/QI_DATA");
    write_file(granule + "/MTD_TL.xml", granule_xml(s, tile));
    const auto stem = "/T" + tile + "_20220101T105021_";
    // A mask and a preview, which are no bands.
    done &= write_band(granule + "/QI_DATA/MSK_QUALIT_B02.jp2", s.edge, 10);
    if (s.classification)
      done &= write_band(granule + "/QI_DATA/MSK_CLASSI_B00.jp2", s.edge, 60, 3, pixel_type::uint8);
    if (s.level == "1C") {
      fs::create_directories(granule + "/IMG_DATA");
      for (const auto& band : all_bands)
        done &=
            write_band(granule + "/IMG_DATA" + stem + band.name + ".jp2", s.edge, band.resolution);
      done &=
          write_band(granule + "/IMG_DATA" + stem + "TCI.jp2", s.edge, 10, 3, pixel_type::uint8);
      continue;
    }
    for (const int resolution : {10, 20, 60}) {
      const auto m = std::to_string(resolution) + "m";
      const auto folder = granule + "/IMG_DATA/R" + m;
      fs::create_directories(folder);
      for (const auto& band : all_bands)
        if (band.resolution <= resolution && std::string(band.name) != "B10")
          done &= write_band(folder + stem + band.name + "_" + m + ".jp2", s.edge, resolution);
      for (const auto* name : {"AOT", "WVP"})
        done &= write_band(folder + stem + name + "_" + m + ".jp2", s.edge, resolution);
      if (resolution != 10)
        done &= write_band(folder + stem + "SCL_" + m + ".jp2", s.edge, resolution, 1,
                           pixel_type::uint8);
      done &=
          write_band(folder + stem + "TCI_" + m + ".jp2", s.edge, resolution, 3, pixel_type::uint8);
    }
    for (const auto* name : {"CLDPRB", "SNWPRB"})
      done &= write_band(granule + "/QI_DATA/MSK_" + name + "_20m.jp2", s.edge, 20, 1,
                         pixel_type::uint8);
  }
  return done;
}

}  // namespace

CAF_TEST(the real SAFE of level 2A becomes subdatasets at native resolutions) {
  const auto root = tiny_safe();
  if (root.empty()) {
    CAF_MESSAGE("skipped: STIP_SHARED_DATA is not there");
    return;
  }
  const auto s = opened(root);
  CAF_REQUIRE(s != nullptr);
  const auto& d = s->description();
  CAF_CHECK_EQUAL(d.format, "sentinel2");
  CAF_CHECK_EQUAL(d.platform, "Sentinel-2-L2A");
  CAF_CHECK_EQUAL(d.tile, "S2B_MSIL2A_20210122T133229_N0214_R081_T22HBD_20210122T155500");
  CAF_CHECK_EQUAL(to_compact(d.timestamp), "20210122T134249Z");
  CAF_CHECK_EQUAL(bands_of(*s),
                  "10m: B02 B03 B04 B08, 20m: B05 B06 B07 B8A B11 B12, 60m: B01 B09, "
                  "TCI: red green blue, SCL: SCL, CLD: CLD, SNW: SNW, AOT: AOT, WVP: WVP");
  const std::map<std::string, std::string> expected = {
      {"spacecraft", "Sentinel-2B"},
      {"constellation", "Sentinel-2"},
      {"instrument", "MSI"},
      {"processing_level", "L2A"},
      {"baseline", "02.14"},
      {"datatake", "GS2B_20210122T133229_020270_N02.14"},
      {"datastrip", "S2B_OPER_MSI_L2A_DS_VGS2_20210122T155500_S20210122T133224_N02.14"},
      {"relative_orbit", "81"},
      {"orbit_direction", "DESCENDING"},
      {"mgrs", "22HBD"},
      {"sun_azimuth", "64.9495240978383"},
      {"day_night", "day"},
      {"series", "S2B L2A T22HBD 20210122T133229Z S20210122T133224"},
      {"rank", "02.14 20210122T155500Z"},
      {"left_out", ""},
      {"calibration", ""},
  };
  for (const auto& [name, value] : expected) CAF_CHECK_EQUAL(property(*s, name), value);
  CAF_CHECK(std::abs(std::stod(property(*s, "sun_elevation")) - (90 - 32.3712311857264)) < 1e-9);
  CAF_CHECK(std::abs(std::stod(property(*s, "off_nadir")) - 7.2632) < 1e-3);
  CAF_CHECK(std::abs(std::stod(property(*s, "view_azimuth")) - 286.827) < 1e-2);
  CAF_CHECK(
      has(property(*s, "warnings"), "10m: 100 x 100 pixels, its metadata says 10980 x 10980"));
  CAF_CHECK(d.footprint.starts_with("MULTIPOLYGON ((("));
  const auto* b10 = subdataset(*s, "10m");
  CAF_REQUIRE(b10 != nullptr);
  CAF_CHECK(same_crs(b10->grid.crs_wkt, "EPSG:32722"));
  CAF_CHECK(b10->type == pixel_type::uint16);
  CAF_CHECK(b10->valid == validity::nodata);
  CAF_CHECK(b10->bands[0].nodata == std::optional<uint64_t>(0));
  CAF_CHECK_EQUAL(b10->bands[0].scale, 1e-4);
  CAF_CHECK_EQUAL(b10->bands[0].offset, 0.0);
  CAF_CHECK_EQUAL(b10->bands[0].properties.at("common_name"), "blue");
  CAF_CHECK_EQUAL(b10->bands[0].properties.at("wavelength_um"), "0.4923");
  const auto* scl = subdataset(*s, "SCL");
  CAF_CHECK(scl->type == pixel_type::uint8 && scl->quality && scl->valid == validity::nodata);
  CAF_CHECK_EQUAL(scl->bands[0].categories[9], "cloud high probability");
  CAF_CHECK_EQUAL(subdataset(*s, "AOT")->bands[0].scale, 1e-3);
  CAF_CHECK_EQUAL(subdataset(*s, "WVP")->bands[0].unit, "cm");
  // Zero is a probability: the classification tells where there is none.
  const auto* cld = subdataset(*s, "CLD");
  CAF_CHECK(cld->valid == validity::mask && cld->quality && !cld->bands[0].nodata);
}

CAF_TEST(every pixel of the real SAFE is what GDAL reads of the file of the band) {
  const auto root = tiny_safe();
  if (root.empty()) {
    CAF_MESSAGE("skipped: STIP_SHARED_DATA is not there");
    return;
  }
  const auto s = opened(root);
  CAF_REQUIRE(s != nullptr);
  const auto granule = root + "/GRANULE/L2A_T22HBD_A020270_20210122T133224/";
  size_t compared = 0;
  for (const auto& one : s->description().subdatasets)
    for (size_t i = 0; i < one.bands.size(); ++i, ++compared) {
      const auto image = [&](const std::string& band, const std::string& m) {
        return granule + "IMG_DATA/R" + m + "/T22HBD_20210122T133229_" + band + "_" + m + ".jp2";
      };
      const auto path = one.id == "TCI"         ? image("TCI", "10m")
                        : one.id == "CLD"       ? granule + "QI_DATA/MSK_CLDPRB_20m.jp2"
                        : one.id == "SNW"       ? granule + "QI_DATA/MSK_SNWPRB_20m.jp2"
                        : one.id.ends_with("m") ? image(one.bands[i].name, one.id)
                                                : image(one.id, "20m");
      CAF_CHECK_EQUAL(difference(*s, one.id, i, path, one.id == "TCI" ? int(i) + 1 : 1), "");
    }
  CAF_CHECK_EQUAL(compared, 20u);
}

CAF_TEST(a folder and its zip and its metadata file are one and the same scene) {
  scratch_directory directory;
  safe what;
  what.level = "2A";
  const auto root = directory / "prefix_of_someone_S2A.SAFE";
  CAF_REQUIRE(write_safe(root, what));
  CAF_REQUIRE(write_zip(directory / "a.zip", files_below(directory.path())));
  const auto folder = opened(root);
  const auto zip = opened(directory / "a.zip");
  const auto file = opened(root + "/MTD_MSIL2A.xml");
  CAF_REQUIRE(folder && zip && file);
  CAF_CHECK_EQUAL(folder->description().tile,
                  "S2A_MSIL2A_20220101T105021_N0509_R051_T31TDH_20220102T120000");
  for (const auto* other : {&zip, &file}) {
    auto theirs = (*other)->description();
    auto ours = folder->description();
    for (auto* d : {&theirs, &ours}) {
      d->input.clear();
      d->input_bytes = 0;
      d->input_checksum = {};
    }
    CAF_CHECK(theirs == ours);
    for (const auto& one : ours.subdatasets) {
      const auto granule = root + "/GRANULE/L2A_T31TDH_A034089_20220101T105018/IMG_DATA/";
      if (one.id == "20m")
        CAF_CHECK_EQUAL(
            difference(**other, "20m", 3, granule + "R20m/T31TDH_20220101T105021_B8A_20m.jp2"), "");
    }
  }
  // The same files elsewhere have the same checksum, another byte another one.
  const auto elsewhere = directory / "other/S.SAFE";
  std::filesystem::create_directories(directory / "other");
  std::filesystem::copy(root, elsewhere, std::filesystem::copy_options::recursive);
  const auto moved = opened(elsewhere);
  CAF_CHECK(moved->description().input_checksum == folder->description().input_checksum);
  CAF_CHECK(moved->description().input_checksum == file->description().input_checksum);
  CAF_CHECK_EQUAL(moved->description().input_bytes, folder->description().input_bytes);
  write_file(elsewhere + "/MTD_MSIL2A.xml", product_xml(what) + "\n");
  const auto changed = opened(elsewhere);
  CAF_CHECK(changed->description().input_checksum != folder->description().input_checksum);
  CAF_CHECK(zip->description().input_checksum == hash128_of(read_file(directory / "a.zip")));
}

CAF_TEST(offsets stand per band in the metadata and nothing else says them) {
  scratch_directory directory;
  const auto root = directory / "S.SAFE";
  safe what;
  what.edge = 12;
  CAF_REQUIRE(write_safe(root, what));
  const auto listed = opened(root);
  CAF_REQUIRE(listed != nullptr);
  CAF_CHECK_EQUAL(listed->description().platform, "Sentinel-2-L1C");
  CAF_CHECK_EQUAL(
      bands_of(*listed),
      "10m: B02 B03 B04 B08, 20m: B05 B06 B07 B8A B11 B12, 60m: B01 B09 B10, TCI: red green blue");
  const auto& b10 = subdataset(*listed, "10m")->bands;
  CAF_CHECK_EQUAL(b10[0].offset, -0.1);
  CAF_CHECK_EQUAL(b10[1].offset, -0.09);
  CAF_CHECK_EQUAL(b10[1].properties.at("wavelength_um"), "0.559");
  // The list leaves B08 out.
  CAF_CHECK_EQUAL(b10[3].scale, 1.0);
  CAF_CHECK(b10[3].properties.contains("calibration"));
  CAF_CHECK(has(property(*listed, "calibration"), "unknown"));
  CAF_CHECK_EQUAL(property(*listed, "scene_cloud_cover"), "12.5");
  CAF_CHECK_EQUAL(property(*listed, "sun_elevation"), "29.5");
  CAF_CHECK_EQUAL(property(*listed, "off_nadir"), "3");
  CAF_CHECK(std::abs(std::stod(property(*listed, "view_azimuth"))) < 1e-6 ||
            std::abs(std::stod(property(*listed, "view_azimuth")) - 360) < 1e-6);
  CAF_CHECK_EQUAL(property(*listed, "warnings"), "");
  // Before baseline 04.00 there are none.
  what.offsets.clear();
  what.baseline = "03.01";
  write_file(root + "/MTD_MSIL1C.xml", product_xml(what));
  const auto early = opened(root);
  CAF_CHECK_EQUAL(subdataset(*early, "60m")->bands[2].scale, 1e-4);
  CAF_CHECK_EQUAL(subdataset(*early, "60m")->bands[2].offset, 0.0);
  CAF_CHECK_EQUAL(property(*early, "calibration"), "");
  // Later ones must list them.
  what.baseline = "04.00";
  write_file(root + "/MTD_MSIL1C.xml", product_xml(what));
  const auto late = opened(root);
  CAF_CHECK_EQUAL(subdataset(*late, "10m")->bands[0].scale, 1.0);
  CAF_CHECK(has(property(*late, "calibration"), "unknown"));
}

CAF_TEST(a reprocessed scene has the same series and a higher rank) {
  scratch_directory directory;
  const auto root = directory / "S.SAFE";
  safe what;
  what.edge = 6;
  CAF_REQUIRE(write_safe(root, what));
  const auto granule = root + "/GRANULE/L1C_T31TDH_A034089_20220101T105018/MTD_TL.xml";
  std::vector<std::string> ranks;
  std::string series;
  const std::pair<const char*, const char*> versions[] = {{"02.09", "2022-01-02T12:00:00.5Z"},
                                                          {"04.00", "2022-01-02T11:00:00Z"},
                                                          {"04.00", "2022-03-02T11:00:00Z"},
                                                          {"05.11", "2022-01-01T11:00:00Z"}};
  for (const auto& [baseline, generated] : versions) {
    what.baseline = baseline;
    what.generated = generated;
    write_file(root + "/MTD_MSIL1C.xml", product_xml(what));
    write_file(granule, granule_xml(what, "31TDH"));
    const auto s = opened(root);
    CAF_REQUIRE(s != nullptr);
    if (series.empty()) series = property(*s, "series");
    CAF_CHECK_EQUAL(property(*s, "series"), series);
    ranks.push_back(property(*s, "rank"));
  }
  CAF_CHECK_EQUAL(series, "S2A L1C T31TDH 20220101T105021Z S20220101T105018");
  for (size_t i = 1; i < ranks.size(); ++i) CAF_CHECK(ranks[i - 1] < ranks[i]);
}

CAF_TEST(each granule of a product is a scene of its own) {
  scratch_directory directory;
  const auto root = directory / "S.SAFE";
  safe what;
  what.edge = 6;
  what.tiles = {"31TDH", "31TEH"};
  CAF_REQUIRE(write_safe(root, what));
  const auto scenes = all_of(root);
  CAF_REQUIRE_EQUAL(scenes.size(), 2u);
  CAF_CHECK(has(scenes[0]->description().tile, "_T31TDH_"));
  CAF_CHECK(has(scenes[1]->description().tile, "_T31TEH_"));
  CAF_CHECK_EQUAL(property(*scenes[1], "mgrs"), "31TEH");
  scene_options options;
  options.tile = "one";
  CAF_CHECK(has(refusal(root, options), "several granules"));
}

CAF_TEST(products in the old naming are read) {
  scratch_directory directory;
  namespace fs = std::filesystem;
  const auto root =
      directory /
      "S2A_OPER_PRD_MSIL1C_PDMC_20160411T141414_R051_V20151207T184824_20151207T184824.SAFE";
  const auto id = std::string("S2A_OPER_MSI_L1C_TL_EPA__20160411T130000_A002384_T31TDH");
  const auto granule = root + "/GRANULE/" + id + "_N02.01";
  fs::create_directories(granule + "/IMG_DATA");
  safe what;
  what.baseline = "02.01";
  what.offsets.clear();
  auto xml = product_xml(what);
  const auto from = xml.find("<PRODUCT_URI>");
  const auto to = xml.find("</PRODUCT_URI>");
  xml.replace(from + 13, to - from - 13, fs::path(root).filename().string());
  write_file(
      root + "/S2A_OPER_MTD_SAFL1C_PDMC_20160411T141414_R051_V20151207T184824_20151207T184824.xml",
      xml);
  write_file(granule + "/S2A_OPER_MTD_L1C_TL_EPA__20160411T130000_A002384_T31TDH.xml",
             granule_xml(what, "31TDH"));
  for (const auto& band : all_bands)
    CAF_REQUIRE(
        write_band(granule + "/IMG_DATA/" + id + "_" + band.name + ".jp2", 12, band.resolution));
  const auto s = opened(root);
  CAF_REQUIRE(s != nullptr);
  CAF_CHECK_EQUAL(bands_of(*s),
                  "10m: B02 B03 B04 B08, 20m: B05 B06 B07 B8A B11 B12, 60m: B01 B09 B10");
  CAF_CHECK_EQUAL(property(*s, "left_out"), "TCI");
  CAF_CHECK_EQUAL(s->description().platform, "Sentinel-2-L1C");
  CAF_CHECK_EQUAL(subdataset(*s, "10m")->bands[0].scale, 1e-4);
  CAF_CHECK_EQUAL(difference(*s, "60m", 2, granule + "/IMG_DATA/" + id + "_B10.jp2"), "");
}

CAF_TEST(the layout of the object store is read by its json) {
  scratch_directory directory;
  namespace fs = std::filesystem;
  const auto root = directory / "0";
  fs::create_directories(root + "/preview");
  for (const auto& band : all_bands)
    CAF_REQUIRE(write_band(root + "/" + band.name + ".jp2", 12, band.resolution));
  CAF_REQUIRE(write_band(root + "/preview/B02.jp2", 6, 10));
  write_file(root + "/tileInfo.json",
             R"({"path":"tiles/31/T/DH/2017/1/2/0","timestamp":"2017-01-02T10:54:31.456Z",
    "utmZone":31,"latitudeBand":"T","gridSquare":"DH","cloudyPixelPercentage":3.25,
    "datastrip":{"id":"S2A_OPER_MSI_L1C_DS_SGS__20170102T142500_S20170102T105018_N02.04"},
    "productName":"S2A_MSIL1C_20170102T104432_N0204_R008_T31TDH_20170102T105018"})");
  const auto s = opened(root);
  CAF_REQUIRE(s != nullptr);
  CAF_CHECK_EQUAL(s->description().platform, "Sentinel-2-L1C");
  CAF_CHECK_EQUAL(s->description().tile,
                  "S2A_MSIL1C_20170102T104432_N0204_R008_T31TDH_20170102T105018");
  CAF_CHECK_EQUAL(to_compact(s->description().timestamp), "20170102T105431Z");
  CAF_CHECK_EQUAL(property(*s, "mgrs"), "31TDH");
  CAF_CHECK_EQUAL(property(*s, "scene_cloud_cover"), "3.25");
  CAF_CHECK_EQUAL(property(*s, "series"), "S2A L1C T31TDH 20170102T104432Z S20170102T105018");
  CAF_CHECK_EQUAL(subdataset(*s, "10m")->bands[0].scale, 1e-4);
  CAF_CHECK_EQUAL(difference(*s, "10m", 0, root + "/B02.jp2"), "");
  // Level 2A has a folder for each resolution.
  const auto deep = directory / "deep";
  for (const int resolution : {10, 20, 60}) {
    const auto folder = deep + "/R" + std::to_string(resolution) + "m";
    fs::create_directories(folder);
    for (const auto& band : all_bands)
      if (band.resolution <= resolution)
        CAF_REQUIRE(write_band(folder + "/" + band.name + ".jp2", 12, resolution));
  }
  scene_options options;
  options.timestamp = 1'500'000'000;
  const auto bare = opened(deep, options);
  CAF_REQUIRE(bare != nullptr);
  CAF_CHECK_EQUAL(bare->description().platform, "Sentinel-2-L2A");
  CAF_CHECK_EQUAL(bare->description().tile, "deep");
  CAF_CHECK_EQUAL(difference(*bare, "20m", 0, deep + "/R20m/B05.jp2"), "");
  CAF_CHECK(has(property(*bare, "calibration"), "unknown"));
  CAF_CHECK(has(refusal(deep), "give --timestamp"));
}

CAF_TEST(bare bands of a tile load without knowing their offset) {
  const auto data = shared_data();
  if (!data) {
    CAF_MESSAGE("skipped: STIP_SHARED_DATA is not there");
    return;
  }
  const auto root = *data + "/sentinel2/T31TDH-L1C-13bands-jp2";
  const auto s = opened(root);
  CAF_REQUIRE(s != nullptr);
  const auto& d = s->description();
  CAF_CHECK_EQUAL(d.platform, "Sentinel-2-L1C");
  CAF_CHECK_EQUAL(d.tile, "T31TDH_20150726T105026");
  CAF_CHECK_EQUAL(to_compact(d.timestamp), "20150726T105026Z");
  CAF_CHECK_EQUAL(
      bands_of(*s),
      "10m: B02 B03 B04 B08, 20m: B05 B06 B07 B8A B11 B12, 60m: B01 B09 B10, TCI: red green blue");
  CAF_CHECK_EQUAL(property(*s, "mgrs"), "31TDH");
  CAF_CHECK_EQUAL(property(*s, "series"), "");
  CAF_CHECK(has(property(*s, "calibration"), "unknown"));
  for (const auto& one : d.subdatasets) {
    CAF_CHECK(one.valid == validity::nodata);
    const int edge = one.id == "20m" ? 150 : one.id == "60m" ? 50 : 300;
    CAF_CHECK_EQUAL(one.grid.width, edge);
    for (size_t i = 0; i < one.bands.size(); ++i) {
      CAF_CHECK_EQUAL(one.bands[i].scale, 1.0);
      const auto band = one.id == "TCI" ? "TCI" : one.bands[i].name;
      CAF_CHECK_EQUAL(difference(*s, one.id, i, root + "/T31TDH_20150726T105026_" + band + ".jp2",
                                 one.id == "TCI" ? int(i) + 1 : 1),
                      "");
    }
  }
  CAF_CHECK(has(refusal(*data + "/sentinel2/T15SWC-B01-60m"), "give --timestamp"));
  scene_options options;
  options.timestamp = 1'500'000'000;
  const auto lone = opened(*data + "/sentinel2/T15SWC-B01-60m", options);
  CAF_REQUIRE(lone != nullptr);
  CAF_CHECK_EQUAL(bands_of(*lone), "60m: B01");
  CAF_CHECK_EQUAL(lone->description().platform, "Sentinel-2-L1C");
}

CAF_TEST(the metadata of a granule alone says what it knows) {
  const auto root = tiny_safe();
  if (root.empty()) {
    CAF_MESSAGE("skipped: STIP_SHARED_DATA is not there");
    return;
  }
  const auto s = opened(root + "/GRANULE/L2A_T22HBD_A020270_20210122T133224/MTD_TL.xml");
  CAF_REQUIRE(s != nullptr);
  CAF_CHECK_EQUAL(s->description().platform, "Sentinel-2-L2A");
  CAF_CHECK_EQUAL(to_compact(s->description().timestamp), "20210122T134249Z");
  // The granule's name ends with the baseline, which is one before offsets.
  CAF_CHECK_EQUAL(property(*s, "baseline"), "02.14");
  CAF_CHECK_EQUAL(subdataset(*s, "10m")->bands[0].scale, 1e-4);
  CAF_CHECK_EQUAL(property(*s, "series"), "");
}

CAF_TEST(the classification of clouds is read where there is a sound one) {
  scratch_directory directory;
  const auto root = directory / "S.SAFE";
  safe what;
  what.classification = true;
  CAF_REQUIRE(write_safe(root, what));
  const auto whole = opened(root);
  CAF_REQUIRE(whole != nullptr);
  CAF_CHECK(has(bands_of(*whole), "CLASSI: opaque cirrus snow"));
  const auto* found = subdataset(*whole, "CLASSI");
  CAF_REQUIRE(found != nullptr);
  CAF_CHECK(found->quality && found->type == pixel_type::uint8 && !found->bands[0].nodata);
  std::string mask;
  for (const auto& [name, bytes] : files_below(root))
    if (name.ends_with("MSK_CLASSI_B00.jp2")) mask = root + "/" + name;
  CAF_REQUIRE(!mask.empty());
  for (int band = 0; band < 3; ++band)
    CAF_CHECK_EQUAL(difference(*whole, "CLASSI", size_t(band), mask, band + 1), "");
  // What cannot be opened is left out: the pixels do not need it.
  write_file(mask, "no picture");
  const auto without = opened(root);
  CAF_REQUIRE(without != nullptr);
  CAF_CHECK(subdataset(*without, "CLASSI") == nullptr);
  CAF_CHECK(has(property(*without, "left_out"), "CLASSI"));
  // One that was never there is not missed.
  std::filesystem::remove(mask);
  const auto never = opened(root);
  CAF_REQUIRE(never != nullptr);
  CAF_CHECK(!has(property(*never, "left_out"), "CLASSI"));
}

CAF_TEST(names of image files say their band) {
  using sentinel2::read_image_name;
  const auto said = [](const char* name) {
    const auto found = read_image_name(name);
    return found ? found->stem + "|" + found->band + "|" + std::to_string(found->resolution) : "";
  };
  CAF_CHECK_EQUAL(said("a/T31TDH_20150726T105026_B8A.jp2"), "a/T31TDH_20150726T105026_|B8A|0");
  CAF_CHECK_EQUAL(said("IMG_DATA/R20m/T22HBD_20210122T133229_B05_20m.jp2"),
                  "IMG_DATA/T22HBD_20210122T133229_|B05|20");
  CAF_CHECK_EQUAL(said("R60m/B01.jp2"), "|B01|60");
  CAF_CHECK_EQUAL(said("qi/CLD_20m.jp2"), "qi/|CLD|20");
  CAF_CHECK_EQUAL(said("QI_DATA/MSK_CLDPRB_60m.jp2"), "QI_DATA/MSK_|CLD|60");
  CAF_CHECK_EQUAL(said("S2A_USER_SCL_L2A_TL_MPS__20160504T1_A0_T32TQM_20m.jp2"),
                  "S2A_USER_|SCL|20");
  CAF_CHECK_EQUAL(said("QI_DATA/MSK_QUALIT_B01.jp2"), "");
  CAF_CHECK_EQUAL(said("QI_DATA/MSK_CLASSI_B00.jp2"), "QI_DATA/MSK_|CLASSI|0");
  CAF_CHECK_EQUAL(said("QI_DATA/MSK_DETFOO_B02.jp2"), "");
  CAF_CHECK_EQUAL(said("preview/B01.jp2"), "");
  CAF_CHECK_EQUAL(said("T22HBD_20210122T133229_PVI.jp2"), "");
  CAF_CHECK_EQUAL(said("B01.tif"), "");
  CAF_CHECK_EQUAL(said(""), "");
}

CAF_TEST(what is missing or damaged is said) {
  scratch_directory directory;
  const auto root = directory / "S.SAFE";
  safe what;
  what.edge = 6;
  CAF_REQUIRE(write_safe(root, what));
  const auto images =
      root + "/GRANULE/L1C_T31TDH_A034089_20220101T105018/IMG_DATA/T31TDH_20220101T105021_";
  std::filesystem::remove(images + "B03.jp2");
  const auto thin = opened(root);
  CAF_REQUIRE(thin != nullptr);
  CAF_CHECK_EQUAL(property(*thin, "left_out"), "B03");
  CAF_CHECK_EQUAL(subdataset(*thin, "10m")->bands.size(), 3u);
  const auto band = read_file(images + "B02.jp2");
  write_file(images + "B02.jp2", band.substr(0, 60));
  CAF_CHECK(has(refusal(root), "B02.jp2"));
  write_file(images + "B02.jp2", band);
  const auto xml = read_file(root + "/MTD_MSIL1C.xml");
  write_file(root + "/MTD_MSIL1C.xml", xml.substr(0, xml.size() / 2));
  CAF_CHECK(refusal(root).starts_with("malformed: read " + root));
  auto bad = xml;
  bad.replace(bad.find(">-900<"), 6, ">none<");
  write_file(root + "/MTD_MSIL1C.xml", bad);
  CAF_CHECK(has(refusal(root), "an offset of its bands is no number"));
  write_file(root + "/MTD_MSIL1C.xml", "");
  CAF_CHECK(has(refusal(root), "empty"));
  write_file(root + "/MTD_MSIL1C.xml", "<html>no</html>");
  CAF_CHECK(has(refusal(root), "no metadata of a Sentinel-2"));
  write_file(root + "/MTD_MSIL1C.xml", std::string(5u << 20, ' '));
  CAF_CHECK(refusal(root).starts_with("limit_exceeded"));
  const auto zip = directory / "cut.zip";
  CAF_REQUIRE(write_zip(zip, files_below(root)));
  write_file(zip, read_file(zip).substr(0, 4000));
  CAF_CHECK(!refusal(zip).empty());
  std::filesystem::create_directory(directory / "empty");
  CAF_CHECK(has(refusal(directory / "empty"), "directory"));
  const auto forced = open_scenes("sentinel2", directory / "empty", {});
  CAF_CHECK(!forced && forced.error().code == ec::unsupported);
}

CAF_TEST(links that lead out of the folder are not followed) {
  scratch_directory directory;
  const auto root = directory / "S.SAFE";
  safe what;
  what.edge = 6;
  CAF_REQUIRE(write_safe(root, what));
  const auto image =
      root + "/GRANULE/L1C_T31TDH_A034089_20220101T105018/IMG_DATA/T31TDH_20220101T105021_B03.jp2";
  std::filesystem::rename(image, directory / "outside.jp2");
  std::filesystem::create_symlink(directory / "outside.jp2", image);
  const auto s = opened(root);
  CAF_REQUIRE(s != nullptr);
  CAF_CHECK_EQUAL(property(*s, "left_out"), "B03");
}

CAF_TEST(a product with mutated metadata loads or is refused with a reason) {
  scratch_directory directory;
  const auto root = directory / "S.SAFE";
  safe what;
  const auto granule = root + "/GRANULE/L1C_T31TDH_A034089_20220101T105018";
  std::filesystem::create_directories(granule + "/IMG_DATA");
  CAF_REQUIRE(write_band(granule + "/IMG_DATA/T31TDH_20220101T105021_B02.jp2", 6, 10));
  constexpr uint64_t seed = 20261125;
  const auto shown = "seed " + std::to_string(seed);
  CAF_MESSAGE(shown);
  std::mt19937_64 random(seed);
  size_t loaded = 0, refused = 0;
  for (int round = 0; round < 200; ++round) {
    const auto product = product_xml(what);
    const auto tile = granule_xml(what, "31TDH");
    const bool first = round % 2 == 0;
    write_file(root + "/MTD_MSIL1C.xml", first ? mutated(product, random) : product);
    write_file(granule + "/MTD_TL.xml", first ? tile : mutated(tile, random));
    const auto scenes = open_scenes("auto", root, {});
    ++(scenes ? loaded : refused);
    if (!scenes) {
      CAF_CHECK(!scenes.error().why.empty());
      continue;
    }
    for (const auto& s : *scenes) {
      const auto& d = s->description();
      CAF_CHECK(!d.tile.empty() && d.tile.size() <= 255);
      CAF_CHECK_EQUAL(bands_of(*s), "10m: B02");
      CAF_CHECK(std::isfinite(d.subdatasets[0].bands[0].scale) &&
                d.subdatasets[0].bands[0].scale != 0);
      CAF_CHECK(std::isfinite(d.subdatasets[0].bands[0].offset));
    }
  }
  CAF_CHECK(loaded > 5);
  CAF_CHECK(refused > 20);
}

CAF_TEST(no mutation of the metadata crashes or leads out of the input) {
  const auto root = tiny_safe();
  safe what;
  std::vector<std::string> texts = {product_xml(what), granule_xml(what, "31TDH")};
  if (!root.empty()) {
    texts.push_back(read_file(root + "/MTD_MSIL2A.xml"));
    texts.push_back(read_file(root + "/GRANULE/L2A_T22HBD_A020270_20210122T133224/MTD_TL.xml")
                        .substr(0, 60'000));
  }
  const std::string json =
      R"({"timestamp":"2017-01-02T10:54:31.456Z","utmZone":31,"latitudeBand":"T",
    "gridSquare":"DH","datastrip":{"id":"S2A_OPER_MSI_L1C_DS_SGS__20170102T142500_S20170102T105018_N02.04"},
    "productName":"S2A_MSIL1C_20170102T104432_N0204_R008_T31TDH_20170102T105018"})";
  constexpr uint64_t seed = 20261122;
  const auto shown = "seed " + std::to_string(seed);
  CAF_MESSAGE(shown);
  std::mt19937_64 random(seed);
  size_t read = 0, refused = 0;
  for (int round = 0; round < 1500; ++round) {
    sentinel2::metadata out;
    const auto& text = texts[size_t(round) % texts.size()];
    const auto done = sentinel2::read_xml(mutated(text, random), "text", out);
    ++(done ? read : refused);
    if (!done) CAF_CHECK(!done.error().why.empty());
    for (const auto* one : {&out.product, &out.granule, &out.baseline, &out.mgrs})
      CAF_CHECK(one->size() <= 255);
    sentinel2::metadata of_json;
    (void)sentinel2::read_json(mutated(json, random), "text", of_json);
    for (size_t id = 0; id < 20; ++id) (void)sentinel2::offset_of(out, id);
  }
  CAF_CHECK(read > 50);
  CAF_CHECK(refused > 50);
  // Depth is the text's to choose.
  sentinel2::metadata out;
  std::string deep;
  for (int i = 0; i < 200'000; ++i) deep += "<a>";
  CAF_CHECK(!sentinel2::read_xml(deep, "text", out));
  CAF_CHECK(!sentinel2::read_json(std::string(200'000, '['), "text", out));
}
