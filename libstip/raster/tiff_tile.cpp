#include "libstip/raster/tiff_tile.hpp"

#include <libdeflate.h>

#include <bit>
#include <cstring>

namespace stip {

namespace {

/// Samples of planes side by side.
template <class T>
void interleave(const T* planes, size_t bands, size_t pixels, T* out) {
  if (bands == 1) {
    std::memcpy(out, planes, pixels * sizeof(T));
    return;
  }
  if (bands == 3) {
    for (size_t i = 0; i < pixels; ++i) {
      out[3 * i] = planes[i];
      out[3 * i + 1] = planes[pixels + i];
      out[3 * i + 2] = planes[2 * pixels + i];
    }
    return;
  }
  for (size_t b = 0; b < bands; ++b)
    for (size_t i = 0; i < pixels; ++i) out[i * bands + b] = planes[b * pixels + i];
}

/// Each sample becomes its difference with that of the pixel to its left, modulo its size.
template <class T>
void difference(T* row, size_t samples, size_t bands) {
  for (size_t i = samples; i-- > bands;) row[i] = static_cast<T>(row[i] - row[i - bands]);
}

/// The bytes of a row's samples by their weight, the heaviest first, then as differences.
void separate(std::byte* row, size_t samples, size_t size, size_t bands,
              std::vector<std::byte>& scratch) {
  scratch.assign(row, row + samples * size);
  for (size_t i = 0; i < samples; ++i)
    for (size_t byte = 0; byte < size; ++byte) {
      const size_t heavy = std::endian::native == std::endian::little ? size - byte - 1 : byte;
      row[byte * samples + i] = scratch[i * size + heavy];
    }
  difference(reinterpret_cast<uint8_t*>(row), samples * size, bands);
}

}  // namespace

tiff_predictor predictor_of(pixel_type type) noexcept {
  if (is_float(type)) return tiff_predictor::floating_point;
  return size_of(type) <= 4 ? tiff_predictor::horizontal : tiff_predictor::none;
}

tiff_tile_encoder::tiff_tile_encoder(int level) : compressor_(libdeflate_alloc_compressor(level)) {}

tiff_tile_encoder::~tiff_tile_encoder() {
  if (compressor_ != nullptr) libdeflate_free_compressor(compressor_);
}

result<std::span<const std::byte>> tiff_tile_encoder::encode(pixel_type type,
                                                             std::span<const std::byte> planes,
                                                             size_t bands, size_t rows,
                                                             size_t columns) {
  const size_t size = size_of(type), samples = columns * bands;
  if (planes.size() != rows * samples * size)
    return fail(ec::internal, "encode a tile", "its pixels do not fit its shape");
  raw_.resize(planes.size());
  const auto predictor = predictor_of(type);
  const auto as = [&]<class T>(T) {
    interleave(reinterpret_cast<const T*>(planes.data()), bands, rows * columns,
               reinterpret_cast<T*>(raw_.data()));
    if (predictor != tiff_predictor::horizontal) return;
    for (size_t r = 0; r < rows; ++r)
      difference(reinterpret_cast<T*>(raw_.data()) + r * samples, samples, bands);
  };
  switch (size) {
    case 1:
      as(uint8_t{});
      break;
    case 2:
      as(uint16_t{});
      break;
    case 4:
      as(uint32_t{});
      break;
    default:
      as(uint64_t{});
  }
  if (predictor == tiff_predictor::floating_point)
    for (size_t r = 0; r < rows; ++r)
      separate(raw_.data() + r * samples * size, samples, size, bands, row_);
  return deflate(raw_);
}

result<std::span<const std::byte>> tiff_tile_encoder::encode_mask(std::span<const uint8_t> mask,
                                                                  size_t rows, size_t columns) {
  const size_t row_bytes = (columns + 7) / 8;
  if (mask.size() != rows * columns)
    return fail(ec::internal, "encode a mask", "its pixels do not fit its shape");
  raw_.assign(rows * row_bytes, std::byte{0});
  for (size_t r = 0; r < rows; ++r)
    for (size_t c = 0; c < columns; ++c)
      if (mask[r * columns + c] != 0)
        raw_[r * row_bytes + c / 8] |= std::byte{0x80} >> static_cast<int>(c % 8);
  return deflate(raw_);
}

result<std::span<const std::byte>> tiff_tile_encoder::deflate(std::span<const std::byte> bytes) {
  if (compressor_ == nullptr) return fail(ec::limit_exceeded, "encode a tile", "no memory is left");
  packed_.resize(libdeflate_zlib_compress_bound(compressor_, bytes.size()));
  const size_t made = libdeflate_zlib_compress(compressor_, bytes.data(), bytes.size(),
                                               packed_.data(), packed_.size());
  if (made == 0) return fail(ec::internal, "encode a tile", "deflate does not end");
  return std::span<const std::byte>(packed_).first(made);
}

}  // namespace stip
