#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "actors/client.hpp"
#include "libstip/store/data_directory.hpp"
#include "tests/bench/harness.hpp"
#include "tests/bench/synthetic_album.hpp"
#include "tests/support/cluster/test_cluster.hpp"
#include "tests/support/libstip/raster_file.hpp"

// A query as a client asks it: over loopback to a node that runs, at rest and while it stores.

using namespace stip;
using namespace stip::bench;

namespace {

constexpr size_t requests_a_round = 200;
constexpr int scene_edge = 4096;

/// A node with an album of so many images, and a client that dialled it.
struct served_album {
  explicit served_album(uint64_t images) {
    const auto made =
        value_or_give_up(cluster.create_album(0, "images", geocode_algorithm::geohash));
    value_or_give_up(cluster.create_album(0, "load", geocode_algorithm::geohash));
    cluster.stop(0);
    {
      const auto directory =
          value_or_give_up(data_directory::open(cluster.directory(0), open_mode::read_write));
      synthetic_album(images).fill(*value_or_give_up(directory->open_album(made, {})));
    }
    cluster.start(0);
    config.set("scheduler.max-threads", size_t{2});
    system = std::make_unique<caf::actor_system>(config);
    const auto handles =
        value_or_give_up(dial(*system, "127.0.0.1", cluster.node(0).port(), 5'000));
    node = std::make_unique<client>(*system, handles);
  }

  ~served_album() {
    node.reset();
    system.reset();
  }

  test::test_cluster cluster{1};
  system_config config{system_config::networking::on};
  std::unique_ptr<caf::actor_system> system;
  std::unique_ptr<client> node;
};

/// Stores one scene after another until it is told to stop.
class load {
 public:
  explicit load(served_album& on) : album_(on), file_(on.cluster.files() / "scene.tif") {
    test::raster_file scene;
    scene.width = scene.height = scene_edge;
    scene.bands = 4;
    scene.type = pixel_type::uint16;
    scene.creation = {"TILED=YES", "COMPRESS=DEFLATE"};
    if (!test::write_raster(file_, scene)) give_up("the scene cannot be written");
    thread_ = std::thread([this] { run(); });
  }

  ~load() {
    stopped_ = true;
    thread_.join();
  }

 private:
  void run() {
    for (int i = 0; !stopped_; ++i) {
      store_request request;
      request.album = "load";
      request.glob = file_;
      request.format = "auto";
      request.precision = 5;
      request.platform = "synthetic";
      request.timestamp = "2020-07-14";
      request.tile = "scene-" + std::to_string(i);
      auto task = value_or_give_up(album_.node->store(request));
      while (task.running()) {
        if (stopped_) {
          (void)album_.node->stop_task(task.id);
          return;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
        task = value_or_give_up(album_.node->get_task(task.id));
      }
      if (task.completed != 1) give_up("the load does not store");
    }
  }

  served_album& album_;
  std::string file_;
  std::atomic<bool> stopped_{false};
  std::thread thread_;
};

void measure(served_album& album, const std::string& when, const options& options) {
  find_request request;
  request.album = "images";
  request.match = synthetic_album::query(false);
  request.limit = defaults::max_page_rows;
  std::vector<double> medians;
  comparison c{"a query of " + std::to_string(request.limit) + " rows over loopback, " + when,
               "requests", options};
  c.add("request", [&] {
    std::vector<double> milliseconds;
    for (size_t i = 0; i < requests_a_round; ++i) {
      const auto start = std::chrono::steady_clock::now();
      const auto page = value_or_give_up(album.node->find(request));
      milliseconds.push_back(
          std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
              .count());
      if (page.rows.size() != request.limit) give_up("rows are missing");
    }
    std::sort(milliseconds.begin(), milliseconds.end());
    medians.push_back(median(milliseconds));
    report("  99 of 100 within", milliseconds[milliseconds.size() * 99 / 100], "ms");
    return work{double(requests_a_round), 0};
  });
  c.run();
  medians.erase(medians.begin());  // the warm-up
  report("a request, decoded, " + when + ": median of the rounds' medians", median(medians), "ms",
         goal::at_most, 2);
}

}  // namespace

STIP_BENCH(query_request, "a query over loopback to a node, at rest and while it stores") {
  const uint64_t images =
      options.arguments.empty() ? 1'000'000 : std::stoull(options.arguments.front());
  const auto start = std::chrono::steady_clock::now();
  served_album album(images);
  report("made the album of " + std::to_string(images) + " images and opened it in",
         std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(), "s");
  measure(album, "the node at rest", options);
  const load running(album);
  measure(album, "while the node stores", options);
}
