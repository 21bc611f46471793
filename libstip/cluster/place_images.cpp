#include "libstip/cluster/place_images.hpp"

#include <algorithm>
#include <map>

#include "libstip/core/defaults.hpp"

namespace stip {

result<std::vector<std::vector<uint64_t>>> place_images(const std::vector<image_key>& keys,
                                                        const hash128& scene,
                                                        const find_targets& targets,
                                                        const ask_holds& holds) {
  std::vector<std::vector<uint64_t>> out;
  std::vector<size_t> holders(keys.size());
  std::map<uint64_t, std::vector<size_t>> images_of_node;
  for (size_t i = 0; i < keys.size(); ++i) {
    STIP_ASSIGN(auto nodes, targets(keys[i].geocode));
    for (const auto node : nodes) images_of_node[node].push_back(i);
    out.push_back(std::move(nodes));
  }
  for (const auto& [node, images] : images_of_node) {
    for (size_t begin = 0; begin < images.size(); begin += defaults::max_keys_per_question) {
      const auto end = std::min(images.size(), begin + defaults::max_keys_per_question);
      std::vector<image_key> asked;
      for (size_t i = begin; i < end; ++i) asked.push_back(keys[images[i]]);
      STIP_ASSIGN(const auto held, holds(node, asked, scene));
      for (size_t i = begin; i < end && i - begin < held.size(); ++i)
        holders[images[i]] += held[i - begin];
    }
  }
  for (size_t i = 0; i < keys.size(); ++i)
    if (holders[i] == out[i].size()) out[i].clear();
  return out;
}

}  // namespace stip
