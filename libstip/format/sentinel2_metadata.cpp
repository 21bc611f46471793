#include "libstip/format/sentinel2_metadata.hpp"

#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>
#include <regex>

#include "libstip/core/defaults.hpp"
#include "libstip/format/product_scene.hpp"
#include "libstip/format/xml.hpp"
#include "libstip/raster/text.hpp"

namespace stip::sentinel2 {

namespace {

/// The first processing baseline whose reflectances are offset; those before have none.
constexpr std::string_view first_offset_baseline = "04.00";

std::string kept(std::string_view text) {
  return clean_text(text, defaults::max_name_bytes);
}

std::optional<epoch_seconds> time_of(std::string_view text) {
  const auto time = parse_time(text);
  return time ? std::optional(*time) : std::nullopt;
}

/// The text of the first of these elements that is there and has one.
std::string_view text_of(xml_element root, std::initializer_list<std::string_view> names) {
  for (const auto name : names)
    if (const auto text = root.find(name).text(); !text.empty()) return text;
  return {};
}

void set(std::string& to, std::string_view text) {
  if (!text.empty()) to = kept(text);
}

template <class T>
void set(std::optional<T>& to, std::optional<T> value) {
  if (value) to = value;
}

/// "04.00" of "04.00", "4.0" and "0400"; empty for anything else.
std::string baseline_of(std::string_view text) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  std::string digits;
  const auto dot = text.find('.');
  if (dot == std::string_view::npos) {
    digits = text;
  } else {
    digits = text.substr(0, dot);
    digits.insert(0, digits.size() < 2 ? 2 - digits.size() : 0, '0');
    auto minor = std::string(text.substr(dot + 1));
    minor.append(minor.size() < 2 ? 2 - minor.size() : 0, '0');
    digits += minor;
  }
  if (digits.size() != 4) return {};
  for (const char c : digits)
    if (!digit(c)) return {};
  return digits.substr(0, 2) + "." + digits.substr(2);
}

std::optional<size_t> band_id(xml_element element) {
  auto text = element.attribute("bandId");
  if (text.empty()) text = element.attribute("band_id");
  const auto id = parse_number(text);
  if (!id || *id < 0 || *id >= double(band_ids) || *id != std::floor(*id)) return std::nullopt;
  return static_cast<size_t>(*id);
}

std::optional<double> quantity(xml_element root, std::initializer_list<std::string_view> names) {
  const auto value = parse_number(text_of(root, names));
  // A part of one would make reflectances beyond all numbers.
  return value && *value >= 1 ? value : std::nullopt;
}

/// The spacecraft of "Sentinel-2B".
void read_spacecraft(std::string_view text, metadata& out) {
  if (text.starts_with("Sentinel-2") && text.size() == 11)
    out.spacecraft = "S2" + kept(text.substr(10));
}

result<void> read_product(xml_element root, metadata& out) {
  out.level = root.name() == "Level-1C_User_Product" ? "1C" : "2A";
  auto uri = text_of(root, {"PRODUCT_URI", "PRODUCT_URI_2A", "PRODUCT_URI_1C"});
  if (uri.ends_with(".SAFE")) uri.remove_suffix(5);
  set(out.product, uri);
  set(out.baseline, baseline_of(text_of(root, {"PROCESSING_BASELINE"})));
  const auto datatake = root.find("Datatake");
  set(out.datatake, datatake.attribute("datatakeIdentifier"));
  read_spacecraft(datatake.find("SPACECRAFT_NAME").text(), out);
  set(out.relative_orbit, datatake.find("SENSING_ORBIT_NUMBER").text());
  set(out.orbit_direction, datatake.find("SENSING_ORBIT_DIRECTION").text());
  set(out.datatake_start, time_of(datatake.find("DATATAKE_SENSING_START").text()));
  if (!out.datatake_start) set(out.datatake_start, time_of(text_of(root, {"PRODUCT_START_TIME"})));
  set(out.generated, time_of(text_of(root, {"GENERATION_TIME"})));
  set(out.cloud_cover,
      parse_number(text_of(root, {"Cloud_Coverage_Assessment", "CLOUD_COVERAGE_ASSESSMENT"})));
  set(out.quantification, out.level == "1C" ? quantity(root, {"QUANTIFICATION_VALUE"})
                                            : quantity(root, {"BOA_QUANTIFICATION_VALUE",
                                                              "L2A_BOA_QUANTIFICATION_VALUE"}));
  set(out.aerosol_quantification,
      quantity(root, {"AOT_QUANTIFICATION_VALUE", "L2A_AOT_QUANTIFICATION_VALUE"}));
  set(out.water_quantification,
      quantity(root, {"WVP_QUANTIFICATION_VALUE", "L2A_WVP_QUANTIFICATION_VALUE"}));
  for (const auto element : root.all(out.level == "1C" ? "RADIO_ADD_OFFSET" : "BOA_ADD_OFFSET")) {
    out.lists_offsets = true;
    const auto id = band_id(element);
    const auto value = parse_number(element.text());
    if (!id || !value)
      return fail(ec::malformed, "", "an offset of its bands is no number or of no band");
    out.offsets[*id] = *value;
  }
  for (const auto element : root.all("Spectral_Information")) {
    const auto id = band_id(element);
    const auto value = parse_number(element.find("CENTRAL").text());
    if (id && value && *value > 0) out.wavelengths[*id] = *value;
  }
  return {};
}

/// The mean of the viewing angles over the bands; azimuths are averaged as directions.
void read_view(xml_element root, metadata& out) {
  constexpr double degree = std::numbers::pi / 180;
  double zenith = 0, north = 0, east = 0;
  size_t count = 0;
  for (const auto element : root.all("Mean_Viewing_Incidence_Angle")) {
    const auto z = parse_number(element.find("ZENITH_ANGLE").text());
    const auto a = parse_number(element.find("AZIMUTH_ANGLE").text());
    if (!z || !a) continue;
    zenith += *z;
    north += std::cos(*a * degree);
    east += std::sin(*a * degree);
    ++count;
  }
  if (count == 0) return;
  out.view_zenith = zenith / double(count);
  const double azimuth = std::atan2(east, north) / degree;
  out.view_azimuth = azimuth < 0 ? azimuth + 360 : azimuth;
}

result<void> read_granule(xml_element root, metadata& out) {
  out.level = root.name() == "Level-1C_Tile_ID" ? "1C" : "2A";
  set(out.granule, text_of(root, {"TILE_ID", "TILE_ID_2A"}));
  set(out.datastrip, text_of(root, {"DATASTRIP_ID", "DATASTRIP_ID_2A"}));
  set(out.sensing, time_of(text_of(root, {"SENSING_TIME"})));
  const auto sun = root.find("Mean_Sun_Angle");
  set(out.sun_zenith, parse_number(sun.find("ZENITH_ANGLE").text()));
  set(out.sun_azimuth, parse_number(sun.find("AZIMUTH_ANGLE").text()));
  read_view(root, out);
  if (const auto clouds = parse_number(text_of(root, {"CLOUDY_PIXEL_PERCENTAGE"})))
    if (!out.cloud_cover) out.cloud_cover = clouds;
  for (const auto element : root.all("Size")) {
    const auto resolution = parse_number(element.attribute("resolution"));
    const auto rows = parse_number(element.find("NROWS").text());
    const auto columns = parse_number(element.find("NCOLS").text());
    const auto is_size = [](std::optional<double> n) {
      return n && *n >= 1 && *n <= double(defaults::max_raster_edge);
    };
    if (is_size(resolution) && is_size(rows) && is_size(columns) && out.sizes.size() < band_ids)
      out.sizes[int(*resolution)] = {int64_t(*rows), int64_t(*columns)};
  }
  // A product of several granules is named after one of them.
  metadata named;
  read_name(out.granule, named);
  if (!named.mgrs.empty()) out.mgrs = named.mgrs;
  if (out.granule.empty() && !out.sensing)
    return fail(ec::malformed, "", "it names neither the granule nor its sensing time");
  return {};
}

}  // namespace

document document_of(std::string_view beginning) {
  if (beginning.find('<') == std::string_view::npos) return document::none;
  for (const std::string_view level : {"Level-1C", "Level-2A"}) {
    if (beginning.find(std::string(level) + "_User_Product") != std::string_view::npos)
      return document::product;
    if (beginning.find(std::string(level) + "_Tile_ID") != std::string_view::npos)
      return document::granule;
  }
  return document::none;
}

result<void> read_xml(const std::string& text, const std::string& what, metadata& out) {
  STIP_ASSIGN(const auto xml, xml_document::parse(text, what));
  const auto root = xml.root();
  const auto name = root.name();
  auto read = name == "Level-1C_User_Product" || name == "Level-2A_User_Product"
                  ? read_product(root, out)
              : name == "Level-1C_Tile_ID" || name == "Level-2A_Tile_ID"
                  ? read_granule(root, out)
                  : result<void>(fail(ec::unsupported, "",
                                      "it is no metadata of a Sentinel-2 L1C or L2A product"));
  if (!read)
    return fail(read.error().code, "read " + what, read.error().why, "fetch the product again");
  for (const auto* known : {&out.product, &out.granule, &out.datastrip, &out.datatake})
    read_name(*known, out);
  return {};
}

result<void> read_json(const std::string& text, const std::string& what, metadata& out) {
  // The parser is iterative: depth is bounded by the text's size.
  const auto root = nlohmann::json::parse(text, nullptr, false);
  if (!root.is_object())
    return fail(ec::malformed, "read " + what, "it is no JSON object", "fetch the product again");
  const auto member = [](const nlohmann::json& object, const char* key) -> std::string {
    const auto at = object.find(key);
    return at != object.end() && at->is_string() ? kept(at->get_ref<const std::string&>())
                                                 : std::string();
  };
  const auto number = [&](const char* key) -> std::optional<double> {
    const auto at = root.find(key);
    return at != root.end() && at->is_number() ? parse_number(at->dump()) : std::nullopt;
  };
  const bool tile = root.contains("gridSquare");
  if (out.product.empty()) out.product = member(root, tile ? "productName" : "name");
  if (out.datatake.empty()) out.datatake = member(root, "datatakeIdentifier");
  if (const auto strip = root.find("datastrip"); strip != root.end() && strip->is_object())
    if (out.datastrip.empty()) out.datastrip = member(*strip, "id");
  if (tile) {
    if (!out.sensing) out.sensing = time_of(member(root, "timestamp"));
    if (!out.cloud_cover) out.cloud_cover = number("cloudyPixelPercentage");
    if (const auto zone = number("utmZone");
        zone && *zone >= 1 && *zone <= 60 && out.mgrs.empty()) {
      const auto digits = std::to_string(int(*zone));
      out.mgrs = (digits.size() < 2 ? "0" : "") + digits + member(root, "latitudeBand") +
                 member(root, "gridSquare");
    }
  } else if (!out.datatake_start) {
    out.datatake_start = time_of(member(root, "timestamp"));
  }
  for (const auto* known : {&out.product, &out.datastrip, &out.datatake}) read_name(*known, out);
  return {};
}

void read_name(std::string_view name, metadata& out) {
  if (name.empty() || name.size() > defaults::max_name_bytes) return;
  static const std::regex satellite("(?:^|[^A-Z0-9])G?(S2[A-D])_");
  static const std::regex level("_(?:MSI|MSI_)?L(1C|2A)_");
  static const std::regex baseline("_N(\\d\\d)\\.?(\\d\\d)(?:_|$)");
  static const std::regex tile("_T(\\d\\d[A-Z]{3})(?:_|$)");
  static const std::regex orbit("_R(\\d{3})_");
  static const std::regex datatake("(?:S2[A-D]_MSIL(?:1C|2A)|GS2[A-D])_(\\d{8}T\\d{6})_");
  const std::string text(name);
  std::smatch found;
  const auto take = [&](const std::regex& pattern, std::string& to) {
    if (to.empty() && std::regex_search(text, found, pattern)) to = found[1];
  };
  take(satellite, out.spacecraft);
  take(level, out.level);
  take(tile, out.mgrs);
  if (out.relative_orbit.empty() && std::regex_search(text, found, orbit))
    out.relative_orbit = std::to_string(std::stoi(found[1]));
  if (out.baseline.empty() && std::regex_search(text, found, baseline))
    out.baseline = found[1].str() + "." + found[2].str();
  if (!out.datatake_start && std::regex_search(text, found, datatake))
    out.datatake_start = time_of(found[1].str() + "Z");
}

std::optional<double> offset_of(const metadata& of, size_t band_id) {
  if (band_id >= band_ids) return std::nullopt;
  if (of.lists_offsets) return of.offsets[band_id];
  if (!of.baseline.empty() && of.baseline < first_offset_baseline) return 0;
  return std::nullopt;
}

}  // namespace stip::sentinel2
