#include "libstip/analysis/mosaic_request.hpp"

#include <array>
#include <cmath>

namespace stip {

namespace {
constexpr std::array<std::string_view, 5> names = {"first", "latest", "least-cloud", "median",
                                                   "mean"};
}  // namespace

std::string_view to_string(mosaic_pick pick) noexcept {
  return names[static_cast<size_t>(pick)];
}

result<mosaic_pick> parse_mosaic_pick(std::string_view name) {
  for (size_t i = 0; i < names.size(); ++i)
    if (names[i] == name) return static_cast<mosaic_pick>(i);
  return fail(ec::invalid_argument, "--pick " + std::string(name), "there is no such rule",
              "use first, latest, least-cloud, median or mean");
}

result<void> check(const mosaic_request& r) {
  const auto refuse = [](std::string what, std::string why) {
    return fail(ec::invalid_argument, std::move(what), std::move(why));
  };
  const auto& a = r.area;
  const bool inside = a.west >= -180 && a.west <= 180 && a.east >= -180 && a.east <= 180 &&
                      a.south >= -90 && a.north <= 90;
  if (!inside || !(a.south < a.north) || a.west == a.east)
    return refuse("the area of the picture", "it has no extent, or lies beyond the globe");
  if (r.blend < 0 || r.blend > max_mosaic_blend)
    return refuse("--blend " + std::to_string(r.blend),
                  "it is not a number of pixels up to " + std::to_string(max_mosaic_blend));
  if (r.blend > 0 && is_statistic(r.pick))
    return refuse("--blend with --pick " + std::string(to_string(r.pick)),
                  "a pixel comes from all images already");
  if (!(r.resolution >= 0) || !std::isfinite(r.resolution))
    return refuse("--res", "it is not a number above 0");
  if (r.bands.size() > max_mosaic_bands)
    return refuse("--bands", "there are more than " + std::to_string(max_mosaic_bands));
  if (r.expression && !r.bands.empty())
    return refuse("--expression with --bands", "the expression names its bands itself");
  return {};
}

}  // namespace stip
