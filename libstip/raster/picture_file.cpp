#include "libstip/raster/picture_file.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "libstip/raster/gdal_dataset.hpp"
#include "libstip/raster/gdal_type.hpp"

namespace stip {

namespace {

/// Bytes of the rows that are read at a time, and rows: a tile's, so that each is decoded once.
constexpr uint64_t strip_bytes = uint64_t{32} << 20;
constexpr int64_t most_rows = 512;

tl::unexpected<error> refuse(const std::string& raster, const gdal_errors& errors) {
  return fail(ec::io_error, "read " + raster,
              errors.text().empty() ? "GDAL could not read it" : errors.text());
}

/// Rows of a file, with what is valid of each band.
class strip_reader {
 public:
  strip_reader(const gdal_dataset& file, const std::string& name, pixel_type type, size_t bands)
      : file_(file), name_(name), type_(type), bands_(bands) {
    width_ = GDALGetRasterXSize(file.handle());
    height_ = GDALGetRasterYSize(file.handle());
    const auto row = static_cast<uint64_t>(width_) * bands * (size_of(type) + 1);
    rows_ = std::clamp<int64_t>(static_cast<int64_t>(strip_bytes / std::max<uint64_t>(1, row)), 1,
                                most_rows);
  }

  int64_t width() const { return width_; }
  int64_t height() const { return height_; }

  /// Makes `row` the one that planes and flags show.
  result<void> seek(int64_t row) {
    row_ = row;
    if (row >= first_ && row < first_ + count_) return {};
    first_ = row;
    count_ = std::min(rows_, height_ - row);
    const gdal_errors errors;
    const auto pixels = static_cast<size_t>(width_ * count_);
    planes_.resize(pixels * bands_ * size_of(type_));
    flags_.resize(pixels * bands_);
    for (size_t b = 0; b < bands_; ++b) {
      const auto band = GDALGetRasterBand(file_.handle(), static_cast<int>(b + 1));
      const auto read = [&](GDALRasterBandH from, void* to, GDALDataType as) {
        return GDALRasterIO(from, GF_Read, 0, static_cast<int>(row), static_cast<int>(width_),
                            static_cast<int>(count_), to, static_cast<int>(width_),
                            static_cast<int>(count_), as, 0, 0) == CE_None;
      };
      if (!read(band, planes_.data() + b * pixels * size_of(type_), gdal_type(type_)) ||
          !read(GDALGetMaskBand(band), flags_.data() + b * pixels, GDT_Byte))
        return refuse(name_, errors);
    }
    return {};
  }

  std::vector<const std::byte*> planes() const {
    std::vector<const std::byte*> out;
    for (size_t b = 0; b < bands_; ++b)
      out.push_back(planes_.data() + (b * plane() + offset()) * size_of(type_));
    return out;
  }
  std::vector<const uint8_t*> flags() const {
    std::vector<const uint8_t*> out;
    for (size_t b = 0; b < bands_; ++b) out.push_back(flags_.data() + b * plane() + offset());
    return out;
  }

 private:
  size_t plane() const { return static_cast<size_t>(width_ * count_); }
  size_t offset() const { return static_cast<size_t>((row_ - first_) * width_); }

  const gdal_dataset& file_;
  const std::string& name_;
  pixel_type type_;
  size_t bands_;
  int64_t width_ = 0, height_ = 0, rows_ = 1;
  int64_t first_ = 0, count_ = 0, row_ = 0;
  std::vector<std::byte> planes_;
  std::vector<uint8_t> flags_;
};

/// Values of a band, spread evenly over the picture; out of an overview where there is one.
result<std::vector<double>> sample(const gdal_dataset& file, const std::string& name,
                                   size_t plane) {
  const gdal_errors errors;
  const auto band = GDALGetRasterBand(file.handle(), static_cast<int>(plane + 1));
  const int width = GDALGetRasterXSize(file.handle()), height = GDALGetRasterYSize(file.handle());
  const double pixels = static_cast<double>(width) * height;
  const double scale =
      std::min(1.0, std::sqrt(static_cast<double>(defaults::picture_sample_pixels) / pixels));
  const int columns = std::max(1, static_cast<int>(width * scale));
  const int rows = std::max(1, static_cast<int>(height * scale));
  std::vector<double> values(static_cast<size_t>(columns) * static_cast<size_t>(rows));
  std::vector<uint8_t> flags(values.size());
  if (GDALRasterIO(band, GF_Read, 0, 0, width, height, values.data(), columns, rows, GDT_Float64, 0,
                   0) != CE_None ||
      GDALRasterIO(GDALGetMaskBand(band), GF_Read, 0, 0, width, height, flags.data(), columns, rows,
                   GDT_Byte, 0, 0) != CE_None)
    return refuse(name, errors);
  std::vector<double> out;
  for (size_t i = 0; i < values.size(); ++i)
    if (flags[i] != 0 && std::isfinite(values[i])) out.push_back(values[i]);
  return out;
}

}  // namespace

result<void> paint_file(const std::string& raster, pixel_type type,
                        const std::vector<band_description>& bands, const picture_style& style,
                        const std::string& path, bool remove) {
  prepare_gdal();
  STIP_ASSIGN(const auto file, open_gdal(raster));
  std::error_code ignored;
  if (remove) std::filesystem::remove(raster, ignored);
  if (GDALGetRasterCount(file.handle()) < static_cast<int>(bands.size()))
    return fail(ec::invalid_argument, "paint " + raster, "it has fewer bands");
  STIP_ASSIGN(const auto painter, picture_painter::make(type, bands, style, [&](size_t plane) {
                return sample(file, raster, plane);
              }));
  strip_reader rows{file, raster, type, bands.size()};
  return write_png_rows(path, rows.width(), rows.height(), painter.gray(),
                        [&](int64_t row, std::span<rgba> out) -> result<void> {
                          STIP_TRY(rows.seek(row));
                          painter.paint(rows.planes(), rows.flags(), out);
                          return {};
                        });
}

}  // namespace stip
