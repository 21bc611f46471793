#include "libstip/analysis/mosaic_scene.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "libstip/analysis/pixel_numbers.hpp"
#include "libstip/raster/nodata.hpp"

namespace stip {

namespace {

/// Rows of a chip whose blocks are asked for as one run, gaps included, when it is so narrow.
constexpr int64_t narrow_blocks = 4;

int64_t floor_divide(int64_t a, int64_t b) {
  return a / b - (a % b != 0 && a < 0 ? 1 : 0);
}

uint64_t bucket_key(int64_t column, int64_t row) {
  return static_cast<uint64_t>(column) << 32 ^ (static_cast<uint64_t>(row) & 0xffffffff);
}

/// The plane that tells the validity of a band; nullopt: the band itself does.
std::optional<size_t> validity_plane(const subdataset_description& d, size_t band) {
  switch (d.valid) {
    case validity::nodata:
      return std::nullopt;
    case validity::alpha:
      return d.bands.size() - 1;
    case validity::mask:
    case validity::all:
      return d.bands.size();
    case validity::band_masks:
      return d.bands.size() + band;
  }
  return std::nullopt;
}

/// One row of a block: what is valid of it.
class row_validity {
 public:
  row_validity(const subdataset_description& d, size_t band) : d_(d), band_(band) {}

  /// `own` is the band's block, `other` that of the validity's plane; both dense.
  std::span<const uint8_t> of(const std::byte* own, const std::byte* other, size_t first,
                              size_t count) {
    flags_.resize(count);
    const std::span<std::byte> out{reinterpret_cast<std::byte*>(flags_.data()), count};
    const size_t size = size_of(d_.type);
    if (d_.valid == validity::nodata) {
      const auto& nodata = d_.bands[band_].nodata;
      if (nodata)
        mark_valid(d_.type, {own + first * size, count * size}, *nodata, out);
      else
        std::fill(flags_.begin(), flags_.end(), uint8_t{1});
    } else if (d_.valid == validity::alpha) {
      mark_valid(d_.type, {other + first * size, count * size}, 0, out);
    } else {
      std::memcpy(flags_.data(), other + first, count);
    }
    return flags_;
  }

 private:
  const subdataset_description& d_;
  size_t band_;
  std::vector<uint8_t> flags_;
};

/// Copies valid pixels of a row, run by run.
void copy_runs(const std::byte* from, std::span<const uint8_t> valid, size_t size, std::byte* to,
               uint8_t* flags) {
  const size_t count = valid.size();
  for (size_t at = 0; at < count;) {
    if (valid[at] == 0) {
      const void* next = std::memchr(valid.data() + at, 1, count - at);
      if (next == nullptr) return;
      at = static_cast<size_t>(static_cast<const uint8_t*>(next) - valid.data());
    }
    const void* stop = std::memchr(valid.data() + at, 0, count - at);
    const size_t end = stop == nullptr
                           ? count
                           : static_cast<size_t>(static_cast<const uint8_t*>(stop) - valid.data());
    std::memcpy(to + at * size, from + at * size, (end - at) * size);
    std::memset(flags + at, 1, end - at);
    at = end;
  }
}

}  // namespace

scene_chips::scene_chips(subdataset_description description, std::vector<chip_place> chips,
                         uint64_t first_number)
    : description_(std::move(description)), chips_(std::move(chips)), first_number_(first_number) {
  period_ = period_columns(description_.grid).value_or(0);
  for (const auto& chip : chips_)
    bucket_edge_ = std::max({bucket_edge_, chip.window.width, chip.window.height});
  for (size_t i = 0; i < chips_.size(); ++i) {
    const auto& w = chips_[i].window;
    for (auto y = floor_divide(w.row, bucket_edge_);
         y <= floor_divide(w.end_row() - 1, bucket_edge_); ++y)
      for (auto x = floor_divide(w.column, bucket_edge_);
           x <= floor_divide(w.end_column() - 1, bucket_edge_); ++x)
        buckets_[bucket_key(x, y)].push_back(static_cast<uint32_t>(i));
  }
}

std::vector<size_t> scene_chips::chips_in(const pixel_rect& rect) const {
  std::vector<size_t> out;
  if (rect.empty()) return out;
  const auto x0 = floor_divide(rect.column, bucket_edge_);
  const auto x1 = floor_divide(rect.end_column() - 1, bucket_edge_);
  const auto y0 = floor_divide(rect.row, bucket_edge_);
  const auto y1 = floor_divide(rect.end_row() - 1, bucket_edge_);
  const auto look = [&](const std::vector<uint32_t>& found) {
    for (const auto i : found)
      if (!intersect(chips_[i].window, rect).empty()) out.push_back(i);
  };
  const auto squares = static_cast<uint64_t>(x1 - x0 + 1) * static_cast<uint64_t>(y1 - y0 + 1);
  if (squares > buckets_.size()) {
    for (const auto& [key, found] : buckets_) look(found);
  } else {
    for (auto y = y0; y <= y1; ++y)
      for (auto x = x0; x <= x1; ++x)
        if (const auto at = buckets_.find(bucket_key(x, y)); at != buckets_.end()) look(at->second);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

bool scene_chips::meets(const pixel_rect& rect) const {
  for (const int64_t turn : {0, -1, 1}) {
    if (turn != 0 && period_ == 0) continue;
    if (!chips_in(rect.moved(-turn * period_, 0)).empty()) return true;
  }
  return false;
}

result<void> scene_chips::read(block_cache& cache, std::span<const wanted_band> bands,
                               std::optional<uint64_t> nodata, const scene_window& to) const {
  for (const int64_t turn : {0, -1, 1}) {
    if (turn != 0 && period_ == 0) continue;
    for (const auto chip : chips_in(to.only.moved(-turn * period_, 0)))
      STIP_TRY(read_chip(cache, chip, turn, bands, nodata, to));
  }
  return {};
}

result<void> scene_chips::read_chip(block_cache& cache, size_t number, int64_t turn,
                                    std::span<const wanted_band> bands,
                                    std::optional<uint64_t> nodata, const scene_window& to) const {
  const auto& chip = chips_[number];
  const auto layout = chip.blocks();
  const auto per_plane = static_cast<uint64_t>(layout.count());
  const auto part = intersect(to.only.moved(-turn * period_, 0), chip.window);
  std::vector<uint64_t> places;
  layout.for_each_block(part, [&](int64_t i) { places.push_back(static_cast<uint64_t>(i)); });
  if (places.empty()) return {};
  if (layout.columns() <= narrow_blocks) {
    const auto first = places.front(), last = places.back();
    places.clear();
    for (auto i = first; i <= last; ++i) places.push_back(i);
  }
  std::vector<uint64_t> planes;
  for (const auto& band : bands) {
    planes.push_back(band.band);
    if (const auto other = validity_plane(description_, band.band)) planes.push_back(*other);
  }
  std::sort(planes.begin(), planes.end());
  planes.erase(std::unique(planes.begin(), planes.end()), planes.end());
  if (planes.back() >= chip.planes)
    return fail(ec::malformed, "read a chip of " + *chip.image,
                "it has fewer planes than its scene", "look at the node's log");
  std::vector<uint64_t> numbers;
  for (const auto plane : planes)
    for (const auto i : places) numbers.push_back(plane * per_plane + i);
  STIP_ASSIGN(const auto blocks, cache.get(first_number_ + number, chip, numbers));
  const auto block_of = [&](uint64_t plane, uint64_t i) -> const std::vector<std::byte>* {
    const auto at = std::lower_bound(numbers.begin(), numbers.end(), plane * per_plane + i);
    return blocks[static_cast<size_t>(at - numbers.begin())].get();
  };
  const size_t size = size_of(description_.type), to_size = size_of(to.type);
  for (const auto& band : bands) {
    const auto& of = description_.bands[band.band];
    const auto other = validity_plane(description_, band.band);
    const number_rule rule{description_.type, to.type,
                           band.means.value_or(dn_encoding{of.scale, of.offset}), band.as, nodata};
    row_validity validity{description_, band.band};
    for (const auto i : places) {
      const auto rect = layout.block(static_cast<int64_t>(i));
      const auto piece = intersect(rect, part);
      if (piece.empty()) continue;
      const auto* own = block_of(band.band, i);
      const auto* flags = other ? block_of(*other, i) : nullptr;
      // A block without data did not come; numbers of an all-valid plane of zeros always come.
      if (own == nullptr || (other && flags == nullptr)) continue;
      if (own->size() != rect.pixels() * size ||
          (flags != nullptr &&
           flags->size() != rect.pixels() * (description_.valid == validity::alpha ? size : 1)))
        return fail(ec::malformed, "read a chip of " + *chip.image,
                    "a block is not of its scene's type", "look at the node's log");
      for (auto row = piece.row; row < piece.end_row(); ++row) {
        const auto first =
            static_cast<size_t>((row - rect.row) * rect.width + piece.column - rect.column);
        const auto count = static_cast<size_t>(piece.width);
        const auto valid =
            validity.of(own->data(), flags == nullptr ? nullptr : flags->data(), first, count);
        const auto at = band.plane * to.rect.pixels() +
                        static_cast<size_t>((row - to.rect.row) * to.rect.width + piece.column +
                                            turn * period_ - to.rect.column);
        if (rule.copies())
          copy_runs(own->data() + first * size, valid, size, to.pixels + at * to_size,
                    to.valid + at);
        else
          rule.convert(own->data() + first * size, valid, to.pixels + at * to_size, to.valid + at);
      }
    }
  }
  return {};
}

}  // namespace stip
