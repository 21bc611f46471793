#include <algorithm>
#include <array>
#include <regex>

#include "libstip/core/defaults.hpp"
#include "libstip/format/format.hpp"
#include "libstip/format/naming.hpp"
#include "libstip/format/product_files.hpp"
#include "libstip/format/product_scene.hpp"
#include "libstip/raster/text.hpp"

// The quarter quads of the National Agriculture Imagery Program; docs/formats/naip.md.

namespace stip {

format naip_format();

namespace {

constexpr int sure = 90;

/// Quarter quads of one zip at most.
constexpr size_t max_rasters = 256;

/// Folders in a zip that are looked into.
constexpr int folder_depth = 2;

/// What contractors write into a TIFF's description.
constexpr std::string_view program = "National Agriculture Imagery Program";

/// Colour, near infrared last; files of the first years have no infrared.
struct naip_band {
  const char* name;
  const char* colour;
  const char* common_name;
};
constexpr std::array<naip_band, 4> bands = {{
    {"red", "Red", "red"},
    {"green", "Green", "green"},
    {"blue", "Blue", "blue"},
    // Some files label it as alpha, which it is not.
    {"NIR", "Undefined", "nir"},
}};

/// What the name of a quarter quad says.
struct naip_name {
  std::string quadrangle;
  std::string quarter;
  std::string utm_zone;
  std::string resolution;
  std::optional<epoch_seconds> date;
};

/// m_3211605_ne_11_060_20200415: the quadrangle, its quarter, the UTM zone, the resolution ("1" in
/// metres, "060" in centimetres, "h" a half), when it was taken, and perhaps when it was delivered.
std::optional<naip_name> read_name(std::string_view name) {
  static const std::regex pattern(
      "m_(\\d{7})_([ns][ew])_(\\d{1,2})_([0-9a-z]{1,3})_(\\d{8})(?:\\D.*)?",
      std::regex::icase | std::regex::ECMAScript);
  if (name.size() > defaults::max_name_bytes) return std::nullopt;
  const std::string text(name);
  std::smatch found;
  if (!std::regex_match(text, found, pattern)) return std::nullopt;
  return naip_name{found[1], found[2], found[3], found[4], date_in_name(found[5].str())};
}

bool is_raster_name(std::string_view member) {
  const auto dot = member.rfind('.');
  if (dot == std::string_view::npos) return false;
  auto extension = std::string(member.substr(dot));
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension == ".tif" || extension == ".tiff" || extension == ".jp2";
}

std::string_view base_name(std::string_view member) {
  return member.substr(folder_of(member).size());
}

/// The bands of a file that is laid out as NAIP's are; 0 for any other.
size_t bands_of_layout(const std::string& name) {
  const auto opened = open_gdal(name);
  if (!opened || (opened->driver() != "GTiff" && opened->driver() != "JP2OpenJPEG")) return 0;
  const int count = GDALGetRasterCount(opened->handle());
  if (count != 3 && count != 4) return 0;
  for (int i = 1; i <= count; ++i)
    if (GDALGetRasterDataType(GDALGetRasterBand(opened->handle(), i)) != GDT_Byte) return 0;
  return static_cast<size_t>(count);
}

/// Whether the file says that it is of the program.
bool says_naip(const std::string& name) {
  const auto opened = open_gdal(name);
  if (!opened) return false;
  const auto* text = GDALGetMetadataItem(opened->handle(), "TIFFTAG_IMAGEDESCRIPTION", nullptr);
  return text != nullptr && std::string_view(text).find(program) != std::string_view::npos;
}

bool is_tiff(const std::string& name) {
  const auto first = first_bytes(name, 4);
  return first.starts_with("II") || first.starts_with("MM");
}

/// The quarter quads among the members; a file that is the input itself may have any name.
std::vector<std::string> rasters_of(const product_files& files, bool any_name) {
  std::vector<std::string> out;
  for (const auto& member : files.members())
    if (any_name || (is_raster_name(member.name) && read_name(base_name(member.name))))
      out.push_back(member.name);
  return out;
}

int detect(const std::string& input) {
  const auto kind = container_of(input);
  if (kind == container::none) {
    const bool named = is_raster_name(input) && read_name(file_name(input)).has_value();
    if (!named && !(is_tiff(input) && says_naip(input))) return 0;
    return bands_of_layout(input) > 0 ? sure : 0;
  }
  if (kind != container::zip) return 0;
  const auto files = product_files::list(input, folder_depth);
  return files && !rasters_of(*files, false).empty() ? sure : 0;
}

result<std::unique_ptr<scene>> open_raster(const product_files& files, const std::string& member,
                                           const std::string& input, const scene_options& options) {
  const auto path = files.path(member);
  product_band raster;
  raster.subdataset = "0";
  raster.member = member;
  // Opening says why, when the file is damaged.
  STIP_TRY(open_gdal(path));
  const auto count = bands_of_layout(path);
  if (count == 0)
    return fail(ec::unsupported, "open " + input,
                "it is not laid out as NAIP is: three or four bands of bytes",
                "load it as generic");
  for (size_t i = 0; i < count; ++i) {
    known_band band;
    band.name = bands[i].name;
    band.colour = bands[i].colour;
    band.properties["common_name"] = bands[i].common_name;
    raster.bands.push_back(std::move(band));
  }
  STIP_ASSIGN(auto made, assemble(files, {raster}));
  auto& d = made.parts.description;
  d.format = "naip";
  d.platform = "NAIP";
  d.tile = tile_of(base_name(member));
  const auto name = read_name(base_name(member));
  if (name && name->date)
    d.timestamp = *name->date;
  else if (!options.timestamp)
    return fail(ec::invalid_argument, "open " + input, "its name does not say when it was taken",
                "give --timestamp");
  keep_property(d.properties, "constellation", "NAIP");
  keep_property(d.properties, "licence", "public domain, USDA Farm Production and Conservation");
  if (name) {
    keep_property(d.properties, "quadrangle", name->quadrangle);
    keep_property(d.properties, "quarter", name->quarter);
    keep_property(d.properties, "utm_zone", name->utm_zone);
    keep_property(d.properties, "resolution", name->resolution);
  }
  return finish_scene(std::move(made), files, {}, input, options);
}

result<std::vector<std::unique_ptr<scene>>> open(const std::string& input,
                                                 const scene_options& options) {
  if (!is_clean_text(input))
    return fail(ec::invalid_argument, "open " + clean_text(input, input.size()),
                "its name is not UTF-8 text", "rename the file");
  STIP_ASSIGN(const auto files, product_files::of(input, folder_depth));
  const auto rasters = rasters_of(files, container_of(input) == container::none);
  if (rasters.empty())
    return fail(ec::unsupported, "open " + input, "it holds no NAIP quarter quad (m_*.tif)",
                "give the GeoTIFF itself");
  if (rasters.size() > max_rasters)
    return fail(ec::limit_exceeded, "open " + input,
                "it has more than " + std::to_string(max_rasters) + " quarter quads",
                "name them one by one");
  if (rasters.size() > 1 && options.tile)
    return fail(ec::invalid_argument, "open " + input,
                "it has several quarter quads, which one tile cannot name", "leave out --tile");
  std::vector<std::unique_ptr<scene>> out;
  for (const auto& member : rasters) {
    STIP_ASSIGN(auto made, open_raster(files, member, input, options));
    out.push_back(std::move(made));
  }
  return out;
}

}  // namespace

format naip_format() {
  return {"naip", "NAIP quarter quads, GeoTIFF or zip: red, green, blue, near infrared", detect,
          open};
}

}  // namespace stip
