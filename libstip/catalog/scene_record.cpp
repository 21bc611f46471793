#include "libstip/catalog/scene_record.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "libstip/core/defaults.hpp"

namespace stip {

namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 5> validity_names = {"nodata", "alpha", "mask", "band_masks",
                                                            "all"};
constexpr int hexadecimal = 16;

json to_json(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

json to_json(const band_description& band) {
  json out = {{"name", band.name},
              {"scale", to_json(band.scale)},
              {"offset", to_json(band.offset)},
              {"unit", band.unit},
              {"colour", band.colour},
              {"colour_table", band.colour_table},
              {"categories", band.categories},
              {"properties", band.properties}};
  if (band.nodata) {
    std::array<char, 2 * sizeof(uint64_t)> digits;
    const auto end =
        std::to_chars(digits.data(), digits.data() + digits.size(), *band.nodata, hexadecimal).ptr;
    out["nodata"] = "0x" + std::string(digits.data(), end);
  }
  return out;
}

json to_json(const subdataset_description& subdataset) {
  auto transform = json::array();
  for (const auto x : subdataset.grid.transform) transform.push_back(to_json(x));
  auto bands = json::array();
  for (const auto& band : subdataset.bands) bands.push_back(to_json(band));
  return {{"id", subdataset.id},
          {"type", to_string(subdataset.type)},
          {"valid", validity_names[static_cast<size_t>(subdataset.valid) % validity_names.size()]},
          {"quality", subdataset.quality},
          {"crs", subdataset.grid.crs_wkt},
          {"transform", std::move(transform)},
          {"width", subdataset.grid.width},
          {"height", subdataset.grid.height},
          {"bands", std::move(bands)}};
}

/// One value of the record with its path, for errors. The first thing that is wrong is kept in
/// `why`, shared by all values of a record; after it every value reads as empty.
class node {
 public:
  node(const json* value, std::string path, std::string& why)
      : value_(value), path_(std::move(path)), why_(why) {}

  /// A member that has to be there.
  node at(const char* name) const {
    auto found = find(name);
    if (!found.value_) found.refuse("is missing");
    return found;
  }

  /// A member that may be absent (or null): then exists() is false.
  node find(const char* name) const {
    const json* member = nullptr;
    if (value_ && !value_->is_object()) refuse("is not an object");
    if (value_ && value_->is_object())
      if (const auto it = value_->find(name); it != value_->end() && !it->is_null()) member = &*it;
    return {member, path_.empty() ? name : path_ + "." + name, why_};
  }

  bool exists() const { return value_ != nullptr; }

  std::string text() const {
    if (!is(value_ && value_->is_string(), "is not a text")) return {};
    return value_->get_ref<const std::string&>();
  }

  bool boolean() const {
    return is(value_ && value_->is_boolean(), "is neither true nor false") && value_->get<bool>();
  }

  int64_t integer() const {
    if (!is(value_ && value_->is_number_integer(), "is not an integer")) return 0;
    constexpr auto most = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    if (value_->is_number_unsigned() && !is(value_->get<uint64_t>() <= most, "is too large"))
      return 0;
    return value_->get<int64_t>();
  }

  uint64_t natural() const {
    // A value that was built rather than parsed keeps small numbers as signed.
    if (!is(value_ && value_->is_number_unsigned(), "is not a natural number")) return 0;
    return value_->get<uint64_t>();
  }

  double number() const {
    if (value_ && value_->is_string()) {
      const auto& word = value_->get_ref<const std::string&>();
      if (word == "nan") return std::numeric_limits<double>::quiet_NaN();
      if (word == "inf") return std::numeric_limits<double>::infinity();
      if (word == "-inf") return -std::numeric_limits<double>::infinity();
    }
    return is(value_ && value_->is_number(), "is not a number") ? value_->get<double>() : 0;
  }

  /// The elements of a list of `least` to `most`.
  std::vector<node> list(size_t most, size_t least = 0) const {
    std::vector<node> elements;
    if (!is(value_ && value_->is_array(), "is not a list") ||
        !is(value_->size() >= least && value_->size() <= most,
            "has " + std::to_string(value_->size()) + " elements"))
      return elements;
    elements.reserve(value_->size());
    for (size_t i = 0; i < value_->size(); ++i)
      elements.emplace_back(&(*value_)[i], path_ + "[" + std::to_string(i) + "]", why_);
    return elements;
  }

  std::vector<std::string> texts() const {
    std::vector<std::string> out;
    for (const auto& element : list(defaults::max_scene_list)) out.push_back(element.text());
    return out;
  }

  std::map<std::string, std::string> text_map() const {
    std::map<std::string, std::string> out;
    if (!is(value_ && value_->is_object(), "is not an object") ||
        !is(value_->size() <= defaults::max_scene_list,
            "has " + std::to_string(value_->size()) + " members"))
      return out;
    for (const auto& [name, value] : value_->items())
      out.emplace_hint(out.end(), name, node(&value, path_ + "." + name, why_).text());
    return out;
  }

  void refuse(std::string_view how) const {
    if (why_.empty())
      why_ = (path_.empty() ? "the record" : "member '" + path_ + "'") + " " + std::string(how);
  }

 private:
  bool is(bool holds, std::string_view otherwise) const {
    if (!holds) refuse(otherwise);
    return holds && why_.empty();
  }

  const json* value_;
  std::string path_;
  std::string& why_;
};

uint64_t read_pattern(const node& member) {
  const auto text = member.text();
  uint64_t pattern = 0;
  const auto* last = text.data() + text.size();
  const bool prefixed = text.starts_with("0x");
  const auto [end, code] =
      std::from_chars(text.data() + (prefixed ? 2 : 0), last, pattern, hexadecimal);
  if (!prefixed || code != std::errc{} || end != last)
    member.refuse("is not 0x and hexadecimal digits");
  return pattern;
}

validity read_validity(const node& member) {
  const auto text = member.text();
  for (size_t i = 0; i < validity_names.size(); ++i)
    if (validity_names[i] == text) return static_cast<validity>(i);
  member.refuse("is not a kind of validity");
  return validity::all;
}

pixel_type read_pixel_type(const node& member) {
  const auto type = parse_pixel_type(member.text());
  if (!type) member.refuse("is not a pixel type");
  return type.value_or(pixel_type::uint8);
}

band_description read_band(const node& from) {
  band_description band;
  band.name = from.at("name").text();
  band.scale = from.at("scale").number();
  band.offset = from.at("offset").number();
  band.unit = from.at("unit").text();
  band.colour = from.at("colour").text();
  band.colour_table = from.at("colour_table").texts();
  band.categories = from.at("categories").texts();
  band.properties = from.at("properties").text_map();
  if (const auto nodata = from.find("nodata"); nodata.exists()) band.nodata = read_pattern(nodata);
  return band;
}

subdataset_description read_subdataset(const node& from) {
  subdataset_description subdataset;
  subdataset.id = from.at("id").text();
  subdataset.type = read_pixel_type(from.at("type"));
  subdataset.valid = read_validity(from.at("valid"));
  subdataset.quality = from.at("quality").boolean();
  auto& grid = subdataset.grid;
  grid.crs_wkt = from.at("crs").text();
  grid.width = from.at("width").integer();
  grid.height = from.at("height").integer();
  size_t i = 0;
  for (const auto& x : from.at("transform").list(grid.transform.size(), grid.transform.size()))
    grid.transform[i++] = x.number();
  for (const auto& band : from.at("bands").list(defaults::max_bands))
    subdataset.bands.push_back(read_band(band));
  return subdataset;
}

}  // namespace

std::string encode(const scene_description& scene) {
  auto subdatasets = json::array();
  for (const auto& subdataset : scene.subdatasets) subdatasets.push_back(to_json(subdataset));
  json out = {{"format", scene.format},
              {"platform", scene.platform},
              {"tile", scene.tile},
              {"timestamp", scene.timestamp},
              {"properties", scene.properties},
              {"subdatasets", std::move(subdatasets)},
              {"footprint", scene.footprint},
              {"input", scene.input},
              {"input_bytes", scene.input_bytes},
              {"input_checksum", to_string(scene.input_checksum)}};
  if (scene.start) out["start"] = *scene.start;
  if (scene.end) out["end"] = *scene.end;
  constexpr int one_line = -1;
  return out.dump(one_line, ' ', false, json::error_handler_t::replace);
}

result<scene_description> decode_scene(std::string_view text) {
  const auto bad = [](std::string why) {
    return fail(ec::malformed, "read scene record", std::move(why));
  };
  if (text.size() > defaults::max_scene_record_bytes)
    return bad("it has " + std::to_string(text.size()) + " bytes");
  const auto parsed = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (parsed.is_discarded()) return bad("it is not JSON");
  std::string why;
  const node root(&parsed, {}, why);
  scene_description scene;
  scene.format = root.at("format").text();
  scene.platform = root.at("platform").text();
  scene.tile = root.at("tile").text();
  scene.timestamp = root.at("timestamp").integer();
  if (const auto start = root.find("start"); start.exists()) scene.start = start.integer();
  if (const auto end = root.find("end"); end.exists()) scene.end = end.integer();
  scene.properties = root.at("properties").text_map();
  for (const auto& subdataset : root.at("subdatasets").list(defaults::max_subdatasets))
    scene.subdatasets.push_back(read_subdataset(subdataset));
  scene.footprint = root.at("footprint").text();
  scene.input = root.at("input").text();
  scene.input_bytes = root.at("input_bytes").natural();
  const auto member = root.at("input_checksum");
  const auto checksum = parse_hash128(member.text());
  if (!checksum) member.refuse("is not a hash");
  if (!why.empty()) return bad(std::move(why));
  scene.input_checksum = *checksum;
  return scene;
}

hash128 scene_id(std::string_view encoded_scene) {
  return hash128_of(encoded_scene);
}

}  // namespace stip
