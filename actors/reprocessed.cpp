#include "actors/reprocessed.hpp"

#include <caf/all.hpp>

#include "actors/question.hpp"
#include "libstip/catalog/rows.hpp"
#include "libstip/catalog/scene_record.hpp"

namespace stip {

namespace {

/// Products of one platform at one place within two hours: neighbours, and what was processed anew.
constexpr size_t most_tiles = 1000;

std::string what_for(const std::string& album) {
  return "look for other products of the scene in album " + album;
}

}  // namespace

reprocessed::reprocessed(caf::actor_system& system, query_actor query, albums_actor albums,
                         std::string album, std::function<bool()> stopped)
    : system_(system),
      query_(std::move(query)),
      albums_(std::move(albums)),
      album_(std::move(album)),
      stopped_(std::move(stopped)) {}

template <class T, class Whom, class... Ts>
result<T> reprocessed::ask(const Whom& whom, std::chrono::milliseconds deadline,
                           const Ts&... message) const {
  question<T> asked{system_, whom, deadline, what_for(album_), message...};
  return asked.wait(stopped_);
}

result<std::vector<image_row>> reprocessed::next_tile(const filter& match,
                                                      const std::string& after) const {
  find_request request;
  request.album = album_;
  request.match = match;
  request.order = sort_field::tile;
  request.limit = 1;
  request.has_after = !after.empty();
  // Behind all images of that tile: time comes next in the order.
  request.after.key.tile = after;
  request.after.key.timestamp = std::numeric_limits<epoch_seconds>::max();
  STIP_ASSIGN(const auto answer,
              ask<query_answer>(query_, defaults::query_deadline, atom::find_v, request));
  if (!answer.problems.empty())
    return fail(ec::unavailable, what_for(album_), answer.problems.front(),
                "store it again when all nodes are up");
  return decode_image_rows(answer.rows);
}

result<other_products> reprocessed::look_for(const scene_description& scene) const {
  other_products out;
  STIP_ASSIGN(const auto match, series_filter(scene));
  std::string after;
  for (size_t tiles = 0; tiles < most_tiles; ++tiles) {
    STIP_ASSIGN(const auto rows, next_tile(match, after));
    if (rows.empty()) return out;
    const auto& key = rows.front().key;
    after = key.tile;
    if (after == scene.tile) continue;
    const auto manifest = ask<image_manifest>(query_, defaults::query_deadline, atom::manifest_v,
                                              album_, to_string(key));
    // Deleted, or replaced, a moment ago.
    if (!manifest && manifest.error().code == ec::not_found) continue;
    if (!manifest) return fail(manifest.error());
    STIP_ASSIGN(const auto other, decode_scene(manifest->scene));
    const auto how = standing_of(scene, other);
    if (how == standing::newer) out.older.push_back(after);
    if (how == standing::older) out.newer = after;
  }
  return fail(ec::limit_exceeded, what_for(album_),
              "there are more than " + std::to_string(most_tiles) + " products beside it",
              "delete what is not wanted");
}

result<void> reprocessed::remove(const scene_description& scene,
                                 const std::vector<std::string>& tiles) const {
  for (const auto& tile : tiles) {
    filter match;
    match.platform = scene.platform;
    match.source = std::string(raw_source);
    match.tile = tile;
    STIP_TRY(
        ask<uint64_t>(albums_, defaults::erase_deadline, atom::erase_v, album_, match, version{}));
  }
  return {};
}

}  // namespace stip
