#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "libstip/store/album_store.hpp"

namespace stip::test {

/// A chip with its blocks' records; an empty record is a block without a valid pixel.
struct sample_chip {
  chip_description chip;
  std::vector<std::vector<std::byte>> records;
};

struct sample_commit {
  std::vector<sample_chip> chips;
  std::vector<put_tombstone> tombstones;
};

/// "u4pr", ... : one of a few geohashes.
std::string sample_geocode(size_t number);

/// The scene record that sample chips of scene `number` refer to.
put_scene sample_scene(uint64_t number);

image_key sample_key(size_t number);

/// The version of logical time `t`.
version sample_version(int64_t t);

/// Fills in shape, pixels and content at random: several bands and blocks, now and then an empty
/// block. What identifies the chip is the caller's.
sample_chip random_chip(std::mt19937_64& random, const image_key& key, uint16_t index,
                        uint16_t count, uint64_t scene, version written);

/// The mask of clouds of an image of scene `of`, of scene record `scene`, likewise.
sample_chip random_mask(std::mt19937_64& random, const image_key& key, uint64_t of, uint64_t scene,
                        version written);

/// Records back to back.
std::vector<std::byte> joined(const std::vector<std::vector<std::byte>>& records);

/// Appends the blocks of all chips and commits; scenes come with every request.
result<commit_outcome> store(album_store& to, const sample_commit& commit);

/// What a store should hold: the definition that it is tested against. It keeps every fact and
/// answers from all of them.
class store_twin {
 public:
  void apply(const sample_commit& commit);

  /// All facts of images of that cell were forgotten.
  void forget(const std::string& geocode);

  /// Chips of every visible image by key text and subdataset.
  std::map<std::string, std::vector<const sample_chip*>> images() const;

  /// The first difference between a store and this; nothing if there is none. Every block is read.
  std::optional<std::string> difference(const album_store& store) const;

 private:
  struct facts {
    image_key key;
    std::vector<sample_chip> chips;
    std::optional<version> tombstone;
  };
  static std::vector<const sample_chip*> image_of(const facts& f);
  /// The newest mask, if it is not older than the image that has the chips, and of it.
  static const sample_chip* mask_of(const facts& f, const std::vector<const sample_chip*>& image);
  std::map<std::string, facts> images_;
};

/// Commits of every kind, at random: images whole, in parts, replaced, stale, deleted; several at
/// once. The same seed gives the same commits.
class workload {
 public:
  explicit workload(uint64_t seed) : random_(seed) {}
  sample_commit next();

 private:
  std::mt19937_64 random_;
  int64_t time_ = 1;
  std::vector<sample_chip> postponed_;
};

}  // namespace stip::test
