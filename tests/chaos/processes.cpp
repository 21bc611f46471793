#define CAF_SUITE chaos.processes
#include <signal.h>

#include <caf/test/unit_test.hpp>
#include <chrono>
#include <map>
#include <random>
#include <thread>

#include "tests/support/cluster/chaos_cluster.hpp"
#include "tests/support/libstip/environment.hpp"

// Real processes under a load, while one of them at a time is killed, frozen, or destroyed with its
// directory. Whatever was acknowledged has to be there in the end, with all of its copies.
//
// STIP_CHAOS_SECONDS: how long faults go on. STIP_CHAOS_SEED: which ones (printed).

using namespace stip;
using namespace stip::test;

namespace {
constexpr int default_seconds = 12;
}

CAF_TEST(nothing acknowledged is lost while nodes are killed frozen and destroyed) {
  if (stipd_binary().empty()) {
    CAF_MESSAGE("skipped: no stipd in $STIP_BIN_DIR");
    return;
  }
  const auto seconds = from_environment("STIP_CHAOS_SECONDS", default_seconds);
  const auto seed =
      static_cast<uint64_t>(from_environment("STIP_CHAOS_SEED", std::random_device{}() >> 1));
  CAF_MESSAGE("STIP_CHAOS_SEED=" << seed << " STIP_CHAOS_SECONDS=" << seconds);
  std::mt19937_64 random{seed};
  chaos_cluster cluster{seed};
  cluster.begin_load();
  std::map<std::string, int> faults;
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{seconds};
  while (std::chrono::steady_clock::now() < until) {
    const auto i = random() % chaos_cluster::node_count;
    const auto rest = std::chrono::milliseconds{200 + random() % 3000};
    switch (random() % 3) {
      case 0:
        ++faults["killed"];
        cluster.kill(i);
        std::this_thread::sleep_for(rest);
        cluster.start(i);
        break;
      case 1:
        ++faults["frozen"];
        ::kill(cluster.node(i).pid(), SIGSTOP);
        std::this_thread::sleep_for(rest);
        ::kill(cluster.node(i).pid(), SIGCONT);
        break;
      default:
        ++faults["destroyed"];
        cluster.destroy(i);
        std::this_thread::sleep_for(rest);
        cluster.start(i);
    }
    // Two copies bear one fault at a time: the next comes when all copies are there again.
    cluster.await_whole();
  }
  cluster.end_load();
  const auto images = cluster.compare_with_one_node();
  CAF_MESSAGE(faults["killed"] << " killed, " << faults["frozen"] << " frozen, "
                               << faults["destroyed"] << " destroyed; "
                               << cluster.scenes_acknowledged() << " scenes acknowledged, "
                               << cluster.scenes_deleted() << " deleted, " << images
                               << " chips compared");
  CAF_CHECK(images > 0);
}
