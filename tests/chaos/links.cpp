#define CAF_SUITE chaos.links
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <caf/test/unit_test.hpp>
#include <chrono>
#include <filesystem>
#include <map>
#include <random>
#include <thread>

#include "tests/support/cluster/chaos_cluster.hpp"
#include "tests/support/libstip/environment.hpp"

// Real nodes, each on a host with a network link and a disk of its own, under a load, while links
// are cut, the network falls in two, packets are lost one way, and disks are full.
//
// STIP_CHAOS_SECONDS and STIP_CHAOS_SEED: as for chaos.processes.

using namespace stip;
using namespace stip::test;

namespace {

constexpr int default_seconds = 12;
constexpr size_t disk_bytes = size_t{256} << 20;

/// Fills a disk to its last page, until the ballast is thrown off.
class ballast {
 public:
  explicit ballast(const std::string& directory) : path_(directory + "/ballast") {
    const int fd = ::open(path_.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    CAF_REQUIRE(fd >= 0);
    const std::string megabyte(1 << 20, 'x');
    while (::write(fd, megabyte.data(), megabyte.size()) > 0) {
    }
    ::close(fd);
  }
  ~ballast() { std::filesystem::remove(path_); }
  ballast(const ballast&) = delete;
  ballast& operator=(const ballast&) = delete;

 private:
  const std::string path_;
};

}  // namespace

CAF_TEST(nothing acknowledged is lost while links break and disks are full) {
  if (stipd_binary().empty()) {
    CAF_MESSAGE("skipped: no stipd in $STIP_BIN_DIR");
    return;
  }
  auto network = test_network::make(chaos_cluster::node_count);
  if (!network) {
    CAF_MESSAGE("skipped: " << to_string(network.error()));
    return;
  }
  const auto seconds = from_environment("STIP_CHAOS_SECONDS", default_seconds);
  const auto seed =
      static_cast<uint64_t>(from_environment("STIP_CHAOS_SEED", std::random_device{}() >> 1));
  CAF_MESSAGE("STIP_CHAOS_SEED=" << seed << " STIP_CHAOS_SECONDS=" << seconds);
  std::mt19937_64 random{seed};
  chaos_cluster cluster{seed, std::move(*network), disk_bytes};
  auto& links = cluster.network();
  cluster.begin_load();
  std::map<std::string, int> faults;
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{seconds};
  while (std::chrono::steady_clock::now() < until) {
    const auto i = random() % chaos_cluster::node_count;
    const auto other =
        (i + 1 + random() % (chaos_cluster::node_count - 1)) % chaos_cluster::node_count;
    const auto rest = [time = std::chrono::milliseconds{500 + random() % 6000}] {
      std::this_thread::sleep_for(time);
    };
    switch (random() % 6) {
      case 0:
        ++faults["unplugged"];
        links.unplug(i);
        rest();
        break;
      case 1:
        ++faults["cut in two"];
        links.part({i, other});
        rest();
        break;
      case 2:
        ++faults["deaf one way"];
        links.drop(i, other);
        rest();
        break;
      case 3: {
        ++faults["disk full"];
        const ballast full{cluster.directory(i)};
        rest();
        break;
      }
      case 4:
        ++faults["killed while cut off"];
        links.unplug(i);
        cluster.kill(i);
        cluster.start(i);
        rest();
        break;
      default:
        ++faults["destroyed"];
        cluster.destroy(i);
        rest();
        cluster.start(i);
    }
    links.heal();
    // Two copies bear one fault at a time: the next comes when all copies are there again.
    cluster.await_whole();
  }
  cluster.end_load();
  const auto images = cluster.compare_with_one_node();
  for (const auto& [what, times] : faults) CAF_MESSAGE(what << ": " << times);
  CAF_MESSAGE(cluster.scenes_acknowledged() << " scenes acknowledged, " << cluster.scenes_deleted()
                                            << " deleted, " << images << " chips compared");
  CAF_CHECK(images > 0);
}
