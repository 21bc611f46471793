#include <cstdlib>

#include "libstip/catalog/scene_record.hpp"
#include "tests/fuzz/fuzz_target.hpp"

/// The description of a scene as it travels between nodes.
FUZZ_TARGET(scene_record) {
  const auto scene = stip::decode_scene(input);
  if (!scene) return;
  // What can be read is written and read again without a change.
  const auto text = stip::encode(*scene);
  const auto again = stip::decode_scene(text);
  if (!again || stip::encode(*again) != text) std::abort();
}
