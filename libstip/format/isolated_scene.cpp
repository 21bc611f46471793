#include <algorithm>
#include <cstring>

#include "libstip/format/reader_lease.hpp"

// A scene whose pixels come from reader processes.

namespace stip {

namespace {

std::string window_text(const source_window& w) {
  return std::to_string(w.width) + "x" + std::to_string(w.height) + "+" + std::to_string(w.column) +
         "+" + std::to_string(w.row);
}

/// What scene and readers share.
struct isolated_parts {
  std::shared_ptr<reader_pool::state> pool;
  std::shared_ptr<const isolated_input> input;
  uint32_t index = 0;
  opened_scene opened;
};

class isolated_reader final : public scene_reader {
 public:
  explicit isolated_reader(std::shared_ptr<const isolated_parts> parts)
      : parts_(std::move(parts)) {}

  result<void> read(size_t subdataset, const source_window& window, size_t first_band, size_t count,
                    std::span<std::byte> pixels) override {
    return read_pieces(subdataset, window, first_band, count, false, pixels);
  }

  result<void> read_mask(size_t subdataset, const source_window& window, size_t first_band,
                         size_t count, std::span<std::byte> mask) override {
    const auto& all = parts_->opened.description.subdatasets;
    if (subdataset < all.size() && all[subdataset].valid == validity::mask) {
      first_band = 0;
      count = 1;
    }
    return read_pieces(subdataset, window, first_band, count, true, mask);
  }

 private:
  /// All planes at once where they fit into the shared memory, else each in strips.
  result<void> read_pieces(size_t subdataset, const source_window& w, size_t first, size_t count,
                           bool mask, std::span<std::byte> out) {
    const auto& all = parts_->opened.description.subdatasets;
    const auto refuse = [&](const char* why) {
      return fail(ec::invalid_argument,
                  "read window " + window_text(w) + " of " + parts_->input->request.input, why);
    };
    if (subdataset >= all.size()) return refuse("there is no such subdataset");
    const auto& d = all[subdataset];
    if (count < 1 || count > d.bands.size() || first > d.bands.size() - count)
      return refuse("there are no such bands or masks");
    if (w.column < 0 || w.row < 0 || w.width < 1 || w.height < 1 ||
        w.width > d.grid.width - w.column || w.height > d.grid.height - w.row)
      return refuse("it is not inside of the scene");
    // A scene's sides are below 2^31 and a pixel has at most 8 bytes: rows fit into 64 bits.
    const uint64_t row_bytes = static_cast<uint64_t>(w.width) * (mask ? 1 : size_of(d.type));
    uint64_t plane_bytes = 0, all_bytes = 0;
    if (__builtin_mul_overflow(row_bytes, static_cast<uint64_t>(w.height), &plane_bytes) ||
        __builtin_mul_overflow(plane_bytes, count, &all_bytes) || all_bytes != out.size())
      return refuse("the buffer has another size");
    const auto room = parts_->pool->settings().shared_bytes;
    read_request request{parts_->index,
                         static_cast<uint32_t>(subdataset),
                         w,
                         static_cast<uint32_t>(first),
                         static_cast<uint32_t>(count),
                         mask};
    if (all_bytes <= room) return read_piece(request, out);
    if (row_bytes > room) return refuse("a row is larger than the memory shared with its reader");
    const auto rows = static_cast<int64_t>(std::min(room / row_bytes, uint64_t(w.height)));
    request.count = 1;
    for (size_t i = 0; i < count; ++i)
      for (int64_t row = 0; row < w.height; row += rows) {
        request.first_band = static_cast<uint32_t>(first + i);
        request.window = {w.column, w.row + row, w.width, std::min(rows, w.height - row)};
        const auto bytes = row_bytes * static_cast<uint64_t>(request.window.height);
        STIP_TRY(read_piece(
            request, out.subspan(i * plane_bytes + static_cast<uint64_t>(row) * row_bytes, bytes)));
      }
    return {};
  }

  result<void> read_piece(const read_request& request, std::span<std::byte> out) {
    auto& pool = *parts_->pool;
    STIP_ASSIGN(auto reader, pool.lease(parts_->input, request.scene));
    reader.scene = request.scene;
    auto done = ask(reader, request, out);
    pool.give_back(std::move(reader));
    return done;
  }

  result<void> ask(pooled_reader& reader, const read_request& request, std::span<std::byte> out) {
    STIP_TRY(turn_to(reader, parts_->input, parts_->pool->settings()));
    const auto what =
        "read window " + window_text(request.window) + " of " + parts_->input->request.input;
    bool alive = false;
    const auto answer =
        reader.process->ask(request, what, parts_->pool->settings().read_deadline, alive);
    if (answer) {
      const auto* read = std::get_if<pixels_read>(&*answer);
      if (read != nullptr && read->bytes == out.size()) {
        std::memcpy(out.data(), reader.process->shared().data(), out.size());
        return {};
      }
      alive = false;
    }
    if (!alive || (!answer && !leaves_unharmed(answer.error()))) reader.process.reset();
    if (!answer) return fail(answer.error());
    return fail(ec::internal, what, "its reader process gave another answer than was asked for");
  }

  std::shared_ptr<const isolated_parts> parts_;
};

class isolated_scene final : public scene {
 public:
  explicit isolated_scene(isolated_parts parts)
      : parts_(std::make_shared<const isolated_parts>(std::move(parts))) {}

  const scene_description& description() const override { return parts_->opened.description; }

  source_tiling tiling(size_t subdataset) const override {
    return parts_->opened.tilings.at(subdataset);
  }

  /// A process is found when something is read.
  result<std::unique_ptr<scene_reader>> open_reader() const override {
    return std::make_unique<isolated_reader>(parts_);
  }

 private:
  std::shared_ptr<const isolated_parts> parts_;
};

}  // namespace

std::unique_ptr<scene> make_isolated_scene(std::shared_ptr<reader_pool::state> pool,
                                           std::shared_ptr<const isolated_input> input,
                                           uint32_t index, opened_scene opened) {
  return std::make_unique<isolated_scene>(
      isolated_parts{std::move(pool), std::move(input), index, std::move(opened)});
}

}  // namespace stip
