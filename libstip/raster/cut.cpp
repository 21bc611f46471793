#include "libstip/raster/cut.hpp"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <system_error>

#include "libstip/core/buffer_pool.hpp"
#include "libstip/core/defaults.hpp"
#include "libstip/core/parallel.hpp"
#include "libstip/raster/cut_assembly.hpp"
#include "libstip/raster/plan.hpp"
#include "libstip/raster/plan_sweep.hpp"

namespace stip {

namespace {

/// One window of the sweep over all subdatasets.
struct sweep_step {
  size_t part = 0;
  int64_t window = 0;
  /// Bytes of the pool that it needs for itself while it is worked on, and for the blocks that it
  /// opens and later windows fill.
  uint64_t own_bytes = 0;
  uint64_t opening_bytes = 0;
};

/// Hands out the windows of the sweep, in order, so that the bytes of the pool stay under a bound.
///
/// What is reserved: for every window that is being worked on its pixels and one transient block,
/// and for every block that lives from one window to another its buffer, from the time when the
/// first window that meets it is handed out until it is closed. All buffers come out of these
/// reservations, whichever thread happens to open them: a window that fills a block is handed out
/// after the first that meets it. So nobody waits in the middle of a window.
///
/// Progress: when no window is being worked on, all windows before the next are done, and exactly
/// the blocks are open that a single thread would carry into it. What the next window then needs is
/// part of the single thread's peak, which the plan has compared with the bound. So it may always
/// proceed; and when some window is being worked on, its end (or its error) wakes those who wait.
class admission {
 public:
  admission(std::vector<sweep_step> steps, uint64_t bound)
      : steps_(std::move(steps)), bound_(bound) {}

  /// The next window, after waiting for its bytes; nullptr at the end, after a failure, or when
  /// `stop` says so.
  const sweep_step* next(const std::function<bool()>& stop) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] {
      if (failure_ || at_ == steps_.size() || working_ == 0) return true;
      const auto& step = steps_[at_];
      return reserved_ + step.own_bytes + step.opening_bytes <= bound_;
    });
    if (failure_ || at_ == steps_.size()) return nullptr;
    if (stop && stop()) {
      failure_ = error{ec::stopped, "cut the scene", "the task was asked to stop", ""};
      changed_.notify_all();
      return nullptr;
    }
    const auto& step = steps_[at_++];
    reserved_ += step.own_bytes + step.opening_bytes;
    ++working_;
    return &step;
  }

  void finish(const sweep_step& step) {
    const std::lock_guard lock(mutex_);
    reserved_ -= step.own_bytes;
    --working_;
    changed_.notify_all();
  }

  void release(uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    reserved_ -= bytes;
    changed_.notify_all();
  }

  /// The first failure is what the cut returns; the others follow from it.
  void abandon(error err) {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::move(err);
    changed_.notify_all();
  }

  const std::optional<error>& failure() const { return failure_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  const std::vector<sweep_step> steps_;
  const uint64_t bound_;
  size_t at_ = 0;
  size_t working_ = 0;
  uint64_t reserved_ = 0;
  std::optional<error> failure_;
};

/// What all threads of a cut share.
struct cut_run {
  const scene& source;
  const scene_plan& plan;
  const std::vector<bool>& wanted;
  const std::function<bool()>& stop;
  buffer_pool& pool;
  admission& windows;
  std::vector<std::unique_ptr<chip_assembly>> assemblies;

  std::atomic<uint64_t> decoded_bytes{0};
  std::atomic<uint64_t> valid_pixels{0};

  bool wants(const subdataset_plan& part, uint32_t ordinal) const {
    return wanted.empty() || wanted[part.chips[ordinal]];
  }
};

/// One thread's work.
class cut_worker {
 public:
  explicit cut_worker(cut_run& run) : run_(run) {}

  void work() {
    while (const auto* step = run_.windows.next(run_.stop)) {
      auto done = one_window(*step);
      if (!done) run_.windows.abandon(std::move(done).error());
      run_.windows.finish(*step);
    }
  }

 private:
  result<void> one_window(const sweep_step& step) {
    const auto& part = run_.plan.subdatasets()[step.part];
    auto& assembly = *run_.assemblies[step.part];
    STIP_TRY(turn_to(step.part));
    const auto rect = part.windows.window(step.window);
    const size_t pixels = rect.pixels();

    const size_t band_bytes = pixels * part.bands * size_of(part.type);
    const size_t mask_bytes = pixels * part.cut_masks();
    STIP_ASSIGN(const auto bands, buffer(band_bytes));
    pooled_buffer masks, flags;
    const source_window window{rect.column, rect.row, rect.width, rect.height};
    STIP_TRY(reader_->read(part.subdataset, window, 0, part.bands, bands.bytes()));
    if (mask_bytes > 0) {
      STIP_ASSIGN(masks, buffer(mask_bytes));
      STIP_TRY(reader_->read_mask(part.subdataset, window, 0, part.cut_masks(), masks.bytes()));
    }
    run_.decoded_bytes += band_bytes + mask_bytes;
    std::span<uint8_t> valid;
    if (part.valid != validity::all) {
      STIP_ASSIGN(flags, buffer(pixels));
      valid = {reinterpret_cast<uint8_t*>(flags.data()), pixels};
      const std::span<const uint8_t> mask{reinterpret_cast<const uint8_t*>(masks.data()),
                                          mask_bytes};
      assembly.rule().mark_valid(bands.bytes(), mask, pixels, valid);
    }
    find_valid(part, step.window, rect, valid);
    flags.release();

    const window_pixels held{{bands.data(), rect, size_of(part.type)}, {masks.data(), rect, 1}};
    const auto touching = part.touching_of(step.window);
    for (size_t i = 0; i < touching.size(); ++i)
      if (run_.wants(part, touching[i])) {
        valid_[i].settle();
        STIP_TRY(assembly.add(touching[i], held, valid_[i], scratch_));
      }
    return {};
  }

  /// Makes what belongs to a subdataset.
  result<void> turn_to(size_t part) {
    if (!reader_) {
      STIP_ASSIGN(reader_, run_.source.open_reader());
    }
    if (runs_ && part_ == part) return {};
    const auto& of = run_.plan.subdatasets()[part];
    STIP_ASSIGN(const auto cells, cell_grid::make(run_.plan.algorithm(), run_.plan.precision()));
    STIP_ASSIGN(auto runs, chip_runs::make(of.table.get(), of.codes, of.grid, cells));
    runs_.emplace(std::move(runs));
    places_.assign(of.chips.size(), nowhere);
    part_ = part;
    return {};
  }

  /// Sets valid_; all pixels are valid where `valid` is empty.
  void find_valid(const subdataset_plan& part, int64_t window, const pixel_rect& rect,
                  std::span<const uint8_t> valid) {
    const auto touching = part.touching_of(window);
    if (valid_.size() < touching.size()) valid_.resize(touching.size());
    for (size_t i = 0; i < touching.size(); ++i) {
      places_[touching[i]] = static_cast<uint32_t>(i);
      valid_[i].clear();
    }
    uint64_t total = 0;
    for (int64_t row = 0; row < rect.height; ++row)
      runs_->for_each(
          rect.row + row, rect.column, rect.end_column(),
          [&](int64_t begin, int64_t end, uint32_t ordinal) {
            const auto length = static_cast<size_t>(end - begin);
            set_bytes found{length, 0, length};
            if (!valid.empty())
              found = find_set(valid.subspan(
                  static_cast<size_t>(row * rect.width + begin - rect.column), length));
            total += found.count;
            // A cell that cannot be projected wholly has pixels beside its window.
            if (ordinal == chip_table::no_chip || places_[ordinal] == nowhere || found.count == 0)
              return;
            valid_[places_[ordinal]].pixels += found.count;
            note_row(part, ordinal, rect.row + row, begin + static_cast<int64_t>(found.begin),
                     begin + static_cast<int64_t>(found.end));
          });
    for (const auto ordinal : touching) places_[ordinal] = nowhere;
    run_.valid_pixels += total;
  }

  /// Pixels [begin, end) of a row of the scene hold data of that chip.
  void note_row(const subdataset_plan& part, uint32_t ordinal, int64_t row, int64_t begin,
                int64_t end) {
    const auto& chip = run_.plan.chips()[part.chips[ordinal]];
    // On a periodic grid the window may begin before the seam, or end behind it.
    const auto period = part.extent.period;
    const auto turn =
        period == 0 ? 0 : scene_extent::floor_divide(begin - chip.column, period) * period;
    const auto within = [](int64_t v, uint32_t size) {
      return static_cast<uint32_t>(std::clamp<int64_t>(v, 0, size));
    };
    const row_part found{within(row - chip.row, chip.height),
                         within(begin - chip.column - turn, chip.width),
                         within(end - chip.column - turn, chip.width)};
    if (found.row < chip.height && row >= chip.row && found.begin < found.end)
      valid_[places_[ordinal]].add(found);
  }

  result<pooled_buffer> buffer(size_t bytes) {
    auto taken = run_.pool.try_acquire(bytes);
    if (!taken)
      return fail(ec::limit_exceeded, "cut the scene", "the buffer pool has no room for a window",
                  "give the pool as many bytes as all cuts that share it may hold");
    return taken;
  }

  cut_run& run_;
  std::unique_ptr<scene_reader> reader_;
  size_t part_ = 0;
  std::optional<chip_runs> runs_;
  /// What a window has of the cells of the chips that touch it, in their order; and by ordinal, the
  /// place of a chip among these.
  std::vector<valid_part> valid_;
  static constexpr uint32_t nowhere = UINT32_MAX;
  std::vector<uint32_t> places_;
  assembly_scratch scratch_;
};

/// A thread's whole life; nothing is thrown out of it.
void run_worker(cut_run& run) noexcept {
  try {
    cut_worker(run).work();
  } catch (const std::bad_alloc&) {
    run.windows.abandon({ec::limit_exceeded, "cut the scene", "the system has no memory left",
                         "lower the memory bound or the number of threads"});
  } catch (const std::exception& e) {
    run.windows.abandon({ec::internal, "cut the scene", e.what(), ""});
  }
}

/// All windows that meet a wanted chip, with what they need.
std::vector<sweep_step> steps_of(const scene_plan& plan, const std::vector<bool>& wanted) {
  std::vector<sweep_step> steps;
  for (size_t i = 0; i < plan.subdatasets().size(); ++i) {
    const auto& part = plan.subdatasets()[i];
    const auto needs =
        needs_of_sweep(plan.chips(), part, part.block_edge, block_count::pool, wanted);
    for (int64_t window = 0; window < part.windows.count(); ++window) {
      const auto touching = part.touching_of(window);
      const bool any = std::any_of(touching.begin(), touching.end(), [&](uint32_t ordinal) {
        return wanted.empty() || wanted[part.chips[ordinal]];
      });
      if (!any) continue;
      const auto at = static_cast<size_t>(window);
      steps.push_back(
          {i, window, part.window_bytes(part.windows.window(window).pixels()) + needs.transient[at],
           needs.opening[at]});
    }
  }
  return steps;
}

/// As many threads as are asked for, have a window to work on, and find room under the bound beside
/// the first.
size_t thread_count(const scene_plan& plan, const std::vector<sweep_step>& steps,
                    const cut_options& options) {
  uint64_t largest = 1;
  for (const auto& step : steps) largest = std::max(largest, step.own_bytes);
  const uint64_t room = options.memory_bytes - plan.needed_bytes();
  const uint64_t more = room / (largest + plan.thread_bytes());
  return std::clamp<size_t>(std::min<uint64_t>(options.threads, 1 + more), 1,
                            std::clamp<size_t>(steps.size(), 1, defaults::max_cut_threads));
}

cut_summary summarize(const cut_run& run, const chip_assembly::observer& watcher) {
  cut_summary summary;
  const auto& chips = run.plan.chips();
  std::vector<std::pair<size_t, size_t>> where(chips.size());
  for (size_t i = 0; i < run.plan.subdatasets().size(); ++i) {
    const auto& part = run.plan.subdatasets()[i];
    summary.pixels += static_cast<uint64_t>(part.extent.width * part.extent.height);
    summary.pixels_without_cell += part.pixels_without_cell;
    for (size_t ordinal = 0; ordinal < part.chips.size(); ++ordinal)
      where[part.chips[ordinal]] = {i, ordinal};
  }
  // The chips of one cell stand side by side.
  for (size_t begin = 0; begin < chips.size();) {
    size_t end = begin;
    bool wanted = false, data = false;
    for (; end < chips.size() && chips[end].geocode == chips[begin].geocode; ++end) {
      if (!run.wanted.empty() && !run.wanted[end]) continue;
      wanted = true;
      data = data || run.assemblies[where[end].first]->has_data(where[end].second);
    }
    if (wanted) ++summary.cells;
    if (wanted && !data) ++summary.cells_without_data;
    begin = end;
  }
  summary.valid_pixels = run.valid_pixels;
  summary.decoded_bytes = run.decoded_bytes;
  summary.encoded_bytes = watcher.encoded_bytes;
  return summary;
}

}  // namespace

result<cut_summary> cut(const scene& source, const cut_plan& plan, const cut_options& options,
                        const std::vector<bool>& wanted, cut_sink& sink,
                        const std::function<bool()>& stop) {
  const auto* made = dynamic_cast<const scene_plan*>(&plan);
  if (made == nullptr || (!wanted.empty() && wanted.size() != plan.chips().size()) ||
      made->subdatasets().size() != source.description().subdatasets.size())
    return fail(ec::invalid_argument, "cut the scene", "the plan is not one of this scene");
  if (made->needed_bytes() > options.memory_bytes)
    return fail(ec::limit_exceeded, "cut the scene",
                "the plan needs " + std::to_string(made->needed_bytes()) + " bytes, the bound is " +
                    std::to_string(options.memory_bytes),
                "plan the cut with the same bound");
  auto steps = steps_of(*made, wanted);
  const size_t threads = thread_count(*made, steps, options);
  const uint64_t bound =
      options.memory_bytes - made->table_bytes() - threads * made->thread_bytes();
  buffer_pool own_pool(bound);
  buffer_pool& pool = options.pool != nullptr ? *options.pool : own_pool;
  admission windows(std::move(steps), bound);
  chip_assembly::observer watcher;
  watcher.block_closed = [&](uint64_t bytes) { windows.release(bytes); };
  cut_run run{source, *made, wanted, stop, pool, windows, {}, {}, {}};
  for (const auto& part : made->subdatasets())
    run.assemblies.push_back(std::make_unique<chip_assembly>(
        *made, part, source.description().subdatasets[part.subdataset], pool, sink, watcher));
  in_parallel(threads, [&](size_t) { run_worker(run); });
  if (windows.failure()) return fail(*windows.failure());
  return summarize(run, watcher);
}

}  // namespace stip
