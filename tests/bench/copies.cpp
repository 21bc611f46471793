#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "tests/bench/bench_node.hpp"
#include "tests/bench/harness.hpp"
#include "tests/bench/synthetic_scene.hpp"

// What a second copy of each chip costs a store: three nodes share the processors that one node has
// for itself, and every chip goes to two of them.

using namespace stip;
using namespace stip::bench;

namespace {

constexpr int precision = 5;
constexpr size_t threads = 2;
constexpr int default_side = 4096;

}  // namespace

STIP_BENCH(copies, "storing two copies over three nodes, against one copy on one node") {
  synthetic_scene shape;
  shape.width = shape.height = options.arguments.empty()
                                   ? default_side
                                   : std::max(1024, std::atoi(options.arguments[0].c_str()));
  const auto scene = synthetic_scene_file(shape, "DEFLATE");
  const auto megabytes = double(shape.bytes()) * 1e-6;
  bench_node alone;
  bench_node first;
  bench_node second{0, {&first}};
  bench_node third{0, {&first, &second}};
  const std::vector<bench_node*> three{&first, &second, &third};
  await_all_up(three);

  comparison c{"storing " + std::to_string(shape.width) + " x " + std::to_string(shape.height) +
                   " pixels of four bands",
               "MB", options};
  const auto add = [&](const std::string& name, bench_node& asked, uint32_t copies,
                       const std::vector<bench_node*>& nodes) {
    const auto cpu = [nodes] {
      double sum = 0;
      for (const auto* n : nodes) sum += n->cpu_seconds();
      return sum;
    };
    c.add(
        name,
        [&asked, &scene, megabytes, cpu] {
          const auto before = cpu();
          asked.store(scene_request(scene, precision, threads));
          return work{megabytes, cpu() - before};
        },
        [&asked, copies] {
          asked.remove_album("bench");
          asked.create_album("bench", copies);
          ::sync();
        });
  };
  add("one node, one copy", alone, 1, {&alone});
  add("three nodes, one copy", first, 1, three);
  add("three nodes, two copies", first, 2, three);
  c.run();
  c.ratio("three nodes, one copy", "one node, one copy");
  c.ratio("three nodes, two copies", "one node, one copy", goal::at_least, 0.5);
}
