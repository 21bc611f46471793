#define CAF_SUITE format.naming
#include "libstip/format/naming.hpp"

#include <caf/test/unit_test.hpp>

#include "libstip/format/probe.hpp"
#include "libstip/raster/text.hpp"

using namespace stip;

namespace {

std::string date(std::string_view name) {
  const auto found = date_in_name(name);
  return found ? to_compact(*found) : "none";
}

}  // namespace

CAF_TEST(a tile is the file name without its extensions) {
  CAF_CHECK_EQUAL(tile_of("/a/b/RGB.byte.tif"), "RGB.byte");
  CAF_CHECK_EQUAL(tile_of("/vsizip/x.zip/scene.TIFF"), "scene");
  CAF_CHECK_EQUAL(tile_of("a.tif.gz"), "a");
  CAF_CHECK_EQUAL(tile_of("a.tif.tif"), "a.tif");
  CAF_CHECK_EQUAL(tile_of("MCD43A4.h10v04.006.tif"), "MCD43A4.h10v04.006");
  CAF_CHECK_EQUAL(tile_of("no-extension"), "no-extension");
  CAF_CHECK_EQUAL(tile_of(".tif"), ".tif");
  CAF_CHECK_EQUAL(tile_of("v1.2"), "v1.2");
}

CAF_TEST(a date in a name stands alone and is in the calendar) {
  CAF_CHECK_EQUAL(date("LS5_TM_NBAR_P54_GANBAR01-002_090_084_19920323_B10.tif"),
                  "19920323T000000Z");
  CAF_CHECK_EQUAL(date("S2A_20210122T133229_N0214"), "20210122T133229Z");
  CAF_CHECK_EQUAL(date("20210122T996199_x"), "20210122T000000Z");
  CAF_CHECK_EQUAL(date("precipitation_2010-05-22_2010-05-23.nc"), "20100522T000000Z");
  CAF_CHECK_EQUAL(date("AST_L1T_00310012006175412_20150516104359"), "none");
  CAF_CHECK_EQUAL(date("x_20201340_20200229"), "20200229T000000Z");
  CAF_CHECK_EQUAL(date("x_20210229"), "none");
  CAF_CHECK_EQUAL(date("12345678"), "none");
  CAF_CHECK_EQUAL(date("19710101"), "none");
  CAF_CHECK_EQUAL(date("123420200101"), "none");
  CAF_CHECK_EQUAL(date(""), "none");
  CAF_CHECK_EQUAL(date("2020"), "none");
  CAF_CHECK_EQUAL(date("2020-01"), "none");
}

CAF_TEST(tiff dates are read and nothing else) {
  const auto good = parse_tiff_date("2021:02:02 09:04:51");
  CAF_REQUIRE(good);
  CAF_CHECK_EQUAL(to_compact(*good), "20210202T090451Z");
  for (const char* text : {"", "2021-02-02 09:04:51", "2021:02:02", "2021:13:02 09:04:51",
                           "0000:00:00 00:00:00", "2021:02:02 09:04:5x"})
    CAF_CHECK(!parse_tiff_date(text));
}

CAF_TEST(names that cannot stand in a key are refused with the option to give) {
  CAF_CHECK(check_name("platform", "Sentinel-2 L1C", "f").has_value());
  CAF_CHECK(check_name("tile", "\xc3\xa9t\xc3\xa9", "f").has_value());
  for (const std::string& bad : {std::string(), std::string(256, 'a'), std::string("a\nb"),
                                 std::string("\xff"), std::string("a\0b", 3)}) {
    const auto refused = check_name("tile", bad, "f");
    CAF_REQUIRE(!refused);
    CAF_CHECK_EQUAL(refused.error().advice, "give --tile");
  }
}

CAF_TEST(texts out of files become plain text) {
  CAF_CHECK_EQUAL(clean_text("a\tb\x01", 10), "a b ");
  CAF_CHECK_EQUAL(clean_text("\xc3\xa9\xff\xc3", 10), "\xc3\xa9??");
  CAF_CHECK_EQUAL(clean_text("\xc3\xa9\xc3\xa9", 3), "\xc3\xa9");
  CAF_CHECK_EQUAL(clean_text("\xed\xa0\x80", 10), "???");
  CAF_CHECK(is_clean_text("plain"));
  CAF_CHECK(!is_clean_text("\xc2\x85"));
}

CAF_TEST(a probe says what a scene would become) {
  scene_description scene;
  scene.platform = "P";
  subdataset_description d;
  d.id = "10m";
  d.type = pixel_type::int16;
  d.grid.width = 100;
  d.grid.height = 50;
  d.valid = validity::nodata;
  d.bands.resize(2);
  d.bands[0].name = "B02";
  d.bands[0].nodata = 0xd8f1;  // -9999
  scene.subdatasets.push_back(d);
  const auto report = probe(scene);
  CAF_CHECK_EQUAL(report.platform, "P");
  const auto& s = report.subdatasets.at(0);
  CAF_CHECK_EQUAL(s.type, "int16");
  CAF_CHECK_EQUAL(s.validity, "nodata");
  CAF_CHECK_EQUAL(s.raw_bytes, 20000u);
  CAF_CHECK_EQUAL(s.bands.at(0).nodata, "-9999");
  CAF_CHECK_EQUAL(s.bands.at(1).nodata, "");
}
