#include "apps/stip/mosaic_images.hpp"

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <set>

#include "apps/stip/human.hpp"
#include "apps/stip/terminal.hpp"
#include "libstip/core/defaults.hpp"
#include "libstip/core/parallel.hpp"

namespace stip::cli {

namespace {

/// Scenes of one picture at most.
constexpr size_t max_mosaic_scenes = 100'000;

/// Gives all rows that match to `take`, page by page.
result<void> each_page(const client& node, find_request request, std::vector<std::string>& problems,
                       const std::function<result<void>(const std::vector<image_row>&)>& take) {
  for (;;) {
    if (interrupted()) return fail(ec::stopped, "paint a picture", "it was stopped");
    STIP_ASSIGN(const auto page, node.find(request));
    problems.insert(problems.end(), page.problems.begin(), page.problems.end());
    STIP_TRY(take(page.rows));
    if (!page.more) return {};
    request.after = page.rows.back().facts();
    request.has_after = true;
  }
}

/// What tells scenes apart without looking at their records.
std::string scene_name(const image_row& row) {
  return row.key.platform + '\n' + row.key.tile + '\n' + std::to_string(row.key.timestamp) + '\n' +
         row.key.source + '\n' +
         (row.subdatasets.empty() ? "" : to_string(row.subdatasets.front().scene));
}

/// One image of each scene that matches.
result<std::vector<image_key>> one_of_each(const client& node, const find_request& request,
                                           std::vector<std::string>& problems) {
  std::map<std::string, image_key> found;
  STIP_TRY(each_page(node, request, problems, [&](const auto& rows) -> result<void> {
    for (const auto& row : rows) {
      const auto [at, added] = found.try_emplace(scene_name(row), row.key);
      if (!added && before_in_mosaic(row.key, at->second)) at->second = row.key;
    }
    if (found.size() > max_mosaic_scenes)
      return fail(ec::limit_exceeded, "plan a picture",
                  "more than " + std::to_string(max_mosaic_scenes) + " scenes match",
                  "narrow it down by time, platform or cloud coverage");
    return {};
  }));
  std::vector<image_key> out;
  for (auto& [name, key] : found) out.push_back(std::move(key));
  std::sort(out.begin(), out.end(), before_in_mosaic);
  return out;
}

/// Calls `each` for all of the numbers below `count`, several at a time; the first error.
result<void> side_by_side(size_t count, const std::function<result<void>(size_t)>& each) {
  std::atomic<size_t> next{0};
  std::mutex mutex;
  result<void> outcome;
  const auto work = [&](size_t) {
    for (size_t i = next++; i < count; i = next++) {
      auto done = interrupted()
                      ? result<void>(fail(ec::stopped, "paint a picture", "it was stopped"))
                      : each(i);
      if (done) continue;
      const std::lock_guard lock{mutex};
      if (outcome) outcome = std::move(done);
      next = count;
    }
  };
  in_parallel(std::min(defaults::chips_in_flight, count), work);
  return outcome;
}

/// The grid of the picture, by the scenes of the area.
result<grid> grid_of(const client& node, const std::string& album, const mosaic_request& request,
                     const std::vector<image_key>& keys) {
  std::vector<mosaic_candidate> all(keys.size());
  STIP_TRY(side_by_side(keys.size(), [&](size_t i) -> result<void> {
    STIP_ASSIGN(auto known, node.details(album, keys[i]));
    all[i] = {keys[i], std::make_shared<const scene_description>(std::move(known.scene))};
    return {};
  }));
  std::vector<mosaic_candidate> usable;
  std::vector<std::vector<band_place>> bands;
  result<void> refused;
  for (auto& one : all) {
    auto found = mosaic_bands(*one.scene, request);
    if (found && !usable.empty())
      if (auto fits =
              check_combines(request, *usable.front().scene, bands.front(), *one.scene, *found);
          !fits)
        found = fail(std::move(fits).error());
    if (found) {
      usable.push_back(std::move(one));
      bands.push_back(std::move(*found));
    } else if (refused) {
      refused = fail(std::move(found).error());
    }
  }
  if (usable.empty() && !refused) return fail(std::move(refused).error());
  return mosaic_grid(request, usable, bands);
}

}  // namespace

result<planned_mosaic> plan_mosaic(const client& node, const std::string& album,
                                   const filter& match, const mosaic_request& request,
                                   double max_pixels) {
  STIP_TRY(check(request));
  planned_mosaic out;
  find_request find;
  find.album = album;
  find.match = match;
  find.match.bbox = request.area;
  STIP_ASSIGN(const auto keys, one_of_each(node, find, out.problems));
  if (keys.empty())
    return fail(ec::not_found, "paint a picture of album " + album, "no image matches in that area",
                "see `stip image search " + album + "`");
  STIP_ASSIGN(const auto picture, grid_of(node, album, request, keys));
  const double pixels = static_cast<double>(picture.width) * static_cast<double>(picture.height);
  if (pixels > max_pixels)
    return fail(ec::limit_exceeded, "paint a picture of album " + album,
                "it would have " + std::to_string(picture.width) + " x " +
                    std::to_string(picture.height) + " pixels",
                "choose a larger --res or a smaller area, or raise --limit-pixels");
  // The picture is a rectangle of its own system, and may reach further than the area.
  STIP_ASSIGN(find.match.bbox, mosaic_box(picture, request.area));
  mosaic_planner planner{request, picture};
  std::mutex mutex;
  std::set<std::string> problems(out.problems.begin(), out.problems.end());
  out.problems.clear();
  STIP_TRY(each_page(node, find, out.problems, [&](const auto& rows) {
    return side_by_side(rows.size(), [&](size_t i) -> result<void> {
      STIP_ASSIGN(const auto known, node.details(album, rows[i].key));
      const std::lock_guard lock{mutex};
      return planner.add(known, rows[i].cloud_coverage, known.bytes);
    });
  }));
  problems.insert(out.problems.begin(), out.problems.end());
  out.problems.assign(problems.begin(), problems.end());
  STIP_ASSIGN(out.plan, std::move(planner).finish());
  return out;
}

}  // namespace stip::cli
