#include "tests/support/scenes/check.hpp"

#include <gdal_priv.h>
#include <ogr_spatialref.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

#include "libstip/raster/gdal_dataset.hpp"
#include "libstip/raster/gdal_type.hpp"

namespace stip::scenes {

namespace {

constexpr int64_t rows_at_a_time = 256;
constexpr size_t most_faults = 50;

class checker {
 public:
  checker(const layer& l, findings& out) : l_(l), out_(out) {}

  void run(GDALDataset& file, uint64_t most_pixels) {
    if (file.GetRasterXSize() != l_.width || file.GetRasterYSize() != l_.height)
      return fault(text("is %d x %d", file.GetRasterXSize(), file.GetRasterYSize()));
    if (l_.band > file.GetRasterCount()) return fault("has no such band");
    auto* band = file.GetRasterBand(l_.band);
    if (band->GetRasterDataType() != gdal_type(l_.type))
      fault(std::string("is ") + GDALGetDataTypeName(band->GetRasterDataType()));
    if (l_.gdal_knows_grid) {
      grid(file);
      numbers(*band);
    }
    pixels(*band, most_pixels);
  }

 private:
  void fault(const std::string& what) {
    if (out_.faults.size() < most_faults) out_.faults.push_back(l_.name + " " + what);
  }

  void grid(GDALDataset& file) {
    std::array<double, 6> found{};
    if (file.GetGeoTransform(found.data()) != CE_None) return fault("has no transform");
    // Text formats round; no pixel of a tile of any size moves by a hundredth.
    const double near = 1e-7 * std::abs(l_.transform[1]) * double(std::max(l_.width, l_.height));
    for (size_t i = 0; i < 6; ++i)
      if (std::abs(found[i] - l_.transform[i]) >
          (i % 3 == 0 ? near : 1e-9 * std::abs(l_.transform[1])))
        fault(text("has %.12g for %.12g in its transform", found[i], l_.transform[i]));
    OGRSpatialReference wanted;
    wanted.SetFromUserInput(l_.crs.c_str());
    const auto* crs = file.GetSpatialRef();
    const char* const options[] = {"IGNORE_DATA_AXIS_TO_SRS_AXIS_MAPPING=YES",
                                   "CRITERION=EQUIVALENT_EXCEPT_AXIS_ORDER_GEOGCRS", nullptr};
    if (crs == nullptr || !crs->IsSame(&wanted, options))
      fault(std::string("has another CRS: ") + file.GetProjectionRef());
  }

  void numbers(GDALRasterBand& band) {
    int known = 0;
    const double nodata = band.GetNoDataValue(&known);
    // GDAL 3.6 moves signed bytes as bytes.
    const auto wanted = l_.type == pixel_type::int8 && l_.nodata && *l_.nodata < 0
                            ? std::optional(*l_.nodata + 256)
                            : l_.nodata;
    if ((known != 0) != wanted.has_value() || (wanted && nodata != *wanted))
      fault(known != 0 ? text("has nodata %g", nodata) : "has no nodata");
    if (l_.scale && std::abs(band.GetScale() - *l_.scale) > 1e-12)
      fault(text("has scale %g", band.GetScale()));
    if (l_.offset && std::abs(band.GetOffset() - *l_.offset) > 1e-12)
      fault(text("has offset %g", band.GetOffset()));
  }

  void pixels(GDALRasterBand& band, uint64_t most_pixels) {
    const auto size = size_of(l_.type);
    std::vector<std::byte> found, wanted;
    for (int64_t y = 0; y < l_.height; y += rows_at_a_time) {
      if (most_pixels > 0 && static_cast<uint64_t>(y * l_.width) >= most_pixels) return;
      const window w{0, y, l_.width, std::min(rows_at_a_time, l_.height - y)};
      found.resize(w.pixels() * size);
      wanted.resize(found.size());
      const gdal_errors errors;
      if (band.RasterIO(GF_Read, 0, int(y), int(w.width), int(w.height), found.data(), int(w.width),
                        int(w.height), gdal_type(l_.type), 0, 0, nullptr) != CE_None)
        return fault("cannot be read: " + errors.text());
      l_.pixels(w, wanted);
      out_.pixels += w.pixels();
      if (found == wanted) continue;
      for (size_t i = 0; i < w.pixels(); ++i)
        if (std::memcmp(found.data() + i * size, wanted.data() + i * size, size) != 0)
          return fault(text("has %g for %g at row %lld, column %lld", number_at(l_.type, found, i),
                            number_at(l_.type, wanted, i),
                            static_cast<long long>(y + int64_t(i) / w.width),
                            static_cast<long long>(int64_t(i) % w.width)));
    }
  }

  const layer& l_;
  findings& out_;
};

}  // namespace

findings check(const product& p, uint64_t most_pixels) {
  findings out;
  std::unique_ptr<GDALDataset> file;
  std::string opened;
  for (const auto& l : p.layers) {
    const gdal_errors errors;
    if (!file || opened != l.gdal_name) {
      file.reset(GDALDataset::Open(l.gdal_name.c_str(), GDAL_OF_RASTER | GDAL_OF_VERBOSE_ERROR));
      opened = l.gdal_name;
    }
    ++out.layers;
    if (!file)
      out.faults.push_back(l.name + " cannot be opened: " + errors.text());
    else
      checker(l, out).run(*file, most_pixels);
  }
  return out;
}

}  // namespace stip::scenes
