#pragma once

#include <caf/actor_system.hpp>
#include <memory>
#include <string>
#include <vector>

#include "actors/client.hpp"
#include "actors/network.hpp"
#include "tests/support/cluster/stipd_process.hpp"
#include "tests/support/libstip/scratch_directory.hpp"

namespace stip::bench {

/// A real stipd on a directory of its own, and a client of it. Ends the program when $STIP_BIN_DIR
/// has no stipd or it does not start.
class bench_node {
 public:
  /// `processors`: how many the node may use with all of its threads; 0: all.
  /// `others` are nodes that it joins.
  explicit bench_node(size_t processors = 0, const std::vector<const bench_node*>& others = {});
  ~bench_node();

  client& node() { return *client_; }
  uint64_t id() const { return id_; }
  /// CPU seconds of the node and of its reader processes so far.
  double cpu_seconds() const;
  int pid() const { return process_->pid(); }
  std::string directory() const { return files_ / "node"; }
  uint64_t anonymous_bytes() const { return process_->anonymous_bytes(); }

  /// Runs a store to its end; gives up when an input is skipped or nothing is stored.
  task_record store(const store_request& request);
  void create_album(const std::string& name, uint32_t copies = 1);
  /// Deletes the album if it is there.
  void remove_album(const std::string& name);

 private:
  test::scratch_directory files_;
  std::unique_ptr<test::stipd_process> process_;
  std::unique_ptr<system_config> config_;
  std::unique_ptr<caf::actor_system> system_;
  std::unique_ptr<client> client_;
  uint64_t id_ = 0;
};

/// Waits until every node sees all of them, and no other, as up.
void await_all_up(const std::vector<bench_node*>& nodes);

/// To store the synthetic scene in the album "bench".
store_request scene_request(const std::string& scene, int precision, size_t threads);

}  // namespace stip::bench
