#define CAF_SUITE cluster.combine
#include <algorithm>
#include <cstring>
#include <set>

#include "actors/client.hpp"
#include "libstip/geo/projection.hpp"
#include "tests/support/cluster/transform_fixture.hpp"
#include "tests/support/libstip/raster_file.hpp"
#include "tests/support/libstip/striped_scene.hpp"
#include "tests/support/scenes/product.hpp"

// Fill and coalesce as tasks of a cluster, against what a look at all pixels says.

using namespace stip;
using namespace stip::test;

namespace {

constexpr int precision = 5;
struct fixture : transform_fixture {
  void store(test_cluster& nodes, const std::string& glob, int at = precision) {
    const auto stored = nodes.store(0, sample_request("a", glob, at));
    if (!stored) CAF_FAIL(to_string(stored.error()));
    for (const auto& err : stored->errors) CAF_MESSAGE(err.reason);
    CAF_REQUIRE(stored->state == task_state::done);
  }

  /// Pixels of an image by their places on the common lattice.
  using ground = std::map<std::pair<int, int>, uint16_t>;
  ground pixels(test_cluster& nodes, const image_row& row, const std::string& subdataset = "0") {
    const auto node = client_of(nodes, 0);
    const auto image = node.details("a", row.key);
    if (!image) CAF_FAIL(to_string(image.error()));
    ground out;
    for (size_t i = 0; i < image->chips.size(); ++i) {
      if (image->chips[i].subdataset != subdataset) continue;
      const auto chip = node.chip("a", row, *image, i);
      if (!chip) CAF_FAIL(to_string(chip.error()));
      const auto& g = chip->description.grid;
      const auto first_column =
          static_cast<int>(std::lround((g.transform[0] - striped_left) / striped_metres));
      const auto first_row =
          static_cast<int>(std::lround((striped_top - g.transform[3]) / striped_metres));
      const auto size = size_of(chip->description.type);
      for (int64_t r = 0; r < g.height; ++r)
        for (int64_t c = 0; c < g.width; ++c) {
          uint16_t value = 0;
          std::memcpy(&value, chip->pixels.data() + size_t(r * g.width + c) * size, size);
          if (value != 0) out[{first_column + int(c), first_row + int(r)}] = value;
        }
    }
    return out;
  }
};

std::string day(int i) {
  return "2020-01-0" + std::to_string(1 + i);
}

}  // namespace

CAF_TEST_FIXTURE_SCOPE(combine_tests, fixture)

CAF_TEST(fill gives the composite that a look at every pixel gives on one node and on five) {
  std::vector<image_contents> all;
  for (const size_t count : {1, 5}) {
    test_cluster nodes{count};
    create(nodes, count == 1 ? 1 : 2);
    // Three scenes of two days, and one of a week later that no window reaches.
    for (int i = 0; i < 3; ++i)
      write_striped(nodes.files() / ("s" + std::to_string(i) + ".tif"), i, "P", day(i));
    write_striped(nodes.files() / "s9.tif", 9, "P", "2020-01-09");
    store(nodes, nodes.files() / "s*.tif");
    auto request = request_of("fill");
    request.options["window"] = std::to_string(2 * 86'400);
    request.options["sources"] = "yes";
    transform_all(nodes, count - 1, request);
    const auto filled = of_source(nodes, 0, "filled");
    CAF_REQUIRE(!filled.empty());
    std::map<std::string, std::map<int, double>> coverage;
    for (const auto& row : of_source(nodes, 0, "raw"))
      coverage[row.key.geocode][row.key.tile.back() - '0'] = row.pixel_coverage;
    size_t pixels_checked = 0;
    std::set<std::string> cells;
    for (const auto& row : filled) {
      cells.insert(row.key.geocode);
      const auto& parts = coverage[row.key.geocode];
      for (const auto& [scene, share] : parts) {
        if (scene == 9) continue;
        CAF_CHECK(row.pixel_coverage > share);
        CAF_CHECK(share < 1);
      }
      // The time of the first, by time then by coverage.
      CAF_CHECK_EQUAL(row.key.tile, "s" + std::to_string(parts.begin()->first));
      const auto now = pixels(nodes, row), from = pixels(nodes, row, "sources");
      std::vector<int> order;
      for (const auto& [scene, share] : parts)
        if (scene != 9) order.push_back(scene);
      for (const auto& [place, value] : now) {
        const auto [column, line] = place;
        size_t k = 0;
        while (k < order.size() && striped_pixel(order[k], column, line) == 0) ++k;
        CAF_REQUIRE(k < order.size());
        CAF_REQUIRE_EQUAL(value, striped_pixel(order[k], column, line));
        CAF_REQUIRE_EQUAL(size_t{from.at(place)}, k + 1);
        ++pixels_checked;
      }
      const auto details = client_of(nodes, 0).details("a", row.key);
      CAF_REQUIRE(details.has_value());
      const auto& scene = details->scene;
      CAF_CHECK(scene.properties.at("inputs").find("/raw/") != std::string::npos);
      CAF_CHECK(!scene.properties.contains("resampling"));
      CAF_REQUIRE(scene.start && scene.end);
      CAF_CHECK_EQUAL(*scene.start, row.key.timestamp);
      const auto& listed = scene.properties.at("inputs");
      const auto last = order.at(size_t(std::ranges::count(listed, ' ')));
      CAF_CHECK_EQUAL(*scene.end - *scene.start, 86'400 * int64_t(last - order.front()));
    }
    CAF_MESSAGE(filled.size() << " images, " << pixels_checked << " pixels");
    CAF_CHECK_EQUAL(cells.size(), filled.size());
    size_t could = 0;
    for (const auto& [geocode, parts] : coverage) {
      size_t within = 0, full = 0;
      for (const auto& [scene, share] : parts) {
        within += scene != 9;
        full += scene != 9 && share == 1;
      }
      if (cells.contains(geocode)) CAF_CHECK(within > 1 && full == 0);
      could += within > 1 && full == 0;
    }
    // Only where one scene's stripe lies within another's nothing is won.
    CAF_CHECK(could <= 2 * cells.size());
    // Again: nothing new.
    transform_all(nodes, 0, request);
    const auto again = of_source(nodes, 0, "filled");
    CAF_REQUIRE_EQUAL(again.size(), filled.size());
    for (size_t i = 0; i < again.size(); ++i) CAF_CHECK(again[i].written == filled[i].written);
    if (count > 1) check_converged(nodes, 0, 2);
    all.push_back(contents_of(rows(nodes, 0)));
  }
  CAF_CHECK(all[0] == all[1]);
}

CAF_TEST(what has another band is left out with the reason and one encoding is made of two) {
  test_cluster one{1};
  create(one, 1);
  write_striped(one.files() / "s0.tif", 0, "P", day(0));
  write_striped(one.files() / "s1.tif", 1, "P", day(1), -1000);
  raster_file other;
  other.width = other.height = striped_edge;
  other.type = pixel_type::uint16;
  other.epsg = 32725;
  other.bands = 2;
  other.transform = {striped_left, striped_metres, 0, striped_top, 0, -striped_metres};
  other.edit = [](GDALDataset& d) {
    d.GetRasterBand(1)->SetNoDataValue(0);
    d.GetRasterBand(2)->SetNoDataValue(0);
    d.SetMetadataItem("PLATFORM", "P");
    d.SetMetadataItem("TIMESTAMP", "2020-01-01T12:00:00");
  };
  write_raster(one.files() / "s5.tif", other);
  store(one, one.files() / "s[01].tif");
  auto request = request_of("fill");
  transform_all(one, 0, request);
  size_t negative = 0;
  for (const auto& row : of_source(one, 0, "filled")) {
    const auto details = client_of(one, 0).details("a", row.key);
    CAF_REQUIRE(details.has_value());
    const auto& band = details->scene.subdatasets.front().bands.front();
    for (const auto& [place, value] : pixels(one, row)) {
      const auto [column, line] = place;
      const auto first = striped_pixel(0, column, line);
      const double meant = first != 0 ? first : striped_pixel(1, column, line) - 1000.0;
      const auto now = value * band.scale + band.offset;
      negative += meant < 0;
      // What cannot be told in the encoding becomes its least number that is data.
      CAF_REQUIRE(now == meant || (value == 1 && meant < now));
    }
  }
  CAF_CHECK(negative > 0);
  store(one, one.files() / "s5.tif");
  const auto ended = transform(one, 0, request);
  CAF_CHECK(ended.state == task_state::done);
  CAF_CHECK(!ended.errors.empty());
  for (const auto& err : ended.errors) CAF_CHECK(err.reason.find("left out") != std::string::npos);
}

CAF_TEST(scenes of two zones are combined on the grid of the fullest which says so) {
  test_cluster one{1};
  create(one, 1);
  write_striped(one.files() / "s0.tif", 0, "P", day(0));
  // The same ground in the zone to the west, with data everywhere.
  double x = striped_left, y = striped_top;
  auto way = coordinate_transform::make("EPSG:32725", "EPSG:32724");
  uint8_t ok = 0;
  CAF_REQUIRE(way.has_value());
  way->forward({&x, 1}, {&y, 1}, {&ok, 1});
  CAF_REQUIRE(ok == 1);
  raster_file west;
  west.width = west.height = striped_edge / 2;
  west.type = pixel_type::uint16;
  west.epsg = 32724;
  west.transform = {x, striped_metres, 0, y, 0, -striped_metres};
  west.edit = [](GDALDataset& d) {
    d.GetRasterBand(1)->SetDescription("b1");
    d.GetRasterBand(1)->SetNoDataValue(0);
    d.SetMetadataItem("PLATFORM", "P");
    d.SetMetadataItem("TIMESTAMP", "2020-01-02");
  };
  CAF_REQUIRE(write_raster(one.files() / "s1.tif", west));
  store(one, one.files() / "s?.tif");
  transform_all(one, 0, request_of("fill"));
  size_t resampled = 0;
  for (const auto& row : of_source(one, 0, "filled")) {
    const auto image = client_of(one, 0).details("a", row.key);
    CAF_REQUIRE(image.has_value());
    const auto& scene = image->scene;
    if (scene.properties.at("inputs").find(' ') == std::string::npos) continue;
    CAF_CHECK_EQUAL(scene.properties.at("resampling"), "nearest");
    ++resampled;
    double most = 0;
    std::string fullest;
    for (const auto& raw : of_source(one, 0, "raw"))
      if (raw.key.geocode == row.key.geocode && raw.pixel_coverage > most) {
        most = raw.pixel_coverage;
        fullest = raw.key.tile;
      }
    CAF_CHECK(row.pixel_coverage > most);
    const auto zone = same_crs(scene.subdatasets.front().grid.crs_wkt, "EPSG:32725") ? "s0" : "s1";
    CAF_CHECK_EQUAL(zone, fullest);
  }
  CAF_CHECK(resampled > 0);
}

CAF_TEST(a layer of quality that one of the products lacks keeps none of them from the others) {
  // Two days of one Landsat scene: the upper part of the one and the lower one of the other are
  // without data, and the second has no aerosol.
  test_cluster one{1};
  create(one, 1);
  for (const int i : {0, 1}) {
    scenes::recipe r;
    r.family = "landsat-l2sp";
    r.size = 300;
    r.seed = uint64_t(1 + i);
    r.archive = false;
    const auto made = scenes::make(r, one.files() / std::to_string(i));
    if (!made) CAF_FAIL(to_string(made.error()));
    for (const auto& entry : std::filesystem::recursive_directory_iterator(made->path)) {
      const auto name = entry.path().string();
      if (i == 1 && name.ends_with("_SR_QA_AEROSOL.TIF")) std::filesystem::remove(name);
      if (!name.ends_with(".TIF") ||
          (name.find("_SR_B") == name.npos && !name.ends_with("_ST_B10.TIF")))
        continue;
      const gdal_errors quiet;
      std::unique_ptr<GDALDataset> band(GDALDataset::Open(name.c_str(), GDAL_OF_UPDATE));
      CAF_REQUIRE(band != nullptr);
      const int width = band->GetRasterXSize(), half = band->GetRasterYSize() / 2;
      std::vector<uint16_t> none(size_t(width) * size_t(half));
      CAF_REQUIRE(band->GetRasterBand(1)->RasterIO(GF_Write, 0, i * half, width, half, none.data(),
                                                   width, half, GDT_UInt16, 0, 0) == CE_None);
    }
    store(one, made->path, 5);
  }
  auto request = request_of("fill");
  request.options["window"] = std::to_string(10'000 * 86'400);
  const auto filled = transform(one, 0, request);
  CAF_CHECK_EQUAL(filled.skipped, 0u);
  CAF_CHECK(filled.errors.empty());
  size_t of_both = 0;
  for (const auto& row : of_source(one, 0, "filled")) {
    double most = 0;
    size_t layers = 0;
    for (const auto& raw : of_source(one, 0, "raw"))
      if (raw.key.geocode == row.key.geocode && raw.pixel_coverage > most) {
        most = raw.pixel_coverage;
        layers = raw.subdatasets.size();
      }
    CAF_CHECK(row.pixel_coverage > most);
    CAF_CHECK_EQUAL(row.subdatasets.size(), layers);
    of_both += row.pixel_coverage > 0.99;
  }
  CAF_CHECK(of_both > 0);
}

CAF_TEST(coalesce is the join of places and times on one node and on five) {
  // What the scenes have in cells of that size.
  std::map<std::string, std::map<std::string, std::string>> direct;
  {
    test_cluster one{1};
    create(one, 1);
    for (int i = 0; i < 4; ++i)
      write_striped(one.files() / ("q" + std::to_string(i) + ".tif"), 10 + i, "Q", day(i));
    store(one, one.files() / "q*.tif", 5);
    for (const auto& row : rows(one, 0))
      direct[row.key.geocode][row.key.tile] = to_string(row.subdatasets.front().content);
  }
  std::vector<image_contents> all;
  for (const size_t count : {1, 5}) {
    test_cluster nodes{count};
    create(nodes, count == 1 ? 1 : 2);
    for (int i = 0; i < 4; ++i) {
      // P on days 0 and 3; Q on all four, in larger cells on even days and smaller ones on odd.
      if (i % 3 == 0)
        write_striped(nodes.files() / ("p" + std::to_string(i) + ".tif"), i, "P", day(i));
      write_striped(nodes.files() / ("q" + std::to_string(i) + ".tif"), 10 + i, "Q", day(i));
    }
    store(nodes, nodes.files() / "p*.tif", 5);
    store(nodes, nodes.files() / "q[02].tif", 4);
    store(nodes, nodes.files() / "q[13].tif", 6);
    for (const bool nearest : {false, true}) {
      auto request = request_of("coalesce");
      request.match.platform = "P";
      request.options["platform"] = "Q";
      request.options["window"] = "86400";
      if (nearest) {
        request.options["nearest"] = "yes";
        CAF_REQUIRE(client_of(nodes, 0)
                        .erase("a",
                               [] {
                                 filter match;
                                 match.source = "coalesced";
                                 return match;
                               }())
                        .has_value());
      }
      transform_all(nodes, count - 1, request);
      std::map<std::string, std::map<std::string, std::string>> expected, found;
      for (const auto& row : of_source(nodes, 0, "raw")) {
        if (row.key.platform != "P") continue;
        const bool first = row.key.tile == "p0";
        for (const auto& [tile, content] : direct[row.key.geocode]) {
          const int of = tile.back() - '0';
          const bool near = first ? of <= 1 : of >= 2;
          // The nearest in time of those that have anything there.
          const auto& there = direct[row.key.geocode];
          const auto best = first ? there.begin()->first : there.rbegin()->first;
          if (near && (!nearest || tile == best)) expected[row.key.geocode][tile] = content;
        }
      }
      size_t same = 0;
      for (const auto& row : of_source(nodes, 0, "coalesced")) {
        CAF_CHECK_EQUAL(row.key.platform, "Q");
        found[row.key.geocode][row.key.tile] = to_string(row.subdatasets.front().content);
        const int scene = 10 + row.key.tile.back() - '0';
        for (const auto& [place, value] : pixels(nodes, row))
          CAF_REQUIRE_EQUAL(value, striped_pixel(scene, place.first, place.second));
      }
      CAF_REQUIRE(!expected.empty());
      for (const auto& [geocode, tiles] : expected)
        for (const auto& [tile, content] : tiles) {
          CAF_CHECK(found.contains(geocode) && found[geocode].contains(tile));
          same += found[geocode][tile] == content;
        }
      for (const auto& [geocode, tiles] : found)
        for (const auto& [tile, content] : tiles)
          CAF_CHECK(expected.contains(geocode) && expected[geocode].contains(tile));
      CAF_CHECK(same > 0);
    }
    if (count > 1) check_converged(nodes, 0, 2);
    all.push_back(contents_of(rows(nodes, 0)));
  }
  CAF_CHECK(all[0] == all[1]);
}

CAF_TEST(aligned images of all platforms lie on one grid on one node and on five) {
  std::vector<image_contents> all;
  for (const size_t count : {1, 5}) {
    test_cluster nodes{count};
    create(nodes, count == 1 ? 1 : 2);
    write_striped(nodes.files() / "p0.tif", 0, "P", day(0));
    write_striped(nodes.files() / "q0.tif", 1, "Q", day(1));
    store(nodes, nodes.files() / "?0.tif");
    auto request = request_of("align");
    request.options["size"] = "64";
    transform_all(nodes, count - 1, request);
    const auto aligned = of_source(nodes, 0, "align-64");
    CAF_CHECK(!aligned.empty());
    std::map<std::string, std::set<std::string>> places;
    std::set<std::string> records;
    for (const auto& row : aligned) {
      const auto image = client_of(nodes, 0).details("a", row.key);
      CAF_REQUIRE(image.has_value());
      const auto& chip = image->chips.front();
      CAF_CHECK_EQUAL(chip.width, 64u);
      CAF_CHECK_EQUAL(chip.height, 64u);
      CAF_CHECK_EQUAL(chip.cell_pixels, 64u * 64u);
      places[row.key.geocode].insert(std::to_string(chip.column) + "," + std::to_string(chip.row));
      records.insert(to_string(chip.scene));
    }
    for (const auto& [geocode, of] : places) CAF_CHECK_EQUAL(of.size(), 1u);
    // One record for each scene.
    CAF_CHECK_EQUAL(records.size(), 2u);
    transform_all(nodes, 0, request);
    const auto again = of_source(nodes, 0, "align-64");
    CAF_REQUIRE_EQUAL(again.size(), aligned.size());
    for (size_t i = 0; i < again.size(); ++i) CAF_CHECK(again[i].written == aligned[i].written);
    if (count > 1) check_converged(nodes, 0, 2);
    all.push_back(contents_of(rows(nodes, 0)));
  }
  CAF_CHECK(all[0] == all[1]);
}

CAF_TEST_FIXTURE_SCOPE_END()
