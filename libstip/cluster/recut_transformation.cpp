#include "libstip/cluster/recut_transformation.hpp"

#include <algorithm>
#include <utility>

#include "libstip/cluster/recut_images.hpp"

namespace stip {

result<std::vector<stored_image>> newest_scene(std::vector<image_row> rows,
                                               const image_source& images) {
  if (rows.empty()) return std::vector<stored_image>{};
  const auto scene_of = [](const image_row& row) { return row.subdatasets.front().scene; };
  const auto newest =
      scene_of(*std::max_element(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
        return a.written < b.written;
      }));
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
    return std::pair(a.key.geocode, a.key.source) < std::pair(b.key.geocode, b.key.source);
  });
  std::vector<stored_image> out;
  for (const auto& row : rows) {
    if (scene_of(row) != newest) continue;
    STIP_ASSIGN(auto image, images.details(row.key));
    out.push_back(std::move(image));
  }
  return out;
}

std::string split_transformation::input_of(const image_row& image) const {
  const auto& geocode = image.key.geocode;
  const bool meets = geocode.starts_with(bound_) || bound_.starts_with(geocode);
  return geocode.size() < precision_ && meets ? to_string(image.key) : std::string{};
}

result<load_outcome> split_transformation::run(const image_key& input, const image_source& images,
                                               const load_request& request,
                                               const load_services& services) const {
  STIP_ASSIGN(const auto image, images.details(input));
  return split_image(image, bound_, request, services, images.read);
}

std::string merge_transformation::input_of(const image_row& image) const {
  if (image.key.geocode.size() <= precision_) return {};
  auto made = image.key;
  made.geocode.resize(precision_);
  made.source = merged_source;
  return to_string(made);
}

result<load_outcome> merge_transformation::run(const image_key& input, const image_source& images,
                                               const load_request& request,
                                               const load_services& services) const {
  STIP_ASSIGN(const auto parts, parts_of(input, images));
  return merge_images(input.geocode, parts, merged_source, request, services, images.read);
}

result<std::vector<stored_image>> merge_transformation::parts_of(const image_key& input,
                                                                 const image_source& images) const {
  filter match;
  match.platform = input.platform;
  match.source = source_;
  match.geocode = input.geocode;
  match.recurse = true;
  match.tile = input.tile;
  match.start = match.end = input.timestamp;
  const auto wanted = to_string(input);
  std::vector<image_row> rows;
  STIP_TRY(images.list(match, [&](image_row row) -> result<void> {
    if (input_of(row) == wanted && !row.subdatasets.empty()) rows.push_back(std::move(row));
    return {};
  }));
  return newest_scene(std::move(rows), images);
}

}  // namespace stip
