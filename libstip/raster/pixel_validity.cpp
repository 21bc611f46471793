#include "libstip/raster/pixel_validity.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "libstip/raster/nodata.hpp"

namespace stip {

namespace {

/// Pixels that are looked at band by band before the next ones: their flags stay in the cache.
constexpr size_t chunk_pixels = 4096;

/// Sets flags[i] to whether pixel i differs from the nodata value.
void mark(pixel_type type, const std::byte* pixels, size_t count, uint64_t nodata, uint8_t* flags) {
  mark_valid(type, {pixels, count * size_of(type)}, nodata,
             {reinterpret_cast<std::byte*>(flags), count});
}

template <class T>
using unsigned_of =
    std::conditional_t<sizeof(T) == 1, uint8_t,
                       std::conditional_t<sizeof(T) == 2, uint16_t,
                                          std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>>>;

bool all_set(const uint8_t* flags, size_t count) noexcept {
  return std::memchr(flags, 0, count) == nullptr;
}

bool any_set(const uint8_t* flags, size_t count) noexcept {
  return std::memchr(flags, 1, count) != nullptr;
}

}  // namespace

validity_rule::validity_rule(const subdataset_description& description)
    : type_(description.type),
      kind_(description.valid),
      masks_(mask_planes(description.valid, description.bands.size())) {
  nodata_.reserve(description.bands.size());
  for (const auto& band : description.bands) nodata_.push_back(band.nodata);
}

void validity_rule::mark_valid(std::span<const std::byte> bands, std::span<const uint8_t> masks,
                               size_t pixels, std::span<uint8_t> valid) const {
  const size_t plane = pixels * size_of(type_);
  switch (kind_) {
    case validity::all:
      std::memset(valid.data(), 1, pixels);
      return;
    case validity::mask:
      std::memcpy(valid.data(), masks.data(), pixels);
      return;
    case validity::alpha:
      mark(type_, bands.data() + (nodata_.size() - 1) * plane, pixels, 0, valid.data());
      return;
    case validity::band_masks:
      std::memcpy(valid.data(), masks.data(), pixels);
      for (size_t band = 1; band < nodata_.size(); ++band)
        for (size_t i = 0; i < pixels; ++i) valid[i] |= masks[band * pixels + i];
      return;
    case validity::nodata:
      break;
  }
  for (size_t begin = 0; begin < pixels; begin += chunk_pixels) {
    const size_t count = std::min(chunk_pixels, pixels - begin);
    uint8_t* flags = valid.data() + begin;
    for (size_t band = 0; band < nodata_.size(); ++band) {
      if (!nodata_[band]) {
        std::memset(flags, 1, count);
        break;
      }
      const std::byte* from = bands.data() + band * plane + begin * size_of(type_);
      if (band == 0) {
        mark(type_, from, count, *nodata_[band], flags);
      } else {
        uint8_t here[chunk_pixels];
        mark(type_, from, count, *nodata_[band], here);
        for (size_t i = 0; i < count; ++i) flags[i] |= here[i];
      }
      if (all_set(flags, count)) break;
    }
  }
}

void validity_rule::mark_valid_in(size_t band, std::span<const std::byte> bands,
                                  std::span<const uint8_t> masks, size_t pixels,
                                  std::span<uint8_t> valid) const {
  const size_t plane = pixels * size_of(type_);
  switch (kind_) {
    case validity::band_masks:
      std::memcpy(valid.data(), masks.data() + band * pixels, pixels);
      return;
    case validity::nodata:
      if (nodata_[band])
        mark(type_, bands.data() + band * plane, pixels, *nodata_[band], valid.data());
      else
        std::memset(valid.data(), 1, pixels);
      return;
    case validity::all:
    case validity::mask:
    case validity::alpha:
      mark_valid(bands, masks, pixels, valid);
  }
}

bool validity_rule::has_data(size_t band, std::span<const std::byte> bands,
                             std::span<const uint8_t> masks, size_t pixels) const {
  const size_t plane = pixels * size_of(type_);
  switch (kind_) {
    case validity::all:
      return pixels > 0;
    case validity::mask:
      return any_set(masks.data(), pixels);
    case validity::band_masks:
      return any_set(masks.data() + band * pixels, pixels);
    case validity::nodata:
      if (!nodata_[band]) return pixels > 0;
      break;
    case validity::alpha:
      break;
  }
  const bool alpha = kind_ == validity::alpha;
  const std::byte* from = bands.data() + (alpha ? nodata_.size() - 1 : band) * plane;
  const uint64_t nodata = alpha ? 0 : *nodata_[band];
  uint8_t flags[chunk_pixels];
  // A small first step: most blocks begin with data, and those that do not mostly have none.
  size_t step = 64;
  for (size_t begin = 0; begin < pixels; begin += step, step = chunk_pixels) {
    const size_t count = std::min(step, pixels - begin);
    mark(type_, from + begin * size_of(type_), count, nodata, flags);
    if (any_set(flags, count)) return true;
  }
  return false;
}

void validity_rule::fill(size_t band, std::span<std::byte> plane) const {
  const uint64_t pattern = kind_ == validity::alpha ? 0 : nodata_[band].value_or(0);
  visit_pixel_type(type_, [&]<class T>(std::type_identity<T>) {
    // The pattern's low bytes are the pixel's, on either kind of machine.
    const auto bits = static_cast<unsigned_of<T>>(pattern);
    for (size_t at = 0; at + sizeof(T) <= plane.size(); at += sizeof(T))
      std::memcpy(plane.data() + at, &bits, sizeof(T));
  });
}

uint64_t count_set(std::span<const uint8_t> flags) noexcept {
  uint64_t total = 0;
  size_t at = 0;
  // Eight bytes at a time; a byte of `sums` holds up to 255 before it would overflow.
  while (at + 8 <= flags.size()) {
    uint64_t sums = 0;
    const size_t words = std::min<size_t>((flags.size() - at) / 8, 255);
    for (size_t i = 0; i < words; ++i) {
      uint64_t word;
      std::memcpy(&word, flags.data() + at + i * 8, 8);
      sums += word;
    }
    const uint64_t pairs = (sums & 0x00ff00ff00ff00ff) + ((sums >> 8) & 0x00ff00ff00ff00ff);
    total += (pairs * 0x0001000100010001) >> 48;
    at += words * 8;
  }
  for (; at < flags.size(); ++at) total += flags[at];
  return total;
}

set_bytes find_set(std::span<const uint8_t> flags) noexcept {
  set_bytes found{count_set(flags), 0, flags.size()};
  if (found.count == flags.size()) return found;
  if (found.count == 0) return {};
  found.begin = static_cast<size_t>(
      static_cast<const uint8_t*>(std::memchr(flags.data(), 1, flags.size())) - flags.data());
  found.end = static_cast<size_t>(
      static_cast<const uint8_t*>(::memrchr(flags.data(), 1, flags.size())) - flags.data() + 1);
  return found;
}

}  // namespace stip
