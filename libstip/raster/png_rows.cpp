#include <cpl_vsi.h>
#include <gdal_priv.h>

#include <atomic>
#include <memory>

#include "libstip/raster/gdal_dataset.hpp"
#include "libstip/raster/picture.hpp"

// GDAL's PNG driver only copies, row after row from the first: so it is given a dataset whose rows
// are made when it asks for them.

namespace stip {

namespace {

using make_row = std::function<result<void>(int64_t row, std::span<rgba>)>;

/// Rows of a picture as a dataset of bytes: gray and alpha, or red, green, blue and alpha.
class rows_dataset final : public GDALDataset {
 public:
  rows_dataset(int64_t width, int64_t height, bool gray, const make_row& row)
      : row_(row), gray_(gray), pixels_(static_cast<size_t>(width)) {
    nRasterXSize = static_cast<int>(width);
    nRasterYSize = static_cast<int>(height);
    eAccess = GA_ReadOnly;
    const int channels = gray ? 2 : 4;
    for (int i = 1; i <= channels; ++i) SetBand(i, new band(*this, i));
  }

  result<void> outcome() const { return outcome_; }

  /// One channel of one row.
  CPLErr copy(int y, int channel, uint8_t* out, GSpacing step) {
    if (y != made_) {
      if (outcome_) outcome_ = row_(y, pixels_);
      if (!outcome_) {
        CPLError(CE_Failure, CPLE_AppDefined, "%s", outcome_.error().why.c_str());
        return CE_Failure;
      }
      made_ = y;
    }
    const size_t part = gray_ && channel == 1 ? 3 : static_cast<size_t>(channel);
    for (size_t x = 0; x < pixels_.size(); ++x, out += step) *out = pixels_[x][part];
    return CE_None;
  }

  CPLErr IRasterIO(GDALRWFlag way, int x, int y, int width, int height, void* data, int to_width,
                   int to_height, GDALDataType type, int bands, int* map, GSpacing pixel_step,
                   GSpacing line_step, GSpacing band_step, GDALRasterIOExtraArg* extra) override {
    const bool plain = way == GF_Read && x == 0 && width == nRasterXSize && to_width == width &&
                       to_height == height && type == GDT_Byte;
    if (!plain)
      return GDALDataset::IRasterIO(way, x, y, width, height, data, to_width, to_height, type,
                                    bands, map, pixel_step, line_step, band_step, extra);
    // Nothing goes through GDAL's cache, which would keep rows that nobody asks for again.
    for (int r = 0; r < height; ++r)
      for (int b = 0; b < bands; ++b)
        if (copy(y + r, map[b] - 1, static_cast<uint8_t*>(data) + r * line_step + b * band_step,
                 pixel_step) != CE_None)
          return CE_Failure;
    return CE_None;
  }

 private:
  class band final : public GDALRasterBand {
   public:
    band(rows_dataset& owner, int number) : owner_(owner) {
      poDS = &owner;
      nBand = number;
      eDataType = GDT_Byte;
      nBlockXSize = owner.nRasterXSize;
      nBlockYSize = 1;
    }
    CPLErr IReadBlock(int, int y, void* data) override {
      return owner_.copy(y, nBand - 1, static_cast<uint8_t*>(data), 1);
    }
    CPLErr IRasterIO(GDALRWFlag way, int x, int y, int width, int height, void* data, int to_width,
                     int to_height, GDALDataType type, GSpacing pixel_step, GSpacing line_step,
                     GDALRasterIOExtraArg* extra) override {
      const bool plain = way == GF_Read && x == 0 && width == nRasterXSize && to_width == width &&
                         to_height == height && type == GDT_Byte;
      if (!plain)
        return GDALRasterBand::IRasterIO(way, x, y, width, height, data, to_width, to_height, type,
                                         pixel_step, line_step, extra);
      for (int r = 0; r < height; ++r)
        if (owner_.copy(y + r, nBand - 1, static_cast<uint8_t*>(data) + r * line_step,
                        pixel_step) != CE_None)
          return CE_Failure;
      return CE_None;
    }
    GDALColorInterp GetColorInterpretation() override {
      const bool alpha = nBand == owner_.nBands;
      if (alpha) return GCI_AlphaBand;
      if (owner_.gray_) return GCI_GrayIndex;
      return static_cast<GDALColorInterp>(GCI_RedBand + nBand - 1);
    }

   private:
    rows_dataset& owner_;
  };

  const make_row& row_;
  const bool gray_;
  std::vector<rgba> pixels_;
  int made_ = -1;
  result<void> outcome_;
};

}  // namespace

result<void> write_png_rows(const std::string& path, int64_t width, int64_t height, bool gray,
                            const make_row& row) {
  prepare_gdal();
  const auto what = "write " + path;
  if (width < 1 || height < 1 || width > defaults::max_raster_edge ||
      height > defaults::max_raster_edge)
    return fail(ec::invalid_argument, what, "a picture cannot be of that size");
  const gdal_errors errors;
  const auto png = GDALGetDriverByName("PNG");
  if (png == nullptr) return fail(ec::unsupported, what, "GDAL has no PNG driver", "install it");
  rows_dataset rows{width, height, gray, row};
  gdal_dataset out(GDALCreateCopy(png, path.c_str(), GDALDataset::ToHandle(&rows), FALSE, nullptr,
                                  nullptr, nullptr),
                   false);
  STIP_TRY(rows.outcome());
  if (!out || errors.failed())
    return fail(errors.out_of_memory() ? ec::limit_exceeded : ec::io_error, what,
                errors.text().empty() ? "GDAL could not write the picture" : errors.text());
  if (auto why = out.close(); !why.empty()) return fail(ec::io_error, what, std::move(why));
  return {};
}

result<void> write_png(const std::string& path, const picture& of) {
  return write_png_rows(path, of.width, of.height, of.gray,
                        [&](int64_t row, std::span<rgba> out) -> result<void> {
                          std::copy_n(of.pixels.begin() + row * of.width, of.width, out.begin());
                          return {};
                        });
}

result<std::string> encode_png(const picture& of) {
  static std::atomic<uint64_t> next{0};
  const auto name = "/vsimem/stip-picture-" + std::to_string(next++) + ".png";
  auto written = write_png(name, of);
  std::string out;
  if (written) {
    vsi_l_offset bytes = 0;
    const auto* file = VSIGetMemFileBuffer(name.c_str(), &bytes, FALSE);
    if (file != nullptr) out.assign(reinterpret_cast<const char*>(file), bytes);
  }
  VSIUnlink(name.c_str());
  VSIUnlink((name + ".aux.xml").c_str());
  STIP_TRY(written);
  return out;
}

}  // namespace stip
