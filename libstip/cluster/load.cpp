#include "libstip/cluster/load.hpp"
#include "libstip/catalog/scene_series.hpp"

#include <algorithm>

#include "libstip/catalog/scene_record.hpp"
#include "libstip/core/defaults.hpp"
#include "libstip/ring/ring.hpp"

namespace stip {

namespace {

struct scene_parts {
  std::vector<expected_chip> chips;
  size_t images = 0;
  /// Chips that are still to be cut.
  std::vector<bool> wanted;
  uint64_t images_known = 0;
};

chip_description describe(const scene_description& scene, const planned_chip& planned,
                          const cut_plan& plan, const load_request& request, const hash128& id) {
  const auto& subdataset = scene.subdatasets[planned.subdataset];
  chip_description chip;
  chip.key = {scene.platform, planned.geocode, std::string(raw_source), scene.tile,
              scene.timestamp};
  chip.subdataset = subdataset.id;
  chip.subdataset_index = static_cast<uint16_t>(planned.subdataset);
  chip.subdataset_count = static_cast<uint16_t>(scene.subdatasets.size());
  chip.quality = subdataset.quality;
  chip.scene = id;
  chip.type = subdataset.type;
  chip.bands = static_cast<uint16_t>(subdataset.bands.size());
  chip.mask_planes = mask_planes(subdataset.valid, subdataset.bands.size());
  chip.block_edge = plan.block_edge(planned.subdataset);
  chip.column = planned.column;
  chip.row = planned.row;
  chip.width = planned.width;
  chip.height = planned.height;
  chip.written = request.written;
  chip.token = ring_token(dht_key(planned.geocode, request.target.dht_key_length));
  return chip;
}

/// Fills in where every chip goes and which are there already.
result<scene_parts> place(const scene_description& scene, const cut_plan& plan,
                          const load_request& request, const load_services& services,
                          const hash128& id) {
  scene_parts out;
  const auto& planned = plan.chips();
  const auto run = services.unique();
  std::vector<image_key> keys;
  for (size_t i = 0; i < planned.size(); ++i) {
    expected_chip chip;
    chip.description = describe(scene, planned[i], plan, request, id);
    STIP_TRY(check(chip.description.key));
    chip.upload = {run, i};
    // Chips of one cell stand together: the plan is sorted by geocode.
    if (i == 0 || planned[i].geocode != planned[i - 1].geocode)
      keys.push_back(chip.description.key);
    chip.image = keys.size() - 1;
    out.chips.push_back(std::move(chip));
  }
  out.images = keys.size();
  STIP_ASSIGN(const auto targets, place_images(keys, id, services.targets, services.holds));
  // A chip goes to those of its nodes that do not have its image yet.
  for (auto& chip : out.chips) {
    chip.nodes = targets[chip.image];
    out.wanted.push_back(!chip.nodes.empty());
  }
  out.images_known = static_cast<uint64_t>(
      std::count_if(targets.begin(), targets.end(), [](const auto& t) { return t.empty(); }));
  return out;
}

}  // namespace

result<load_outcome> load_scene(const scene& source, const load_request& request,
                                const load_services& services) {
  const auto& scene = source.description();
  std::vector<source_tiling> tilings;
  for (size_t i = 0; i < scene.subdatasets.size(); ++i) tilings.push_back(source.tiling(i));
  cut_options options;
  options.algorithm = request.target.algorithm;
  options.precision = request.precision;
  options.threads = request.threads;
  options.memory_bytes = services.memory->total();
  // Windows of cells that cannot be kept need not be found.
  options.max_cells = services.memory->total() / defaults::bytes_per_planned_chip;
  STIP_ASSIGN(const auto plan, services.plans->plan(scene, tilings, options));

  // What is known of every chip until it is stored counts too: fine cells of many scenes at once
  // would else outgrow the bound.
  const auto total = services.memory->total();
  const auto chip_bytes = plan->chips().size() * defaults::bytes_per_planned_chip;
  if (plan->needed_bytes() + chip_bytes > total)
    return fail(ec::limit_exceeded, "store " + scene.input,
                std::to_string(plan->chips().size()) + " chips need " +
                    std::to_string((plan->needed_bytes() + chip_bytes) >> 20) +
                    " MiB, the bound is " + std::to_string(total >> 20) + " MiB",
                "store it with a shorter precision, or raise the memory limit");
  // A scene gets what one thread needs, and its share for the others.
  const auto fair = total / std::max<uint64_t>(defaults::scenes_in_memory, request.scenes_beside);
  STIP_ASSIGN(auto held, budget_share::acquire(*services.memory,
                                               std::max(plan->needed_bytes() + chip_bytes, fair),
                                               services.stopped));
  options.memory_bytes = held.amount() - chip_bytes;
  options.pool = services.buffers;

  scene_part record;
  record.json = encode(scene);
  record.id = scene_id(record.json);
  STIP_ASSIGN(auto parts, place(scene, *plan, request, services, record.id));
  load_outcome outcome;
  outcome.images_known = parts.images_known;
  if (std::find(parts.wanted.begin(), parts.wanted.end(), true) == parts.wanted.end())
    return outcome;

  auto wanted = parts.wanted;
  // An image that is known has no chips in the packer's count: it is neither sent nor awaited.
  chip_packer packer{std::move(parts.chips), parts.images, std::move(record), services.ship};
  auto summary = cut(source, *plan, options, wanted, packer, services.stopped);
  // What is under way is waited for in any case: its buffers and answers refer to this load.
  auto flushed = summary ? packer.flush() : result<void>{};
  // Its buffers are free; while it waits, other scenes are cut.
  held.shrink_to(chip_bytes);
  auto settled = services.settle();
  if (!summary) return fail(std::move(summary).error());
  STIP_TRY(flushed);
  STIP_TRY(settled);
  outcome.images_stored = packer.images_sent();
  outcome.cells_without_data = packer.images_empty();
  outcome.pixels = summary->pixels;
  outcome.pixels_without_cell = summary->pixels_without_cell;
  outcome.decoded_bytes = summary->decoded_bytes;
  return outcome;
}

}  // namespace stip
