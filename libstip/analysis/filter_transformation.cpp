#include "libstip/analysis/filter_transformation.hpp"

#include "libstip/analysis/derived_scene.hpp"
#include "libstip/catalog/scene_record.hpp"

namespace stip {

namespace {

/// A chip, what becomes of it, and the planes of doubles that a band may take on the way.
constexpr uint64_t working_planes = 5;

uint64_t filter_bytes(const stored_image& image, const std::vector<size_t>& parts) {
  uint64_t bytes = 0, largest = 0;
  for (const auto i : parts) {
    const auto pixels = static_cast<uint64_t>(part_of(image, i).pixels());
    // What it becomes has at most four bytes a pixel where it has less.
    bytes += 2 * part_bytes(image, i) + pixels * image.chips[i].bands * sizeof(float);
    largest = std::max(largest, pixels);
  }
  return bytes + largest * working_planes * sizeof(double);
}

}  // namespace

std::string filter_transformation::input_of(const image_row& image) const {
  return is_derived_of(image, match_) ? to_string(image.key) : std::string{};
}

result<load_outcome> filter_transformation::run(const image_key& input, const image_source& images,
                                                const load_request& request,
                                                const load_services& services) const {
  const auto what = "filter " + to_string(input);
  STIP_ASSIGN(const auto image, images.details(input));
  const auto parts = filtered_subdatasets(image.scene);
  if (parts.empty())
    return fail(ec::unsupported, what, "it has quality bands alone",
                "filters are for what is measured");
  derived_image made;
  made.key = input;
  made.key.source = derived_source(input.source, filter_.name());
  made.scene = derived_scene(image, "filter", {{"filter", filter_.name()}});
  std::vector<filtered_part> described;
  for (const auto i : parts) {
    STIP_ASSIGN(auto part, describe_filtered(image.scene, i, filter_));
    made.scene.subdatasets.push_back(part.description);
    described.push_back(std::move(part));
  }
  STIP_ASSIGN(const auto held, is_held(made.key, scene_id(encode(made.scene)), services));
  load_outcome known;
  known.images_known = 1;
  if (held) return known;
  STIP_ASSIGN(const auto share, budget_share::acquire(*services.memory, filter_bytes(image, parts),
                                                      services.stopped));
  uint64_t bytes = 0;
  for (size_t k = 0; k < parts.size(); ++k) {
    if (services.stopped()) return stopped_work(what);
    const auto i = parts[k];
    STIP_ASSIGN(const auto chip, images.read(image, i));
    bytes += part_bytes(image, i);
    STIP_ASSIGN(auto filtered, filter_chip(chip.image, described[k], filter_));
    made.chips.push_back({chip.window, std::move(filtered)});
    made.whole.push_back({window_of(image.chips[i]), image.chips[i].cell_pixels});
  }
  STIP_ASSIGN(auto out, store_derived(made, request, services));
  out.decoded_bytes = bytes;
  return out;
}

}  // namespace stip
