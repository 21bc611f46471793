#include "actors/index_answers.hpp"

#include <span>

#include "libstip/analysis/index_statistics.hpp"
#include "libstip/catalog/scene_record.hpp"
#include "libstip/raster/block.hpp"

namespace stip {

namespace {

using planes = std::set<std::pair<size_t, size_t>>;

/// An image of this node, and where its blocks lie.
struct held_image {
  stored_image image;
  std::vector<chip_record> records;
};

result<held_image> find_image(const album_view& view, const image_key& key) {
  held_image out;
  STIP_ASSIGN(out.records, view.store->chips(key));
  for (const auto& record : out.records) out.image.chips.push_back(record.chip);
  STIP_ASSIGN(const auto scene, view.store->scene(out.image.chips.front().scene));
  STIP_ASSIGN(out.image.scene, decode_scene(scene));
  if (const auto* mask = out.image.mask()) {
    STIP_ASSIGN(const auto of_mask, view.store->scene(mask->scene));
    STIP_ASSIGN(auto described, decode_scene(of_mask));
    out.image.mask_scene = std::move(described);
  }
  for (size_t i = 0; i < out.image.chips.size(); ++i) {
    const auto& chip = out.image.chips[i];
    const bool known = chip.clouds
                           ? !out.image.mask_scene->subdatasets.empty()
                           : chip.subdataset_index == i && i < out.image.scene.subdatasets.size();
    if (!known || chip.bands != out.image.subdataset(i).bands.size())
      return fail(ec::corrupt, "read image " + to_string(key), "chips and scene disagree",
                  "repair the node (stip node repair)");
  }
  return out;
}

/// The wanted planes of a chip, with all of its masks; the others hold no data.
result<placed_chip> read_planes(const album_view& view, const held_image& of, size_t chip,
                                const planes& wanted) {
  const auto& d = of.image.chips[chip];
  const auto part = part_of(of.image, chip);
  const chip_window window{d.column, d.row, d.width, d.height, d.block_edge};
  STIP_ASSIGN(auto assembler, chip_assembler::make_part(of.image.subdataset(chip), window, part));
  const std::span blocks{of.records[chip].blocks};
  const size_t count = size_t{d.bands} + d.mask_planes;
  const size_t each = blocks.size() / count;
  std::vector<std::byte> bytes;
  for (size_t plane = 0; plane < count; ++plane) {
    if (plane < d.bands && !wanted.contains({chip, plane})) continue;
    std::vector<block_location> there;
    std::vector<size_t> numbers;
    for (size_t i = plane * each; i < (plane + 1) * each; ++i) {
      if (blocks[i].bytes == 0) continue;
      there.push_back(blocks[i]);
      numbers.push_back(i);
    }
    bytes.clear();
    STIP_TRY(view.store->read(there, bytes));
    auto rest = std::span<const std::byte>(bytes);
    for (const auto number : numbers) {
      STIP_ASSIGN(const auto header, parse_block(rest));
      STIP_TRY(assembler.place(number, rest));
      rest = rest.subspan(record_bytes(header));
    }
  }
  return placed_chip{part, std::move(assembler).finish()};
}

result<index_statistics> measure(const album_view& view, const image_key& key,
                                 const index_work& work) {
  STIP_ASSIGN(const auto held, find_image(view, key));
  // Whoever asks takes "not found" for a node that has not the image.
  if (const auto bands = resolve_bands(held.image.scene, work.index.math.bands()); !bands) {
    auto why = bands.error();
    why.code = ec::unsupported;
    return fail(std::move(why));
  }
  const auto wanted = planes_of_index(held.image, work);
  const auto& time = *view.context->time;
  const auto until = time.steady_ms() + measure_patience.count();
  const auto share =
      budget_share::acquire(*view.context->load_memory, index_bytes(held.image, work),
                            [&] { return time.steady_ms() >= until; });
  if (!share)
    return fail(ec::limit_exceeded, "compute an index of " + to_string(key),
                "loads take all the memory there is for pixels", "try again later");
  return measure_index_of(
      held.image, work, view.definition.algorithm,
      [&](const stored_image&, size_t chip) { return read_planes(view, held, chip, wanted); });
}

}  // namespace

result<measured_index> measure_here(const album_view& view, const measure_request& request) {
  STIP_ASSIGN(const auto key, parse_image_key(request.key));
  STIP_ASSIGN(auto index, define_index(request.expression));
  const index_work work{std::move(index), request.keep_clouds};
  // A compaction may move the blocks, or the file go, between looking up and reading.
  for (int attempt = 1;; ++attempt) {
    const auto found = measure(view, key, work);
    if (found) return measured_index{encode(*found), node_name(view.context->self.id)};
    if (found.error().code != ec::not_found || attempt == defaults::read_attempts)
      return fail(found.error());
  }
}

}  // namespace stip
