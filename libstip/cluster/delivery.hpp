#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
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
  /// A parcel is given up after so many attempts, but not before so much time has passed since the
  /// first: a node that is started again takes a while.
  int max_attempts = 4;
  int64_t patience_ms = 0;
  int64_t first_backoff_ms = 200;
  int64_t max_backoff_ms = 5'000;
};

/// The sender's side. Parcels are sent in the order in which they were offered; a parcel keeps its
/// place in the window until it is answered or given up, also while it rests between two attempts,
/// so that a receiver that is away is not sent ever more. Each parcel that was offered ends once:
/// `answered` returns true for it, or it is among the failures of some effects. A parcel that is
/// larger than the whole window travels alone.
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

  /// Room for one more parcel of that size? (An empty outbox takes any single parcel.) It counts
  /// against the queue unless it can be sent at once.
  bool accepts(uint64_t bytes) const;
  /// Queues a parcel and numbers it (1, 2, ...). Error: limit_exceeded when !accepts(bytes).
  result<uint64_t> offer(int64_t now_ms, uint64_t bytes, effects& out);
  /// The receiver answered (with success or a final refusal): the parcel is done, credit returns.
  /// False: it was not under way (a repeated or late answer). The answer to an attempt that was
  /// taken for lost counts as well as long as the parcel was not given up.
  bool answered(int64_t now_ms, uint64_t parcel, effects& out);
  /// The attempt failed in a way that is worth another one (link down, timeout): the parcel rests
  /// for first_backoff_ms, twice as long after each further attempt, at most max_backoff_ms, or is
  /// given up after max_attempts and patience_ms. Ignored for a parcel of which no attempt is under
  /// way.
  void failed(int64_t now_ms, uint64_t parcel, const error& why, effects& out);
  /// Nobody waits for the parcel any more. True: it is dropped, as no attempt of it is under way.
  bool cancel(int64_t now_ms, uint64_t parcel, effects& out);
  /// Time passes: attempts that were not answered in time are repeated or given up.
  void tick(int64_t now_ms, effects& out);
  /// When tick has to be called next; nothing: when something else happens.
  std::optional<int64_t> next_tick_ms() const;
  /// All that is under way or waits, and of these what is in the window.
  size_t parcels() const { return window_.size() + queue_.size(); }
  uint64_t bytes() const { return window_bytes_ + queue_bytes_; }
  size_t window_parcels() const { return window_.size(); }
  uint64_t window_bytes() const { return window_bytes_; }

 private:
  struct waiting {
    uint64_t parcel = 0;
    uint64_t bytes = 0;
  };
  struct attempt {
    uint64_t bytes = 0;
    int number = 1;
    /// Sent and not answered; else it rests until it is sent again.
    bool sent = true;
    /// When the answer is overdue, or the rest is over.
    int64_t due_ms = 0;
    /// When the first attempt was sent.
    int64_t began_ms = 0;
  };

  bool fits_window(uint64_t bytes) const;
  void fill_window(int64_t now_ms, effects& out);
  /// Returns whether the parcel was given up.
  bool retry_later(int64_t now_ms, uint64_t parcel, attempt& last, error why, effects& out);

  delivery_options options_;
  uint64_t next_parcel_ = 1;
  std::map<uint64_t, attempt> window_;
  uint64_t window_bytes_ = 0;
  std::deque<waiting> queue_;
  uint64_t queue_bytes_ = 0;
};

/// The receiver's memory of what it has answered, so that a repeated parcel is answered again and
/// not done twice. One for each (sender node, sender incarnation, stream).
///
/// It knows for every number up to the highest one seen whether it arrived, apart from very old
/// numbers that never did: these are forgotten rather than done twice. So `fresh` is said once of a
/// number, or again after `failed`.
class delivery_inbox {
 public:
  /// Answers are kept for at most this many parcels (those that were done last), and as many
  /// parcels may be in work or be outstanding below the highest number.
  explicit delivery_inbox(size_t memory = 1024);

  enum class verdict : uint8_t {
    /// Do it, then call `done`.
    fresh,
    /// It is being done; its answer will follow. (Also said when too much is being done already;
    /// the sender's next attempt finds it fresh.)
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
  /// It could not be done and may be tried again: the next one of its number is fresh.
  void failed(uint64_t parcel);

 private:
  void miss(uint64_t parcel);

  size_t memory_;
  uint64_t highest_ = 0;
  /// Numbers below highest_ that may still come: at most memory_, the highest ones.
  std::set<uint64_t> outstanding_;
  std::set<uint64_t> in_work_;
  std::map<uint64_t, std::string> answers_;
  /// The keys of answers_, the one that was done first in front.
  std::deque<uint64_t> done_order_;
};

}  // namespace stip
