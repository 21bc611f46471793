#include "libstip/raster/plan.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <set>
#include <string>

#include "libstip/core/buffer_pool.hpp"
#include "libstip/core/defaults.hpp"
#include "libstip/core/parallel.hpp"
#include "libstip/raster/block.hpp"
#include "libstip/raster/chip_windows.hpp"
#include "libstip/raster/plan_cells.hpp"
#include "libstip/raster/plan_sweep.hpp"

namespace stip {

namespace {

std::string mebibytes(uint64_t bytes) {
  return std::to_string((bytes + (uint64_t{1} << 20) - 1) >> 20) + " MiB";
}

error in_subdataset(error err, const subdataset_description& description) {
  err.what = "plan the cut of subdataset '" + description.id + "'" +
             (err.what == "plan the cut" ? "" : ": " + err.what);
  return err;
}

}  // namespace

/// Makes a scene_plan step by step.
class plan_builder {
 public:
  plan_builder(const scene_description& description, const std::vector<source_tiling>& tilings,
               const cut_options& options, const cell_grid& cells)
      : description_(description), tilings_(tilings), options_(options), cells_(cells) {}

  result<std::unique_ptr<cut_plan>> build() {
    plan_->algorithm_ = options_.algorithm;
    plan_->precision_ = options_.precision;
    const auto& subdatasets = description_.subdatasets;
    for (const auto& one : subdatasets)
      if (auto checked = check(one); !checked)
        return fail(in_subdataset(std::move(checked).error(), one));
    for (size_t i = 0; i < subdatasets.size(); ++i)
      if (auto checked = check_source(i); !checked)
        return fail(in_subdataset(std::move(checked).error(), subdatasets[i]));
    for (const auto& one : subdatasets) grids_.push_back(one.grid);
    nesting_ = nest_grids(grids_);
    for (size_t i = 0; i < subdatasets.size(); ++i)
      if (auto found = find_chips(i); !found)
        return fail(in_subdataset(std::move(found).error(), subdatasets[i]));
    number_chips();
    for (size_t i = 0; i < subdatasets.size(); ++i)
      if (auto fitted = fit_to_memory(i); !fitted)
        return fail(in_subdataset(std::move(fitted).error(), subdatasets[i]));
    plan_->needed_bytes_ = peak_ + plan_->thread_bytes_;
    keep_tables();
    return std::unique_ptr<cut_plan>(std::move(plan_));
  }

 private:
  struct found_chips {
    std::vector<uint64_t> codes;
    std::vector<uint64_t> cell_pixels;
    std::vector<pixel_window> windows;
    std::shared_ptr<const chip_table> table;
    uint64_t pixels_without_cell = 0;
    std::optional<int64_t> period;
  };

  static result<void> check(const subdataset_description& one) {
    STIP_TRY(check_grid(one.grid));
    if (one.bands.empty() || one.bands.size() > defaults::max_bands)
      return fail(ec::unsupported, "plan the cut",
                  "it has " + std::to_string(one.bands.size()) + " bands",
                  "1 to " + std::to_string(defaults::max_bands) + " can be stored");
    if (!is_known(one.type) || one.type == pixel_type::bit)
      return fail(ec::unsupported, "plan the cut", "its pixel type cannot be stored");
    return {};
  }

  /// What a subdataset is, before it is known where its chips are.
  subdataset_plan begin_part(size_t subdataset) const {
    const auto& description = description_.subdatasets[subdataset];
    subdataset_plan part;
    part.subdataset = subdataset;
    part.extent = {description.grid.width, description.grid.height, 0};
    part.grid = description.grid;
    part.type = description.type;
    part.bands = description.bands.size();
    part.valid = description.valid;
    return part;
  }

  /// Refuses a source of which no window could ever be read, before any work.
  result<void> check_source(size_t subdataset) const {
    const auto part = begin_part(subdataset);
    STIP_ASSIGN(const auto smallest, windows_of(part, 0));
    STIP_ASSIGN(const auto usual, windows_of(part, defaults::source_window_bytes));
    if (usual.count() > defaults::max_source_windows)
      return fail(ec::limit_exceeded, "plan the cut",
                  "its source falls into " + std::to_string(usual.count()) + " windows",
                  "store the scene as several files");
    const auto needed = part.window_bytes(smallest.max_pixels());
    if (needed <= options_.memory_bytes) return {};
    const auto block = smallest.window(0);
    return fail(ec::limit_exceeded, "plan the cut",
                "a source block of " + std::to_string(block.width) + " x " +
                    std::to_string(block.height) + " x " + std::to_string(part.bands) +
                    " bands of " + std::string(to_string(part.type)) + " needs " +
                    mebibytes(needed) + ", the bound is " + mebibytes(options_.memory_bytes),
                "raise the memory bound, or store the file with smaller blocks");
  }

  result<void> find_chips(size_t subdataset) {
    // Subdatasets of one grid, such as bands of two types, fall into the same windows.
    for (size_t earlier = 0; earlier < subdataset; ++earlier)
      if (grids_[earlier] == grids_[subdataset]) {
        found_.push_back(found_[earlier]);
        return check_total();
      }
    std::vector<chip_windows> windows;
    std::vector<cell_runs*> finders;
    const auto threads = finding_threads(grids_[subdataset]);
    for (windows.reserve(threads); windows.size() < threads;) {
      STIP_ASSIGN(auto one, chip_windows::make(grids_, nesting_, subdataset, cells_));
      finders.push_back(&windows.emplace_back(std::move(one)).runs());
    }
    auto& runs = *finders.front();
    found_chips found;
    found.period = runs.mapper().period_columns();
    STIP_ASSIGN(
        auto census,
        count_cells(finders, std::min<uint64_t>(options_.max_cells, defaults::max_covering_cells),
                    chip_table::max_runs(options_.cell_table_bytes)));
    found.pixels_without_cell = census.pixels_without_cell;
    for (const auto& cell : census.cells) {
      found.codes.push_back(cell.code);
      found.cell_pixels.push_back(cell.pixels);
    }
    STIP_TRY(find_windows(windows, found));
    if (!census.runs.empty())
      found.table = std::make_shared<chip_table>(census, found.codes, cells_);
    count_beyond_raster(runs, found.codes, found.windows, found.cell_pixels);
    found_.push_back(std::move(found));
    return check_total();
  }

  /// The chips' windows, by a thread for each of `finders`.
  result<void> find_windows(std::vector<chip_windows>& finders, found_chips& chips) const {
    const auto count = chips.codes.size(), threads = finders.size();
    chips.windows.resize(count);
    std::vector<result<void>> outcomes(threads);
    const auto find = [&](chip_windows& finder, size_t chip) -> result<void> {
      const auto code = chips.codes[chip];
      STIP_ASSIGN(const auto index, cells_.index_of(unpack(options_.algorithm, code)));
      chips.windows[chip] = finder.window_of(index);
      return check_window(code, chips.windows[chip]);
    };
    in_parallel(threads, [&](size_t i) {
      for (auto chip = count * i / threads; chip < count * (i + 1) / threads && outcomes[i]; ++chip)
        outcomes[i] = find(finders[i], chip);
    });
    for (auto& outcome : outcomes) STIP_TRY(outcome);
    return {};
  }

  /// Threads that pay to find the chips of a grid: in a small one they are found before a second
  /// one has its projections.
  size_t finding_threads(const grid& raster) const {
    const auto pixels = static_cast<uint64_t>(raster.width) * static_cast<uint64_t>(raster.height);
    return std::clamp<uint64_t>(pixels / defaults::pixels_per_finding_thread, 1,
                                std::max<size_t>(1, options_.threads));
  }

  result<void> check_window(uint64_t code, const pixel_window& window) const {
    constexpr int64_t edge = defaults::max_block_edge;
    constexpr int64_t most = defaults::max_plane_blocks;
    const auto blocks = [](int64_t pixels) { return pixels / edge + 1; };
    if (!window.empty() && blocks(window.width()) <= most && blocks(window.height()) <= most &&
        blocks(window.width()) * blocks(window.height()) <= most)
      return {};
    const auto name = unpack(options_.algorithm, code);
    if (window.empty())
      return fail(ec::internal, "plan the cut", "cell " + name + " has pixels but no window");
    return fail(ec::limit_exceeded, "plan the cut",
                "cell " + name + " has a window of " + std::to_string(window.width()) + " x " +
                    std::to_string(window.height()) + " pixels",
                "choose a higher precision");
  }

  result<void> check_total() {
    total_ += found_.back().codes.size();
    if (total_ <= defaults::max_covering_cells) return {};
    return fail(ec::limit_exceeded, "plan the cut",
                "the scene falls into more than " + std::to_string(defaults::max_covering_cells) +
                    " chips at precision " + std::to_string(options_.precision),
                "choose a lower precision");
  }

  /// Merges the chips of all subdatasets into one list by code, then subdataset.
  void number_chips() {
    const size_t count = found_.size();
    plan_->chips_.reserve(total_);
    for (size_t i = 0; i < count; ++i) {
      auto part = begin_part(i);
      part.extent.period = found_[i].period.value_or(0);
      part.pixels_without_cell = found_[i].pixels_without_cell;
      part.chips.reserve(found_[i].codes.size());
      plan_->subdatasets_.push_back(std::move(part));
    }
    std::vector<size_t> at(count, 0);
    while (true) {
      std::optional<size_t> next;
      for (size_t i = 0; i < count; ++i)
        if (at[i] < found_[i].codes.size() &&
            (!next || found_[i].codes[at[i]] < found_[*next].codes[at[*next]]))
          next = i;
      if (!next) break;
      const auto& found = found_[*next];
      const auto& window = found.windows[at[*next]];
      plan_->subdatasets_[*next].chips.push_back(static_cast<uint32_t>(plan_->chips_.size()));
      plan_->chips_.push_back({unpack(options_.algorithm, found.codes[at[*next]]), *next,
                               window.col_begin, window.row_begin,
                               static_cast<uint32_t>(window.width()),
                               static_cast<uint32_t>(window.height())});
      ++at[*next];
    }
    for (size_t i = 0; i < count; ++i) {
      plan_->subdatasets_[i].codes = std::move(found_[i].codes);
      plan_->subdatasets_[i].cell_pixels = std::move(found_[i].cell_pixels);
      plan_->subdatasets_[i].table = std::move(found_[i].table);
    }
    found_.clear();
  }

  result<source_windows> windows_of(const subdataset_plan& part, uint64_t target_bytes) const {
    const uint64_t pixel_bytes = part.stack_bytes_per_pixel() + 1;
    return source_windows::make(part.extent.width, part.extent.height, tilings_[part.subdataset],
                                target_bytes / pixel_bytes);
  }

  result<void> fit_to_memory(size_t subdataset) {
    auto& part = plan_->subdatasets_[subdataset];
    auto target = defaults::source_window_bytes;
    STIP_ASSIGN(part.windows, windows_of(part, target));
    part.block_edge = choose_block_edge(part);
    STIP_TRY(check_blocks(part));

    const auto bound = options_.memory_bytes;
    plan_->thread_bytes_ = std::max(plan_->thread_bytes_, encode_bytes(part));
    auto peak = needs_of_sweep(plan_->chips_, part, part.block_edge, block_count::pool, {}).peak;
    // Smaller windows hold fewer pixels at once; what the chips are does not depend on them.
    while (peak + plan_->thread_bytes_ > bound && target > 0) {
      target /= 2;
      STIP_ASSIGN(auto smaller, windows_of(part, target));
      if (smaller.count() == part.windows.count()) continue;
      if (smaller.count() > defaults::max_source_windows) break;
      part.windows = smaller;
      peak = needs_of_sweep(plan_->chips_, part, part.block_edge, block_count::pool, {}).peak;
    }
    if (peak + plan_->thread_bytes_ > bound)
      return fail(ec::limit_exceeded, "plan the cut",
                  "the blocks of chips that are open at once need " +
                      mebibytes(peak + plan_->thread_bytes_) + ", the bound is " + mebibytes(bound),
                  "raise the memory bound, or choose a higher precision");
    find_touching_chips(plan_->chips_, part);
    peak_ = std::max(peak_, peak);
    return {};
  }

  /// Looks at nothing but the scene: equal scenes must give equal chips on every machine.
  uint16_t choose_block_edge(const subdataset_plan& part) const {
    for (uint16_t edge = defaults::max_block_edge; edge > defaults::min_block_edge; edge /= 2)
      if (needs_of_sweep(plan_->chips_, part, edge, block_count::pixels, {}).peak <=
          defaults::max_open_block_bytes)
        return edge;
    return defaults::min_block_edge;
  }

  result<void> check_blocks(const subdataset_plan& part) const {
    for (size_t ordinal = 0; ordinal < part.chips.size(); ++ordinal)
      if (plan_->layout(part, ordinal).count() > defaults::max_plane_blocks)
        return fail(ec::limit_exceeded, "plan the cut",
                    "chip " + plan_->chips_[part.chips[ordinal]].geocode +
                        " would have more than " + std::to_string(defaults::max_plane_blocks) +
                        " blocks of " + std::to_string(part.block_edge) + " pixels",
                    "choose a higher precision");
    return {};
  }

  /// Unless a tight bound has no room for them.
  void keep_tables() {
    std::set<std::shared_ptr<const chip_table>> tables;
    for (const auto& part : plan_->subdatasets_)
      if (part.table) tables.insert(part.table);
    for (const auto& table : tables) plan_->table_bytes_ += table->bytes();
    if (plan_->needed_bytes_ + plan_->table_bytes_ <= options_.memory_bytes) {
      plan_->needed_bytes_ += plan_->table_bytes_;
      return;
    }
    plan_->table_bytes_ = 0;
    for (auto& part : plan_->subdatasets_) part.table.reset();
  }

  uint64_t encode_bytes(const subdataset_plan& part) const {
    uint64_t largest = 0;
    for (size_t ordinal = 0; ordinal < part.chips.size(); ++ordinal)
      largest = std::max(largest, plan_->layout(part, ordinal).block(0).pixels());
    return largest * size_of(part.type) * defaults::encode_copies;
  }

  const scene_description& description_;
  const std::vector<source_tiling>& tilings_;
  const cut_options& options_;
  const cell_grid cells_;
  std::unique_ptr<scene_plan> plan_ = std::make_unique<scene_plan>();
  std::vector<grid> grids_;
  std::vector<grid_nesting> nesting_;
  std::vector<found_chips> found_;
  size_t total_ = 0;
  uint64_t peak_ = 0;
};

uint16_t scene_plan::block_edge(size_t subdataset) const {
  return subdataset < subdatasets_.size() ? subdatasets_[subdataset].block_edge : 0;
}

uint64_t scene_plan::kept_bytes() const {
  uint64_t bytes = table_bytes_ + chips_.size() * sizeof(planned_chip);
  for (const auto& part : subdatasets_)
    bytes += part.chips.size() * (sizeof(uint32_t) + 2 * sizeof(uint64_t)) +
             part.touching_begin.size() * sizeof(uint64_t) +
             part.touching.size() * sizeof(uint32_t);
  return bytes;
}

result<std::unique_ptr<cut_plan>> plan_cut(const scene_description& description,
                                           const std::vector<source_tiling>& tilings,
                                           const cut_options& options) {
  STIP_ASSIGN(const auto cells, cell_grid::make(options.algorithm, options.precision));
  if (tilings.size() != description.subdatasets.size())
    return fail(ec::invalid_argument, "plan the cut",
                std::to_string(tilings.size()) + " tilings for " +
                    std::to_string(description.subdatasets.size()) + " subdatasets");
  return plan_builder(description, tilings, options, cells).build();
}

}  // namespace stip
