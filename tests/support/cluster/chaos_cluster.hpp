#pragma once

#include <signal.h>

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "actors/client.hpp"
#include "actors/network.hpp"
#include "tests/support/cluster/stipd_process.hpp"
#include "tests/support/cluster/test_network.hpp"
#include "tests/support/libstip/scratch_directory.hpp"

namespace stip::test {

/// Real nodes that hold the album "a" in two copies, take in scenes and delete older ones while a
/// test does to them what it likes; in the end, whatever was acknowledged has to be there, with all
/// of its copies, and nothing of what was deleted.
class chaos_cluster {
 public:
  static constexpr size_t node_count = 4;
  static constexpr uint32_t copies = 2;

  /// On loopback, or each node on a host of the network with a disk of so many bytes. Starts them
  /// and makes the album.
  explicit chaos_cluster(uint64_t seed, std::unique_ptr<test_network> network = {},
                         size_t disk_bytes = 0);
  ~chaos_cluster() { ended_ = true; }

  std::string directory(size_t i) const { return files_ / ("node" + std::to_string(i)); }
  test_network& network() { return *network_; }
  const scratch_directory& files() const { return files_; }

  void start(size_t i);
  stipd_process& node(size_t i) { return *nodes_[i]; }
  void kill(size_t i) { nodes_[i]->end(SIGKILL); }
  /// Kills it, and nothing is left of what it had.
  void destroy(size_t i);

  /// Stores one scene after the other through any of the nodes, and deletes the oldest of many,
  /// until end_load.
  void begin_load();
  void end_load();

  /// Waits until every node sees all as up, nothing is left to repair, and all copies are there.
  std::vector<image_row> await_whole();

  /// Reads all that is there, and compares it with what one node alone makes of the acknowledged
  /// scenes; how many chips were compared.
  size_t compare_with_one_node();
  size_t scenes_acknowledged() const { return acknowledged_.size(); }
  size_t scenes_deleted() const { return deleted_.size(); }

 private:
  std::string host(size_t i) const;
  result<client> ask(size_t i);
  bool is_whole();
  std::optional<std::vector<image_row>> whole_rows();
  bool store(const client& node, const std::string& scene);
  void erase_oldest(std::mt19937_64& which);
  void read_all(const client& node, const std::vector<image_row>& rows);

  const uint64_t seed_;
  scratch_directory files_;
  std::unique_ptr<test_network> network_;
  system_config config_{system_config::networking::on};
  std::unique_ptr<caf::actor_system> system_;
  std::vector<uint16_t> ports_;
  std::vector<std::unique_ptr<stipd_process>> nodes_;
  std::mutex mutex_;
  /// Paths of scenes that are all there, the oldest first, and tiles of those of which nothing is.
  std::deque<std::string> acknowledged_;
  std::set<std::string> deleted_;
  std::atomic<bool> ended_{false};
  std::jthread load_;
};

}  // namespace stip::test
