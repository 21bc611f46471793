#define CAF_SUITE raster.cut_faults
#include <caf/test/unit_test.hpp>
#include <chrono>
#include <condition_variable>
#include <set>

#include "cut_twin.hpp"
#include "libstip/core/buffer_pool.hpp"
#include "libstip/core/defaults.hpp"
#include "libstip/raster/cut.hpp"
#include "libstip/raster/plan_cells.hpp"
#include "tests/libstip/geo/grids.hpp"

using namespace stip;
using namespace stip::test;

namespace {

memory_scene make_scene(std::vector<subdataset_description> all, source_tiling tiling,
                        uint64_t seed = 7) {
  scene_maker maker(seed);
  scene_description description;
  std::vector<memory_scene::pixels> data;
  for (const auto& one : all) {
    data.push_back(maker.fill(one));
    data.back().tiling = tiling;
  }
  description.subdatasets = std::move(all);
  return memory_scene(std::move(description), std::move(data));
}

subdataset_description plain(const grid& g, pixel_type type = pixel_type::uint16,
                             size_t bands = 1) {
  return scene_maker(1).describe(g, type, bands, validity::all);
}

grid utm(int64_t width, int64_t height) {
  return square("EPSG:32632", 399960, 5700000, 100, width, height);
}

bool has_text(const error& err, const char* text) {
  return to_string(err).find(text) != std::string::npos;
}

/// A sink that fails or waits where a test wants it to.
class scripted_sink final : public cut_sink {
 public:
  std::function<result<void>(const cut_block&)> at_block;
  std::function<result<void>(const finished_chip&)> at_finish;

  result<void> block(const cut_block& block) override {
    return at_block ? at_block(block) : result<void>{};
  }
  result<void> finish(const finished_chip& finished) override {
    return at_finish ? at_finish(finished) : result<void>{};
  }
};

}  // namespace

CAF_TEST(an error of the reader ends the cut and is its error) {
  auto scene = make_scene({plain(utm(600, 600), pixel_type::float64, 4)}, {64, 64, true});
  std::atomic<int> reads{0};
  scene.before_read = [&](size_t, const source_window& window) -> result<void> {
    ++reads;
    if (window.row > 0) return fail(ec::io_error, "read the scene", "the disk is on fire");
    return {};
  };
  for (const size_t threads : {1, 3}) {
    cut_options options;
    options.threads = threads;
    auto plan = plan_cut(scene.description(), scene.tilings(), options);
    CAF_REQUIRE(plan.has_value());
    buffer_pool pool(options.memory_bytes);
    options.pool = &pool;
    scripted_sink sink;
    reads = 0;
    auto outcome = cut(scene, **plan, options, {}, sink, nullptr);
    CAF_REQUIRE(!outcome);
    CAF_CHECK(outcome.error().code == ec::io_error);
    CAF_CHECK(has_text(outcome.error(), "the disk is on fire"));
    CAF_CHECK(reads > 1);
    const uint64_t loaned = pool.loaned_bytes();
    CAF_CHECK_EQUAL(loaned, 0u);
  }
}

CAF_TEST(an error of the sink ends the cut wherever it comes) {
  const auto scene = make_scene({plain(utm(300, 300), pixel_type::int32, 2)}, {300, 16, true});
  for (const size_t threads : {1, 2})
    for (int call = 0; call < 40; call += 3) {
      cut_options options;
      options.threads = threads;
      auto plan = plan_cut(scene.description(), scene.tilings(), options);
      CAF_REQUIRE(plan.has_value());
      scripted_sink sink;
      std::atomic<int> calls{0};
      const auto refuse = [&]() -> result<void> {
        if (calls++ >= call) return fail(ec::no_space, "store", "the disk is full");
        return {};
      };
      sink.at_block = [&](const cut_block&) { return refuse(); };
      sink.at_finish = [&](const finished_chip&) { return refuse(); };
      auto outcome = cut(scene, **plan, options, {}, sink, nullptr);
      CAF_REQUIRE(!outcome);
      CAF_CHECK(outcome.error().code == ec::no_space);
    }
}

CAF_TEST(a cut that is told to stop says so and reads no further) {
  auto scene = make_scene({plain(utm(600, 600), pixel_type::float64, 3)}, {600, 8, true});
  std::atomic<int> reads{0};
  scene.before_read = [&](size_t, const source_window&) -> result<void> {
    ++reads;
    return {};
  };
  cut_options options;
  auto plan = plan_cut(scene.description(), scene.tilings(), options);
  CAF_REQUIRE(plan.has_value());
  scripted_sink sink;
  auto outcome = cut(scene, **plan, options, {}, sink, [&] { return reads >= 1; });
  CAF_REQUIRE(!outcome);
  CAF_CHECK(outcome.error().code == ec::stopped);
  CAF_CHECK_EQUAL(reads.load(), 1);
}

CAF_TEST(a sink that blocks one chip does not keep other threads from the others) {
  const auto scene = make_scene({plain(utm(600, 600), pixel_type::float64, 2)}, {600, 64, true});
  cut_options options;
  options.threads = 2;
  options.memory_bytes = uint64_t{1} << 30;
  auto plan = plan_cut(scene.description(), scene.tilings(), options);
  CAF_REQUIRE(plan.has_value());
  CAF_REQUIRE((*plan)->chips().size() > 8);
  // The first call waits until the other thread has brought something.
  std::mutex mutex;
  std::condition_variable changed;
  std::set<std::thread::id> callers;
  bool helped = true;
  scripted_sink sink;
  sink.at_block = [&](const cut_block&) -> result<void> {
    std::unique_lock lock(mutex);
    const bool first = callers.empty();
    callers.insert(std::this_thread::get_id());
    changed.notify_all();
    if (first)
      helped = changed.wait_for(lock, std::chrono::seconds(60), [&] { return callers.size() > 1; });
    return {};
  };
  auto outcome = cut(scene, **plan, options, {}, sink, nullptr);
  CAF_REQUIRE(outcome.has_value());
  CAF_CHECK(helped);
}

CAF_TEST(a source block that alone exceeds the bound is refused with its numbers) {
  const auto one =
      plain(square("EPSG:32632", 399960, 5700000, 10, 4096, 4096), pixel_type::uint16, 4);
  scene_description description;
  description.subdatasets = {one};
  cut_options options;
  options.memory_bytes = uint64_t{64} << 20;
  const auto refused = plan_cut(description, {{8192, 4096, true}}, options);
  CAF_REQUIRE(!refused);
  CAF_CHECK(refused.error().code == ec::limit_exceeded);
  CAF_CHECK(has_text(refused.error(),
                     "a source block of 4096 x 4096 x 4 bands of uint16 needs 128 MiB, the bound "
                     "is 64 MiB"));
  CAF_CHECK(plan_cut(description, {{512, 512, true}}, options).has_value());
}

CAF_TEST(open blocks that exceed the bound are refused with their numbers) {
  scene_description description;
  description.subdatasets = {
      plain(square("EPSG:32632", 399960, 5700000, 10, 4000, 3000), pixel_type::float64, 8)};
  cut_options options;
  options.memory_bytes = uint64_t{16} << 20;
  const auto refused = plan_cut(description, {{4000, 1, true}}, options);
  CAF_REQUIRE(!refused);
  CAF_CHECK(refused.error().code == ec::limit_exceeded);
  CAF_CHECK(has_text(refused.error(), "the blocks of chips that are open at once need"));
  CAF_CHECK(has_text(refused.error(), "the bound is 16 MiB"));
}

CAF_TEST(blocks become smaller where too many would be open and never for want of memory) {
  const grid wide = square("EPSG:32632", 399960, 5700000, 10, 4000, 40);
  auto scene = make_scene({plain(wide, pixel_type::float64, 16)}, {4000, 8, true});
  cut_options options;
  options.precision = 4;
  options.memory_bytes = uint64_t{1} << 30;
  auto plan = plan_cut(scene.description(), scene.tilings(), options);
  CAF_REQUIRE(plan.has_value());
  const uint16_t edge = (*plan)->block_edge(0);
  CAF_CHECK(edge < defaults::max_block_edge);
  CAF_CHECK(edge >= defaults::min_block_edge);
  // The same with just enough memory: the chips are the same.
  options.memory_bytes = (*plan)->needed_bytes();
  auto tight = plan_cut(scene.description(), scene.tilings(), options);
  CAF_REQUIRE(tight.has_value());
  const uint16_t tight_edge = (*tight)->block_edge(0);
  CAF_CHECK_EQUAL(tight_edge, edge);
  options.memory_bytes /= 4;
  CAF_CHECK(!plan_cut(scene.description(), scene.tilings(), options));
}

CAF_TEST(nonsense is refused) {
  scene_description description;
  description.subdatasets = {plain(utm(10, 10))};
  cut_options options;
  CAF_CHECK(!plan_cut(description, {}, options));
  CAF_CHECK(!plan_cut(description, {{0, 16, true}}, options));
  CAF_CHECK(!plan_cut(description, {{16, -1, true}}, options));
  options.precision = 13;
  CAF_CHECK(!plan_cut(description, {{16, 16, true}}, options));
  options.precision = 5;
  auto broken = description;
  broken.subdatasets[0].bands.clear();
  CAF_CHECK(!plan_cut(broken, {{16, 16, true}}, options));
  broken = description;
  broken.subdatasets[0].grid.crs_wkt = "no CRS";
  CAF_CHECK(!plan_cut(broken, {{16, 16, true}}, options));
  broken.subdatasets[0].grid = utm(0, 10);
  CAF_CHECK(!plan_cut(broken, {{16, 16, true}}, options));

  // More cells than a plan may have, and windows beyond all measure.
  const auto cells = cell_grid::make(geocode_algorithm::geohash, 12);
  cell_runs runs(*pixel_mapper::make(utm(4000, 4000), *cells), *cells);
  const auto many = count_cells(std::array{&runs}, 50'000, 0);
  CAF_REQUIRE(!many);
  CAF_CHECK(many.error().code == ec::limit_exceeded);
  options.precision = 2;
  broken.subdatasets[0].grid = square("EPSG:32632", 399960, 5700000, 0.1, 50, 50);
  const auto huge = plan_cut(broken, {{512, 512, true}}, options);
  CAF_REQUIRE(!huge);
  CAF_CHECK(huge.error().code == ec::limit_exceeded);
}
