#pragma once

#include <caf/test/unit_test.hpp>
#include <memory>
#include <random>
#include <string>

#include "libstip/store/album_store.hpp"
#include "tests/support/libstip/fault_file_system.hpp"
#include "tests/support/libstip/sample_chips.hpp"
#include "tests/support/libstip/scratch_directory.hpp"

namespace stip::test {

/// What suites of a store begin with: an album in a directory of the test, of segments so small
/// that a few commits fill several, on a disk that can fail; and the twin of the store.
struct store_fixture {
  static constexpr uint64_t seed = 20200714;

  scratch_directory directory;
  std::mt19937_64 random{seed};
  fault_file_system files;
  store_twin twin;
  store_options options = small_segments();

  static store_options small_segments() {
    store_options o;
    o.min_segment_bytes = 8 << 10;
    o.max_segment_bytes = 32 << 10;
    return o;
  }

  /// Takes on every segment with something dead, in steps so small that there are many.
  static compaction_options eager_compaction() {
    compaction_options o;
    o.dead_share = 0.2;
    o.least_dead_bytes = 1;
    o.step_bytes = 4 << 10;
    o.step_chips = 5;
    o.publish_chips = 3;
    return o;
  }

  std::unique_ptr<album_store> open(const store_options& with) {
    auto opened = album_store::open(directory / "album", geocode_algorithm::geohash, with, files);
    if (!opened) CAF_FAIL(to_string(opened.error()));
    return std::move(*opened);
  }
  std::unique_ptr<album_store> open() { return open(options); }

  /// An image of one chip.
  sample_commit image(size_t key, int64_t t, uint64_t scene = 0) {
    return {{random_chip(random, sample_key(key), 0, 1, scene, sample_version(t))}, {}};
  }

  /// Stores, and tells the twin.
  void store_well(album_store& s, const sample_commit& commit) {
    const auto stored = store(s, commit);
    if (!stored) CAF_FAIL(to_string(stored.error()));
    twin.apply(commit);
  }

  /// Between a store and the twin; empty when there is none.
  std::string difference(const album_store& s) { return twin.difference(s).value_or(""); }
};

}  // namespace stip::test
