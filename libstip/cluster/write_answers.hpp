#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>

#include "libstip/core/error.hpp"

namespace stip {

/// Counts what comes back of one write (chips or tombstones to the nodes that hold copies) and says
/// when it has failed: a plain state machine. What a node that failed once was to take counts for
/// nothing, so the same nodes hold everything of a write that succeeds.
class write_answers {
 public:
  /// The write holds though so many of its nodes fail (see spare_nodes in replication.hpp).
  explicit write_answers(size_t spare_nodes) : spare_nodes_(spare_nodes) {}

  /// Whether that node is still sent anything.
  bool takes(uint64_t node) const { return !failed_.contains(node); }

  void sent() { ++under_way_; }
  /// A message was answered, for good or for bad.
  void answered(uint64_t node, const result<void>& outcome);

  /// Once all is answered, and before the outcome: nodes that took something and are no members of
  /// the cluster any more have failed. One that stands in the place of a lost one may have asked
  /// the others what they have before this write came to them.
  void drop_gone(const std::function<bool(uint64_t node)>& is_member);

  /// Too few nodes are left that took everything.
  bool too_few() const { return failed_.size() > spare_nodes_; }
  bool is_settled() const { return under_way_ == 0; }
  /// Once all is answered: whether the write is confirmed; else the first failure.
  result<void> outcome() const { return too_few() ? first_failure_ : result<void>{}; }

 private:
  size_t spare_nodes_;
  size_t under_way_ = 0;
  std::set<uint64_t> took_;
  std::set<uint64_t> failed_;
  result<void> first_failure_;
};

}  // namespace stip
