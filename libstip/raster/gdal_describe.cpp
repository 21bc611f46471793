#include "libstip/raster/gdal_describe.hpp"

#include <cpl_conv.h>
#include <cpl_string.h>
#include <ogr_spatialref.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "libstip/raster/nodata.hpp"
#include "libstip/raster/text.hpp"

namespace stip {

namespace {

/// The pixel type of a band; nullopt for complex numbers and what is unknown.
std::optional<pixel_type> type_of(GDALRasterBandH band) {
  switch (GDALGetRasterDataType(band)) {
    case GDT_Byte: {
      // GDAL 3.6 has no type for signed bytes, only this mark.
      const auto* mark = GDALGetMetadataItem(band, "PIXELTYPE", "IMAGE_STRUCTURE");
      return mark != nullptr && EQUAL(mark, "SIGNEDBYTE") ? pixel_type::int8 : pixel_type::uint8;
    }
    case GDT_UInt16:
      return pixel_type::uint16;
    case GDT_Int16:
      return pixel_type::int16;
    case GDT_UInt32:
      return pixel_type::uint32;
    case GDT_Int32:
      return pixel_type::int32;
    case GDT_UInt64:
      return pixel_type::uint64;
    case GDT_Int64:
      return pixel_type::int64;
    case GDT_Float32:
      return pixel_type::float32;
    case GDT_Float64:
      return pixel_type::float64;
    default:
      return std::nullopt;
  }
}

std::optional<uint64_t> nodata_of(GDALRasterBandH band, pixel_type type) {
  int has = FALSE;
  switch (type) {
    case pixel_type::int64: {
      const int64_t value = GDALGetRasterNoDataValueAsInt64(band, &has);
      return has ? nodata_pattern(type, value) : std::nullopt;
    }
    case pixel_type::uint64: {
      const uint64_t value = GDALGetRasterNoDataValueAsUInt64(band, &has);
      return has ? nodata_pattern(type, value) : std::nullopt;
    }
    default: {
      const double value = GDALGetRasterNoDataValue(band, &has);
      return has ? nodata_pattern(type, value) : std::nullopt;
    }
  }
}

std::string kept(const char* text, size_t max_bytes, description_budget& budget) {
  if (text == nullptr) return {};
  auto out = clean_text(text, std::min(max_bytes, budget.bytes));
  budget.bytes -= out.size();
  return out;
}

std::vector<std::string> colour_table_of(GDALRasterBandH band, description_budget& budget) {
  std::vector<std::string> out;
  const auto table = GDALGetRasterColorTable(band);
  if (table == nullptr || GDALGetPaletteInterpretation(table) != GPI_RGB) return out;
  const int count = GDALGetColorEntryCount(table);
  if (count <= 0 || static_cast<size_t>(count) > budget.palette_entries) return out;
  budget.palette_entries -= static_cast<size_t>(count);
  out.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    const auto* c = GDALGetColorEntry(table, i);
    out.push_back(std::to_string(c->c1) + "," + std::to_string(c->c2) + "," +
                  std::to_string(c->c3) + "," + std::to_string(c->c4));
  }
  return out;
}

std::vector<std::string> categories_of(GDALRasterBandH band, description_budget& budget) {
  std::vector<std::string> out;
  auto** names = GDALGetRasterCategoryNames(band);
  for (; names != nullptr && *names != nullptr && budget.palette_entries > 0; ++names) {
    --budget.palette_entries;
    out.push_back(kept(*names, defaults::max_name_bytes, budget));
  }
  return out;
}

band_description describe_band(GDALRasterBandH band, description_budget& budget) {
  band_description out;
  out.name = kept(GDALGetDescription(band), defaults::max_name_bytes, budget);
  if (out.name.empty()) out.name = std::to_string(GDALGetBandNumber(band));
  int has = FALSE;
  const double scale = GDALGetRasterScale(band, &has);
  if (has && std::isfinite(scale) && scale != 0) out.scale = scale;
  const double offset = GDALGetRasterOffset(band, &has);
  if (has && std::isfinite(offset)) out.offset = offset;
  out.unit = kept(GDALGetRasterUnitType(band), defaults::max_name_bytes, budget);
  const auto colour = GDALGetRasterColorInterpretation(band);
  if (colour != GCI_Undefined) out.colour = GDALGetColorInterpretationName(colour);
  out.colour_table = colour_table_of(band, budget);
  out.categories = categories_of(band, budget);
  out.properties = gdal_properties(band, nullptr, budget);
  return out;
}

/// What tells the validity of the pixels of the bands of one subdataset.
struct validity_sources {
  validity valid = validity::all;
  std::vector<gdal_mask> masks;
};

bool is_alpha(GDALRasterBandH band) {
  return GDALGetRasterColorInterpretation(band) == GCI_AlphaBand;
}

/// `alpha` is the dataset's alpha band, whatever its place: GDAL itself knows of it only when it is
/// the second of two or the fourth of four.
validity_sources validity_of(const std::vector<GDALRasterBandH>& bands,
                             const std::vector<gdal_band>& sources, pixel_type type,
                             const std::vector<std::optional<uint64_t>>& nodata,
                             const std::optional<gdal_mask>& alpha) {
  const auto gdal_mask_of = [&](size_t i) {
    return gdal_mask{gdal_mask::kind::gdal, sources[i], type, 0};
  };
  bool own_masks = false;
  for (size_t i = 0; i < bands.size(); ++i) {
    const int flags = GDALGetMaskFlags(bands[i]);
    const bool of_dataset = (flags & GMF_PER_DATASET) != 0;
    if (of_dataset && (flags & GMF_ALPHA) == 0) return {validity::mask, {gdal_mask_of(i)}};
    own_masks |= flags == 0;
  }
  if (alpha && bands.size() > 1 && sources.back() == alpha->band &&
      std::none_of(bands.begin(), bands.end() - 1, is_alpha))
    return {validity::alpha, {}};
  if (alpha) return {validity::mask, {*alpha}};
  const auto with_nodata = static_cast<size_t>(
      std::count_if(nodata.begin(), nodata.end(), [](const auto& n) { return n.has_value(); }));
  if (!own_masks && with_nodata == 0) return {validity::all, {}};
  if (!own_masks && with_nodata == bands.size()) return {validity::nodata, {}};
  validity_sources out{validity::band_masks, {}};
  for (size_t i = 0; i < bands.size(); ++i) {
    if (GDALGetMaskFlags(bands[i]) == 0)
      out.masks.push_back(gdal_mask_of(i));
    else if (nodata[i])
      out.masks.push_back({gdal_mask::kind::nodata, sources[i], type, *nodata[i]});
    else
      out.masks.push_back({gdal_mask::kind::none, sources[i], type, 0});
  }
  return out;
}

source_tiling tiling_of(GDALDatasetH dataset, GDALRasterBandH band, const grid& grid,
                        size_t pixel_bytes_all_bands) {
  int block_width = 0;
  int block_height = 0;
  GDALGetBlockSize(band, &block_width, &block_height);
  source_tiling out;
  out.block_width = std::clamp<int64_t>(block_width, 1, grid.width);
  out.block_height = std::clamp<int64_t>(block_height, 1, grid.height);
  const auto* interleave = GDALGetMetadataItem(dataset, "INTERLEAVE", "IMAGE_STRUCTURE");
  out.bands_together = interleave != nullptr && EQUAL(interleave, "PIXEL");
  if (out.block_width != grid.width) return out;
  // Thin strips make tall chips dear; strips are read one after the other anyway.
  const int64_t strip_bytes =
      out.block_height * out.block_width * static_cast<int64_t>(pixel_bytes_all_bands);
  const int64_t strips = std::min(defaults::strip_window_rows / out.block_height,
                                  defaults::strip_window_bytes / std::max<int64_t>(strip_bytes, 1));
  if (strips > 1) out.block_height = std::min(out.block_height * strips, grid.height);
  return out;
}

/// Names that occur twice get their band's number.
void make_names_unique(std::vector<band_description>& bands) {
  std::set<std::string> seen;
  for (size_t i = 0; i < bands.size(); ++i) {
    if (seen.insert(bands[i].name).second) continue;
    const auto stem = bands[i].name.substr(0, defaults::max_name_bytes / 2);
    bands[i].name = clean_text(stem, stem.size()) + "-" + std::to_string(i + 1);
    seen.insert(bands[i].name);
  }
}

std::string wkt_of(OGRSpatialReferenceH crs) {
  const char* const options[] = {"FORMAT=WKT2_2019", "MULTILINE=NO", nullptr};
  char* text = nullptr;
  std::string out;
  if (OSRExportToWktEx(crs, &text, options) == OGRERR_NONE && text != nullptr) out = text;
  CPLFree(text);
  return out;
}

std::string missing_transform(GDALDatasetH dataset) {
  if (GDALGetGCPCount(dataset) > 0)
    return "it is georeferenced by ground control points, which cannot be cut yet";
  if (GDALGetMetadata(dataset, "GEOLOCATION") != nullptr)
    return "it is a swath with geolocation arrays, which cannot be cut yet";
  if (GDALGetMetadata(dataset, "RPC") != nullptr)
    return "it is georeferenced by rational polynomials, which cannot be cut yet";
  return "it has no geotransform that says where its pixels lie";
}

}  // namespace

std::map<std::string, std::string> gdal_properties(GDALMajorObjectH object, const char* domain,
                                                   description_budget& budget) {
  std::map<std::string, std::string> out;
  auto** items = GDALGetMetadata(object, domain);
  for (; items != nullptr && *items != nullptr && out.size() < defaults::max_properties; ++items) {
    char* key = nullptr;
    const char* value = CPLParseNameValue(*items, &key);
    if (key != nullptr && value != nullptr) {
      auto name = kept(key, defaults::max_name_bytes, budget);
      auto text = kept(value, defaults::max_property_bytes, budget);
      if (!name.empty()) out.emplace(std::move(name), std::move(text));
    }
    CPLFree(key);
  }
  return out;
}

result<grid> gdal_grid(const gdal_dataset& dataset, const std::string& name) {
  const auto what = "open " + name;
  const auto held = dataset.lock();
  const gdal_errors quiet;
  grid out;
  out.width = GDALGetRasterXSize(dataset.handle());
  out.height = GDALGetRasterYSize(dataset.handle());
  if (GDALGetGeoTransform(dataset.handle(), out.transform.data()) != CE_None ||
      out.transform == std::array<double, 6>{0, 1, 0, 0, 0, 1})
    return fail(ec::unsupported, what, missing_transform(dataset.handle()),
                "warp it to a map projection first, e.g. with gdalwarp");
  const auto crs = GDALGetSpatialRef(dataset.handle());
  if (crs == nullptr || OGRSpatialReference::FromHandle(crs)->IsEmpty())
    return fail(ec::unsupported, what, "it has no coordinate reference system",
                "assign one first, e.g. with gdal_edit.py -a_srs");
  if (!OSRIsGeographic(crs) && !OSRIsProjected(crs))
    return fail(ec::unsupported, what,
                "its coordinate reference system is neither geographic nor projected",
                "warp it to a map projection first, e.g. with gdalwarp");
  out.crs_wkt = wkt_of(crs);
  if (auto traits = describe_crs(out.crs_wkt); !traits)
    return fail(ec::unsupported, what,
                "its coordinate reference system cannot be used: " + traits.error().why,
                "assign a complete one, e.g. with gdal_edit.py -a_srs");
  if (auto checked = check_grid(out); !checked)
    return fail(ec::malformed, what, "its georeference is unusable: " + checked.error().why,
                "fetch the file again, it seems to be damaged");
  return out;
}

result<std::vector<gdal_subdataset>> describe_gdal(const gdal_dataset& dataset,
                                                   const std::string& name, size_t index,
                                                   const stip::grid& grid,
                                                   description_budget& budget) {
  const auto what = "open " + name;
  const auto held = dataset.lock();
  const gdal_errors quiet;
  const int count = GDALGetRasterCount(dataset.handle());
  if (count < 1) return fail(ec::unsupported, what, "it has no raster bands");
  if (static_cast<uint32_t>(count) > defaults::max_bands)
    return fail(ec::limit_exceeded, what,
                "it has " + std::to_string(count) + " bands, more than " +
                    std::to_string(defaults::max_bands),
                "split the file by bands");
  struct group {
    pixel_type type;
    std::vector<GDALRasterBandH> bands;
    gdal_subdataset made;
  };
  std::vector<group> groups;
  std::optional<gdal_mask> alpha;
  size_t bytes_a_pixel = 0;
  for (int i = 1; i <= count; ++i) {
    const auto band = GDALGetRasterBand(dataset.handle(), i);
    if (band == nullptr)
      return fail(ec::malformed, what, "band " + std::to_string(i) + " is missing");
    const auto type = type_of(band);
    if (!type)
      return fail(ec::unsupported, what,
                  "band " + std::to_string(i) + " has pixels of type " +
                      GDALGetDataTypeName(GDALGetRasterDataType(band)) +
                      ", which stip does not keep",
                  "convert complex numbers to real bands first");
    bytes_a_pixel += size_of(*type);
    if (is_alpha(band)) alpha = gdal_mask{gdal_mask::kind::nodata, {index, i}, *type, 0};
    auto at =
        std::find_if(groups.begin(), groups.end(), [&](const group& g) { return g.type == *type; });
    if (at == groups.end()) at = groups.insert(groups.end(), group{*type, {}, {}});
    at->bands.push_back(band);
    at->made.source.bands.push_back({index, i});
    at->made.description.bands.push_back(describe_band(band, budget));
  }
  std::vector<gdal_subdataset> out;
  for (auto& g : groups) {
    auto& description = g.made.description;
    description.id = std::to_string(out.size());
    description.grid = grid;
    description.type = g.type;
    make_names_unique(description.bands);
    std::vector<std::optional<uint64_t>> nodata;
    for (const auto band : g.bands) nodata.push_back(nodata_of(band, g.type));
    auto valid = validity_of(g.bands, g.made.source.bands, g.type, nodata, alpha);
    description.valid = valid.valid;
    g.made.source.masks = std::move(valid.masks);
    const bool decides = valid.valid == validity::nodata || valid.valid == validity::band_masks;
    for (size_t i = 0; i < nodata.size(); ++i) {
      if (!nodata[i]) continue;
      if (decides)
        description.bands[i].nodata = nodata[i];
      else
        description.bands[i].properties.emplace("nodata", nodata_text(g.type, *nodata[i]));
    }
    g.made.source.tiling = tiling_of(dataset.handle(), g.bands.front(), grid, bytes_a_pixel);
    out.push_back(std::move(g.made));
  }
  return out;
}

}  // namespace stip
