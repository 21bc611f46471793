#include "libstip/raster/tiff_blocks.hpp"

#include <libdeflate.h>
#include <tiffio.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "libstip/core/defaults.hpp"
#include "libstip/raster/vsi_file.hpp"

namespace stip {

namespace {

struct close_tiff {
  void operator()(TIFF* tiff) const { TIFFClose(tiff); }
};
struct free_inflater {
  void operator()(libdeflate_decompressor* d) const { libdeflate_free_decompressor(d); }
};

using tiff_handle = std::unique_ptr<TIFF, close_tiff>;

/// What libtiff wants of a file, by GDAL's: it knows the members of archives.
namespace vsi {

VSILFILE* file_of(thandle_t handle) {
  return static_cast<VSILFILE*>(handle);
}
tmsize_t read(thandle_t from, void* into, tmsize_t bytes) {
  return static_cast<tmsize_t>(VSIFReadL(into, 1, static_cast<size_t>(bytes), file_of(from)));
}
tmsize_t write(thandle_t, void*, tmsize_t) {
  return -1;
}
toff_t seek(thandle_t file, toff_t to, int from) {
  return VSIFSeekL(file_of(file), to, from) == 0 ? VSIFTellL(file_of(file)) : toff_t(-1);
}
int close(thandle_t file) {
  return VSIFCloseL(file_of(file));
}
toff_t size(thandle_t file) {
  const auto at = VSIFTellL(file_of(file));
  const auto end = seek(file, 0, SEEK_END);
  return seek(file, at, SEEK_SET) == at ? end : 0;
}

}  // namespace vsi

/// Opens without libtiff's process-wide handlers of messages: what it says is of no interest, since
/// GDAL reads what cannot be read here and says why.
tiff_handle open_quietly(const std::string& path) {
  const auto silent = [](TIFF*, void*, const char*, const char*, va_list) { return 1; };
  const std::unique_ptr<TIFFOpenOptions, decltype(&TIFFOpenOptionsFree)> options{
      TIFFOpenOptionsAlloc(), TIFFOpenOptionsFree};
  if (!options) return nullptr;
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), silent, nullptr);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), silent, nullptr);
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), tmsize_t{defaults::reader_cache_bytes});
  vsi_file file(VSIFOpenL(path.c_str(), "rb"));
  if (!file) return nullptr;
  // m: no memory map, which a file that becomes shorter would turn into a signal.
  tiff_handle tiff{TIFFClientOpenExt(path.c_str(), "rm", file.get(), vsi::read, vsi::write,
                                     vsi::seek, vsi::close, vsi::size, nullptr, nullptr,
                                     options.get())};
  // libtiff closes what it has opened.
  if (tiff) static_cast<void>(file.release());
  return tiff;
}

uint16_t sample_format(pixel_type type) {
  switch (type) {
    case pixel_type::int8:
    case pixel_type::int16:
    case pixel_type::int32:
    case pixel_type::int64:
      return SAMPLEFORMAT_INT;
    case pixel_type::float32:
    case pixel_type::float64:
      return SAMPLEFORMAT_IEEEFP;
    default:
      return SAMPLEFORMAT_UINT;
  }
}

template <class T>
T field(TIFF* tiff, uint32_t tag, T otherwise) {
  T value = otherwise;
  return TIFFGetFieldDefaulted(tiff, tag, &value) == 1 ? value : otherwise;
}

/// Takes samples of one block apart: planes[b] gets sample bands[b] of `columns` pixels in each of
/// `rows` rows. With `differences`, every sample is the difference with the one to its left (the
/// TIFF predictor 2), and sums are kept modulo the size of T.
template <class T, bool differences, size_t samples>
void take_apart(const std::byte* from, size_t row_pixels, size_t rows, size_t columns,
                std::span<const size_t> bands, std::span<std::byte* const> planes, size_t stride,
                size_t runtime_samples) {
  const size_t count = samples != 0 ? samples : runtime_samples;
  for (size_t row = 0; row < rows; ++row) {
    const std::byte* line = from + row * row_pixels * count * sizeof(T);
    if constexpr (samples != 0) {
      // All bands in one pass over the row, in file order.
      std::array<T, samples> sums{};
      std::array<T*, samples> out;
      for (size_t s = 0; s < samples; ++s) out[s] = reinterpret_cast<T*>(planes[s] + row * stride);
      for (size_t x = 0; x < columns; ++x)
        for (size_t s = 0; s < samples; ++s) {
          T value;
          std::memcpy(&value, line + (x * samples + s) * sizeof(T), sizeof(T));
          sums[s] = differences ? static_cast<T>(sums[s] + value) : value;
          std::memcpy(out[s] + x, &sums[s], sizeof(T));
        }
    } else {
      for (size_t b = 0; b < bands.size(); ++b) {
        T sum{};
        std::byte* out = planes[b] + row * stride;
        const std::byte* in = line + bands[b] * sizeof(T);
        for (size_t x = 0; x < columns; ++x, in += count * sizeof(T)) {
          T value;
          std::memcpy(&value, in, sizeof(T));
          sum = differences ? static_cast<T>(sum + value) : value;
          std::memcpy(out + x * sizeof(T), &sum, sizeof(T));
        }
      }
    }
  }
}

template <class T, bool differences>
void take_apart_samples(const std::byte* from, size_t row_pixels, size_t rows, size_t columns,
                        std::span<const size_t> bands, std::span<std::byte* const> planes,
                        size_t stride, size_t samples) {
  const auto with = [&]<size_t n>(std::integral_constant<size_t, n>) {
    take_apart<T, differences, n>(from, row_pixels, rows, columns, bands, planes, stride, samples);
  };
  bool in_order = bands.size() == samples;
  for (size_t b = 0; b < bands.size(); ++b) in_order = in_order && bands[b] == b;
  if (in_order && samples == 1) return with(std::integral_constant<size_t, 1>{});
  if (in_order && samples == 3) return with(std::integral_constant<size_t, 3>{});
  if (in_order && samples == 4) return with(std::integral_constant<size_t, 4>{});
  with(std::integral_constant<size_t, 0>{});
}

}  // namespace

struct tiff_blocks::file {
  tiff_handle tiff;
  expected shape;
  std::unique_ptr<libdeflate_decompressor, free_inflater> inflater;
  bool tiled = false;
  /// A block holds one band.
  bool planar = false;
  /// The differences of predictor 2 are still in what decode gives.
  bool differences = false;
  size_t samples = 1;
  int64_t across = 0;
  int64_t down = 0;
};

tiff_blocks::tiff_blocks(std::unique_ptr<file> opened) : file_(std::move(opened)) {}
tiff_blocks::~tiff_blocks() = default;

std::unique_ptr<tiff_blocks> tiff_blocks::open(const std::string& path, const expected& shape) {
  auto made = std::make_unique<file>();
  made->shape = shape;
  made->tiff = open_quietly(path);
  auto* const tiff = made->tiff.get();
  if (tiff == nullptr || shape.type == pixel_type::bit) return nullptr;
  const auto compression = field<uint16_t>(tiff, TIFFTAG_COMPRESSION, 0);
  const bool deflate =
      compression == COMPRESSION_DEFLATE || compression == COMPRESSION_ADOBE_DEFLATE;
  if (!deflate && compression != COMPRESSION_NONE && compression != COMPRESSION_LZW &&
      compression != COMPRESSION_ZSTD)
    return nullptr;
  made->tiled = TIFFIsTiled(tiff) != 0;
  made->planar = field<uint16_t>(tiff, TIFFTAG_PLANARCONFIG, 0) == PLANARCONFIG_SEPARATE;
  const auto samples = field<uint16_t>(tiff, TIFFTAG_SAMPLESPERPIXEL, 1);
  made->samples = made->planar ? 1 : samples;
  const auto width = int64_t{field<uint32_t>(tiff, TIFFTAG_IMAGEWIDTH, 0)};
  const auto height = int64_t{field<uint32_t>(tiff, TIFFTAG_IMAGELENGTH, 0)};
  int64_t block_width = width, block_height = 0;
  if (made->tiled) {
    block_width = field<uint32_t>(tiff, TIFFTAG_TILEWIDTH, 0);
    block_height = field<uint32_t>(tiff, TIFFTAG_TILELENGTH, 0);
  } else {
    block_height = std::min<int64_t>(height, field<uint32_t>(tiff, TIFFTAG_ROWSPERSTRIP, 0));
  }
  if (width != shape.width || height != shape.height || samples != shape.bands ||
      block_width != shape.block_width || block_height != shape.block_height || block_width < 1 ||
      block_height < 1 ||
      field<uint16_t>(tiff, TIFFTAG_BITSPERSAMPLE, 0) != 8 * size_of(shape.type) ||
      field<uint16_t>(tiff, TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_UINT) != sample_format(shape.type) ||
      field<uint16_t>(tiff, TIFFTAG_FILLORDER, FILLORDER_MSB2LSB) != FILLORDER_MSB2LSB)
    return nullptr;
  made->across = (width + block_width - 1) / block_width;
  made->down = (height + block_height - 1) / block_height;
  const auto block_bytes = uint64_t(block_width) * uint64_t(block_height);
  if (block_bytes > defaults::reader_cache_bytes / (made->samples * size_of(shape.type)))
    return nullptr;
  // The predictor is a field of the codecs that know it alone.
  const auto predictor = compression == COMPRESSION_NONE
                             ? uint16_t{PREDICTOR_NONE}
                             : field<uint16_t>(tiff, TIFFTAG_PREDICTOR, PREDICTOR_NONE);
  if (deflate && TIFFIsByteSwapped(tiff) == 0 && predictor != PREDICTOR_FLOATINGPOINT) {
    made->inflater.reset(libdeflate_alloc_decompressor());
    made->differences = predictor == PREDICTOR_HORIZONTAL;
  }
  return std::unique_ptr<tiff_blocks>(new tiff_blocks(std::move(made)));
}

bool tiff_blocks::inflate(uint32_t block, size_t bytes) {
  auto* const tiff = file_->tiff.get();
  const auto packed = TIFFGetStrileByteCount(tiff, block);
  // Deflate does not make pixels much longer: what claims to is no deflate.
  if (packed == 0 || packed > 2 * uint64_t{bytes} + 4096) return false;
  if (packed_.size() < packed) packed_.resize(packed);
  const auto size = static_cast<tmsize_t>(packed);
  const auto got = file_->tiled ? TIFFReadRawTile(tiff, block, packed_.data(), size)
                                : TIFFReadRawStrip(tiff, block, packed_.data(), size);
  size_t inflated = 0;
  return got == size &&
         libdeflate_zlib_decompress(file_->inflater.get(), packed_.data(), packed, samples_.data(),
                                    bytes, &inflated) == LIBDEFLATE_SUCCESS &&
         inflated == bytes;
}

bool tiff_blocks::decode(uint32_t block, size_t bytes) {
  auto* const tiff = file_->tiff.get();
  // A block that was never written has no bytes; GDAL knows what it holds.
  if (TIFFGetStrileOffset(tiff, block) == 0 || TIFFGetStrileByteCount(tiff, block) == 0)
    return false;
  if (samples_.size() < bytes) samples_.resize(bytes);
  if (file_->inflater) return inflate(block, bytes);
  const auto size = static_cast<tmsize_t>(bytes);
  return (file_->tiled ? TIFFReadEncodedTile(tiff, block, samples_.data(), size)
                       : TIFFReadEncodedStrip(tiff, block, samples_.data(), size)) == size;
}

bool tiff_blocks::read(const source_window& window, std::span<const size_t> bands,
                       std::span<std::byte> pixels) {
  const auto& shape = file_->shape;
  const auto end_column = window.column + window.width;
  const auto end_row = window.row + window.height;
  if (window.column % shape.block_width != 0 || window.row % shape.block_height != 0 ||
      (end_column % shape.block_width != 0 && end_column != shape.width) ||
      (end_row % shape.block_height != 0 && end_row != shape.height))
    return false;
  const size_t pixel = size_of(shape.type);
  const size_t plane = static_cast<size_t>(window.width * window.height) * pixel;
  const size_t stride = static_cast<size_t>(window.width) * pixel;
  std::vector<std::byte*> planes(bands.size());
  for (auto row = window.row; row < end_row; row += shape.block_height)
    for (auto column = window.column; column < end_column; column += shape.block_width) {
      const auto rows = static_cast<size_t>(std::min(shape.block_height, end_row - row));
      const auto columns = static_cast<size_t>(std::min(shape.block_width, end_column - column));
      const auto at =
          static_cast<size_t>((row - window.row) * window.width + column - window.column);
      for (size_t b = 0; b < bands.size(); ++b) planes[b] = pixels.data() + b * plane + at * pixel;
      const auto number = static_cast<uint32_t>(row / shape.block_height * file_->across +
                                                column / shape.block_width);
      // A tile is whole in the file even where the image ends, a strip is not.
      const auto held_rows = file_->tiled ? static_cast<size_t>(shape.block_height) : rows;
      const auto row_pixels = static_cast<size_t>(shape.block_width);
      const size_t bytes = held_rows * row_pixels * file_->samples * pixel;
      const auto unpack = [&](std::span<const size_t> which, std::span<std::byte* const> into) {
        visit_pixel_type(shape.type, [&]<class T>(std::type_identity<T>) {
          using word = std::conditional_t<
              sizeof(T) == 1, uint8_t,
              std::conditional_t<sizeof(T) == 2, uint16_t,
                                 std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>>>;
          if (file_->differences)
            take_apart_samples<word, true>(samples_.data(), row_pixels, rows, columns, which, into,
                                           stride, file_->samples);
          else
            take_apart_samples<word, false>(samples_.data(), row_pixels, rows, columns, which, into,
                                            stride, file_->samples);
        });
      };
      if (!file_->planar) {
        if (!decode(number, bytes)) return false;
        unpack(bands, planes);
        continue;
      }
      constexpr std::array<size_t, 1> only{0};
      for (size_t b = 0; b < bands.size(); ++b) {
        const auto first =
            static_cast<uint32_t>(bands[b]) * static_cast<uint32_t>(file_->across * file_->down);
        if (!decode(first + number, bytes)) return false;
        unpack(only, {&planes[b], 1});
      }
    }
  return true;
}

}  // namespace stip
