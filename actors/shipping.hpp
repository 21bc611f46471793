#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>

#include "actors/context.hpp"
#include "actors/transfer.hpp"
#include "libstip/cluster/write_answers.hpp"

namespace stip {

/// Brings chips of one album to other nodes for a thread that waits for the outcome: the transfer
/// actor sends and answers.
class shipping {
 public:
  /// Chips are confirmed though `spare_nodes` of their nodes failed to take theirs. `stopped` is
  /// asked from any thread, and as long as something is under way; `is_member` at the end.
  shipping(context_ptr context, transfer_actor transfer, album target, size_t spare_nodes,
           std::function<bool()> stopped, std::function<bool(uint64_t node)> is_member);

  /// Waits for a share of the node's transfer memory, then sends; nothing goes to a node that has
  /// failed to take something. Error: stopped, also when too
  /// many nodes have failed.
  result<void> ship(uint64_t node, chip_parts parts, uint64_t bytes);

  /// Waits until nothing is under way; the first failure, if too many nodes failed.
  result<void> settle();
  bool failed() const;

 private:
  /// What is under way, and outlives this with the last shipment.
  struct state {
    const std::function<bool()> stopped;
    std::mutex mutex;
    std::condition_variable changed;
    write_answers answers;
  };

  static bool is_over(state& s);
  static bool takes(state& s, uint64_t node);

  const context_ptr context_;
  const transfer_actor transfer_;
  const album target_;
  const std::function<bool(uint64_t node)> is_member_;
  const std::shared_ptr<state> state_;
};

}  // namespace stip
