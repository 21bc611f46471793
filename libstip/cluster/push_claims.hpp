#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>

namespace stip {

/// Who is bringing which fact to this node. Several nodes may find at once that it lacks the same
/// facts; the first one that asks brings them, and the others are told that they are not wanted, so
/// that the bytes move once. A claim is only a promise: when it is over, the next who asks brings
/// the fact. Thread-safe.
class push_claims {
 public:
  struct options {
    /// How long a node may take to bring what it has claimed at once.
    int64_t lasting_ms = 30'000;
    /// Claims that are remembered; facts beyond are wanted from everybody.
    size_t most = size_t{1} << 16;
  };

  push_claims() : push_claims(options{}) {}
  explicit push_claims(const options& o) : options_(o) {}

  /// Whether that node is to bring the fact with this digest; if so, nobody else for a while.
  bool claim(uint64_t node, uint64_t digest, int64_t now_ms);

 private:
  struct holder {
    uint64_t node = 0;
    int64_t until_ms = 0;
  };

  const options options_;
  std::mutex mutex_;
  std::unordered_map<uint64_t, holder> holders_;
};

}  // namespace stip
