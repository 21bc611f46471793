#pragma once

#include <map>
#include <string>
#include <vector>

#include "libstip/store/image_state.hpp"
#include "libstip/store/replica_store.hpp"

namespace stip::sim {

/// What a node of the simulator has of an album on its disk: the facts by the rules of the real
/// store (image_state), and the bytes of the chips. Everything that is in here is durable; what is
/// on its way waits outside (storage_part).
class stored_album final : public replica_store {
 public:
  struct image {
    image_key key;
    image_state state;
    /// Sum of the digests of its facts, and their number.
    uint64_t digest = 0;
    size_t facts = 0;
  };
  /// By their keys as texts.
  using images = std::map<std::string, image>;

  result<std::vector<uint64_t>> digests(const slice_of& slices) const override;
  result<fact_page> facts(const slice_of& slices, const std::string& from,
                          size_t limit) const override;
  result<std::vector<bool>> lacks(std::span<const replica_fact> facts) const override;
  result<chip_record> chip(const chip_description& chip) const override;
  result<void> read(std::span<const block_location> locations,
                    std::vector<std::byte>& out) const override;
  result<std::string> scene(const hash128& id) const override;

  /// Takes a chip of one block in.
  put_outcome put(const chip_description& chip, const std::string& bytes);
  void hide(const put_tombstone& tombstone);
  void add_scene(const hash128& id, const std::string& json) { scenes_.emplace(id, json); }
  /// As album_store::forget; how many are gone.
  size_t forget(const std::vector<replica_fact>& facts);
  /// Removes an image with its tombstone, against all rules.
  void remove(const image_key& key);
  /// Removes all images in cells that `wrong` holds for.
  void remove_cells(const std::function<bool(const std::string& geocode)>& wrong);
  /// Removes tombstones from before this moment.
  void drop_tombstones(int64_t before_ms);

  /// Null: nothing is known of it.
  const image* find(const image_key& key) const;
  /// By geocode.
  const std::map<std::string, images>& cells() const { return cells_; }
  /// The bytes of a chip that is here.
  const std::string& bytes(const chip_record& chip) const;
  /// The newest version here.
  version newest() const;

 private:
  image& at(const image_key& key);
  void changed(image& i);
  static std::vector<replica_fact> facts_of(const image& i);

  std::map<std::string, images> cells_;
  std::map<uint64_t, std::string> blocks_;
  uint64_t last_block_ = 0;
  std::map<hash128, std::string> scenes_;
};

}  // namespace stip::sim
