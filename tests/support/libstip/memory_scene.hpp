#pragma once

#include <atomic>
#include <cstddef>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "libstip/raster/scene.hpp"

namespace stip::test {

/// A scene that lies in memory. It counts how often each source block is decoded, and refuses reads
/// that are not made of whole source blocks.
class memory_scene final : public scene {
 public:
  struct pixels {
    /// bands x height x width, dense.
    std::vector<std::byte> bands;
    /// Mask planes x height x width, a byte a pixel.
    std::vector<std::byte> masks;
    source_tiling tiling;
  };

  memory_scene(scene_description description, std::vector<pixels> data)
      : description_(std::move(description)), data_(std::move(data)) {
    for (size_t i = 0; i < data_.size(); ++i) {
      const auto& grid = description_.subdatasets[i].grid;
      const auto& tiling = data_[i].tiling;
      across_.push_back((grid.width + tiling.block_width - 1) / tiling.block_width);
      const auto down = (grid.height + tiling.block_height - 1) / tiling.block_height;
      decoded_.emplace_back(static_cast<size_t>(across_.back() * down));
    }
  }

  const scene_description& description() const override { return description_; }
  source_tiling tiling(size_t subdataset) const override { return data_[subdataset].tiling; }
  std::vector<source_tiling> tilings() const {
    std::vector<source_tiling> all;
    for (const auto& one : data_) all.push_back(one.tiling);
    return all;
  }
  const pixels& data(size_t subdataset) const { return data_[subdataset]; }

  result<std::unique_ptr<scene_reader>> open_reader() const override;

  /// How often each block of the subdataset's tiling was decoded since the last reset, row-major.
  std::vector<int> decoded(size_t subdataset) const {
    return {decoded_[subdataset].begin(), decoded_[subdataset].end()};
  }
  void reset() {
    for (auto& one : decoded_)
      for (auto& count : one) count = 0;
  }

  /// Asked before every read; an error is the read's.
  std::function<result<void>(size_t subdataset, const source_window&)> before_read;

 private:
  class reader;

  scene_description description_;
  std::vector<pixels> data_;
  std::vector<int64_t> across_;
  mutable std::vector<std::vector<std::atomic<int>>> decoded_;
};

class memory_scene::reader final : public scene_reader {
 public:
  explicit reader(const memory_scene& owner) : owner_(owner) {}

  result<void> read(size_t subdataset, const source_window& window, size_t first_band, size_t count,
                    std::span<std::byte> pixels) override {
    if (owner_.before_read) STIP_TRY(owner_.before_read(subdataset, window));
    const auto& one = owner_.description_.subdatasets[subdataset];
    STIP_TRY(count_blocks(subdataset, window));
    return copy(one.grid, owner_.data_[subdataset].bands, size_of(one.type), window, first_band,
                count, pixels);
  }

  result<void> read_mask(size_t subdataset, const source_window& window, size_t first_band,
                         size_t count, std::span<std::byte> mask) override {
    const auto& one = owner_.description_.subdatasets[subdataset];
    return copy(one.grid, owner_.data_[subdataset].masks, 1, window, first_band, count, mask);
  }

 private:
  static error misuse(const char* why) { return {ec::internal, "read a memory scene", why, ""}; }

  result<void> count_blocks(size_t subdataset, const source_window& window) {
    const auto& grid = owner_.description_.subdatasets[subdataset].grid;
    const auto& tiling = owner_.data_[subdataset].tiling;
    const auto whole = [](int64_t begin, int64_t length, int64_t block, int64_t end) {
      return begin >= 0 && length > 0 && begin % block == 0 &&
             ((begin + length) % block == 0 || begin + length == end) && begin + length <= end;
    };
    if (!whole(window.column, window.width, tiling.block_width, grid.width) ||
        !whole(window.row, window.height, tiling.block_height, grid.height))
      return fail(misuse("the window is not made of whole source blocks"));
    for (auto y = window.row / tiling.block_height;
         y * tiling.block_height < window.row + window.height; ++y)
      for (auto x = window.column / tiling.block_width;
           x * tiling.block_width < window.column + window.width; ++x)
        ++owner_.decoded_[subdataset][static_cast<size_t>(y * owner_.across_[subdataset] + x)];
    return {};
  }

  static result<void> copy(const grid& grid, const std::vector<std::byte>& from, size_t bytes,
                           const source_window& window, size_t first, size_t count,
                           std::span<std::byte> to) {
    const auto row_bytes = static_cast<size_t>(window.width) * bytes;
    if (to.size() != count * static_cast<size_t>(window.height) * row_bytes)
      return fail(misuse("the buffer has another size than the window"));
    auto* target = to.data();
    for (size_t plane = first; plane < first + count; ++plane)
      for (int64_t row = window.row; row < window.row + window.height; ++row) {
        const auto pixel =
            (static_cast<int64_t>(plane) * grid.height + row) * grid.width + window.column;
        std::memcpy(target, from.data() + static_cast<size_t>(pixel) * bytes, row_bytes);
        target += row_bytes;
      }
    return {};
  }

  const memory_scene& owner_;
};

inline result<std::unique_ptr<scene_reader>> memory_scene::open_reader() const {
  return std::make_unique<reader>(*this);
}

}  // namespace stip::test
