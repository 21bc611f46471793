#include "libstip/raster/plain_tiff.hpp"

#include <cpl_conv.h>
#include <cpl_string.h>
#include <ogr_spatialref.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "libstip/raster/gdal_dataset.hpp"
#include "libstip/raster/gdal_type.hpp"
#include "libstip/raster/nodata.hpp"

namespace stip {

namespace {

void set_stip_item(GDALMajorObjectH object, std::string key, const std::string& value) {
  key.append(plain_tiff::domain_placeholder);
  GDALSetMetadataItem(object, key.c_str(), value.c_str(), nullptr);
}

bool has_colours(const subdataset_description& d) {
  return d.bands.size() >= 3 && d.bands[0].colour == "Red" && d.bands[1].colour == "Green" &&
         d.bands[2].colour == "Blue";
}

/// The nodata value of all bands; nullopt when they have none or several (a GeoTIFF has one).
std::optional<uint64_t> common_nodata(const subdataset_description& d) {
  if (d.valid != validity::nodata) return std::nullopt;
  for (const auto& band : d.bands)
    if (band.nodata != d.bands.front().nodata) return std::nullopt;
  return d.bands.front().nodata;
}

void set_nodata(GDALRasterBandH band, pixel_type type, uint64_t pattern) {
  if (type == pixel_type::int64)
    GDALSetRasterNoDataValueAsInt64(band, static_cast<int64_t>(pattern));
  else if (type == pixel_type::uint64)
    GDALSetRasterNoDataValueAsUInt64(band, pattern);
  else
    GDALSetRasterNoDataValue(band, nodata_value(type, pattern));
}

void set_colours(GDALRasterBandH band, const band_description& d) {
  GDALColorTableH table = GDALCreateColorTable(GPI_RGB);
  int index = 0;
  for (const auto& text : d.colour_table) {
    GDALColorEntry entry{0, 0, 0, 255};
    const char* at = text.c_str();
    for (auto* part : {&entry.c1, &entry.c2, &entry.c3, &entry.c4}) {
      char* end = nullptr;
      *part = static_cast<short>(std::strtol(at, &end, 10));
      at = *end == ',' ? end + 1 : end;
    }
    GDALSetColorEntry(table, index++, &entry);
  }
  GDALSetRasterColorTable(band, table);
  GDALDestroyColorTable(table);
}

void describe_band(GDALRasterBandH band, const chip_image& image, size_t i) {
  const auto& d = image.description.bands[i];
  const bool is_number = d.name == std::to_string(i + 1);
  if (!is_number) GDALSetDescription(band, d.name.c_str());
  if (d.scale != 1 || d.offset != 0) {
    GDALSetRasterScale(band, d.scale);
    GDALSetRasterOffset(band, d.offset);
  }
  if (!d.unit.empty()) GDALSetRasterUnitType(band, d.unit.c_str());
  // TIFF 6.0 has palettes for one band of at most 16 bits.
  const bool palette =
      !d.colour_table.empty() && image.bands() == 1 &&
      (image.description.type == pixel_type::uint8 || image.description.type == pixel_type::uint16);
  if (palette)
    set_colours(band, d);
  else if (!d.colour.empty() && d.colour != "Palette")
    GDALSetRasterColorInterpretation(band, GDALGetColorInterpretationByName(d.colour.c_str()));
  for (const auto& [key, value] : d.properties)
    GDALSetMetadataItem(band, key.c_str(), value.c_str(), nullptr);
  for (size_t c = 0; c < d.categories.size(); ++c)
    if (!d.categories[c].empty())
      set_stip_item(band, "CATEGORY_" + std::to_string(c), d.categories[c]);
  if (d.nodata && !common_nodata(image.description))
    set_stip_item(band, "NODATA", nodata_text(image.description.type, *d.nodata));
}

/// The file's mask: needed where neither a nodata value nor an alpha band says the same.
std::vector<uint8_t> file_mask(const chip_image& image) {
  const auto valid = image.description.valid;
  if (valid == validity::alpha || common_nodata(image.description)) return {};
  auto out = image.valid();
  if (valid == validity::all && std::find(out.begin(), out.end(), uint8_t{0}) == out.end())
    return {};
  constexpr uint8_t gdal_valid = 255;
  for (auto& v : out) v = v != 0 ? gdal_valid : 0;
  return out;
}

}  // namespace

result<void> plain_tiff::write(const char* path, const chip_image& image) {
  const gdal_errors errors;
  const auto refuse = [&] {
    return fail(errors.out_of_memory() ? ec::limit_exceeded : ec::io_error,
                std::string("write ") + path,
                errors.text().empty() ? "GDAL could not write the file" : errors.text());
  };
  const auto& d = image.description;
  const auto width = static_cast<int>(image.width());
  const auto height = static_cast<int>(image.height());
  const auto type = gdal_type(d.type);
  CPLStringList options;
  options.SetNameValue("TILED", "YES");
  options.SetNameValue("BIGTIFF", "IF_SAFER");
  options.SetNameValue("INTERLEAVE", "BAND");
  if (d.type == pixel_type::int8) options.SetNameValue("PIXELTYPE", "SIGNEDBYTE");
  options.SetNameValue("PHOTOMETRIC", has_colours(d) ? "RGB" : "MINISBLACK");
  if (d.valid == validity::alpha) options.SetNameValue("ALPHA", "NON-PREMULTIPLIED");
  const auto driver = GDALGetDriverByName("GTiff");
  gdal_dataset out(driver == nullptr
                       ? nullptr
                       : GDALCreate(driver, path, width, height, static_cast<int>(image.bands()),
                                    type, options.List()),
                   false);
  if (!out) return refuse();
  auto transform = d.grid.transform;
  if (GDALSetGeoTransform(out.handle(), transform.data()) != CE_None) return refuse();
  OGRSpatialReference crs;
  if (crs.SetFromUserInput(d.grid.crs_wkt.c_str(),
                           OGRSpatialReference::SET_FROM_USER_INPUT_LIMITATIONS_get()) !=
      OGRERR_NONE)
    return fail(ec::malformed, std::string("write ") + path,
                "its coordinate reference system cannot be read");
  crs.SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
  if (GDALSetSpatialRef(out.handle(), OGRSpatialReference::ToHandle(&crs)) != CE_None)
    return refuse();
  for (const auto& [key, value] : image.properties)
    GDALSetMetadataItem(out.handle(), key.c_str(), value.c_str(), nullptr);
  for (const auto& [key, value] : image.items) set_stip_item(out.handle(), key, value);
  if (const auto nodata = common_nodata(d))
    set_nodata(GDALGetRasterBand(out.handle(), 1), d.type, *nodata);
  for (size_t i = 0; i < image.bands(); ++i)
    describe_band(GDALGetRasterBand(out.handle(), static_cast<int>(i + 1)), image, i);
  auto mask = file_mask(image);
  // Of this thread alone, and only while the mask is made.
  const CPLConfigOptionSetter internal("GDAL_TIFF_INTERNAL_MASK", "YES", false);
  if (!mask.empty() && GDALCreateDatasetMaskBand(out.handle(), GMF_PER_DATASET) != CE_None)
    return refuse();
  for (size_t i = 0; i < image.bands(); ++i) {
    const auto pixels = image.band(i);
    if (GDALRasterIOEx(GDALGetRasterBand(out.handle(), static_cast<int>(i + 1)), GF_Write, 0, 0,
                       width, height, const_cast<std::byte*>(pixels.data()), width, height, type, 0,
                       0, nullptr) != CE_None)
      return refuse();
  }
  if (!mask.empty() &&
      GDALRasterIOEx(GDALGetMaskBand(GDALGetRasterBand(out.handle(), 1)), GF_Write, 0, 0, width,
                     height, mask.data(), width, height, GDT_Byte, 0, 0, nullptr) != CE_None)
    return refuse();
  if (errors.failed()) return refuse();
  if (auto why = out.close(); !why.empty())
    return fail(ec::io_error, std::string("write ") + path, std::move(why));
  return {};
}
}  // namespace stip
