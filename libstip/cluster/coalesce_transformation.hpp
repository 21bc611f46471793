#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "libstip/cluster/transformation.hpp"

namespace stip {

/// The source of images that coalesce makes.
inline constexpr std::string_view coalesced_source = "coalesced";

/// Makes images of one platform at the places and times of others: for each image that the task's
/// filter takes, those of the platform's raw images that lie in its cell and not more than a window
/// of time away, cut out of larger cells or put together out of smaller ones. Its inputs are the
/// images that the filter takes.
class coalesce_transformation final : public transformation {
 public:
  struct options {
    std::string platform;
    /// Seconds before and after.
    int64_t window = 0;
    /// Only the scene that is nearest in time of those with data there; of two the earlier one.
    bool nearest = false;
  };
  explicit coalesce_transformation(options o) : options_(std::move(o)) {}

  /// Images of the platform itself are none.
  std::string input_of(const image_row& image) const override;
  result<load_outcome> run(const image_key& input, const image_source& images,
                           const load_request& request,
                           const load_services& services) const override;

 private:
  /// Time and tile of a scene.
  using scene_key = std::pair<epoch_seconds, std::string>;

  /// The platform's images whose cells hold that of `input` or lie in it, by scene.
  result<std::map<scene_key, std::vector<image_row>>> find_scenes(const image_key& input,
                                                                  const image_source& images) const;

  const options options_;
};

}  // namespace stip
