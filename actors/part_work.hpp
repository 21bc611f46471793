#pragma once

#include <cstddef>

#include "libstip/core/error.hpp"

namespace stip {

/// The work of this node on a part of a task: its inputs, and what its threads do with them. The
/// actor owns it, the workers share it; what becomes of each input is told to the tasks actor.
class part_work {
 public:
  virtual ~part_work() = default;

  /// Finds the inputs, if the part does not list them, and tells the task of them. Blocks.
  virtual result<void> find_inputs() = 0;

  /// Workers that should run at the same time.
  virtual size_t workers() const = 0;

  /// Takes inputs one after the other until there are none. Blocks for as long as they take.
  virtual void work() = 0;

  virtual void stop() = 0;

  /// Whether it is no failure that there is no input.
  virtual bool may_be_idle() const = 0;
};

/// Workers for so many threads: while some wait for confirmations, others work. Of small inputs a
/// commit takes in several.
inline size_t workers_of(size_t threads) {
  return 4 * threads;
}

}  // namespace stip
