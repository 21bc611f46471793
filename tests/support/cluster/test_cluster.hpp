#pragma once

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "actors/errors.hpp"
#include "actors/node.hpp"
#include "tests/support/cluster/tcp_proxy.hpp"
#include "tests/support/libstip/fault_file_system.hpp"
#include "tests/support/libstip/scratch_directory.hpp"

namespace stip::test {

/// Several real nodes in one process, each with an actor system, a directory and a disk of its own,
/// on ephemeral ports of loopback. Every pair of nodes talks through a relay in each direction, so
/// that links can be cut and silenced.
class test_cluster {
 public:
  explicit test_cluster(size_t nodes, std::function<void(node_settings&)> adjust = {});
  ~test_cluster();

  size_t size() const { return slots_.size(); }
  running_node& node(size_t i) { return *slots_[i].node; }
  /// In which node i, and whoever asks it from outside, lives.
  caf::actor_system& system(size_t i) { return *slots_[i].system; }
  const node_handles& handles(size_t i) { return slots_[i].node->handles(); }
  fault_file_system& disk(size_t i) { return *slots_[i].disk; }
  bool runs(size_t i) const { return slots_[i].node != nullptr; }
  /// Node i's directory.
  std::string directory(size_t i) const;
  /// A place for files of the test.
  const scratch_directory& files() const { return files_; }

  void start(size_t i);
  /// Ends it cleanly.
  void stop(size_t i);
  /// Cuts its links, ends it, and takes back from its disk what was not synced.
  void kill(size_t i);

  /// Both directions between two nodes.
  void cut(size_t a, size_t b);
  void silence(size_t a, size_t b, bool on);
  void restore(size_t a, size_t b);

  /// Waits until every running node sees every running node as up. False after the deadline.
  bool settle(std::chrono::seconds deadline = std::chrono::seconds{30});

  /// Sends a request to an actor of node i from outside and waits for the answer.
  template <class T, class Handle, class... Ts>
  result<T> ask(size_t i, const Handle& handle, Ts&&... message) {
    result<T> out = fail(ec::internal, "ask", "no answer");
    caf::scoped_actor self{*slots_[i].system};
    self->request(handle, std::chrono::seconds{60}, std::forward<Ts>(message)...)
        .receive([&](T& answer) { out = std::move(answer); },
                 [&](caf::error& err) { out = fail(from_caf(err, "ask")); });
    return out;
  }

  result<album> create_album(size_t i, const std::string& name, geocode_algorithm algorithm,
                             int32_t key_length = 0);
  /// Starts a store task on node i and waits until it has ended.
  result<task_record> store(size_t i, store_request request);
  result<task_record> wait_task(size_t i, const std::string& id);
  /// All images of the album as node i tells them.
  result<std::vector<image_row>> list(size_t i, const std::string& album, const filter& match = {});

 private:
  struct slot {
    std::unique_ptr<system_config> config;
    std::unique_ptr<caf::actor_system> system;
    std::unique_ptr<fault_file_system> disk;
    std::unique_ptr<running_node> node;
  };

  tcp_proxy& link(size_t from, size_t to) { return *links_[from * slots_.size() + to]; }
  /// Where node `from` dials when it wants that address: the relay to the node there. Waits while a
  /// node starts, whose address is not known yet.
  std::string route(size_t from, const std::string& address);
  void set_starting(bool starting);

  scratch_directory files_;
  std::function<void(node_settings&)> adjust_;
  std::vector<slot> slots_;
  std::mutex mutex_;
  std::condition_variable started_;
  bool starting_ = false;
  /// Nodes by the address that they tell the others.
  std::map<std::string, size_t> addresses_;
  std::vector<std::unique_ptr<tcp_proxy>> links_;
};

}  // namespace stip::test
