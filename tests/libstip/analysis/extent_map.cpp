#define CAF_SUITE analysis.extent_map
#include "libstip/analysis/extent_map.hpp"

#include <caf/test/unit_test.hpp>
#include <cmath>

#include "libstip/analysis/land_outline.hpp"
#include "libstip/geo/cell.hpp"

using namespace stip;

namespace {

extent_row row(std::string code, uint64_t count, std::string platform = "L7") {
  return {std::move(code), std::move(platform), "raw", 5, count};
}

std::vector<mapped_cell> cells(const std::vector<extent_row>& rows) {
  auto made = mapped_cells(rows, geocode_algorithm::geohash);
  if (!made) CAF_FAIL(to_string(made.error()));
  return std::move(*made);
}

size_t count_of(const std::string& text, const std::string& what) {
  size_t out = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++out;
  return out;
}

/// Whether the point is land, by crossings.
bool is_land(double lon, double lat) {
  bool inside = false;
  for (const auto& ring : land_outline())
    for (size_t i = 0; i < ring.size(); ++i) {
      const auto& a = ring[i];
      const auto& b = ring[(i + 1) % ring.size()];
      if ((a.lat <= lat) == (b.lat <= lat)) continue;
      if (a.lon + (lat - a.lat) / (b.lat - a.lat) * (b.lon - a.lon) > lon) inside = !inside;
    }
  return inside;
}

}  // namespace

CAF_TEST(extents of a cell are added up) {
  const auto made = cells({row("7nk", 3), row("7nk", 4, "S2"), row("7nm", 1)});
  CAF_REQUIRE_EQUAL(made.size(), 2u);
  CAF_CHECK_EQUAL(made[0].geocode, "7nk");
  CAF_CHECK_EQUAL(made[0].count, 7u);
  CAF_CHECK_EQUAL(made[0].lines.size(), 2u);
  CAF_CHECK(made[0].box == *decode(geocode_algorithm::geohash, "7nk"));
  CAF_CHECK(!mapped_cells({row("a!", 1)}, geocode_algorithm::geohash));
  std::vector<extent_row> many;
  for (int i = 0; i < 100; ++i) many.push_back(row("7nk", 1, "P" + std::to_string(i)));
  const auto bounded = cells(many);
  CAF_CHECK_EQUAL(bounded[0].count, 100u);
  CAF_CHECK(bounded[0].lines.size() <= max_cell_lines + 1);
}

CAF_TEST(a map shows all cells with room around them or the world) {
  for (const auto& set : std::vector<std::vector<extent_row>>{{row("7nkh2", 1)},
                                                              {row("7", 1)},
                                                              {row("7", 2), row("z", 1)},
                                                              {row("bp", 1), row("b", 1)},
                                                              {row("000", 1)},
                                                              {row("zzz", 1)},
                                                              {}}) {
    const auto all = cells(set);
    const auto view = map_view(all);
    CAF_CHECK(view.west >= -180 && view.east <= 180 && view.south >= -90 && view.north <= 90);
    CAF_CHECK(view.west < view.east && view.south < view.north);
    for (const auto& c : all) {
      CAF_CHECK(view.west <= c.box.west && view.east >= c.box.east);
      CAF_CHECK(view.south <= c.box.south && view.north >= c.box.north);
    }
    const auto p = map_picture(all, 300);
    CAF_CHECK_EQUAL(p.width, 300);
    CAF_CHECK_EQUAL(p.pixels.size(), static_cast<size_t>(p.width * p.height));
  }
  CAF_CHECK_EQUAL(map_view({}).west, -180.0);
}

CAF_TEST(the page stands alone and tells each count) {
  const auto html =
      map_html("Images of <a> & \"b\"", cells({row("7nk", 3, "<script>"), row("7nm", 1)}));
  CAF_CHECK_EQUAL(count_of(html, "<rect "), 2u);
  CAF_CHECK_EQUAL(count_of(html, "<title>7nk: 3 images"), 1u);
  CAF_CHECK_EQUAL(count_of(html, "<title>7nm: 1 image\n"), 1u);
  CAF_CHECK(html.find("4 images in 2 cells") != std::string::npos);
  // Names come from users and files.
  CAF_CHECK_EQUAL(count_of(html, "<script"), 0u);
  CAF_CHECK(html.find("Images of &lt;a&gt; &amp; &quot;b&quot;") != std::string::npos);
  // Nothing is fetched: the only address is the name of SVG.
  CAF_CHECK_EQUAL(count_of(html, "http"), 1u);
  CAF_CHECK_EQUAL(count_of(html, "src="), 0u);
  CAF_CHECK(html.size() < 60'000);
}

CAF_TEST(cells are painted where they lie) {
  const auto all = cells({row("7nk", 9), row("7nm", 1)});
  const auto view = map_view(all);
  const auto with = map_picture(all, 400), without = map_picture({all[0]}, 400);
  CAF_CHECK(!(with.pixels == without.pixels));
  const auto at = [&](double lon, double lat) {
    const auto x = static_cast<int64_t>((lon - view.west) / (view.east - view.west) * 400);
    const auto y = static_cast<int64_t>((view.north - lat) / (view.north - view.south) *
                                        static_cast<double>(with.height));
    return with.pixels[static_cast<size_t>(y * with.width + x)];
  };
  const auto middle = [&](const mapped_cell& c) {
    return at((c.box.west + c.box.east) / 2, (c.box.south + c.box.north) / 2);
  };
  const auto outside = at(view.west + 0.1, view.south + 0.1);
  CAF_CHECK(middle(all[0]) != outside);
  CAF_CHECK(middle(all[0]) != middle(all[1]));
}

CAF_TEST(land is where it is) {
  size_t points = 0;
  for (const auto& ring : land_outline()) {
    CAF_CHECK(ring.size() >= 4);
    points += ring.size();
    for (const auto& p : ring) CAF_CHECK(std::abs(p.lon) <= 180 && std::abs(p.lat) <= 90);
  }
  CAF_CHECK(points > 1000);
  for (const auto& [lon, lat] : std::vector<std::pair<double, double>>{{-55, -10},
                                                                       {10, 50},
                                                                       {100, 60},
                                                                       {25, 0},
                                                                       {134, -25},
                                                                       {-100, 40},
                                                                       {-40, 72},
                                                                       {0, -85},
                                                                       {78, 22},
                                                                       {138, 36.5},
                                                                       {170, 67},
                                                                       {-178, 67},
                                                                       {-19, 65},
                                                                       {175.5, -39}})
    if (!is_land(lon, lat)) CAF_ERROR("no land at " << lon << ", " << lat);
  for (const auto& [lon, lat] : std::vector<std::pair<double, double>>{{-30, 30},
                                                                       {-150, 0},
                                                                       {80, -20},
                                                                       {0, 0},
                                                                       {160, 40},
                                                                       {-20, -40},
                                                                       {179.9, 0},
                                                                       {-90, 25},
                                                                       {18, 35},
                                                                       {-85, 60},
                                                                       {0, 65}})
    if (is_land(lon, lat)) CAF_ERROR("land at " << lon << ", " << lat);
}
