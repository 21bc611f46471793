#include "libstip/cluster/coalesce_transformation.hpp"

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "libstip/catalog/scene_series.hpp"
#include "libstip/cluster/recut_images.hpp"
#include "libstip/cluster/recut_transformation.hpp"

namespace stip {

namespace {

/// Without leaving the numbers.
epoch_seconds moved(epoch_seconds time, int64_t by) {
  epoch_seconds out = 0;
  if (!__builtin_add_overflow(time, by, &out)) return out;
  return by < 0 ? std::numeric_limits<epoch_seconds>::min()
                : std::numeric_limits<epoch_seconds>::max();
}

/// Of a scene's images those that are enough for the cell: the smallest one that holds it, else all
/// that lie in it.
std::vector<image_row> enough_for(const std::string& geocode, std::vector<image_row> rows) {
  const image_row* holds = nullptr;
  for (const auto& row : rows)
    if (row.key.geocode.size() <= geocode.size() &&
        (!holds || row.key.geocode.size() > holds->key.geocode.size()))
      holds = &row;
  return holds ? std::vector<image_row>{*holds} : std::move(rows);
}

}  // namespace

std::string coalesce_transformation::input_of(const image_row& image) const {
  return image.key.platform == options_.platform ? std::string{} : to_string(image.key);
}

result<std::map<coalesce_transformation::scene_key, std::vector<image_row>>>
coalesce_transformation::find_scenes(const image_key& input, const image_source& images) const {
  std::map<scene_key, std::vector<image_row>> out;
  filter match;
  match.platform = options_.platform;
  match.source = std::string(raw_source);
  match.start = moved(input.timestamp, -options_.window);
  match.end = moved(input.timestamp, options_.window);
  const auto take = [&](image_row row) -> result<void> {
    if (!row.subdatasets.empty()) out[{row.key.timestamp, row.key.tile}].push_back(std::move(row));
    return {};
  };
  for (size_t length = 1; length < input.geocode.size(); ++length) {
    match.geocode = input.geocode.substr(0, length);
    STIP_TRY(images.list(match, take));
  }
  match.geocode = input.geocode;
  match.recurse = true;
  STIP_TRY(images.list(match, take));
  return out;
}

result<load_outcome> coalesce_transformation::run(const image_key& input,
                                                  const image_source& images,
                                                  const load_request& request,
                                                  const load_services& services) const {
  STIP_ASSIGN(auto scenes, find_scenes(input, images));
  std::vector<scene_key> order;
  for (const auto& [key, rows] : scenes) order.push_back(key);
  // They are sorted by time: of two that are as near the first is the earlier one.
  if (options_.nearest)
    std::ranges::stable_sort(
        order, {}, [&](const scene_key& key) { return std::abs(key.first - input.timestamp); });
  load_outcome sum;
  for (const auto& key : order) {
    if (services.stopped()) return stopped_work("coalesce at " + to_string(input));
    STIP_ASSIGN(const auto parts,
                newest_scene(enough_for(input.geocode, std::move(scenes[key])), images));
    STIP_ASSIGN(const auto one, merge_images(input.geocode, parts, coalesced_source, request,
                                             services, images.read));
    sum += one;
    // A larger cell's image may have nothing in this one; the next one is the nearest then.
    if (options_.nearest && one.images_stored + one.images_known > 0) break;
  }
  return sum;
}

}  // namespace stip
