#include "libstip/raster/cut_assembly.hpp"

#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "libstip/raster/chip_content.hpp"
#include "libstip/raster/plan_sweep.hpp"

namespace stip {

/// A block that is being filled: all planes of one square of the chip.
struct chip_assembly::open_block {
  pooled_buffer buffer;
  plane_view bands;
  plane_view masks;
  /// Only one window fills it, so that its bytes belong to that window's share of the bound.
  bool transient = false;
  bool wholly_on_scene = false;
  /// Pixels on the scene that have not been copied yet.
  std::atomic<uint64_t> missing{0};
};

struct chip_assembly::open_chip {
  block_layout layout;

  std::mutex valid_mutex;
  uint64_t valid_pixels = 0;
  outline_builder outline;

  void add(uint64_t valid, const outline_builder& around) {
    const std::lock_guard lock(valid_mutex);
    valid_pixels += valid;
    outline.add(around);
  }

  std::mutex blocks_mutex;
  std::unordered_map<int64_t, std::unique_ptr<open_block>> blocks;

  /// Held while the sink works on the chip.
  std::mutex sink_mutex;
  /// By number of the block, plane by plane.
  std::vector<uint64_t> contents;
  /// Blocks of a plane that have not been handed over; all that the scene does not reach count as
  /// one.
  uint64_t pending = 0;
};

chip_assembly::chip_assembly(const scene_plan& plan, const subdataset_plan& part,
                             const subdataset_description& description, buffer_pool& pool,
                             cut_sink& sink, observer& watcher)
    : plan_(plan),
      part_(part),
      rule_(description),
      pool_(pool),
      sink_(sink),
      watcher_(watcher),
      chips_(part.chips.size()),
      has_data_(part.chips.size()) {}

chip_assembly::~chip_assembly() = default;

result<void> chip_assembly::add(size_t ordinal, const window_pixels& window,
                                const valid_part& valid, assembly_scratch& scratch) {
  STIP_ASSIGN(open_chip* const chip, chip_at(ordinal));
  chip->add(valid.pixels, valid.outline);
  auto& pieces = scratch.pieces;
  pieces.clear();
  const block_layout layout = chip->layout;
  part_.extent.for_each_part(layout.window, [&](const pixel_rect& on_scene, int64_t shift) {
    const auto here = intersect(on_scene, window.bands.rect).moved(shift, 0);
    layout.for_each_block(here, [&](int64_t index) {
      pieces.push_back({index, intersect(layout.block(index), here), shift});
    });
  });
  // Over the seam a block can have two parts in one window: fill it at once, so that no more than
  // one transient block is open.
  if (part_.extent.period != 0)
    std::stable_sort(pieces.begin(), pieces.end(),
                     [](const auto& a, const auto& b) { return a.block < b.block; });
  for (const auto& piece : pieces) {
    STIP_ASSIGN(open_block* const block, block_at(*chip, piece.block));
    const auto moved = [&](plane_view view) {
      view.rect.column += piece.shift;
      return view;
    };
    copy_part(moved(window.bands), block->bands, piece.part, part_.bands);
    if (part_.cut_masks() > 0)
      copy_part(moved(window.masks), block->masks, piece.part, part_.cut_masks());
    // Publishes what this thread has copied, and sees what the others have. Whoever does not
    // bring the last pixel must not touch the block again.
    const uint64_t brought = piece.part.pixels();
    if (block->missing.fetch_sub(brought, std::memory_order_acq_rel) != brought) continue;
    STIP_TRY(close(ordinal, *chip, piece.block, scratch));
  }
  return {};
}

result<chip_assembly::open_chip*> chip_assembly::chip_at(size_t ordinal) {
  open_chip* chip = nullptr;
  bool unreached = false;
  {
    const std::lock_guard lock(stripe_[ordinal % stripes]);
    if (chips_[ordinal]) return chips_[ordinal].get();
    auto made = std::make_unique<open_chip>();
    made->layout = plan_.layout(part_, ordinal);
    const auto& layout = made->layout;
    made->contents.assign(static_cast<size_t>(layout.count()) * part_.planes(), 0);
    int64_t reached = 0;
    for (int64_t index = 0; index < layout.count(); ++index)
      if (part_.extent.pixels_on_scene(layout.block(index)) > 0) ++reached;
    unreached = reached < layout.count();
    made->pending = static_cast<uint64_t>(reached) + (unreached ? 1 : 0);
    chip = made.get();
    chips_[ordinal] = std::move(made);
  }
  // The chip cannot be finished by others before its unreached blocks have been handed over here.
  if (unreached) STIP_TRY(skip_unreached(ordinal, *chip));
  return chip;
}

result<void> chip_assembly::skip_unreached(size_t ordinal, open_chip& chip) {
  std::unique_lock lock(chip.sink_mutex);
  const auto blocks = chip.layout.count();
  for (int64_t index = 0; index < blocks; ++index) {
    if (part_.extent.pixels_on_scene(chip.layout.block(index)) > 0) continue;
    for (uint32_t plane = 0; plane < part_.planes(); ++plane)
      STIP_TRY(sink_.block({part_.chips[ordinal],
                            static_cast<uint32_t>(plane * static_cast<uint64_t>(blocks) +
                                                  static_cast<uint64_t>(index)),
                            {}}));
  }
  return settle(ordinal, chip, lock);
}

result<chip_assembly::open_block*> chip_assembly::block_at(open_chip& chip, int64_t index) {
  const std::lock_guard lock(chip.blocks_mutex);
  auto& slot = chip.blocks[index];
  if (slot) return slot.get();
  const auto rect = chip.layout.block(index);
  const auto span = span_of(part_, rect);
  auto made = std::make_unique<open_block>();
  made->buffer = pool_.try_acquire(rect.pixels() * part_.stack_bytes_per_pixel());
  if (!made->buffer)
    return fail(ec::limit_exceeded, "cut the scene", "the buffer pool has no room for a block",
                "give the pool as many bytes as all cuts that share it may hold");
  made->bands = {made->buffer.data(), rect, size_of(part_.type)};
  made->masks = {made->buffer.data() + part_.bands * made->bands.plane_bytes(), rect, 1};
  made->transient = span.first == span.last;
  made->wholly_on_scene = span.pixels == rect.pixels();
  made->missing = span.pixels;
  if (!made->wholly_on_scene) {
    for (size_t band = 0; band < part_.bands; ++band)
      rule_.fill(band,
                 {made->bands.data + band * made->bands.plane_bytes(), made->bands.plane_bytes()});
    std::memset(made->masks.data, 0, part_.cut_masks() * made->masks.plane_bytes());
  }
  slot = std::move(made);
  return slot.get();
}

result<void> chip_assembly::close(size_t ordinal, open_chip& chip, int64_t index,
                                  assembly_scratch& scratch) {
  std::unique_ptr<open_block> block;
  {
    const std::lock_guard lock(chip.blocks_mutex);
    auto node = chip.blocks.extract(index);
    block = std::move(node.mapped());
  }
  const auto rect = block->bands.rect;
  const size_t pixels = rect.pixels();
  const size_t band_bytes = block->bands.plane_bytes();
  const std::span<const std::byte> bands{block->bands.data, part_.bands * band_bytes};
  const std::span<const uint8_t> masks{reinterpret_cast<const uint8_t*>(block->masks.data),
                                       part_.cut_masks() * pixels};
  const auto rows = static_cast<uint16_t>(rect.height);
  const auto columns = static_cast<uint16_t>(rect.width);
  const auto blocks = static_cast<uint64_t>(chip.layout.count());
  auto all_masks = masks;
  if (part_.cut_masks() == 0 && rule_.masks() > 0) {
    scratch.mask.assign(pixels, 0);
    part_.extent.for_each_part(rect, [&](const pixel_rect& on_scene, int64_t shift) {
      set_part({reinterpret_cast<std::byte*>(scratch.mask.data()), rect, 1},
               on_scene.moved(shift, 0), std::byte{1});
    });
    all_masks = scratch.mask;
  }
  STIP_TRY(scratch.encoder.encode(
      rule_, rows, columns, bands, all_masks, [&](const encoded_plane& done) -> result<void> {
        watcher_.encoded_bytes += done.record.size();
        const uint64_t number = done.plane * blocks + static_cast<uint64_t>(index);
        const std::lock_guard lock(chip.sink_mutex);
        chip.contents[number] = done.content;
        return sink_.block({part_.chips[ordinal], static_cast<uint32_t>(number), done.record});
      }));
  const uint64_t taken = buffer_pool::class_bytes(block->buffer.size());
  const bool transient = block->transient;
  block.reset();
  if (!transient) watcher_.block_closed(taken);
  std::unique_lock lock(chip.sink_mutex);
  return settle(ordinal, chip, lock);
}

result<void> chip_assembly::settle(size_t ordinal, open_chip& chip,
                                   std::unique_lock<std::mutex>& lock) {
  if (--chip.pending > 0) return {};
  const auto& layout = chip.layout;
  finished_chip finished;
  finished.chip = part_.chips[ordinal];
  finished.cell_pixels = part_.cell_pixels[ordinal];
  finished.valid_pixels = chip.valid_pixels;
  if (finished.is_partial()) finished.outline = chip.outline.outline();
  finished.content = chip_content(part_.type, static_cast<uint32_t>(layout.window.width),
                                  static_cast<uint32_t>(layout.window.height), part_.planes(),
                                  part_.block_edge, chip.contents);
  has_data_[ordinal] = finished.valid_pixels > 0 ? 1 : 0;
  STIP_TRY(sink_.finish(finished));
  lock.unlock();
  const std::lock_guard stripe(stripe_[ordinal % stripes]);
  chips_[ordinal].reset();
  return {};
}

}  // namespace stip
