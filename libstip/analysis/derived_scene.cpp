#include "libstip/analysis/derived_scene.hpp"

#include <algorithm>
#include <array>

#include "libstip/analysis/image_filter.hpp"
#include "libstip/analysis/indices.hpp"

namespace stip {

namespace {

constexpr std::array<std::string_view, 3> own_pixels = {"raw", "split", "merged"};
constexpr std::array<std::string_view, 3> other_measurements = {"filled", "coalesced", "aligned"};
/// Before the number of pixels, in the source of aligned images: "align-256".
constexpr std::string_view aligned = "align-";

constexpr auto input_property = "input_scene";

}  // namespace

bool holds_measurements(std::string_view source) {
  // What was computed of aligned images has their source before its name.
  const bool is_aligned =
      source.starts_with(aligned) && source.size() > aligned.size() &&
      source.find_first_not_of("0123456789", aligned.size()) == std::string_view::npos;
  return std::ranges::find(own_pixels, source) != own_pixels.end() ||
         std::ranges::find(other_measurements, source) != other_measurements.end() || is_aligned;
}

bool is_derived_of(const image_row& image, const filter& match) {
  return match.source.has_value() || holds_measurements(image.key.source);
}

std::string derived_source(std::string_view source, const std::string& name) {
  if (std::ranges::find(own_pixels, source) != own_pixels.end()) return name;
  return std::string(source) + "-" + name;
}

result<void> check_product_name(const std::string& name) {
  STIP_TRY(check_name("name", name));
  const auto first = name.substr(0, name.find('-'));
  const bool taken =
      holds_measurements(name) || name.starts_with(aligned) ||
      parse_image_filter(first, std::nullopt).has_value() ||
      std::ranges::find(known_indices(), name, &known_index::name) != known_indices().end();
  if (!taken) return {};
  return fail(ec::invalid_argument, "call a product '" + name + "'",
              "images of this source are made otherwise", "choose another --name");
}

scene_description derived_scene(const stored_image& of, std::string_view format,
                                const std::map<std::string, std::string>& how) {
  auto out = of.scene;
  out.format = format;
  out.subdatasets.clear();
  out.properties[input_property] = to_string(of.chips.front().scene);
  for (const auto& [name, value] : how) out.properties[name] = value;
  return out;
}

}  // namespace stip
