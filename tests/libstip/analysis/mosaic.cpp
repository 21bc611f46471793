#define CAF_SUITE analysis.mosaic
#include "libstip/analysis/mosaic.hpp"

#include <gdal.h>

#include <caf/test/unit_test.hpp>

#include "libstip/analysis/mosaic_painter.hpp"
#include "libstip/analysis/pixel_numbers.hpp"
#include "libstip/geo/grid_mapper.hpp"
#include "libstip/raster/gdal_dataset.hpp"
#include "libstip/raster/gdal_type.hpp"
#include "libstip/raster/scatter.hpp"
#include "mosaic_world.hpp"
#include "tests/libstip/geo/grids.hpp"
#include "tests/support/libstip/scratch_directory.hpp"

using namespace stip;
using namespace stip::test;

namespace {

constexpr uint64_t seed = 6105;

/// A number of a plane of bytes as the type has it.
double number_at(pixel_type type, const std::vector<std::byte>& planes, size_t at) {
  return visit_pixel_type(type, [&]<class T>(std::type_identity<T>) {
    T value;
    std::memcpy(&value, planes.data() + at * sizeof(T), sizeof(T));
    return static_cast<double>(value);
  });
}

/// A value as the picture has it: never the number that means no data.
double as_number(const mosaic_plan& plan, double value) {
  return visit_pixel_type(plan.picture.type, [&]<class T>(std::type_identity<T>) {
    T made = nearest_number<T>(value);
    if (plan.picture.valid == validity::nodata) {
      T none;
      std::memcpy(&none, &*plan.picture.bands.front().nodata, sizeof(T));
      if (made == none) made = beside(made);
    }
    return static_cast<double>(made);
  });
}

/// What one scene has at a pixel of a picture: value and validity of each band, in doubles.
struct sampled {
  std::vector<double> values;
  std::vector<bool> valid;
  bool any() const { return std::find(valid.begin(), valid.end(), true) != valid.end(); }
};

/// The whole scene, without chips: resampled one pixel at a time, with all weights spelled out.
class scene_twin {
 public:
  scene_twin(const world_scene& of, const mosaic_plan& plan, size_t subdataset, resampling kernel)
      : of_(of), plan_(plan), twin_(*of.pixels, subdataset), kernel_(kernel) {
    auto made = grid_mapper::make(plan.picture.grid, twin_.about.grid);
    if (!made) CAF_FAIL(to_string(made.error()));
    mapper_ = std::make_unique<grid_mapper>(std::move(*made));
  }

  void scale(double across, double down) {
    across_ = std::max(1.0, across);
    down_ = std::max(1.0, down);
  }

  sampled at(int64_t column, int64_t row, const std::optional<pixel_rect>& only) {
    const size_t bands = plan_.picture.bands.size();
    sampled out{std::vector<double>(bands), std::vector<bool>(bands)};
    double x = 0, y = 0;
    uint8_t ok = 1;
    const bool copied = mapper_->shift().has_value();
    if (copied) {
      x = static_cast<double>(column + mapper_->shift()->first) + 0.5;
      y = static_cast<double>(row + mapper_->shift()->second) + 0.5;
    } else {
      mapper_->row(column, row, {&x, 1}, {&y, 1}, {&ok, 1});
    }
    if (ok == 0) return out;
    const auto c = static_cast<int64_t>(std::floor(x)), r = static_cast<int64_t>(std::floor(y));
    if (only && intersect(*only, {c, r, 1, 1}).empty()) return out;
    size_t own = 0;
    if (r < 0 || r >= twin_.about.grid.height || !twin_.place(c, r, own)) return out;
    for (size_t b = 0; b < bands; ++b) {
      if (!twin_.valid(b, own)) continue;
      out.valid[b] = true;
      double& made = out.values[b];
      if (copied || kernel_ == resampling::nearest)
        made = value(b, own);
      else if (!mean(b, x, y, kernel_, made) && !mean(b, x, y, resampling::bilinear, made))
        made = value(b, own);
    }
    return out;
  }

 private:
  double value(size_t band, size_t at) const {
    const double dn = number_at(twin_.about.type, twin_.data.bands, band * twin_.plane() + at);
    const auto& from = twin_.about.bands[band];
    const auto& to = plan_.picture.bands[band];
    if (from.scale == to.scale && from.offset == to.offset) return dn;
    return visit_pixel_type(plan_.picture.type, [&]<class T>(std::type_identity<T>) {
      return static_cast<double>(
          nearest_number<T>(dn * (from.scale / to.scale) + (from.offset - to.offset) / to.scale));
    });
  }

  static double weight(double t, bool cubic) {
    t = std::abs(t);
    if (!cubic) return std::max(0.0, 1 - t);
    if (t < 1) return (1.5 * t - 2.5) * t * t + 1;
    return t < 2 ? ((-0.5 * t + 2.5) * t - 4) * t + 2 : 0;
  }

  bool mean(size_t band, double x, double y, resampling kernel, double& out) const {
    const bool cubic = kernel == resampling::cubic;
    const bool box = kernel == resampling::average;
    const double reach = cubic ? 2 : box ? 0.5 : 1;
    const double rx = reach * across_, ry = reach * down_;
    double sum = 0, total = 0;
    for (auto r = static_cast<int64_t>(std::floor(y - ry)) - 1; r <= y + ry + 1; ++r)
      for (auto c = static_cast<int64_t>(std::floor(x - rx)) - 1; c <= x + rx + 1; ++c) {
        const double dx = (static_cast<double>(c) + 0.5 - x) / across_;
        const double dy = (static_cast<double>(r) + 0.5 - y) / down_;
        const auto overlap = [](int64_t at, double low, double high) {
          return std::max(0.0, std::min(double(at) + 1, high) - std::max(double(at), low));
        };
        const double ox = overlap(c, x - rx, x + rx), oy = overlap(r, y - ry, y + ry);
        if (box ? !(ox > 0 && oy > 0) : std::abs(dx) >= reach || std::abs(dy) >= reach) continue;
        size_t at = 0;
        if (!twin_.place(c, r, at) || !twin_.valid(band, at)) {
          if (cubic) return false;
          continue;
        }
        const double w = box ? oy * ox : weight(dy, cubic) * weight(dx, cubic);
        sum += w * value(band, at);
        total += w;
      }
    if (!(total > 1e-9)) return false;
    out = as_number(plan_, sum / total);
    return true;
  }

  const world_scene& of_;
  const mosaic_plan& plan_;
  pixel_twin twin_;
  resampling kernel_;
  std::unique_ptr<grid_mapper> mapper_;
  double across_ = 1, down_ = 1;
};

struct world {
  world_blocks blocks;
  std::vector<world_scene> scenes;
  std::vector<std::pair<stored_image, std::optional<double>>> images;

  void add(world_scene one, geocode_algorithm algorithm, int precision) {
    for (auto& image : cut_images(one, algorithm, precision, blocks))
      images.emplace_back(std::move(image), one.cloud_coverage);
    scenes.push_back(std::move(one));
  }

  mosaic_plan plan(const mosaic_request& request) const {
    std::vector<mosaic_candidate> all;
    std::vector<std::vector<band_place>> bands;
    auto sorted = scenes;
    std::sort(sorted.begin(), sorted.end(),
              [](const auto& a, const auto& b) { return before_in_mosaic(a.key, b.key); });
    for (const auto& one : sorted) {
      const auto description = std::make_shared<const scene_description>(one.pixels->description());
      auto found = mosaic_bands(*description, request);
      if (!found) CAF_FAIL(to_string(found.error()));
      if (!all.empty() &&
          !check_combines(request, *all.front().scene, bands.front(), *description, *found))
        continue;
      all.push_back({one.key, description});
      bands.push_back(*found);
    }
    const auto picture = mosaic_grid(request, all, bands);
    if (!picture) CAF_FAIL(to_string(picture.error()));
    mosaic_planner planner{request, *picture};
    for (const auto& [image, cloud] : images)
      CAF_REQUIRE(planner.add(image, cloud, 1000).has_value());
    auto made = std::move(planner).finish();
    if (!made) CAF_FAIL(to_string(made.error()));
    return std::move(*made);
  }
};

/// The whole picture, painted in parts of any shape.
painted paint_in_parts(const mosaic_plan& plan, block_source& source, scene_maker& maker,
                       uint64_t cache_bytes) {
  block_cache cache{source, cache_bytes};
  mosaic_painter painter{plan, cache};
  const auto& g = plan.picture.grid;
  const size_t bands = plan.picture.bands.size(), size = size_of(plan.picture.type);
  const pixel_rect all{0, 0, g.width, g.height};
  painted out;
  out.planes.assign(all.pixels() * bands * size, std::byte{0});
  out.valid.assign(all.pixels() * bands, 0);
  const auto dx = maker.any(7, 60), dy = maker.any(7, 60);
  painted part;
  for (int64_t y = 0; y < g.height; y += dy)
    for (int64_t x = 0; x < g.width; x += dx) {
      const auto rect = intersect({x, y, dx, dy}, all);
      const auto some = painter.paint(rect, part);
      if (!some) CAF_FAIL(to_string(some.error()));
      if (!*some) continue;
      copy_part({part.planes.data(), rect, size}, {out.planes.data(), all, size}, rect, bands);
      copy_part({reinterpret_cast<std::byte*>(part.valid.data()), rect, 1},
                {reinterpret_cast<std::byte*>(out.valid.data()), all, 1}, rect, bands);
    }
  return out;
}

/// The same out of the whole scenes, by the definition of each pick.
class picture_twin {
 public:
  picture_twin(const world& of, const mosaic_plan& plan) : world_(of), plan_(plan) {
    for (const auto& layer : plan.layers) {
      const auto& scene = plan.scenes[layer.scene];
      const auto found =
          std::find_if(of.scenes.begin(), of.scenes.end(), [&](const world_scene& one) {
            return one.key.tile == scene.key.tile && one.key.timestamp == scene.key.timestamp &&
                   one.key.platform == scene.key.platform;
          });
      CAF_REQUIRE(found != of.scenes.end());
      CAF_REQUIRE_EQUAL(scene.parts.size(), 1u);
      twins_.emplace_back(*found, plan, 0, scene.parts[0].kernel);
      twins_.back().scale(scene.parts[0].across, scene.parts[0].down);
    }
  }

  /// Of the layers that have data there, in order.
  std::vector<std::pair<size_t, sampled>> layers_at(int64_t column, int64_t row) {
    std::vector<std::pair<size_t, sampled>> out;
    for (size_t i = 0; i < twins_.size(); ++i) {
      const auto& layer = plan_.layers[i];
      auto got = twins_[i].at(column, row,
                              layer.only.empty() ? std::nullopt : std::optional(layer.only[0]));
      if (got.any()) out.emplace_back(i, std::move(got));
    }
    return out;
  }

 private:
  const world& world_;
  const mosaic_plan& plan_;
  std::vector<scene_twin> twins_;
};

/// Compares every pixel; how many held data.
uint64_t compare(const world& of, const mosaic_plan& plan, const painted& got,
                 const std::string& name) {
  picture_twin twin{of, plan};
  const auto& g = plan.picture.grid;
  const size_t bands = plan.picture.bands.size();
  const auto pixels = static_cast<size_t>(g.width * g.height);
  uint64_t held = 0, wrong = 0;
  for (int64_t row = 0; row < g.height; ++row)
    for (int64_t column = 0; column < g.width; ++column) {
      const auto layers = twin.layers_at(column, row);
      const auto at = static_cast<size_t>(row * g.width + column);
      for (size_t b = 0; b < bands; ++b) {
        bool valid = false;
        double value = 0;
        if (!is_statistic(plan.pick)) {
          valid = !layers.empty() && layers.front().second.valid[b];
          if (valid) value = layers.front().second.values[b];
        } else {
          std::vector<double> all;
          for (const auto& [i, layer] : layers)
            if (layer.valid[b]) all.push_back(layer.values[b]);
          std::sort(all.begin(), all.end());
          valid = !all.empty();
          const auto n = all.size();
          if (valid && plan.pick == mosaic_pick::median)
            value = n % 2 == 1 ? all[n / 2] : (all[n / 2 - 1] + all[n / 2]) / 2;
          if (valid && plan.pick == mosaic_pick::mean) {
            for (const double v : all) value += v;
            value /= static_cast<double>(n);
          }
        }
        const auto i = b * pixels + at;
        held += valid ? 1 : 0;
        const double made = number_at(plan.picture.type, got.planes, i);
        if ((got.valid[i] != 0) == valid) {
          if (!valid) continue;
          const double wanted = as_number(plan, value);
          if (made == wanted) continue;
          // Sums of floats come in another order.
          if (is_float(plan.picture.type) &&
              std::abs(made - wanted) <= 1e-5 * std::max(1.0, std::abs(wanted)))
            continue;
        }
        if (++wrong <= 3)
          CAF_ERROR(name << ": band " << b << " at " << column << ", " << row << ": "
                         << (got.valid[i] != 0 ? std::to_string(made) : "nothing") << ", not "
                         << (valid ? std::to_string(as_number(plan, value)) : "nothing"));
      }
    }
  CAF_CHECK_EQUAL(wrong, 0u);
  return held;
}

image_key key_of(int i, int64_t day) {
  return {"Sat", "", "raw", "T" + std::to_string(i), 86'400 * day};
}

/// Numbers of a size that means and kernels of every type hold.
memory_scene::pixels tame(scene_maker& maker, const subdataset_description& d) {
  auto made = maker.fill(d);
  const auto count = made.bands.size() / size_of(d.type);
  for (size_t i = 0; i < count; ++i)
    visit_pixel_type(d.type, [&]<class T>(std::type_identity<T>) {
      T value, none{};
      std::memcpy(&value, made.bands.data() + i * sizeof(T), sizeof(T));
      const auto plane = static_cast<size_t>(d.grid.width * d.grid.height);
      const auto& nodata = d.bands[i / plane].nodata;
      if (nodata) std::memcpy(&none, &*nodata, sizeof(T));
      if (d.valid == validity::alpha && i / plane + 1 == d.bands.size()) return;
      if (nodata && (value == none || (none != none && value != value))) return;
      value = static_cast<T>(maker.any(0, 100));
      if (nodata && value == none) value = static_cast<T>(101);
      std::memcpy(made.bands.data() + i * sizeof(T), &value, sizeof(T));
    });
  return made;
}

world_scene scene_on(scene_maker& maker, const grid& g, pixel_type type, size_t bands,
                     validity valid, image_key key, std::optional<uint64_t> nodata = {}) {
  auto d = maker.describe(g, type, bands, valid);
  if (nodata)
    for (auto& band : d.bands) band.nodata = *nodata;
  world_scene out;
  out.key = std::move(key);
  out.pixels = std::make_shared<memory_scene>(make_scene(d, tame(maker, d)));
  return out;
}

lon_lat_box degrees_around(const grid& g, double share) {
  auto mapper = pixel_mapper::make(g, 4326);
  std::vector<double> x, y;
  for (int i = 0; i <= 8; ++i)
    for (int k = 0; k <= 8; ++k) {
      x.push_back(static_cast<double>(g.width) * i / 8);
      y.push_back(static_cast<double>(g.height) * k / 8);
    }
  std::vector<uint8_t> ok(x.size());
  mapper->to_cell_crs(x, y, ok);
  lon_lat_box box{*std::min_element(x.begin(), x.end()), *std::min_element(y.begin(), y.end()),
                  *std::max_element(x.begin(), x.end()), *std::max_element(y.begin(), y.end())};
  const double w = box.east - box.west, h = box.north - box.south;
  return {box.west + w * share, box.south + h * share, box.east - w * share, box.north - h * share};
}

}  // namespace

CAF_TEST(on the grid of its scene a mosaic is the scene pixel by pixel) {
  CAF_MESSAGE("seed " << seed);
  scene_maker maker(seed);
  uint64_t held = 0;
  for (int type = 1; type <= 10; ++type)
    for (int valid = 0; valid <= 4; ++valid) {
      const auto g =
          square("EPSG:32632", 399960, 5700000, 900, maker.any(30, 90), maker.any(30, 90));
      world w;
      const bool hash = maker.any(0, 1) == 0;
      w.add(scene_on(maker, g, static_cast<pixel_type>(type), static_cast<size_t>(maker.any(1, 3)),
                     static_cast<validity>(valid), key_of(0, 10)),
            hash ? geocode_algorithm::geohash : geocode_algorithm::quadtile,
            static_cast<int>(hash ? maker.any(3, 4) : maker.any(8, 10)));
      mosaic_request request;
      request.area = degrees_around(g, maker.any(0, 1) == 0 ? -0.1 : 0.2);
      const auto plan = w.plan(request);
      CAF_REQUIRE(plan.scenes.empty() || plan.scenes[0].parts[0].shift.has_value());
      const auto got = paint_in_parts(plan, w.blocks, maker, 1 << 16);
      held += compare(w, plan, got,
                      "type " + std::to_string(type) + " validity " + std::to_string(valid));
    }
  CAF_CHECK(held > 10'000);
}

CAF_TEST(chips cells zones and kernels leave no seam) {
  CAF_MESSAGE("seed " << seed + 1);
  scene_maker maker(seed + 1);
  uint64_t held = 0;
  for (int round = 0; round < 24; ++round) {
    // Scenes on either side of 12 degrees east, each in its own zone, over each other.
    const auto a = square("EPSG:32632", 690000 + 900.0 * double(maker.any(0, 20)), 5700000, 900,
                          maker.any(30, 70), maker.any(30, 70));
    const auto b = square("EPSG:32633", 290000 + 900.0 * double(maker.any(0, 20)), 5690000, 900,
                          maker.any(30, 70), maker.any(30, 70));
    static constexpr pixel_type types[] = {pixel_type::uint8, pixel_type::uint16, pixel_type::int16,
                                           pixel_type::float32};
    const auto type = types[round % 4];
    const auto bands = static_cast<size_t>(maker.any(1, 2));
    world w;
    const bool hash = maker.any(0, 1) == 0;
    const auto algorithm = hash ? geocode_algorithm::geohash : geocode_algorithm::quadtile;
    const auto precision = static_cast<int>(hash ? 4 : maker.any(8, 10));
    const auto valid = static_cast<validity>(maker.any(0, 3));
    // Of kind alpha the last band is no data of its own.
    const auto count = bands + (valid == validity::alpha ? 1 : 0);
    for (int i = 0; i < 3; ++i)
      w.add(scene_on(maker, i == 1 ? b : a, type, count, valid,
                     key_of(static_cast<int>(maker.any(0, 5)) * 10 + i, maker.any(10, 12)),
                     uint64_t{0}),
            algorithm, precision);
    for (auto& one : w.scenes)
      if (maker.any(0, 2) > 0) one.cloud_coverage = static_cast<double>(maker.any(0, 4)) / 4;
    for (auto& [image, cloud] : w.images)
      if (maker.any(0, 2) > 0) cloud = static_cast<double>(maker.any(0, 4)) / 4;
    mosaic_request request;
    request.area = degrees_around(maker.any(0, 1) == 0 ? a : b, -0.05);
    request.pick = static_cast<mosaic_pick>(round % 5);
    if (maker.any(0, 1) == 0) request.crs = maker.any(0, 1) == 0 ? "EPSG:3857" : "EPSG:32632";
    request.kernel = static_cast<resampling>(maker.any(0, 3));
    if (!request.crs.empty()) request.resolution = static_cast<double>(maker.any(700, 2500));
    const auto plan = w.plan(request);
    const auto got = paint_in_parts(plan, w.blocks, maker, 1 << 18);
    held += compare(w, plan, got,
                    "round " + std::to_string(round) + " " + std::string(to_string(plan.pick)) +
                        " " + std::string(to_string(*request.kernel)) + " of " +
                        std::string(to_string(type)));
  }
  CAF_CHECK(held > 10'000);
}

CAF_TEST(in the places where georeferencing goes wrong a mosaic is that of the whole scene) {
  scene_maker maker(seed + 9);
  size_t pictures = 0;
  uint64_t held = 0;
  for (const auto& [name, g, geohash, quadtile] : hard_grids()) {
    world w;
    w.add(scene_on(maker, g, pixel_type::uint16, 1, validity::mask, key_of(0, 10)),
          geocode_algorithm::geohash, geohash.front());
    if (w.images.empty()) continue;
    // A patch around the middle of one of its images.
    const auto& chip = w.images[w.images.size() / 2].first.chips[0];
    double x = static_cast<double>(chip.column) + chip.width / 2.0;
    double y = static_cast<double>(chip.row) + chip.height / 2.0;
    x = std::clamp(x, 0.0, static_cast<double>(g.width) - 1);
    y = std::clamp(y, 0.0, static_cast<double>(g.height) - 1);
    uint8_t ok = 0;
    auto mapper = pixel_mapper::make(g, 4326);
    mapper->to_cell_crs({&x, 1}, {&y, 1}, {&ok, 1});
    if (ok == 0) continue;
    const auto traits = describe_crs(g.crs_wkt);
    const double pixel = std::hypot(g.transform[1], g.transform[4]) * traits->unit_metres / 111'319;
    const double tall = std::min(20.0, 30 * pixel);
    const double wide = tall / std::max(0.05, std::cos(y / 180 * M_PI));
    const auto wrapped = [](double lon) { return std::remainder(lon, 360.0); };
    mosaic_request request;
    request.area = {wrapped(x - wide), std::max(-89.0, y - tall), wrapped(x + wide),
                    std::min(89.0, y + tall)};
    if (!(request.area.south < request.area.north) || wide >= 170) continue;
    for (const std::string crs : {"", "EPSG:4326", "EPSG:3857", "EPSG:3413"}) {
      if (crs == "EPSG:3857" && std::abs(y) + tall > 84) continue;
      if (crs == "EPSG:3413" && y - tall < 40) continue;
      request.crs = crs;
      request.kernel = crs.empty() ? resampling::nearest : static_cast<resampling>(maker.any(0, 3));
      const auto description =
          std::make_shared<const scene_description>(w.scenes[0].pixels->description());
      const auto bands = mosaic_bands(*description, request);
      const auto picture = mosaic_grid(request, {{w.scenes[0].key, description}}, {*bands});
      if (!picture || picture->width * picture->height > 20'000) continue;
      const auto plan = w.plan(request);
      const auto got = paint_in_parts(plan, w.blocks, maker, 1 << 20);
      held += compare(w, plan, got, name + " in " + (crs.empty() ? "its own" : crs));
      ++pictures;
    }
  }
  CAF_MESSAGE(pictures << " pictures, " << held << " pixels");
  CAF_CHECK(pictures > 20);
  CAF_CHECK(held > 30'000);
}

CAF_TEST(differing scale and offset are brought to one encoding) {
  scene_maker maker(seed + 2);
  const auto g = square("EPSG:32632", 399960, 5700000, 900, 60, 40);
  world w;
  auto first = scene_on(maker, g, pixel_type::uint16, 1, validity::mask, key_of(0, 10));
  auto other = scene_on(maker, g, pixel_type::int16, 1, validity::mask, key_of(1, 11));
  const auto with = [](const world_scene& s, double scale, double offset) {
    auto description = s.pixels->description();
    description.subdatasets[0].bands[0].scale = scale;
    description.subdatasets[0].bands[0].offset = offset;
    auto out = s;
    out.pixels = std::make_shared<memory_scene>(description, std::vector{s.pixels->data(0)});
    return out;
  };
  w.add(with(first, 0.0001, -0.1), geocode_algorithm::geohash, 4);
  w.add(with(other, 0.0002, 0), geocode_algorithm::geohash, 4);
  mosaic_request request;
  request.area = degrees_around(g, -0.1);
  for (const auto pick : {mosaic_pick::first, mosaic_pick::latest, mosaic_pick::mean}) {
    request.pick = pick;
    const auto plan = w.plan(request);
    CAF_CHECK(plan.picture.type == pixel_type::uint16);
    CAF_CHECK_EQUAL(plan.picture.bands[0].offset, -0.1);
    const auto got = paint_in_parts(plan, w.blocks, maker, 1 << 20);
    CAF_CHECK(compare(w, plan, got, "encoding") > 1000);
  }
}

CAF_TEST(what differs in level unit or bands is left out with the reason) {
  scene_maker maker(seed + 3);
  const auto g = square("EPSG:32632", 399960, 5700000, 900, 40, 40);
  world w;
  for (int i = 0; i < 4; ++i) {
    auto one = scene_on(maker, g, pixel_type::uint16, 2, validity::nodata, key_of(i, 10 + i), 0);
    auto description = one.pixels->description();
    if (i == 1) description.properties["processing_level"] = "L2A";
    if (i == 2) description.subdatasets[0].bands[1].unit = "K";
    if (i == 3) description.subdatasets[0].bands[1].name = "B9";
    one.pixels = std::make_shared<memory_scene>(description, std::vector{one.pixels->data(0)});
    w.add(std::move(one), geocode_algorithm::geohash, 4);
  }
  mosaic_request request;
  request.area = degrees_around(g, -0.1);
  const auto plan = w.plan(request);
  CAF_CHECK_EQUAL(plan.scenes.size(), 1u);
  CAF_REQUIRE_EQUAL(plan.refused.size(), 3u);
  CAF_CHECK(plan.refused[0].why.why.find("L2A") != std::string::npos);
  CAF_CHECK(plan.refused[1].why.why.find("'K'") != std::string::npos);
  CAF_CHECK(plan.refused[2].why.why.find("B9") != std::string::npos);
  CAF_CHECK(plan.picture.valid == validity::nodata);
}

CAF_TEST(more bands than memory holds of a tile are refused) {
  scene_maker maker(seed + 10);
  const auto g = square("EPSG:32632", 399960, 5700000, 900, 20, 20);
  for (const size_t bands : {32, 33}) {
    world w;
    w.add(scene_on(maker, g, pixel_type::uint16, bands, validity::mask, key_of(0, 10)),
          geocode_algorithm::geohash, 4);
    mosaic_planner planner{{}, g};
    for (const auto& [image, cloud] : w.images)
      CAF_REQUIRE(planner.add(image, cloud, 1000).has_value());
    const auto plan = std::move(planner).finish();
    CAF_CHECK_EQUAL(plan.has_value(), bands == 32);
    if (!plan) CAF_CHECK(plan.error().code == ec::limit_exceeded);
  }
}

CAF_TEST(a picture over the antimeridian is one piece) {
  scene_maker maker(seed + 4);
  world w;
  const auto a = square("EPSG:32660", 700000, 6000000, 2000, 60, 40);
  const auto b = square("EPSG:32601", 220000, 6000000, 2000, 60, 40);
  w.add(scene_on(maker, a, pixel_type::uint16, 1, validity::mask, key_of(0, 10)),
        geocode_algorithm::geohash, 3);
  w.add(scene_on(maker, b, pixel_type::uint16, 1, validity::mask, key_of(1, 11)),
        geocode_algorithm::geohash, 3);
  // In degrees, on both sides.
  const grid c{"EPSG:4326", {-180, 0.02, 0, 54, 0, -0.02}, 80, 60};
  w.add(scene_on(maker, c, pixel_type::uint16, 1, validity::mask, key_of(2, 12)),
        geocode_algorithm::geohash, 3);
  mosaic_request request;
  request.area = {178.5, 53, -178, 54.1};
  request.kernel = resampling::bilinear;
  auto plan = w.plan(request);
  CAF_CHECK(plan.picture.grid.transform[0] >= 178 && plan.picture.grid.transform[0] < 179);
  CAF_CHECK(static_cast<double>(plan.picture.grid.width) * plan.picture.grid.transform[1] < 4);
  const auto got = paint_in_parts(plan, w.blocks, maker, 1 << 20);
  CAF_CHECK(compare(w, plan, got, "antimeridian") > 5000);
}

CAF_TEST(blending softens what lies between two days and keeps the rest) {
  scene_maker maker(seed + 5);
  constexpr int64_t blend = 6;
  const auto a = square("EPSG:32632", 399960, 5700000, 900, 50, 40);
  auto b = a;
  b.transform[0] += 900 * 25;
  world w;
  w.add(scene_on(maker, a, pixel_type::uint16, 1, validity::mask, key_of(0, 10)),
        geocode_algorithm::geohash, 4);
  w.add(scene_on(maker, b, pixel_type::uint16, 1, validity::mask, key_of(1, 11)),
        geocode_algorithm::geohash, 4);
  mosaic_request request;
  request.area = degrees_around(a, -0.4);
  request.blend = blend;
  const auto plan = w.plan(request);
  const auto got = paint_in_parts(plan, w.blocks, maker, 1 << 20);
  const auto again = paint_in_parts(plan, w.blocks, maker, 1 << 20);
  CAF_CHECK(got.planes == again.planes && got.valid == again.valid);
  const auto whole = plan.picture.grid;
  picture_twin twin{w, plan};
  // Weights by definition: how far the nearest pixel is that has no data, in steps of 5 and 7.
  const auto far = [&](size_t layer, int64_t x, int64_t y) {
    int nearest = 5 * (blend + 1);
    for (int64_t dy = -blend - 1; dy <= blend + 1; ++dy)
      for (int64_t dx = -blend - 1; dx <= blend + 1; ++dx) {
        bool has = false;
        for (const auto& [i, s] : twin.layers_at(x + dx, y + dy)) has |= i == layer;
        if (has) continue;
        const auto big = std::max(std::abs(dx), std::abs(dy));
        const auto small = std::min(std::abs(dx), std::abs(dy));
        nearest = std::min(nearest, static_cast<int>(7 * small + 5 * (big - small)));
      }
    return static_cast<double>(nearest) / (5 * (blend + 1));
  };
  size_t mixed = 0;
  for (int64_t y = 0; y < whole.height; y += 3)
    for (int64_t x = 0; x < whole.width; ++x) {
      const auto at = static_cast<size_t>(y * whole.width + x);
      const auto layers = twin.layers_at(x, y);
      CAF_REQUIRE_EQUAL(got.valid[at] != 0, !layers.empty());
      if (layers.empty()) continue;
      double sum = 0, weight = 0, left = 1;
      for (const auto& [i, s] : layers) {
        const double own = far(i, x, y);
        sum += left * own * s.values[0];
        weight += left * own;
        left *= 1 - own;
      }
      const auto made = number_at(pixel_type::uint16, got.planes, at);
      const auto wanted =
          as_number(plan, layers.size() == 1 ? layers[0].second.values[0] : sum / weight);
      // A half may go either way.
      if (std::abs(made - wanted) > 1) CAF_ERROR(x << ", " << y << ": " << made << " " << wanted);
      mixed += layers.size() > 1 && left > 0 ? 1 : 0;
    }
  CAF_CHECK(mixed > 50);
}

CAF_TEST(clouds are left out of medians and means where images have a mask) {
  scene_maker maker(seed + 6);
  const auto g = square("EPSG:32632", 399960, 5700000, 900, 40, 30);
  world w;
  w.add(scene_on(maker, g, pixel_type::uint16, 1, validity::mask, key_of(0, 10)),
        geocode_algorithm::geohash, 4);
  w.add(scene_on(maker, g, pixel_type::uint16, 1, validity::mask, key_of(1, 11)),
        geocode_algorithm::geohash, 4);
  // The first scene's masks say: cloud in the western half.
  subdataset_description mask;
  mask.id = std::string(cloud_mask_name);
  mask.grid = g;
  mask.type = pixel_type::uint8;
  mask.valid = validity::nodata;
  mask.quality = true;
  mask.bands.resize(1);
  mask.bands[0].name = "cloud";
  mask.bands[0].nodata = 0;
  memory_scene::pixels classes;
  classes.tiling = {64, 64, true};
  for (int64_t i = 0; i < g.width * g.height; ++i)
    classes.bands.push_back(i % g.width < 20 ? std::byte{2} : std::byte{1});
  world_scene masks;
  masks.key = key_of(0, 10);
  masks.key.source = "mask";
  masks.pixels = std::make_shared<memory_scene>(make_scene(mask, classes));
  for (auto& made : cut_images(masks, geocode_algorithm::geohash, 4, w.blocks)) {
    for (auto& [image, cloud] : w.images) {
      if (image.key().tile != "T0" || image.key().geocode != made.key().geocode) continue;
      auto chip = made.chips[0];
      const auto old = to_string(chip.key) + "/0";
      chip.key = image.key();
      chip.subdataset_index = cloud_mask_index;
      chip.clouds = cloud_note{};
      w.blocks.chips[to_string(chip.key) + "/" + std::to_string(cloud_mask_index)] =
          w.blocks.chips.at(old);
      image.chips.push_back(chip);
      image.mask_scene = masks.pixels->description();
    }
  }
  mosaic_request request;
  request.area = degrees_around(g, -0.1);
  request.pick = mosaic_pick::mean;
  const auto plan = w.plan(request);
  const auto got = paint_in_parts(plan, w.blocks, maker, 1 << 20);
  picture_twin twin{w, plan};
  size_t clouded = 0;
  for (int64_t y = 0; y < plan.picture.grid.height; ++y)
    for (int64_t x = 0; x < plan.picture.grid.width; ++x) {
      const auto at = static_cast<size_t>(y * plan.picture.grid.width + x);
      const auto shift = *plan.scenes[0].parts[0].shift;
      const auto column = x + shift.first;
      double sum = 0;
      int count = 0;
      for (const auto& [i, s] : twin.layers_at(x, y)) {
        const bool cloud =
            plan.scenes[plan.layers[i].scene].key.tile == "T0" && column >= 0 && column < 20;
        clouded += cloud ? 1 : 0;
        if (cloud) continue;
        sum += s.values[0];
        ++count;
      }
      CAF_REQUIRE_EQUAL(got.valid[at] != 0, count > 0);
      if (count > 0)
        CAF_REQUIRE_EQUAL(number_at(pixel_type::uint16, got.planes, at),
                          as_number(plan, sum / count));
    }
  CAF_CHECK(clouded > 100);
}

CAF_TEST(an expression is painted over bands by role) {
  scene_maker maker(seed + 7);
  const auto g = square("EPSG:32632", 399960, 5700000, 900, 40, 30);
  world w;
  auto one = scene_on(maker, g, pixel_type::uint16, 2, validity::band_masks, key_of(0, 10));
  auto description = one.pixels->description();
  description.subdatasets[0].bands[0].name = "a";
  description.subdatasets[0].bands[1].name = "b";
  one.pixels = std::make_shared<memory_scene>(description, std::vector{one.pixels->data(0)});
  w.add(one, geocode_algorithm::geohash, 4);
  mosaic_request request;
  request.area = degrees_around(g, 0.1);
  auto index = define_index("a - 2 * b");
  CAF_REQUIRE(index.has_value());
  request.expression = *index;
  const auto plan = w.plan(request);
  CAF_CHECK(plan.picture.type == pixel_type::float32);
  CAF_CHECK_EQUAL(plan.picture.bands.size(), 1u);
  const auto got = paint_in_parts(plan, w.blocks, maker, 1 << 20);
  const pixel_twin twin{*w.scenes[0].pixels, 0};
  const auto shift = *plan.scenes[0].parts[0].shift;
  size_t held = 0;
  for (int64_t y = 0; y < plan.picture.grid.height; ++y)
    for (int64_t x = 0; x < plan.picture.grid.width; ++x) {
      const auto at = static_cast<size_t>(y * plan.picture.grid.width + x);
      size_t own = 0;
      const bool valid = twin.place(x + shift.first, y + shift.second, own) && twin.valid(0, own) &&
                         twin.valid(1, own);
      CAF_REQUIRE_EQUAL(got.valid[at] != 0, valid);
      if (!valid) continue;
      ++held;
      const auto wanted = number_at(pixel_type::uint16, twin.data.bands, own) -
                          2 * number_at(pixel_type::uint16, twin.data.bands, twin.plane() + own);
      CAF_REQUIRE_EQUAL(number_at(pixel_type::float32, got.planes, at), wanted);
    }
  CAF_CHECK(held > 100);
}

CAF_TEST(a painted file holds the same pixels and what fails leaves no file) {
  scene_maker maker(seed + 8);
  const auto g = square("EPSG:32632", 399960, 5700000, 30, 1300, 1100);
  world w;
  w.add(scene_on(maker, g, pixel_type::int16, 2, validity::band_masks, key_of(0, 10)),
        geocode_algorithm::geohash, 6);
  mosaic_request request;
  request.area = degrees_around(g, -0.02);
  const auto plan = w.plan(request);
  scratch_directory files;
  const auto path = files / "m.tif";
  mosaic_options options;
  options.threads = 3;
  options.cache_bytes = 1 << 20;
  const auto done = paint_mosaic(plan, w.blocks, path, options);
  if (!done) CAF_FAIL(to_string(done.error()));
  const auto wanted = paint_in_parts(plan, w.blocks, maker, 1 << 24);
  const auto file = open_gdal(path);
  CAF_REQUIRE(file.has_value());
  const auto width = static_cast<int>(plan.picture.grid.width);
  const auto height = static_cast<int>(plan.picture.grid.height);
  CAF_REQUIRE_EQUAL(GDALGetRasterXSize(file->handle()), width);
  const auto pixels = static_cast<size_t>(width) * static_cast<size_t>(height);
  std::vector<uint8_t> mask(pixels);
  CAF_REQUIRE(GDALRasterIO(GDALGetMaskBand(GDALGetRasterBand(file->handle(), 1)), GF_Read, 0, 0,
                           width, height, mask.data(), width, height, GDT_Byte, 0, 0) == CE_None);
  for (int b = 0; b < 2; ++b) {
    std::vector<int16_t> read(pixels);
    CAF_REQUIRE(GDALRasterIO(GDALGetRasterBand(file->handle(), b + 1), GF_Read, 0, 0, width, height,
                             read.data(), width, height, GDT_Int16, 0, 0) == CE_None);
    size_t wrong = 0;
    for (size_t i = 0; i < pixels; ++i) {
      const bool any = wanted.valid[i] != 0 || wanted.valid[pixels + i] != 0;
      wrong += (mask[i] != 0) != any ? 1 : 0;
      const auto at = static_cast<size_t>(b) * pixels + i;
      wrong += read[i] != number_at(pixel_type::int16, wanted.planes, at) ? 1 : 0;
    }
    CAF_CHECK_EQUAL(wrong, 0u);
  }
  // A source that fails, and somebody who stops it: what was there stays, and nothing else.
  const auto before = std::filesystem::file_size(path);
  w.blocks.fail_after = w.blocks.reads + 3;
  const auto failed = paint_mosaic(plan, w.blocks, path, options);
  CAF_REQUIRE(!failed);
  CAF_CHECK(failed.error().code == ec::unavailable);
  w.blocks.fail_after = -1;
  options.stopped = [] { return true; };
  const auto stopped = paint_mosaic(plan, w.blocks, path, options);
  CAF_REQUIRE(!stopped);
  CAF_CHECK(stopped.error().code == ec::stopped);
  CAF_CHECK_EQUAL(std::filesystem::file_size(path), before);
  CAF_CHECK_EQUAL(std::distance(std::filesystem::directory_iterator(files.path()), {}), 1);
}
