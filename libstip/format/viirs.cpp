#include <algorithm>
#include <cmath>
#include <optional>

#include "libstip/core/defaults.hpp"
#include "libstip/format/eos5_structure.hpp"
#include "libstip/format/eos_identity.hpp"
#include "libstip/format/eos_scales.hpp"
#include "libstip/format/field_stack.hpp"
#include "libstip/format/format.hpp"
#include "libstip/format/hdf5_tree.hpp"
#include "libstip/format/naming.hpp"
#include "libstip/format/netcdf_grid.hpp"
#include "libstip/format/swath.hpp"
#include "libstip/geo/footprint.hpp"
#include "libstip/raster/gdal_input.hpp"
#include "libstip/raster/gdal_scene.hpp"
#include "libstip/raster/gdal_type.hpp"
#include "libstip/raster/nodata.hpp"
#include "libstip/raster/text.hpp"

// HDF-EOS5 grids, as VIIRS has them, and swaths in NetCDF; docs/formats/viirs.md.

namespace stip {

format vnp21v001_format();
format viirs_format();

namespace {

constexpr auto structure_text = "/HDFEOS INFORMATION/StructMetadata.";
/// Texts that one structure may be split into.
constexpr int max_structure_texts = 16;

/// The structure of a HDF-EOS5 file; nothing when it is none.
result<std::optional<eos5_structure>> structure_of(const hdf5_tree& tree,
                                                   const std::string& input) {
  std::string text;
  for (int i = 0; i < max_structure_texts; ++i) {
    const auto more = tree.text_of(structure_text + std::to_string(i));
    if (more.empty()) break;
    text += more;
  }
  if (text.empty()) return std::nullopt;
  const auto root = parse_odl(text);
  if (!root)
    return fail(root.error().code, "open " + input,
                "the text that says its structure is damaged: " + root.error().why,
                "fetch the file again");
  STIP_ASSIGN(auto found, read_eos5_structure(*root, input));
  return std::optional(std::move(found));
}

/// What the file says of itself, from the groups where the producers write it.
eos_metadata metadata_of(const hdf5_tree& tree) {
  eos_metadata out;
  for (const auto* group : {"/", "/HDFEOS/ADDITIONAL/FILE_ATTRIBUTES", "/HDFEOS INFORMATION"})
    for (auto& [name, value] : tree.of_group(group))
      if (!value.text.empty()) out.emplace(name, value.text);
  return out;
}

std::optional<double> number(const hdf5_attributes& all, std::initializer_list<const char*> names) {
  for (const auto* name : names)
    if (const auto at = all.find(name); at != all.end() && !at->second.numbers.empty())
      return at->second.numbers.front();
  return std::nullopt;
}

std::string text(const hdf5_attributes& all, std::initializer_list<const char*> names) {
  for (const auto* name : names)
    if (const auto at = all.find(name); at != all.end()) return at->second.text;
  return {};
}

/// The pixel type of a raster band of GDAL's, which has none for signed bytes.
std::optional<pixel_type> type_of(GDALRasterBandH band, const eos5_field& field) {
  if (GDALGetRasterDataType(band) == GDT_Byte)
    return field.type.find("SCHAR") != std::string::npos ||
                   field.type.find("INT8") != std::string::npos
               ? field.type.find("UINT8") != std::string::npos ? pixel_type::uint8
                                                               : pixel_type::int8
               : pixel_type::uint8;
  for (const auto type :
       {pixel_type::uint16, pixel_type::int16, pixel_type::uint32, pixel_type::int32,
        pixel_type::uint64, pixel_type::int64, pixel_type::float32, pixel_type::float64})
    if (gdal_type(type) == GDALGetRasterDataType(band)) return type;
  return std::nullopt;
}

/// "No data" of a field. Of signed bytes GDAL may have read the number without its sign.
std::optional<uint64_t> nodata_of(const hdf5_attributes& attributes, pixel_type type) {
  const auto value = number(attributes, {"_FillValue", "_Fillvalue", "FillValue", "missing_value"});
  if (!value) return std::nullopt;
  if (type == pixel_type::int8 && *value > 127) return nodata_pattern(pixel_type::uint8, *value);
  return nodata_pattern(type, *value);
}

/// The bands of one field of a grid.
result<std::vector<field_band>> bands_of(const hdf5_tree& tree, const eos5_grid& grid,
                                         const eos5_field& field, const std::string& name,
                                         const std::string& path, const std::string& short_name,
                                         size_t index) {
  const auto what = "open " + name;
  const auto shape = tree.shape_of(path);
  const auto sides = shape.size();
  if (sides < 2 || shape[sides - 2] != static_cast<uint64_t>(grid.grid.height) ||
      shape[sides - 1] != static_cast<uint64_t>(grid.grid.width))
    return fail(ec::unsupported, what, "its last dimensions are not those of its grid");
  STIP_ASSIGN(const auto dataset, open_gdal(name));
  const auto attributes = tree.of_array(path);
  const auto held = dataset.lock();
  if (GDALGetRasterXSize(dataset.handle()) != grid.grid.width ||
      GDALGetRasterYSize(dataset.handle()) != grid.grid.height)
    return fail(ec::malformed, what, "it has another size than its grid");
  const int count = GDALGetRasterCount(dataset.handle());
  if (count < 1 || static_cast<size_t>(count) > defaults::max_bands)
    return fail(ec::limit_exceeded, what, "it has too many layers");
  std::vector<field_band> out;
  for (int i = 1; i <= count; ++i) {
    const auto handle = GDALGetRasterBand(dataset.handle(), i);
    const auto type = type_of(handle, field);
    if (!type) return fail(ec::unsupported, what, "its pixels have a type that stip does not keep");
    field_band band;
    band.grid = grid.grid;
    band.type = *type;
    band.source = {index, i};
    band.quality = is_quality_field(field.name);
    band.nodata = nodata_of(attributes, *type);
    auto& d = band.description;
    d.name = count == 1 ? field.name : field.name + "_" + std::to_string(i);
    const auto scale =
        scale_of_field(short_name, field.name,
                       {number(attributes, {"scale_factor", "Scale", "ScaleFactor"}).value_or(1),
                        number(attributes, {"add_offset", "offset", "Offset"}).value_or(0)},
                       eos_convention::scale_then_offset);
    d.scale = scale.scale;
    d.offset = scale.offset;
    d.unit = clean_text(text(attributes, {"units", "Units", "unit"}), defaults::max_name_bytes);
    for (const auto* key : {"long_name", "valid_range"})
      if (const auto words = text(attributes, {key}); !words.empty()) d.properties[key] = words;
    int width = 0, height = 0;
    GDALGetBlockSize(handle, &width, &height);
    band.tiling = field_tiling(width, height, grid.grid, size_of(*type));
    out.push_back(std::move(band));
  }
  return out;
}

result<void> add_grids(const hdf5_tree& tree, const eos5_structure& structure,
                       const std::string& short_name, gdal_scene_parts& parts) {
  std::vector<field_band> bands;
  std::string left_out;
  std::optional<error> failed;
  const auto& input = parts.description.input;
  for (const auto& grid : structure.grids)
    for (const auto& field : grid.fields) {
      const auto path = "/HDFEOS/GRIDS/" + grid.name + "/Data Fields/" + field.name;
      const auto name = hdf5_tree::raster_name(input, path);
      auto found = bands_of(tree, grid, field, name, path, short_name, parts.datasets.size());
      if (!found) {
        left_out += (left_out.empty() ? "" : "; ") + field.name + ": " + found.error().why;
        if (!failed) failed = found.error();
        continue;
      }
      parts.datasets.push_back(name);
      bands.insert(bands.end(), std::make_move_iterator(found->begin()),
                   std::make_move_iterator(found->end()));
    }
  if (bands.empty() && failed) return fail(std::move(*failed));
  if (!left_out.empty())
    parts.description.properties["left_out"] = clean_text(left_out, defaults::max_property_bytes);
  return stack_fields(std::move(bands), parts);
}

using scenes = std::vector<std::unique_ptr<scene>>;

/// What is known before the rasters are looked at.
struct opening {
  eos_metadata metadata;
  eos_identity identity;
  scene_description description;
};

/// VNP21 is known by its collection: VNP21V001.
std::string platform_of(const eos_identity& identity) {
  constexpr size_t collection_digits = 3;
  if (identity.short_name != "VNP21") return identity.short_name;
  auto collection = identity.collection.substr(0, collection_digits);
  collection.insert(0, collection_digits - collection.size(), '0');
  return identity.short_name + "V" + collection;
}

std::string_view format_of(const eos_identity& identity) {
  return identity.short_name == "VNP21" ? "vnp21v001" : "viirs";
}

result<opening> begin(const std::string& input, const scene_options& options,
                      eos_metadata metadata) {
  opening out;
  out.metadata = std::move(metadata);
  out.identity = identify_eos(out.metadata, std::string(file_name(input)));
  auto& d = out.description;
  d.input = input;
  for (const auto& [name, value] : out.metadata)
    if (d.properties.size() < defaults::max_properties)
      d.properties.emplace(clean_text(name, defaults::max_name_bytes),
                           clean_text(value, defaults::max_property_bytes));
  d.format = format_of(out.identity);
  d.platform = platform_of(out.identity);
  STIP_TRY(describe_eos(out.identity, input, options, d));
  STIP_ASSIGN(d.input_bytes, check_input(input));
  STIP_ASSIGN(d.input_checksum, checksum_input(input));
  return out;
}

result<scenes> open_grids(const std::string& input, const scene_options& options,
                          const hdf5_tree& tree, const eos5_structure& structure) {
  STIP_ASSIGN(auto begun, begin(input, options, metadata_of(tree)));
  gdal_scene_parts parts;
  parts.description = std::move(begun.description);
  auto& description = parts.description;
  description.properties["processing_level"] = "L3";
  STIP_TRY(add_grids(tree, structure, begun.identity.short_name, parts));
  if (options.subdataset)
    for (auto& part : description.subdatasets)
      part.id = description.subdatasets.size() == 1 ? *options.subdataset
                                                    : *options.subdataset + "-" + part.id;
  for (const auto& part : description.subdatasets)
    STIP_TRY(check_name("subdataset", part.id, input));
  STIP_ASSIGN(const auto outline, footprint_of(description.subdatasets.front().grid));
  description.footprint = outline.to_wkt();
  STIP_ASSIGN(auto made, make_gdal_scene(std::move(parts)));
  scenes out;
  out.push_back(std::move(made));
  return out;
}

/// The rasters of a NetCDF file, or of a HDF5 file as NetCDF sees it.
std::vector<std::string> rasters_of(const std::string& input, eos_metadata& metadata) {
  for (const auto& name : {"NETCDF:\"" + input + "\"", input}) {
    const auto container = open_gdal(name);
    if (!container) continue;
    auto found = contained_rasters(*container, input);
    if (found.empty()) continue;
    constexpr std::string_view global = "NC_GLOBAL#";
    for (auto& [key, value] : raw_metadata(container->handle()))
      metadata.emplace(key.starts_with(global) ? key.substr(global.size()) : key, value);
    return found;
  }
  return {};
}

result<scenes> open_swath(const std::string& input, const scene_options& options,
                          eos_metadata metadata) {
  const auto rasters = rasters_of(input, metadata);
  if (!has_swath(rasters, input))
    return fail(ec::unsupported, "open " + input, "it has no HDF-EOS grid and no swath",
                "store it as generic");
  STIP_ASSIGN(auto begun, begin(input, options, std::move(metadata)));
  begun.description.properties["processing_level"] = "L2";
  STIP_ASSIGN(auto made,
              make_swath_scene(std::move(begun.description), rasters, {}, begun.identity.short_name,
                               eos_convention::scale_then_offset));
  scenes out;
  out.push_back(std::move(made));
  return out;
}

result<scenes> open(const std::string& input, const scene_options& options,
                    std::string_view wanted) {
  STIP_TRY(check_input(input));
  if (input.find('"') != std::string::npos)
    return fail(ec::invalid_argument, "open " + input, "its name has a quotation mark",
                "rename the file");
  eos_metadata metadata;
  const auto tree = hdf5_tree::open(input);
  if (tree) {
    metadata = metadata_of(*tree);
    STIP_ASSIGN(const auto structure, structure_of(*tree, input));
    if (structure && !structure->grids.empty() && wanted == "viirs")
      return open_grids(input, options, *tree, *structure);
  }
  STIP_ASSIGN(auto out, open_swath(input, options, std::move(metadata)));
  if (wanted == "vnp21v001" && out.front()->description().format != wanted)
    return fail(ec::unsupported, "open " + input, "it is no product VNP21",
                "store it as viirs, or as auto");
  return out;
}

int detect(const std::string& input, std::string_view name) {
  constexpr int sure = 90, certain = 100;
  if (gdal_role_here() != gdal_role::reader || !check_input(input) || !is_isolated(input) ||
      input.find('"') != std::string::npos)
    return 0;
  const auto driver = identify_gdal(input);
  if (driver != "HDF5" && driver != "netCDF") return 0;
  eos_metadata metadata;
  const auto tree = hdf5_tree::open(input);
  if (tree) {
    metadata = metadata_of(*tree);
    const auto structure = structure_of(*tree, input);
    // One that cannot be understood is told when it is opened.
    if (!structure || (structure->has_value() && !(*structure)->grids.empty()))
      return name == "viirs" ? sure : 0;
  }
  if (!has_swath(rasters_of(input, metadata), input)) return 0;
  const auto identity = identify_eos(metadata, std::string(file_name(input)));
  if (name == "viirs") return sure;
  return format_of(identity) == name ? certain : 0;
}

}  // namespace

format vnp21v001_format() {
  return {"vnp21v001", "VIIRS land surface temperature, level 2 swath, 750 m",
          [](const std::string& input) { return detect(input, "vnp21v001"); },
          [](const std::string& input, const scene_options& options) {
            return open(input, options, "vnp21v001");
          }};
}

format viirs_format() {
  return {"viirs", "VIIRS and other grids in HDF-EOS5, and swaths in NetCDF",
          [](const std::string& input) { return detect(input, "viirs"); },
          [](const std::string& input, const scene_options& options) {
            return open(input, options, "viirs");
          }};
}

}  // namespace stip
