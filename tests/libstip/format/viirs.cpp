#define CAF_SUITE format.viirs
#include <hdf5.h>

#include <caf/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <random>

#include "libstip/format/eos5_structure.hpp"
#include "libstip/format/format.hpp"
#include "libstip/format/odl.hpp"
#include "libstip/format/reader_pool.hpp"
#include "libstip/raster/nodata.hpp"
#include "tests/support/libstip/isolated_file.hpp"
#include "tests/support/libstip/raster_file.hpp"
#include "tests/support/libstip/scratch_directory.hpp"

using namespace stip;
using namespace stip::test;

namespace {

constexpr hsize_t rows = 12, columns = 10;

std::string structure(const std::string& grid_values, const std::string& fields) {
  return "GROUP=SwathStructure\nEND_GROUP=SwathStructure\nGROUP=GridStructure\n\tGROUP=GRID_1\n"
         "\t\tGridName=\"VIIRS_Grid_1km_2D\"\n\t\tXDim=10\n\t\tYDim=12\n" +
         grid_values + "\t\tGROUP=DataField\n" + fields +
         "\t\tEND_GROUP=DataField\n\tEND_GROUP=GRID_1\nEND_GROUP=GridStructure\nEND\n";
}

std::string field(int number, const std::string& name, const std::string& type) {
  const auto n = std::to_string(number);
  return "\t\t\tOBJECT=DataField_" + n + "\n\t\t\t\tDataFieldName=\"" + name +
         "\"\n\t\t\t\tDataType=" + type +
         "\n\t\t\t\tDimList=(\"YDim\",\"XDim\")\n\t\t\tEND_OBJECT=DataField_" + n + "\n";
}

const std::string sinusoidal =
    "\t\tUpperLeftPointMtrs=(-1111950.519667,5559752.598333)\n"
    "\t\tLowerRightMtrs=(0.000000,4447802.078667)\n\t\tProjection=HE5_GCTP_SNSOID\n"
    "\t\tProjParams=(6371007.181000,0,0,0,0,0,0,0,0,0,0,0,0)\n\t\tSphereCode=-1\n";

void put_text(hid_t at, const char* name, const std::string& text) {
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, text.size() + 1);
  const hid_t space = H5Screate(H5S_SCALAR);
  const hid_t attribute = H5Acreate2(at, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  H5Awrite(attribute, type, text.c_str());
  H5Aclose(attribute);
  H5Sclose(space);
  H5Tclose(type);
}

template <class T>
void put_number(hid_t at, const char* name, hid_t type, T value) {
  const hid_t space = H5Screate(H5S_SCALAR);
  const hid_t attribute = H5Acreate2(at, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  H5Awrite(attribute, type, &value);
  H5Aclose(attribute);
  H5Sclose(space);
}

/// A tile as VIIRS land products have them: reflectance as int16, a signed byte, a quality byte.
void write_tile(const std::string& path, const std::string& structure_text) {
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const auto group = [](hid_t in, const char* name) {
    return H5Gcreate2(in, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  };
  put_text(file, "ShortName", "VNP09A1");
  put_text(file, "VersionID", "001");
  put_text(file, "LocalGranuleID", "VNP09A1.A2018185.h17v04.001.2018194120000.h5");
  put_text(file, "RangeBeginningDate", "2018-07-04");
  put_text(file, "RangeBeginningTime", "00:00:00.000");
  put_text(file, "RangeEndingDate", "2018-07-11");
  put_text(file, "RangeEndingTime", "23:59:59.000");
  put_text(file, "ProductionDateTime", "2018-07-13T12:00:00.000Z");
  put_text(file, "DayNightFlag", "Day");
  const hid_t information = group(file, "HDFEOS INFORMATION");
  {
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, 32000);
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t set = H5Dcreate2(information, "StructMetadata.0", type, space, H5P_DEFAULT,
                                 H5P_DEFAULT, H5P_DEFAULT);
    std::string padded = structure_text;
    padded.resize(32000, '\0');
    H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, padded.data());
    H5Dclose(set);
    H5Sclose(space);
    H5Tclose(type);
  }
  const hid_t eos = group(file, "HDFEOS");
  const hid_t grids = group(eos, "GRIDS");
  const hid_t grid = group(grids, "VIIRS_Grid_1km_2D");
  const hid_t fields = group(grid, "Data Fields");
  const hsize_t shape[2] = {rows, columns};
  const hid_t space = H5Screate_simple(2, shape, nullptr);
  const auto add = [&](const char* name, hid_t type, const void* values, auto describe) {
    const hid_t set = H5Dcreate2(fields, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    describe(set);
    H5Dclose(set);
  };
  std::vector<int16_t> reflectance(rows * columns);
  std::vector<int8_t> observed(rows * columns);
  std::vector<uint8_t> quality(rows * columns);
  for (size_t i = 0; i < reflectance.size(); ++i) {
    reflectance[i] = i % 7 == 0 ? int16_t(-28672) : int16_t(i * 13);
    observed[i] = i % 5 == 0 ? int8_t(-1) : int8_t(i % 100);
    quality[i] = uint8_t(i);
  }
  add("SurfReflect_M1", H5T_STD_I16LE, reflectance.data(), [](hid_t set) {
    put_number<int16_t>(set, "_FillValue", H5T_NATIVE_INT16, -28672);
    put_number<double>(set, "scale_factor", H5T_NATIVE_DOUBLE, 0.0001);
    put_number<double>(set, "add_offset", H5T_NATIVE_DOUBLE, 0);
    put_text(set, "units", "reflectance");
    put_text(set, "long_name", "Surface reflectance of band M1");
  });
  add("num_observations_1km", H5T_STD_I8LE, observed.data(),
      [](hid_t set) { put_number<int8_t>(set, "_FillValue", H5T_NATIVE_INT8, -1); });
  add("SurfReflect_QF1", H5T_STD_U8LE, quality.data(), [](hid_t) {});
  H5Sclose(space);
  for (const hid_t id : {fields, grid, grids, eos, information}) H5Gclose(id);
  H5Fclose(file);
}

float swath_lat(int row, int column) {
  return 40 + float(row) * 0.0068F - float(column) * 0.001F;
}
float swath_lon(int row, int column) {
  return -100 + float(column) * 0.009F + float(row) * 0.0015F;
}

/// A swath as VNP21 has it: fields and geolocation in groups of their own, without attributes that
/// lead from one to the other.
void write_swath(const std::string& path) {
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const auto group = [](hid_t in, const char* name) {
    return H5Gcreate2(in, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  };
  put_text(file, "ShortName", "VNP21");
  put_text(file, "VersionID", "001");
  put_text(file, "RangeBeginningDate", "2018-01-01");
  put_text(file, "RangeBeginningTime", "10:12:00.000000");
  put_text(file, "RangeEndingDate", "2018-01-01");
  put_text(file, "RangeEndingTime", "10:18:00.000000");
  const hid_t swath = group(file, "VIIRS_Swath_LSTE");
  const hid_t fields = group(swath, "Data Fields");
  const hid_t places = group(swath, "Geolocation Fields");
  const hsize_t shape[2] = {40, 30};
  const hid_t space = H5Screate_simple(2, shape, nullptr);
  const auto add = [&](hid_t in, const char* name, hid_t type, hid_t memory, const void* values,
                       auto describe) {
    const hid_t set = H5Dcreate2(in, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dwrite(set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    describe(set);
    H5Dclose(set);
  };
  std::vector<uint16_t> lst;
  std::vector<uint8_t> emis;
  std::vector<float> lat, lon;
  for (int row = 0; row < 40; ++row)
    for (int column = 0; column < 30; ++column) {
      lst.push_back(uint16_t(1 + row * 30 + column));
      emis.push_back(uint8_t(1 + column));
      lat.push_back(swath_lat(row, column));
      lon.push_back(swath_lon(row, column));
    }
  const auto nothing = [](hid_t) {};
  add(fields, "LST", H5T_STD_U16LE, H5T_NATIVE_UINT16, lst.data(), [](hid_t set) {
    put_number<uint16_t>(set, "_FillValue", H5T_NATIVE_UINT16, 0);
    put_number<double>(set, "scale_factor", H5T_NATIVE_DOUBLE, 0.02);
    put_number<double>(set, "add_offset", H5T_NATIVE_DOUBLE, 0);
  });
  add(fields, "Emis_14", H5T_STD_U8LE, H5T_NATIVE_UINT8, emis.data(),
      [](hid_t set) { put_number<uint8_t>(set, "_FillValue", H5T_NATIVE_UINT8, 0); });
  add(places, "latitude", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, lat.data(), nothing);
  add(places, "longitude", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, lon.data(), nothing);
  H5Sclose(space);
  for (const hid_t id : {fields, places, swath}) H5Gclose(id);
  H5Fclose(file);
}

const std::string three_fields = field(1, "SurfReflect_M1", "H5T_NATIVE_SHORT") +
                                 field(2, "num_observations_1km", "H5T_NATIVE_SCHAR") +
                                 field(3, "SurfReflect_QF1", "H5T_NATIVE_UCHAR");

eos5_grid grid_of(const std::string& values) {
  const auto root = parse_odl(structure(values, three_fields));
  if (!root) CAF_FAIL(to_string(root.error()));
  const auto found = read_eos5_structure(*root, "a.h5");
  if (!found) CAF_FAIL(to_string(found.error()));
  return found->grids.at(0);
}

std::string refusal(const std::string& values) {
  const auto root = parse_odl(structure(values, three_fields));
  if (!root) return to_string(root.error());
  const auto found = read_eos5_structure(*root, "a.h5");
  return found ? "" : to_string(found.error());
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  text.replace(text.find(from), from.size(), to);
  return text;
}

}  // namespace

CAF_TEST(a tile has its grid from its structure and its own pixel types) {
  scratch_directory directory;
  const auto path = directory / "VNP09A1.A2018185.h17v04.001.2018194120000.h5";
  write_tile(path, structure(sinusoidal, three_fields));
  reader_pool pool;
  const auto s = only_scene(pool, path);
  CAF_REQUIRE(s != nullptr);
  const auto& d = s->description();
  CAF_CHECK_EQUAL(d.format, "viirs");
  CAF_CHECK_EQUAL(d.platform, "VNP09A1");
  CAF_CHECK_EQUAL(to_iso8601(d.timestamp), "2018-07-04T00:00:00Z");
  CAF_REQUIRE(d.end);
  CAF_CHECK_EQUAL(to_iso8601(*d.end), "2018-07-11T23:59:59Z");
  CAF_CHECK_EQUAL(d.properties.at("series"), "VNP09A1 A2018185 h17v04 1");
  CAF_CHECK_EQUAL(d.properties.at("rank"), "1 20180713T120000Z");
  CAF_CHECK_EQUAL(d.properties.at("spacecraft"), "Suomi-NPP");
  CAF_CHECK_EQUAL(d.properties.at("day_night"), "day");
  CAF_REQUIRE_EQUAL(d.subdatasets.size(), 3u);
  CAF_CHECK(d.subdatasets[0].type == pixel_type::int16 &&
            d.subdatasets[1].type == pixel_type::int8 &&
            d.subdatasets[2].type == pixel_type::uint8);
  const auto& band = d.subdatasets[0].bands[0];
  CAF_CHECK_EQUAL(band.name, "SurfReflect_M1");
  CAF_CHECK_EQUAL(band.scale, 1e-4);
  CAF_CHECK_EQUAL(band.unit, "reflectance");
  CAF_REQUIRE(band.nodata && d.subdatasets[1].bands[0].nodata);
  CAF_CHECK_EQUAL(nodata_text(pixel_type::int16, *band.nodata), "-28672");
  CAF_CHECK_EQUAL(nodata_text(pixel_type::int8, *d.subdatasets[1].bands[0].nodata), "-1");
  CAF_CHECK(!d.subdatasets[0].quality && d.subdatasets[1].quality);
  CAF_CHECK(d.subdatasets[2].valid == validity::all);
  const auto reflectance = whole(*s, 0);
  const auto observed = whole(*s, 1);
  CAF_REQUIRE(reflectance && observed);
  int wrong = 0;
  for (size_t i = 0; i < rows * columns; ++i) {
    int16_t value = 0;
    std::memcpy(&value, reflectance->data() + 2 * i, 2);
    wrong += value != (i % 7 == 0 ? -28672 : int16_t(i * 13));
    wrong += int8_t((*observed)[i]) != (i % 5 == 0 ? -1 : int8_t(i % 100));
  }
  CAF_CHECK_EQUAL(wrong, 0);
}

CAF_TEST(a VNP21 swath is laid on a grid with its bytes first) {
  scratch_directory directory;
  const auto path = directory / "VNP21.A2018001.1012.001.2018300120000.nc";
  write_swath(path);
  reader_pool pool;
  const auto s = only_scene(pool, path);
  CAF_REQUIRE(s != nullptr);
  const auto& d = s->description();
  CAF_CHECK_EQUAL(d.format, "vnp21v001");
  CAF_CHECK_EQUAL(d.platform, "VNP21V001");
  CAF_CHECK_EQUAL(to_iso8601(d.timestamp), "2018-01-01T10:12:00Z");
  CAF_CHECK_EQUAL(d.properties.at("resampling"), "nearest");
  CAF_CHECK_EQUAL(d.properties.at("source_shape"), "40x30");
  CAF_REQUIRE_EQUAL(d.subdatasets.size(), 3u);
  CAF_CHECK(d.subdatasets[0].type == pixel_type::uint8);
  CAF_CHECK_EQUAL(d.subdatasets[0].bands[0].name, "Emis_14");
  CAF_CHECK(d.subdatasets[1].type == pixel_type::uint16);
  CAF_CHECK_EQUAL(d.subdatasets[1].bands[0].name, "LST");
  CAF_CHECK_EQUAL(d.subdatasets[1].bands[0].scale, 0.02);
  CAF_CHECK(d.subdatasets[1].bands[0].nodata == uint64_t{0});
  CAF_CHECK_EQUAL(d.subdatasets[2].id, "geolocation");
  // Its values are numbers of rows and columns: they must stand where the places say.
  const auto lst = whole(*s, 1), places = whole(*s, 2);
  CAF_REQUIRE(lst && places);
  const auto count = size_t(d.subdatasets[1].grid.width * d.subdatasets[1].grid.height);
  size_t found = 0, wrong = 0;
  for (size_t i = 0; i < count; ++i) {
    uint16_t value = 0;
    float lat = 0, lon = 0;
    std::memcpy(&value, lst->data() + 2 * i, 2);
    std::memcpy(&lat, places->data() + 4 * i, 4);
    std::memcpy(&lon, places->data() + 4 * (count + i), 4);
    if (lat != lat) {
      wrong += value != 0;
      continue;
    }
    ++found;
    const int row = (value - 1) / 30, column = (value - 1) % 30;
    wrong += lat != swath_lat(row, column) || lon != swath_lon(row, column);
  }
  CAF_CHECK(found > 600);
  CAF_CHECK_EQUAL(wrong, 0u);
  const auto refused = open_scenes("modis", path, {}, pool);
  CAF_CHECK(!refused);
}

CAF_TEST(a file whose structure contradicts it is refused) {
  scratch_directory directory;
  reader_pool pool;
  const auto path = directory / "VNP09A1.A2018185.h17v04.001.2018194120000.h5";
  const auto refused = [&](const std::string& text) {
    write_tile(path, text);
    const auto scenes = open_scenes("auto", path, {}, pool);
    return scenes ? std::string() : to_string(scenes.error());
  };
  const auto good = structure(sinusoidal, three_fields);
  CAF_CHECK_EQUAL(refused(good), "");
  CAF_CHECK(refused(replaced(good, "XDim=10", "XDim=11")).find("not those of its grid") !=
            std::string::npos);
  CAF_CHECK(refused(replaced(good, "XDim=10", "XDim=x")).find("no size") != std::string::npos);
  CAF_CHECK(refused(replaced(good, "\tEND_GROUP=GRID_1\n", "")).find("line") != std::string::npos);
  const auto missing = structure(sinusoidal, three_fields + field(4, "none", "H5T_NATIVE_SHORT"));
  write_tile(path, missing);
  const auto s = only_scene(pool, path);
  CAF_REQUIRE(s != nullptr);
  CAF_CHECK(s->description().properties.at("left_out").starts_with("none: "));
}

CAF_TEST(the sample of the layout lies where its structure says) {
  const auto data = shared_data();
  if (!data) {
    CAF_MESSAGE("skipped: no sample files, STIP_SHARED_DATA names no directory");
    return;
  }
  reader_pool pool;
  const auto input = *data + "/hdf5/dummy_HDFEOS_IIRS_Grid_IMG_2D_issue_1294.h5";
  scene_options said;
  const auto unnamed = open_scenes("auto", input, said, pool);
  CAF_REQUIRE(!unnamed);
  CAF_CHECK(to_string(unnamed.error()).find("--platform") != std::string::npos);
  said.platform = "VIIRS";
  said.timestamp = 1'500'000'000;
  const auto s = only_scene(pool, input, said);
  CAF_REQUIRE(s != nullptr);
  const auto& d = s->description();
  CAF_REQUIRE_EQUAL(d.subdatasets.size(), 1u);
  const auto& g = d.subdatasets[0].grid;
  CAF_CHECK_EQUAL(g.width, 4);
  CAF_CHECK_EQUAL(g.height, 5);
  CAF_CHECK_EQUAL(g.transform[0], -1111950.519667);
  CAF_CHECK_EQUAL(g.transform[3], 5559752.598333);
  CAF_CHECK(same_crs(g.crs_wkt, "+proj=sinu +R=6371007.181 +lon_0=0 +units=m +no_defs"));
  const auto pixels = whole(*s, 0);
  CAF_REQUIRE(pixels && pixels->size() == 20);
  for (size_t i = 0; i < pixels->size(); ++i) CAF_CHECK_EQUAL(int((*pixels)[i]), int(i));
}

CAF_TEST(projections come from the parameters of the structure) {
  const auto global = grid_of(
      "\t\tUpperLeftPointMtrs=(-180000000.000000,90000000.000000)\n"
      "\t\tLowerRightMtrs=(180000000.000000,-90000000.000000)\n\t\tProjection=HE5_GCTP_GEO\n");
  CAF_CHECK_EQUAL(global.grid.crs_wkt, "EPSG:4326");
  CAF_CHECK_EQUAL(global.grid.transform[0], -180.0);
  CAF_CHECK_EQUAL(global.grid.transform[1], 36.0);
  CAF_CHECK_EQUAL(global.grid.transform[5], -15.0);
  const auto ease = grid_of(
      "\t\tUpperLeftPointMtrs=(-9036842.762500,9036842.762500)\n"
      "\t\tLowerRightMtrs=(9036842.762500,-9036842.762500)\n\t\tProjection=HE5_GCTP_LAMAZ\n"
      "\t\tProjParams=(6371228.000000,0,0,0,0,90000000.000000,0,0,0,0,0,0,0)\n");
  CAF_CHECK(same_crs(ease.grid.crs_wkt,
                     "+proj=laea +lat_0=90 +lon_0=0 +x_0=0 +y_0=0 +R=6371228 +units=m +no_defs"));
  const auto polar = grid_of(
      "\t\tUpperLeftPointMtrs=(-3850000.000000,5850000.000000)\n"
      "\t\tLowerRightMtrs=(3750000.000000,-5350000.000000)\n\t\tProjection=HE5_GCTP_PS\n"
      "\t\tProjParams=(6378273.000000,-0.006694,0,0,-45000000.000000,70000000.000000,0,0)\n");
  CAF_CHECK(polar.grid.crs_wkt.find("Polar Stereographic") != std::string::npos);
  CAF_CHECK(refusal("\t\tUpperLeftPointMtrs=(0,1)\n\t\tLowerRightMtrs=(1,0)\n"
                    "\t\tProjection=HE5_GCTP_SOM\n")
                .find("HE5_GCTP_SOM") != std::string::npos);
  CAF_CHECK(refusal("\t\tUpperLeftPointMtrs=(0,1)\n\t\tLowerRightMtrs=(0,0)\n"
                    "\t\tProjection=HE5_GCTP_GEO\n")
                .find("unusable") != std::string::npos);
  CAF_CHECK(refusal("\t\tUpperLeftPointMtrs=(0,nan)\n\t\tLowerRightMtrs=(1,0)\n"
                    "\t\tProjection=HE5_GCTP_GEO\n")
                .find("no numbers") != std::string::npos);
  CAF_CHECK(refusal(sinusoidal + "\t\tGridOrigin=HE5_HDFE_GD_LL\n").find("upper left") !=
            std::string::npos);
  CAF_CHECK_EQUAL(degrees_of_packed(-45030036.0), -45.51);
  CAF_CHECK_EQUAL(degrees_of_packed(180000000.0), 180.0);
}

CAF_TEST(the structure is read as a tree of named values) {
  const auto root = parse_odl(
      "GROUP = A\n  X = ( \"one, two\" , 3,\n 4 )\n  Y=\" quoted = (text \"\n OBJECT=B\n Z=\n"
      " END_OBJECT=B\nEND_GROUP = A\nEND\nGROUP=never\n");
  CAF_REQUIRE(root);
  const auto* a = root->child("A");
  CAF_REQUIRE(a != nullptr && root->children.size() == 1);
  const auto list = a->list("X");
  CAF_REQUIRE_EQUAL(list.size(), 3u);
  CAF_CHECK_EQUAL(list[0], "one, two");
  CAF_CHECK_EQUAL(list[2], "4");
  CAF_CHECK_EQUAL(a->value("Y"), " quoted = (text ");
  CAF_REQUIRE(a->child("B") != nullptr);
  CAF_CHECK_EQUAL(a->child("B")->value("Z"), "");
  CAF_CHECK_EQUAL(a->value("none"), "");
  CAF_CHECK(parse_odl("").has_value());
  for (const std::string text : {"GROUP=A\n", "END_GROUP=A\n", "GROUP=A\nEND_GROUP=B\n", "=3\n"})
    CAF_CHECK(!parse_odl(text));
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "GROUP=A\n";
  CAF_CHECK(!parse_odl(deep));
  std::string wide = "X=(";
  for (size_t i = 0; i < max_odl_items; ++i) wide += "1,";
  CAF_CHECK(!parse_odl(wide + "1)\n"));
  CAF_CHECK(!parse_odl(std::string(max_odl_bytes + 1, ' ')));
}

CAF_TEST(mutated structures are read or refused and nothing else) {
  constexpr uint64_t seed = 99;
  CAF_MESSAGE("seed " << seed);
  std::mt19937_64 random(seed);
  const auto good = structure(sinusoidal, three_fields);
  const std::string letters = "=()\",\n\t0123456789-.eGROUPEND_XYDim \x00\xff";
  int understood = 0;
  for (int i = 0; i < 5000; ++i) {
    auto text = good;
    for (uint64_t k = 0; k < 1 + random() % 6; ++k) {
      const auto at = random() % text.size();
      switch (random() % 4) {
        case 0:
          text[at] = letters[random() % letters.size()];
          break;
        case 1:
          text.erase(at, 1 + random() % 20);
          break;
        case 2:
          text.insert(at, text.substr(random() % text.size(), random() % 60));
          break;
        default:
          text.insert(at, 1 + random() % 30, letters[random() % letters.size()]);
      }
      if (text.empty()) text = " ";
    }
    const auto root = parse_odl(text);
    if (!root) continue;
    const auto found = read_eos5_structure(*root, "a.h5");
    if (!found) continue;
    ++understood;
    for (const auto& grid : found->grids) CAF_REQUIRE(check_grid(grid.grid));
  }
  CAF_MESSAGE(understood << " were understood");
  CAF_CHECK(understood > 0);
}
