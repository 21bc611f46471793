#include <algorithm>
#include <map>
#include <regex>

#include "libstip/core/defaults.hpp"
#include "libstip/format/format.hpp"
#include "libstip/format/naming.hpp"
#include "libstip/format/sentinel2_bands.hpp"
#include "libstip/format/sentinel2_metadata.hpp"
#include "libstip/raster/gdal_input.hpp"
#include "libstip/raster/text.hpp"

// Sentinel-2 L1C and L2A: SAFE as a folder, a zip or its metadata file, the AWS layout, and folders
// of bare bands; docs/formats/sentinel2.md. The JP2 of each band is read by itself: GDAL's own
// driver of the product groups and orders the bands in another way and knows no offsets.

namespace stip {

format sentinel2_format();

namespace {

using namespace sentinel2;

/// Granules of one input at most: products in the old naming had some tens.
constexpr size_t max_granules = 256;

/// The beginning of a file in which its root element stands.
constexpr size_t sniffed_bytes = 1024;

/// Certain: metadata of a product. Nearly: bands with the names of a product's.
constexpr int sure_by_metadata = 100;
constexpr int sure_by_bands = 90;

/// The members that make one granule.
struct granule {
  std::string folder;
  std::string product_metadata;
  std::string granule_metadata;
  std::vector<std::string> json;
  /// The granule's part of the names of bare bands.
  std::string stem;
  std::vector<std::pair<image_name, std::string>> images;
};

bool starts_and_ends(std::string_view text, std::string_view start, std::string_view end) {
  return text.size() >= start.size() + end.size() && text.starts_with(start) && text.ends_with(end);
}

/// "S2A_OPER_MTD_L1C_TL_...xml" and the like, as products were named before December 2016.
bool is_old_name(std::string_view name, std::string_view kind) {
  return starts_and_ends(name, "S2", ".xml") && name.find("_MTD_") != std::string_view::npos &&
         name.find(kind) != std::string_view::npos;
}

bool is_product_metadata(std::string_view name) {
  return name == "MTD_MSIL1C.xml" || name == "MTD_MSIL2A.xml" || is_old_name(name, "_SAFL1C_") ||
         is_old_name(name, "_SAFL2A_");
}

bool is_granule_metadata(std::string_view name) {
  return name == "MTD_TL.xml" || is_old_name(name, "_L1C_TL_") || is_old_name(name, "_L2A_TL_");
}

bool is_json(std::string_view name) {
  return name == "tileInfo.json" || name == "productInfo.json";
}

std::string_view base_name(std::string_view member) {
  return member.substr(folder_of(member).size());
}

/// Finds the granules among the members: by the metadata of granules where there is any, else by
/// the names of bands.
class granule_finder {
 public:
  explicit granule_finder(const product_files& files) : files_(files) {
    std::vector<std::string> in_granules;
    for (const auto& member : files.members()) {
      const auto name = base_name(member.name);
      const bool outer = is_outer(folder_of(member.name));
      if (is_product_metadata(name) && outer) products_.push_back(member.name);
      if (is_granule_metadata(name)) in_granules.push_back(member.name);
      if (is_json(name) && outer) add(member.name).json.push_back(member.name);
      // The AWS layout has one name for both.
      if (name == "metadata.xml" && outer) add_aws_metadata(member.name);
    }
    for (const auto& name : in_granules)
      if (is_outer(folder_of(name)) || !product_of(std::string(folder_of(name))).empty())
        add(name).granule_metadata = name;
    by_metadata_ = !products_.empty() || !granules_.empty();
    // A product of which only the metadata of the whole is left: its bands may lie beside.
    if (granules_.empty())
      for (const auto& product : products_) add(product);
    for (auto& [folder, one] : granules_) one.product_metadata = product_of(folder);
    collect_images();
  }

  bool by_metadata() const { return by_metadata_; }

  std::vector<granule> take() {
    std::vector<granule> out;
    for (auto& [key, one] : granules_) out.push_back(std::move(one));
    return out;
  }

 private:
  /// Whether a product may begin in this folder: the input itself, or the folder around all that an
  /// archive holds. A folder of products is not one product.
  bool is_outer(std::string_view folder) const {
    const auto deep = std::count(folder.begin(), folder.end(), '/');
    return deep <= (files_.kind() == container::folder ? 0 : 1);
  }

  granule& add(std::string_view member) {
    auto& out = granules_[std::string(folder_of(member))];
    out.folder = folder_of(member);
    return out;
  }

  void add_aws_metadata(const std::string& member) {
    switch (document_of(first_bytes(files_.path(member), sniffed_bytes))) {
      case document::product:
        products_.push_back(member);
        break;
      case document::granule:
        add(member).granule_metadata = member;
        break;
      case document::none:
        break;
    }
  }

  /// The product's metadata for a granule: in the nearest folder around it.
  std::string product_of(const std::string& folder) const {
    std::string out;
    for (const auto& product : products_)
      if (folder.starts_with(folder_of(product)) &&
          (out.empty() || folder_of(product).size() > folder_of(out).size()))
        out = product;
    return out;
  }

  void collect_images() {
    for (const auto& member : files_.members()) {
      auto image = read_image_name(member.name);
      if (!image) continue;
      if (by_metadata_) {
        // Of two folders around a band the inner one has it.
        granule* best = nullptr;
        for (auto& [folder, one] : granules_)
          if (member.name.starts_with(folder) &&
              (best == nullptr || folder.size() > best->folder.size()))
            best = &one;
        if (best != nullptr) best->images.emplace_back(std::move(*image), member.name);
        continue;
      }
      if (!is_outer(folder_of(image->stem))) continue;
      auto& bare = granules_[image->stem];
      bare.folder = folder_of(member.name);
      bare.stem = image->stem;
      bare.images.emplace_back(std::move(*image), member.name);
    }
  }

  const product_files& files_;
  std::vector<std::string> products_;
  std::map<std::string, granule> granules_;
  bool by_metadata_ = false;
};

/// Bands alone are a Sentinel-2 tile when each is named as one, with the tile or in the AWS layout.
bool are_bare_bands(const granule& one) {
  static const std::regex stem("(?:L2A_)?T\\d\\d[A-Z]{3}_\\d{8}T\\d{6}_");
  const auto name = std::string(base_name(one.stem));
  if (name.size() > defaults::max_name_bytes) return false;
  return name.empty() || std::regex_match(name, stem);
}

void drop_other_bands(std::vector<granule>& granules) {
  std::erase_if(granules, [](const granule& one) { return !are_bare_bands(one); });
}

/// What is known of a granule without metadata: what its bands are named.
void read_band_names(const granule& one, metadata& out) {
  const auto is_2a = [](const auto& image) {
    return image.first.resolution != 0 || image.first.band == "SCL";
  };
  if (out.level.empty())
    out.level = std::any_of(one.images.begin(), one.images.end(), is_2a) ? "2A" : "1C";
  const std::string name(base_name(one.stem));
  if (name.empty()) return;
  read_name("_" + name, out);
  if (!out.datatake_start) out.datatake_start = date_in_name(name);
  if (out.granule.empty()) out.granule = name.substr(0, name.size() - 1);
}

result<metadata> read_metadata(const product_files& files, const granule& one) {
  metadata out;
  const auto read = [&](const std::string& name, auto reader) -> result<void> {
    const auto* member = files.find(name);
    if (name.empty() || member == nullptr) return {};
    STIP_ASSIGN(const auto text, files.text(*member));
    return reader(text, files.path(name), out);
  };
  STIP_TRY(read(one.product_metadata, read_xml));
  STIP_TRY(read(one.granule_metadata, read_xml));
  for (const auto& name : one.json) STIP_TRY(read(name, read_json));
  read_band_names(one, out);
  return out;
}

/// "S20210122T133224" in the datastrip's name: when its sensing began.
std::string datastrip_start(const std::string& datastrip) {
  static const std::regex pattern("_S(\\d{8}T\\d{6})(?:_|$)");
  std::smatch found;
  return std::regex_search(datastrip, found, pattern) ? found[1].str() : std::string();
}

void keep_number(std::map<std::string, std::string>& properties, const std::string& key,
                 std::optional<double> value) {
  if (value) keep_property(properties, key, number_text(*value));
}

std::map<std::string, std::string> properties_of(const metadata& of) {
  std::map<std::string, std::string> out;
  keep_property(out, "constellation", "Sentinel-2");
  if (of.spacecraft.size() == 3)
    keep_property(out, "spacecraft", "Sentinel-" + of.spacecraft.substr(1));
  keep_property(out, "instrument", "MSI");
  keep_property(out, "processing_level", "L" + of.level);
  keep_property(out, "baseline", of.baseline);
  keep_property(out, "product", of.product);
  keep_property(out, "granule", of.granule);
  keep_property(out, "datastrip", of.datastrip);
  keep_property(out, "datatake", of.datatake);
  keep_property(out, "mgrs", of.mgrs);
  keep_property(out, "relative_orbit", of.relative_orbit);
  keep_property(out, "orbit_direction", of.orbit_direction);
  if (of.datatake_start) keep_property(out, "datatake_start", to_iso8601(*of.datatake_start));
  if (of.generated) keep_property(out, "generated", to_iso8601(*of.generated));
  keep_number(out, "scene_cloud_cover", of.cloud_cover);
  keep_number(out, "sun_azimuth", of.sun_azimuth);
  if (of.sun_zenith) {
    keep_number(out, "sun_elevation", 90 - *of.sun_zenith);
    keep_property(out, "day_night", *of.sun_zenith < 90 ? "day" : "night");
  }
  keep_number(out, "view_azimuth", of.view_azimuth);
  keep_number(out, "off_nadir", of.view_zenith);
  keep_property(out, "licence", "Copernicus Sentinel data, free and open");
  const auto strip = datastrip_start(of.datastrip);
  if (!of.spacecraft.empty() && of.datatake_start && !of.mgrs.empty() && !strip.empty() &&
      !of.baseline.empty()) {
    keep_property(out, "series",
                  of.spacecraft + " L" + of.level + " T" + of.mgrs + " " +
                      to_compact(*of.datatake_start) + " S" + strip);
    keep_property(out, "rank",
                  of.baseline + (of.generated ? " " + to_compact(*of.generated) : std::string()));
  }
  return out;
}

/// What is odd but no reason to refuse.
std::string warnings_of(const metadata& of, const std::vector<subdataset_description>& found) {
  std::string out;
  for (const auto& one : found)
    for (const auto& [resolution, size] : of.sizes)
      if (one.id == std::to_string(resolution) + "m" &&
          (one.grid.height != size.first || one.grid.width != size.second))
        out += (out.empty() ? "" : "; ") + one.id + ": " + std::to_string(one.grid.width) + " x " +
               std::to_string(one.grid.height) + " pixels, its metadata says " +
               std::to_string(size.second) + " x " + std::to_string(size.first);
  return out;
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

/// The name of the scene: the product's where it has one granule, else the granule's.
std::string tile_name(const metadata& of, const granule& one, const std::string& input,
                      bool only_one) {
  if (only_one && !of.product.empty()) return of.product;
  if (!of.granule.empty()) return of.granule;
  if (!of.product.empty() && !of.mgrs.empty()) return of.product + "_T" + of.mgrs;
  auto name = tile_of(input);
  if (!only_one && !one.folder.empty())
    name += "-" + std::string(base_name(one.folder.substr(0, one.folder.size() - 1)));
  return clean_text(name, defaults::max_name_bytes);
}

result<std::unique_ptr<scene>> open_granule(const product_files& files, const granule& one,
                                            const std::string& input, const scene_options& options,
                                            bool only_one) {
  STIP_ASSIGN(const auto of, read_metadata(files, one));
  std::vector<std::string> left_out;
  auto bands = bands_of(of, one.images, left_out);
  if (bands.empty())
    return fail(ec::not_found, "open " + input, "it has metadata but none of the bands",
                "fetch the product again");
  // A product without a sound classification is a product.
  if (std::erase_if(bands, [&](const product_band& band) {
        return band.subdataset == classification && !assemble(files, {band});
      }) > 0)
    left_out.emplace_back(classification);
  std::vector<validity_reference> references;
  for (const auto& band : bands)
    if (band.subdataset == "SCL" || (band.subdataset == "60m" && references.empty()))
      references.push_back({band.member, 0});
  STIP_ASSIGN(auto made, assemble(files, bands, references));
  auto& d = made.parts.description;
  d.format = "sentinel2";
  d.platform = "Sentinel-2-L" + of.level;
  d.tile = tile_name(of, one, input, only_one);
  const auto time = of.sensing ? of.sensing : of.datatake_start;
  if (!time && !options.timestamp)
    return fail(ec::invalid_argument, "open " + input, "nothing says when it was taken",
                "give --timestamp");
  d.timestamp = time.value_or(0);
  d.properties = properties_of(of);
  keep_property(d.properties, "left_out", joined(left_out));
  keep_property(d.properties, "warnings", warnings_of(of, d.subdatasets));
  const bool calibrated = std::all_of(bands.begin(), bands.end(), [](const product_band& band) {
    return !band.bands.front().properties.contains("calibration");
  });
  if (!calibrated)
    keep_property(d.properties, "calibration",
                  "unknown: nothing says the offset of its reflectances");
  auto metadata_files = one.json;
  for (const auto& name : {one.product_metadata, one.granule_metadata})
    if (!name.empty()) metadata_files.push_back(name);
  return finish_scene(std::move(made), files, metadata_files, input, options);
}

bool is_metadata_file(const std::string& input) {
  const auto name = file_name(input);
  return is_json(name) || document_of(first_bytes(input, sniffed_bytes)) != document::none;
}

/// The members of the input; of a metadata file those of its folder.
result<product_files> files_of(const std::string& input) {
  if (container_of(input) != container::none) return product_files::list(input);
  STIP_TRY(check_input(input));
  return product_files::beside(input);
}

result<std::vector<granule>> granules_of(const product_files& files, const std::string& input) {
  granule_finder finder(files);
  auto out = finder.take();
  if (!finder.by_metadata()) drop_other_bands(out);
  if (out.empty())
    return fail(ec::unsupported, "open " + input, "it holds no Sentinel-2 product",
                "give a SAFE folder, its zip, or its MTD_MSIL1C.xml or MTD_MSIL2A.xml");
  if (out.size() > max_granules)
    return fail(ec::limit_exceeded, "open " + input,
                "it has more than " + std::to_string(max_granules) + " granules",
                "name the products in it one by one");
  return out;
}

int detect(const std::string& input) {
  const auto kind = container_of(input);
  if (kind == container::none) return is_metadata_file(input) ? sure_by_metadata : 0;
  const auto files = product_files::list(input);
  if (!files) return 0;
  granule_finder finder(*files);
  if (finder.by_metadata()) return sure_by_metadata;
  auto bare = finder.take();
  drop_other_bands(bare);
  return bare.empty() ? 0 : sure_by_bands;
}

result<std::vector<std::unique_ptr<scene>>> open(const std::string& input,
                                                 const scene_options& options) {
  if (!is_clean_text(input))
    return fail(ec::invalid_argument, "open " + clean_text(input, input.size()),
                "its name is not UTF-8 text", "rename the file");
  STIP_ASSIGN(const auto files, files_of(input));
  STIP_ASSIGN(const auto granules, granules_of(files, input));
  if (granules.size() > 1 && options.tile)
    return fail(ec::invalid_argument, "open " + input,
                "it has several granules, which one tile cannot name", "leave out --tile");
  std::vector<std::unique_ptr<scene>> out;
  for (const auto& one : granules) {
    STIP_ASSIGN(auto made, open_granule(files, one, input, options, granules.size() == 1));
    out.push_back(std::move(made));
  }
  return out;
}

}  // namespace

format sentinel2_format() {
  return {"sentinel2", "Sentinel-2 L1C and L2A: SAFE, zipped or not, and the AWS layout", detect,
          open};
}

}  // namespace stip
