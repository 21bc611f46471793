#include "libstip/analysis/align_transformation.hpp"

#include <algorithm>

#include "libstip/analysis/derived_scene.hpp"
#include "libstip/catalog/scene_record.hpp"
#include "libstip/raster/align.hpp"

namespace stip {

namespace {
constexpr std::string_view source_prefix = "align-";
constexpr auto resampling_property = "resampling";
}  // namespace

std::string align_transformation::input_of(const image_row& image) const {
  const auto& source = image.key.source;
  const bool aligned = source.find(source_prefix) != std::string::npos;
  return !aligned && is_derived_of(image, match_) ? to_string(image.key) : std::string{};
}

result<load_outcome> align_transformation::run(const image_key& input, const image_source& images,
                                               const load_request& request,
                                               const load_services& services) const {
  STIP_ASSIGN(const auto image, images.details(input));
  STIP_ASSIGN(const auto cell, align_cell(request.target.algorithm, input.geocode, edge_));
  derived_image made;
  made.key = input;
  made.key.source =
      derived_source(input.source, std::string(source_prefix) + std::to_string(edge_));
  made.scene = image.scene;
  made.scene.properties[resampling_property] = to_string(kind_);
  for (auto& part : made.scene.subdatasets) part.grid = cell.of;
  made.scene.properties["aligned_from"] = input.source;
  const auto record = scene_id(encode(made.scene));
  STIP_ASSIGN(const auto held, is_held(made.key, record, services));
  load_outcome out;
  out.images_known = held;
  if (held) return out;
  const auto edge = static_cast<uint64_t>(edge_);
  uint64_t bytes = 0, largest = 0;
  for (size_t i = 0; i < image.own().size(); ++i) {
    const auto& chip = image.chips[i];
    bytes += edge * edge * (chip.bands * size_of(chip.type) + chip.mask_planes);
    largest = std::max(largest, part_bytes(image, i));
  }
  STIP_ASSIGN(const auto share,
              budget_share::acquire(*services.memory, bytes + largest, services.stopped));
  for (size_t i = 0; i < image.own().size(); ++i) {
    if (services.stopped()) return stopped_work("align image " + to_string(input));
    STIP_ASSIGN(const auto chip, images.read(image, i));
    out.decoded_bytes += part_bytes(image, i);
    STIP_ASSIGN(auto aligned, align_chip(chip.image, cell, kind_));
    made.chips.push_back(std::move(aligned));
  }
  STIP_ASSIGN(const auto stored, store_derived(made, request, services));
  out += stored;
  return out;
}

}  // namespace stip
