#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <map>

#include "libstip/core/defaults.hpp"
#include "libstip/format/format.hpp"
#include "libstip/format/landsat_bands.hpp"
#include "libstip/format/landsat_metadata.hpp"
#include "libstip/format/naming.hpp"
#include "libstip/raster/gdal_input.hpp"
#include "libstip/raster/text.hpp"

// Landsat 1 to 9, Collection 1 and 2, Level 1 and 2, as USGS delivers them;
// docs/formats/landsat.md.

namespace stip {

format landsat_format();

namespace {

using namespace landsat;

/// Products of one input at most.
constexpr size_t max_products = 256;

/// Folders that are looked into: an archive may have one around its files, a folder of products is
/// not one product.
constexpr int archive_depth = 2;
constexpr int folder_depth = 1;

/// The beginning of a file in which its outermost group stands.
constexpr size_t sniffed_bytes = 1024;

/// Certain: metadata of a product. Nearly: bands with the names of a product's.
constexpr int sure_by_metadata = 100;
constexpr int sure_by_bands = 90;

/// Where Collection 2 and Collection 1 have what the product is, and what its image is.
constexpr std::array<std::string_view, 3> contents = {"PRODUCT_CONTENTS", "PRODUCT_METADATA",
                                                      "METADATA_FILE_INFO"};
constexpr std::array<std::string_view, 2> attributes = {"IMAGE_ATTRIBUTES", "PRODUCT_METADATA"};

/// One product among the files of an input.
struct product {
  std::string folder;
  product_id id;
  /// The member with its metadata; empty without one.
  std::string metadata;
  std::vector<band_file> files;
};

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

std::string_view base_name(std::string_view member) {
  return member.substr(folder_of(member).size());
}

bool is_mtl(std::string_view member) {
  const auto name = lower(base_name(member));
  return name.ends_with("_mtl.txt") || name.ends_with("_mtl.xml") || name.ends_with("_mtl.json");
}

/// What stands between the identifier and the extension of a band's file; empty for other files.
std::string suffix_of(std::string_view name, std::string_view id) {
  const auto dot = name.rfind('.');
  if (dot == std::string_view::npos || !name.starts_with(id)) return {};
  const auto extension = lower(name.substr(dot));
  if (extension != ".tif" && extension != ".tiff") return {};
  auto out = name.substr(id.size(), dot - id.size());
  if (!out.starts_with('_')) return {};
  out.remove_prefix(1);
  return is_band(out) ? std::string(out) : std::string();
}

/// The band files of a product: those of its folder that bear its identifier.
std::vector<band_file> bands_in(const product_files& files, const std::string& folder,
                                const std::string& id) {
  std::vector<band_file> out;
  for (const auto& member : files.members()) {
    if (folder_of(member.name) != folder) continue;
    if (auto suffix = suffix_of(base_name(member.name), id); !suffix.empty())
      out.push_back({std::move(suffix), member.name});
  }
  return out;
}

/// Products by their metadata: the first of the three forms in the order of names stands for all.
std::vector<product> products_by_metadata(const product_files& files) {
  std::map<std::string, product> out;
  for (const auto& member : files.members()) {
    if (!is_mtl(member.name)) continue;
    const auto name = member.name.substr(0, member.name.rfind('.'));
    auto& one = out[name];
    one.folder = folder_of(member.name);
    // Text before XML before JSON: the order in which they came to be, and of trust in the parsers.
    const auto place = [](std::string_view text) {
      return text.ends_with('t') || text.ends_with('T')   ? 0
             : text.ends_with('l') || text.ends_with('L') ? 1
                                                          : 2;
    };
    if (one.metadata.empty() || place(member.name) < place(one.metadata))
      one.metadata = member.name;
  }
  std::vector<product> list;
  for (auto& [name, one] : out) list.push_back(std::move(one));
  return list;
}

std::vector<product> products_by_bands(const product_files& files) {
  std::map<std::string, product> out;
  for (const auto& member : files.members()) {
    const auto id = read_product_id(base_name(member.name));
    if (!id) continue;
    auto suffix = suffix_of(base_name(member.name), id->text);
    if (suffix.empty()) continue;
    const std::string folder(folder_of(member.name));
    auto& one = out[folder + id->text];
    one.folder = folder;
    one.id = *id;
    one.files.push_back({std::move(suffix), member.name});
  }
  std::vector<product> list;
  for (auto& [name, one] : out) list.push_back(std::move(one));
  return list;
}

bool has(const std::vector<band_file>& files, std::string_view start) {
  return std::any_of(files.begin(), files.end(),
                     [&](const auto& file) { return file.suffix.starts_with(start); });
}

/// Short names leave out when it was processed and in which collection. The folder or archive
/// around them may say it; the kind of quality band tells the collection too.
void complete_id(product& one, const std::string& input) {
  auto& id = one.id;
  if (!id.collection.empty()) return;
  const auto folder = one.folder.empty()
                          ? std::string(file_name(input))
                          : std::string(base_name(one.folder.substr(0, one.folder.size() - 1)));
  const auto named = read_product_id(folder);
  if (named && !named->collection.empty() && named->text.starts_with(id.text)) {
    id = *named;
    return;
  }
  if (has(one.files, "QA_PIXEL") || has(one.files, "SR_B") || has(one.files, "ST_B"))
    id.collection = "02";
  else if (has(one.files, "BQA") || has(one.files, "sr_band"))
    id.collection = "01";
}

/// "MSS" of Landsat 4 and 5 is told from TM by the first letter of the identifier.
instrument instrument_of(const product& one) {
  instrument out;
  out.satellite = one.id.satellite;
  out.mss = one.id.sensor == 'M';
  const bool espa = has(one.files, "sr_band") || has(one.files, "bt_band");
  out.level = one.id.level.starts_with("L2") || espa ? 2 : 1;
  out.collection = one.id.collection == "01" ? 1 : 2;
  return out;
}

std::string_view sensor_name(const product& one) {
  switch (one.id.sensor) {
    case 'C':
      return "OLI_TIRS";
    case 'O':
      return "OLI";
    case 'E':
      return "ETM";
    case 'M':
      return "MSS";
    default:
      return one.id.satellite >= 8 ? "TIRS" : "TM";
  }
}

result<std::string> platform_of(const product& one, const instrument& of, const std::string& input,
                                const scene_options& options) {
  if (options.platform) return *options.platform;
  if (one.id.collection != "01" && one.id.collection != "02")
    return fail(ec::unsupported, "open " + input,
                "nothing says that it belongs to Collection 1 or 2", "give --platform");
  return "Landsat" + std::to_string(of.satellite) + "C" + std::to_string(of.collection) + "L" +
         std::to_string(of.level);
}

result<epoch_seconds> time_of(const product& one, const mtl* metadata, const std::string& input) {
  if (metadata != nullptr) {
    const auto date = metadata->find(attributes, "DATE_ACQUIRED");
    // "14:34:30.4390740Z": the fraction goes.
    const auto clock = metadata->find(attributes, "SCENE_CENTER_TIME").substr(0, 8);
    if (auto time = parse_time(std::string(date) + "T" + std::string(clock) + "Z")) return *time;
    return fail(ec::malformed, "open " + input, "its metadata does not say when it was taken",
                "fetch the product again");
  }
  if (auto time = parse_time(one.id.date)) return *time;
  return fail(ec::invalid_argument, "open " + input, "the date in its names is none",
              "give --timestamp");
}

void keep_metadata(std::map<std::string, std::string>& out, const mtl& from) {
  constexpr std::string_view image = "IMAGE_ATTRIBUTES";
  keep_property(out, "scene",
                from.find({"LEVEL1_PROCESSING_RECORD", "METADATA_FILE_INFO"}, "LANDSAT_SCENE_ID"));
  keep_property(out, "instrument", from.find(attributes, "SENSOR_ID"));
  keep_property(out, "scene_cloud_cover", from.find({image}, "CLOUD_COVER"));
  keep_property(out, "sun_azimuth", from.find({image}, "SUN_AZIMUTH"));
  keep_property(out, "sun_elevation", from.find({image}, "SUN_ELEVATION"));
  keep_property(out, "earth_sun_distance", from.find({image}, "EARTH_SUN_DISTANCE"));
  keep_property(out, "generated",
                from.find({"LEVEL2_PROCESSING_RECORD", "LEVEL1_PROCESSING_RECORD"},
                          "DATE_PRODUCT_GENERATED"));
  if (!out.contains("generated"))
    keep_property(out, "generated", from.find({"METADATA_FILE_INFO"}, "FILE_DATE"));
  keep_property(out, "digital_object_identifier",
                from.find({"PRODUCT_CONTENTS"}, "DIGITAL_OBJECT_IDENTIFIER"));
  // Landsat 8 and 9 may look aside by rolling, the older ones never do.
  if (const auto roll = from.number({"IMAGE_ATTRIBUTES"}, "ROLL_ANGLE"))
    keep_property(out, "off_nadir", number_text(std::abs(*roll)));
  if (const auto elevation = from.number({"IMAGE_ATTRIBUTES"}, "SUN_ELEVATION"))
    keep_property(out, "day_night", *elevation > 0 ? "day" : "night");
  if (const auto gaps = from.find({"IMAGE_ATTRIBUTES", "PRODUCT_METADATA"}, "SENSOR_MODE_SLC");
      !gaps.empty())
    keep_property(out, "scan_line_corrector", gaps);
}

std::map<std::string, std::string> properties_of(const product& one, const instrument& of,
                                                 const mtl* metadata) {
  std::map<std::string, std::string> out;
  const auto& id = one.id;
  keep_property(out, "constellation", "Landsat");
  keep_property(out, "spacecraft", "Landsat " + std::to_string(id.satellite));
  keep_property(out, "instrument", sensor_name(one));
  keep_property(out, "processing_level", id.level);
  keep_property(out, "collection", id.collection);
  keep_property(out, "tier", id.tier);
  keep_property(out, "product", id.text);
  keep_property(out, "path_row", id.path + "/" + id.row);
  keep_property(out, "licence", "public domain, courtesy of the U.S. Geological Survey");
  if (metadata != nullptr) keep_metadata(out, *metadata);
  if (id.processed.empty()) return out;
  keep_property(out, "series",
                std::string("L") + id.sensor + "0" + std::to_string(id.satellite) + " " + id.path +
                    id.row + " " + id.date + " L" + std::to_string(of.level) + " C" +
                    id.collection);
  // Real-time products are provisional: any later tier replaces them.
  keep_property(out, "rank", (id.tier == "RT" ? "0 " : "1 ") + id.processed);
  return out;
}

/// Bands that the metadata names and that are not there.
std::string left_out(const product& one, const mtl& metadata) {
  std::string out;
  for (const auto& item : metadata.items()) {
    // A product of level 2 also records the files of the level 1 that it was made of.
    if (item.group == "LEVEL1_PROCESSING_RECORD" || !item.key.starts_with("FILE_NAME_")) continue;
    const auto suffix = suffix_of(item.value, one.id.text);
    if (suffix.empty() || std::any_of(one.files.begin(), one.files.end(),
                                      [&](const auto& file) { return file.suffix == suffix; }))
      continue;
    out += (out.empty() ? "" : ", ") + suffix;
  }
  return out;
}

/// Reads the metadata and what it says of the product's files.
result<std::optional<mtl>> read_metadata(const product_files& files, product& one,
                                         const std::string& input) {
  if (one.metadata.empty()) {
    complete_id(one, input);
    return std::nullopt;
  }
  const auto* member = files.find(one.metadata);
  if (member == nullptr) return fail(ec::internal, "open " + input, "its metadata is no member");
  STIP_ASSIGN(const auto text, files.text(*member));
  STIP_ASSIGN(auto out, mtl::parse(text, files.path(one.metadata)));
  const auto id = read_product_id(out.find(contents, "LANDSAT_PRODUCT_ID"));
  if (!id || id->collection.empty())
    return fail(ec::unsupported, "open " + input,
                "its metadata names no product of Collection 1 or 2",
                "order the scene again from a collection");
  one.id = *id;
  one.files = bands_in(files, one.folder, one.id.text);
  return out;
}

result<std::unique_ptr<scene>> open_product(const product_files& files, product one,
                                            const std::string& input,
                                            const scene_options& options) {
  STIP_ASSIGN(const auto found, read_metadata(files, one, input));
  const auto* metadata = found ? &*found : nullptr;
  const auto of = instrument_of(one);
  const auto bands = bands_of(of, one.files, metadata);
  if (bands.empty())
    return fail(ec::not_found, "open " + input, "it has metadata but none of the bands",
                "fetch the product again");
  STIP_ASSIGN(auto made, assemble(files, bands, references_of(one.files)));
  auto& d = made.parts.description;
  d.format = "landsat";
  STIP_ASSIGN(d.platform, platform_of(one, of, input, options));
  d.tile = one.id.text;
  if (!options.timestamp) {
    STIP_ASSIGN(d.timestamp, time_of(one, metadata, input));
  }
  d.properties = properties_of(one, of, metadata);
  if (metadata != nullptr) keep_property(d.properties, "left_out", left_out(one, *metadata));
  std::vector<std::string> metadata_files;
  if (!one.metadata.empty()) metadata_files.push_back(one.metadata);
  return finish_scene(std::move(made), files, metadata_files, input, options);
}

bool is_metadata_file(const std::string& input) {
  return mtl::recognise(first_bytes(input, sniffed_bytes));
}

std::vector<product> products_of(const product_files& files) {
  auto out = products_by_metadata(files);
  return out.empty() ? products_by_bands(files) : out;
}

result<product_files> list(const std::string& input, container kind) {
  return product_files::list(input, kind == container::folder ? folder_depth : archive_depth);
}

int detect(const std::string& input) {
  const auto kind = container_of(input);
  if (kind == container::none) return is_metadata_file(input) ? sure_by_metadata : 0;
  const auto files = list(input, kind);
  if (!files) return 0;
  if (!products_by_metadata(*files).empty()) return sure_by_metadata;
  return products_by_bands(*files).empty() ? 0 : sure_by_bands;
}

/// The input's files, and the products among them that are meant.
result<std::pair<product_files, std::vector<product>>> look_into(const std::string& input) {
  if (const auto kind = container_of(input); kind != container::none) {
    STIP_ASSIGN(auto files, list(input, kind));
    auto products = products_of(files);
    return std::pair(std::move(files), std::move(products));
  }
  STIP_TRY(check_input(input));
  if (!is_metadata_file(input))
    return fail(ec::unsupported, "open " + input, "it is no metadata of a Landsat product",
                "give the product's tar, folder or MTL file");
  STIP_ASSIGN(auto files, product_files::beside(input, folder_depth));
  product one;
  one.metadata = file_name(input);
  return std::pair(std::move(files), std::vector{std::move(one)});
}

result<std::vector<std::unique_ptr<scene>>> open(const std::string& input,
                                                 const scene_options& options) {
  if (!is_clean_text(input))
    return fail(ec::invalid_argument, "open " + clean_text(input, input.size()),
                "its name is not UTF-8 text", "rename the file");
  STIP_ASSIGN(auto found, look_into(input));
  auto& [files, products] = found;
  if (products.empty())
    return fail(ec::unsupported, "open " + input, "it holds no Landsat product",
                "give the product's tar, folder or MTL file");
  if (products.size() > max_products)
    return fail(ec::limit_exceeded, "open " + input,
                "it has more than " + std::to_string(max_products) + " products",
                "name the products in it one by one");
  if (products.size() > 1 && options.tile)
    return fail(ec::invalid_argument, "open " + input,
                "it has several products, which one tile cannot name", "leave out --tile");
  std::vector<std::unique_ptr<scene>> out;
  for (auto& one : products) {
    STIP_ASSIGN(auto made, open_product(files, std::move(one), input, options));
    out.push_back(std::move(made));
  }
  return out;
}

}  // namespace

format landsat_format() {
  return {"landsat", "Landsat 1 to 9, Collection 1 and 2, Level 1 and 2: tar, folder or MTL",
          detect, open};
}

}  // namespace stip
