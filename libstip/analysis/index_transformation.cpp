#include "libstip/analysis/index_transformation.hpp"

#include "libstip/analysis/derived_scene.hpp"
#include "libstip/catalog/scene_record.hpp"

namespace stip {

namespace {

std::string names_of(const scene_description& scene, const std::vector<band_place>& places) {
  std::string out;
  for (const auto& place : places) out += (out.empty() ? "" : ", ") + band_at(scene, place).name;
  return out;
}

}  // namespace

std::string index_transformation::input_of(const image_row& image) const {
  return is_derived_of(image, match_) ? to_string(image.key) : std::string{};
}

result<scene_description> index_transformation::describe(const stored_image& image) const {
  STIP_ASSIGN(const auto places, resolve_bands(image.scene, work_.index.math.bands()));
  std::vector<size_t> used;
  for (const auto& place : places) used.push_back(place.subdataset);
  STIP_ASSIGN(const auto finest, finest_grid(image.scene, used));
  auto out = derived_scene(image, "index",
                           {{"expression", work_.index.expression},
                            {"expression_bands", names_of(image.scene, places)},
                            {"clouds", clouds_of_index(image, work_)}});
  auto part = describe_index(work_.index, type_, image.scene.subdatasets[finest].grid);
  part.id = part.bands.front().name = name_;
  out.subdatasets.push_back(std::move(part));
  return out;
}

result<load_outcome> index_transformation::run(const image_key& input, const image_source& images,
                                               const load_request& request,
                                               const load_services& services) const {
  STIP_ASSIGN(const auto image, images.details(input));
  derived_image made;
  made.key = input;
  made.key.source = derived_source(input.source, name_);
  STIP_ASSIGN(made.scene, describe(image));
  STIP_ASSIGN(const auto held, is_held(made.key, scene_id(encode(made.scene)), services));
  load_outcome known;
  known.images_known = 1;
  if (held) return known;
  STIP_ASSIGN(const auto share,
              budget_share::acquire(*services.memory, index_bytes(image, work_), services.stopped));
  STIP_ASSIGN(const auto found,
              compute_index_of(image, work_, request.target.algorithm, images.read));
  if (services.stopped()) return stopped_work("compute " + name_ + " of " + to_string(input));
  const auto& part = made.scene.subdatasets.front();
  auto& chip = made.chips.emplace_back();
  chip.window = found.window;
  chip.image.description = part;
  chip.image.description.grid = window_grid(part.grid, found.window.column, found.window.row,
                                            found.window.width, found.window.height);
  chip.image.pixels = encode_index(type_, found.plane.values);
  const auto& like = image.chips[found.plane.subdataset];
  made.whole.push_back({window_of(like), like.cell_pixels});
  STIP_ASSIGN(auto out, store_derived(made, request, services));
  out.decoded_bytes = found.bytes;
  return out;
}

}  // namespace stip
