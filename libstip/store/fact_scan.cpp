#include "libstip/store/fact_scan.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "libstip/core/defaults.hpp"

namespace stip {

namespace {

/// Platform and geocode: what keys of one run of geocodes begin with.
constexpr size_t run_bytes = sizeof(uint32_t) + sizeof(uint64_t);

/// The least key that is behind all that begin with `prefix`; empty if there is none.
std::string behind(std::string_view prefix) {
  std::string next(prefix);
  while (!next.empty() && static_cast<uint8_t>(next.back()) == UINT8_MAX) next.pop_back();
  if (!next.empty()) next.back() = static_cast<char>(static_cast<uint8_t>(next.back()) + 1);
  return next;
}

/// A table's cursor, and whether it stands on a key.
class walker {
 public:
  static result<walker> open(const transaction& txn, database db) {
    STIP_ASSIGN(auto at, cursor::open(txn, db));
    return walker{std::move(at)};
  }

  result<void> seek(std::string_view key) {
    STIP_ASSIGN(more_, at_.seek(key));
    return {};
  }
  result<void> next() {
    STIP_ASSIGN(more_, at_.next());
    return {};
  }
  bool more() const { return more_; }
  bool is_at(std::string_view prefix) const { return more_ && at_.key().starts_with(prefix); }
  std::string_view key() const { return at_.key(); }
  std::string_view value() const { return at_.value(); }

 private:
  explicit walker(cursor at) : at_(std::move(at)) {}
  cursor at_;
  bool more_ = false;
};

}  // namespace

result<void> fact_scan::look_up_slice(std::string_view prefix) {
  if (!run_.empty() && prefix.starts_with(run_)) return {};
  const auto geocode = unpack(algorithm_, read_prefix_numbers(prefix).geocode);
  slice_ = (*slices_)(geocode);
  run_ = prefix.substr(0, run_bytes);
  if (slice_ && *slice_ >= ring_slices)
    return fail(ec::internal, "look at the facts of " + geocode,
                "there is no slice " + std::to_string(*slice_) + " of the ring");
  return {};
}

result<void> fact_scan::step(const lost_keys& lost, size_t most_facts, const take& give) {
  if (done_) return {};
  return env_->read([&](const transaction& txn) -> result<void> {
    const std::string_view first = position_.empty() ? std::string_view{"\0", 1} : position_;
    STIP_ASSIGN(auto chips, walker::open(txn, table::chips));
    STIP_ASSIGN(auto pending, walker::open(txn, table::pending));
    STIP_ASSIGN(auto tombstones, walker::open(txn, table::tombstones));
    const std::array tables{&chips, &pending, &tombstones};
    for (auto* t : tables) STIP_TRY(t->seek(first));
    stored_names names{txn};
    size_t given = 0;
    for (size_t images = 0; images < defaults::fact_step_images && given < most_facts; ++images) {
      const walker* least = nullptr;
      for (const auto* t : tables)
        if (t->more() && (!least || t->key() < least->key())) least = t;
      if (!least) {
        done_ = true;
        return {};
      }
      const std::string prefix(least->key().substr(0, image_prefix_bytes));
      if (prefix.size() < image_prefix_bytes)
        return fail(ec::corrupt, "read the key of an image", "it is cut off",
                    "repair the album from another node, or load it again");
      STIP_TRY(look_up_slice(prefix));
      if (!slice_) {
        position_ = behind(run_);
        for (auto* t : tables)
          if (t->is_at(run_)) STIP_TRY(t->seek(position_));
      } else {
        STIP_ASSIGN(const auto key, read_prefix(names, algorithm_, prefix));
        for (auto* t : {&chips, &pending})
          for (; t->is_at(prefix);) {
            if (!lost.contains(t->key())) {
              STIP_ASSIGN(auto chip, decode_chip_without_places(key, t->key(), t->value(), names));
              give(*slice_, replica_fact::of(std::move(chip)));
              ++given;
            }
            STIP_TRY(t->next());
          }
        if (tombstones.is_at(prefix)) {
          STIP_ASSIGN(const auto when, decode_version(tombstones.value()));
          give(*slice_, replica_fact::of(put_tombstone{key, when}));
          ++given;
          STIP_TRY(tombstones.next());
        }
        position_ = behind(prefix);
      }
      if (position_.empty()) {
        done_ = true;
        return {};
      }
    }
    return {};
  });
}

}  // namespace stip
