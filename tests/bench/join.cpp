#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <thread>

#include "tests/bench/bench_node.hpp"
#include "tests/bench/harness.hpp"
#include "tests/bench/synthetic_scene.hpp"

// What a load notices of a node that joins, and how many bytes move for it: three nodes hold a
// scene in two copies and take in others, before a fourth node comes and while it is given its
// part.

using namespace stip;
using namespace stip::bench;

namespace {

constexpr int precision = 5;
constexpr size_t threads = 2;
constexpr int default_side = 4096;
constexpr int scenes_held = 4;
constexpr int scenes_of_load = 6;
constexpr int patience = 600;
constexpr std::chrono::milliseconds look_again{100};
constexpr const char* held_tile = "held";

/// Three nodes, and in time a fourth.
struct growing_cluster {
  std::vector<std::unique_ptr<bench_node>> nodes;

  growing_cluster() {
    for (int i = 0; i < 3; ++i) add();
  }

  void add() {
    std::vector<const bench_node*> others;
    for (const auto& n : nodes) others.push_back(n.get());
    nodes.push_back(std::make_unique<bench_node>(0, others));
    await_all_up(pointers());
  }

  std::vector<bench_node*> pointers() const {
    std::vector<bench_node*> out;
    for (const auto& n : nodes) out.push_back(n.get());
    return out;
  }

  double cpu_seconds() const {
    double sum = 0;
    for (const auto& n : nodes) sum += n->cpu_seconds();
    return sum;
  }

  /// The scene several times, as if of different days.
  void store(const std::string& scene, const std::string& tile, int times) {
    for (int i = 1; i <= times; ++i) {
      auto request = scene_request(scene, precision, threads);
      request.tile = tile;
      request.timestamp = "2020-07-0" + std::to_string(i);
      nodes.front()->store(request);
    }
  }

  void await_rest() {
    for (int attempt = 0; attempt < patience; ++attempt) {
      const auto round = nodes.front()->node().repair(0);
      if (round && round->facts == 0 && round->kept == 0 && round->problems.empty()) return;
      std::this_thread::sleep_for(look_again);
    }
    give_up("the copies do not come to rest");
  }

  /// Bytes of chips that the nodes have brought to each other, by their logs.
  uint64_t bytes_moved() const {
    uint64_t sum = 0;
    for (const auto& n : nodes) {
      std::ifstream log{n->directory() + ".log"};
      const std::string mark = "repair: facts=", bytes = " bytes=";
      for (std::string line; std::getline(log, line);)
        if (line.find(mark) != std::string::npos)
          sum += std::strtoull(line.c_str() + line.find(bytes) + bytes.size(), nullptr, 10);
    }
    return sum;
  }

  /// Bytes of the held scene's images that lie on that node.
  uint64_t bytes_on(const bench_node& node) {
    const auto id = node_name(node.id());
    find_request request;
    request.album = "bench";
    request.match.tile = held_tile;
    uint64_t sum = 0;
    while (true) {
      const auto page = value_or_give_up(nodes.front()->node().find(request));
      for (const auto& row : page.rows)
        if (std::find(row.nodes.begin(), row.nodes.end(), id) != row.nodes.end())
          for (const auto& s : row.subdatasets) sum += s.bytes;
      if (!page.more) return sum;
      request.has_after = true;
      request.after = page.rows.back().facts();
    }
  }
};

}  // namespace

STIP_BENCH(join, "a load on three nodes while a fourth one joins, and the bytes that move") {
  synthetic_scene shape;
  shape.width = shape.height = options.arguments.empty()
                                   ? default_side
                                   : std::max(1024, std::atoi(options.arguments[0].c_str()));
  const auto scene = synthetic_scene_file(shape, "DEFLATE");
  std::unique_ptr<growing_cluster> cluster;
  uint64_t moved_before = 0, there_first = 0, there_last = 0;
  std::vector<double> shares;
  const auto settle = [&] {
    if (!cluster || cluster->nodes.size() < 4) return;
    cluster->await_rest();
    const auto moved = cluster->bytes_moved() - moved_before;
    const auto least = cluster->bytes_on(*cluster->nodes.back());
    std::printf(
        "moved %.1f MB, the node's part of what was held %.1f MB: %.3f times; it had %.1f MB "
        "of it when the load began, %.1f MB when it ended\n",
        double(moved) * 1e-6, double(least) * 1e-6, double(moved) / double(least),
        double(there_first) * 1e-6, double(there_last) * 1e-6);
    shares.push_back(double(moved) / double(least));
  };
  const auto fresh = [&] {
    settle();
    cluster.reset();
    cluster = std::make_unique<growing_cluster>();
    cluster->nodes.front()->create_album("bench", 2);
    cluster->store(scene, held_tile, scenes_held);
    cluster->await_rest();
  };
  const auto load = [&] {
    const auto before = cluster->cpu_seconds();
    cluster->store(scene, "new", scenes_of_load);
    return work{double(shape.bytes()) * scenes_of_load * 1e-6, cluster->cpu_seconds() - before};
  };
  comparison c{"storing scenes of " + std::to_string(shape.width) + " x " +
                   std::to_string(shape.height) + " pixels of four bands in two copies",
               "MB", options};
  c.add("three nodes", load, fresh);
  const auto load_and_look = [&] {
    const auto done = load();
    there_last = cluster->bytes_on(*cluster->nodes.back());
    return done;
  };
  c.add("while a fourth joins", load_and_look, [&] {
    fresh();
    moved_before = cluster->bytes_moved();
    cluster->add();
    there_first = cluster->bytes_on(*cluster->nodes.back());
  });
  c.run();
  settle();
  c.ratio("while a fourth joins", "three nodes", goal::at_least, 0.5);
  report("bytes moved / the least possible", median(shares), "times", goal::at_most, 1.2);
}
