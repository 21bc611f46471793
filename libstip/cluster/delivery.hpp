#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libstip/core/error.hpp"

namespace stip {

/// Delivery of numbered parcels to one receiver under credit, with retries: a plain state machine
/// over an injected clock. A parcel's body stays with the caller, who knows it by its number.
///
/// The receiver answers each parcel with its outcome, durable or refused; an answer that is lost
/// makes the sender repeat the parcel, and the receiver's `delivery_inbox` recognises it.
struct delivery_options {
  /// Parcels and bytes that may be under way (sent and not yet answered).
  size_t window_parcels = 8;
  uint64_t window_bytes = uint64_t{8} << 20;
  /// Parcels and bytes that may wait besides; offering more is refused with limit_exceeded.
  size_t queue_parcels = 64;
  uint64_t queue_bytes = uint64_t{64} << 20;
  int64_t answer_timeout_ms = 30'000;
  int max_attempts = 4;
  int64_t first_backoff_ms = 200;
  int64_t max_backoff_ms = 5'000;
};

class delivery_outbox {
 public:
  explicit delivery_outbox(const delivery_options& options);

  struct send {
    uint64_t parcel = 0;
    int attempt = 1;
  };
  struct gave_up {
    uint64_t parcel = 0;
    error why;
  };
  struct effects {
    std::vector<send> sends;
    std::vector<gave_up> failures;
  };

  /// Room for one more parcel of that size? (An empty outbox takes any single parcel.)
  bool accepts(uint64_t bytes) const;
  /// Queues a parcel and numbers it (1, 2, ...). Error: limit_exceeded when !accepts(bytes).
  result<uint64_t> offer(int64_t now_ms, uint64_t bytes, effects& out);
  /// The receiver answered (with success or a final refusal): the parcel is done, credit returns.
  /// False: it was not under way (a repeated or late answer).
  bool answered(int64_t now_ms, uint64_t parcel, effects& out);
  /// The attempt failed in a way that is worth another one (link down, timeout).
  void failed(int64_t now_ms, uint64_t parcel, const error& why, effects& out);
  /// Time passes: attempts that were not answered in time are repeated or given up.
  void tick(int64_t now_ms, effects& out);
  /// When tick has to be called next; nothing: when something else happens.
  std::optional<int64_t> next_tick_ms() const;
  size_t parcels() const;
  uint64_t bytes() const;
};

/// The receiver's memory of what it has answered, so that a repeated parcel is answered again and
/// not done twice. One for each (sender node, sender incarnation, stream).
class delivery_inbox {
 public:
  /// Answers are kept for at most this many parcels.
  explicit delivery_inbox(size_t memory = 1024);

  enum class verdict : uint8_t {
    /// Do it, then call `done`.
    fresh,
    /// It is being done; its answer will follow.
    under_way,
    /// It was done: give the stored answer again.
    repeated,
    /// Too old to be remembered.
    forgotten
  };
  verdict arrived(uint64_t parcel);
  void done(uint64_t parcel, std::string answer);
  /// The stored answer of a repeated parcel.
  const std::string* answer(uint64_t parcel) const;
};

}  // namespace stip
