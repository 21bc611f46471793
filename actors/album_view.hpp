#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include "actors/context.hpp"
#include "libstip/catalog/index.hpp"
#include "libstip/cluster/search_rules.hpp"
#include "libstip/store/album_store.hpp"

namespace stip {

/// What a node says of its copies with the rows that it shows (search_rules.hpp). Shared by
/// threads.
class copies_note {
 public:
  /// Before a deletion, or an image that belongs to others, comes.
  void took() {
    const std::lock_guard guard{mutex_};
    settling_.took();
  }
  uint64_t round_began() const {
    const std::lock_guard guard{mutex_};
    return settling_.round_began();
  }
  void whole_round_ended(uint64_t seen, uint64_t ring_version) {
    const std::lock_guard guard{mutex_};
    settling_.whole_round_ended(seen, ring_version);
  }
  bool is_settled(uint64_t ring_version) const {
    const std::lock_guard guard{mutex_};
    return settling_.is_settled(ring_version);
  }
  /// Before and after images that others have now go from here.
  void dropped(int64_t now_ms) { dropped_ms_ = now_ms; }
  int64_t dropped_ms_ago(int64_t now_ms) const {
    const int64_t last = dropped_ms_;
    return last == never ? INT64_MAX : now_ms - last;
  }

 private:
  static constexpr int64_t never = INT64_MIN;
  mutable std::mutex mutex_;
  settling settling_;
  std::atomic<int64_t> dropped_ms_{never};
};

/// What readers see of an album on this node: its store, and the latest snapshot of its index. The
/// storage actor replaces the snapshot after each commit; whoever reads takes a copy and never
/// waits for the writer. Shared by threads.
struct album_view {
  album_view(context_ptr c, album a, std::unique_ptr<album_store> s, image_index i)
      : context(std::move(c)),
        definition(std::move(a)),
        store(std::move(s)),
        index_(std::move(i)) {}

  ~album_view() {
    store.reset();
    if (!remove_files) return;
    if (auto removed = context->directory->remove_album(definition.uid); !removed)
      context->log->error("{}", to_string(removed.error()));
  }

  image_index index() const {
    const std::lock_guard guard{mutex_};
    return index_;
  }
  void set_index(image_index next) {
    const std::lock_guard guard{mutex_};
    // What this replaces is given back by the caller's `next`, after the lock.
    std::swap(index_, next);
  }

  /// First, so that it goes last: while somebody can see it, the store's files are open.
  const std::shared_ptr<void> files_are_open = std::make_shared<int>(0);
  const context_ptr context;
  const album definition;
  std::unique_ptr<album_store> store;
  copies_note copies;
  /// Queries are refused; the index is empty.
  std::atomic<bool> closed{false};
  /// The album was deleted: its files go when the last reader has left.
  std::atomic<bool> remove_files{false};
  /// A compaction or scrub is under way; a round of repair is.
  std::atomic<bool> in_maintenance{false};
  std::atomic<bool> in_repair{false};

 private:
  mutable std::mutex mutex_;
  image_index index_;
};

/// The index of everything that a store holds. Blocks.
result<image_index> build_index(const album_store& store);

/// What its store holds; damaged chips are for the storage actor to tell.
storage_status status_of(const album_view& view);

/// Opens the store and builds its index (none for a closed album). Blocks.
result<album_view_ptr> open_album_view(const context_ptr& context, const album& definition);

}  // namespace stip
