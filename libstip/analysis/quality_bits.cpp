#include "libstip/analysis/quality_bits.hpp"

#include <array>
#include <cstring>
#include <memory>

namespace stip {

namespace {

constexpr size_t table_size = size_t{1} << 16;
constexpr size_t layouts = static_cast<size_t>(quality_layout::fmask) + 1;

using class_table = std::array<uint8_t, table_size>;

constexpr bool has(uint64_t value, unsigned bit) {
  return ((value >> bit) & 1) != 0;
}

/// Two bits from `bit` on say 3: high confidence.
constexpr bool is_high(uint64_t value, unsigned bit) {
  return ((value >> bit) & 3) == 3;
}

/// What a band of flags says of a pixel, before one of it is chosen.
struct flags {
  bool fill = false, cloud = false, cirrus = false, shadow = false;
  bool dilated = false, snow = false, water = false;
};

constexpr mask_class first_of(const flags& f) {
  if (f.fill) return mask_class::nodata;
  if (f.cloud) return mask_class::cloud;
  if (f.cirrus) return mask_class::cirrus;
  if (f.shadow) return mask_class::shadow;
  if (f.dilated) return mask_class::dilated;
  if (f.snow) return mask_class::snow;
  if (f.water) return mask_class::water;
  return mask_class::clear;
}

flags qa_pixel_flags(uint64_t v, bool cirrus) {
  return {.fill = has(v, 0),
          .cloud = has(v, 3),
          .cirrus = cirrus && has(v, 2),
          .shadow = has(v, 4),
          .dilated = has(v, 1),
          .snow = has(v, 5),
          .water = has(v, 7)};
}

flags bqa_flags(uint64_t v, bool cirrus) {
  return {.fill = has(v, 0),
          .cloud = has(v, 4),
          .cirrus = cirrus && is_high(v, 11),
          .shadow = is_high(v, 7),
          .snow = is_high(v, 9)};
}

flags pixel_qa_flags(uint64_t v, bool cirrus) {
  return {.fill = has(v, 0),
          .cloud = has(v, 5),
          .cirrus = cirrus && is_high(v, 8),
          .shadow = has(v, 3),
          .snow = has(v, 4),
          .water = has(v, 2)};
}

flags modis_state_flags(uint64_t v) {
  constexpr uint64_t fill = 65535, cloudy = 1, mixed = 2;
  constexpr uint64_t land = 1, coastline = 2, ephemeral_water = 4;
  const auto state = v & 3, surface = (v >> 3) & 7;
  return {.fill = v == fill,
          .cloud = state == cloudy || state == mixed || has(v, 10),
          .cirrus = is_high(v, 8),
          .shadow = has(v, 2),
          .dilated = has(v, 13),
          .snow = has(v, 12) || has(v, 15),
          .water = surface != land && surface != coastline && surface != ephemeral_water};
}

mask_class scl_class(uint64_t v) {
  switch (v) {
    case 2:  // dark area
    case 4:  // vegetation
    case 5:  // not vegetated
    case 7:  // unclassified
      return mask_class::clear;
    case 3:
      return mask_class::shadow;
    case 6:
      return mask_class::water;
    case 8:  // medium probability
    case 9:  // high probability
      return mask_class::cloud;
    case 10:
      return mask_class::cirrus;
    case 11:
      return mask_class::snow;
    default:
      return mask_class::nodata;
  }
}

mask_class fmask_class(uint64_t v) {
  constexpr std::array meaning = {mask_class::nodata, mask_class::clear, mask_class::cloud,
                                  mask_class::shadow, mask_class::snow,  mask_class::water};
  return v < meaning.size() ? meaning[v] : mask_class::nodata;
}

/// All layouts' tables, made once and never changed.
const class_table& table_of(quality_layout layout) {
  static const auto tables = [] {
    auto made = std::make_unique<std::array<class_table, layouts>>();
    for (size_t l = 0; l < layouts; ++l)
      for (size_t v = 0; v < table_size; ++v)
        (*made)[l][v] = static_cast<uint8_t>(class_of(static_cast<quality_layout>(l), v));
    return made;
  }();
  return (*tables)[static_cast<size_t>(layout)];
}

}  // namespace

std::string_view to_string(quality_layout layout) noexcept {
  switch (layout) {
    case quality_layout::scl:
      return "SCL";
    case quality_layout::classi:
      return "MSK_CLASSI";
    case quality_layout::qa_pixel:
    case quality_layout::qa_pixel_no_cirrus:
      return "QA_PIXEL";
    case quality_layout::bqa:
    case quality_layout::bqa_no_cirrus:
      return "BQA";
    case quality_layout::pixel_qa:
    case quality_layout::pixel_qa_no_cirrus:
      return "pixel_qa";
    case quality_layout::modis_state:
      return "state_1km";
    case quality_layout::fmask:
      return "Fmask";
  }
  return "unknown";
}

mask_class class_of(quality_layout layout, uint64_t value) noexcept {
  if (value >= table_size) return mask_class::nodata;
  switch (layout) {
    case quality_layout::scl:
      return scl_class(value);
    case quality_layout::classi:
      return mask_class::nodata;
    case quality_layout::qa_pixel:
      return first_of(qa_pixel_flags(value, true));
    case quality_layout::qa_pixel_no_cirrus:
      return first_of(qa_pixel_flags(value, false));
    case quality_layout::bqa:
      return first_of(bqa_flags(value, true));
    case quality_layout::bqa_no_cirrus:
      return first_of(bqa_flags(value, false));
    case quality_layout::pixel_qa:
      return first_of(pixel_qa_flags(value, true));
    case quality_layout::pixel_qa_no_cirrus:
      return first_of(pixel_qa_flags(value, false));
    case quality_layout::modis_state:
      return first_of(modis_state_flags(value));
    case quality_layout::fmask:
      return fmask_class(value);
  }
  return mask_class::nodata;
}

result<void> classify_quality(quality_layout layout, pixel_type type,
                              std::span<const std::byte> plane, std::span<uint8_t> mask) {
  const auto what = "read the quality band " + std::string(to_string(layout));
  if (!is_one_plane(layout))
    return fail(ec::unsupported, what, "its classes are three planes, not one");
  const auto size = size_of(type);
  if ((size != 1 && size != 2) || is_float(type))
    return fail(ec::unsupported, what,
                "its pixels are " + std::string(to_string(type)) +
                    ", not whole numbers of 8 or 16 "
                    "bits");
  if (plane.size() / size != mask.size() || plane.size() % size != 0)
    return fail(ec::invalid_argument, what, "the mask has another number of pixels");
  const auto& table = table_of(layout);
  if (size == 1) {
    for (size_t i = 0; i < mask.size(); ++i) mask[i] = table[static_cast<uint8_t>(plane[i])];
    return {};
  }
  for (size_t i = 0; i < mask.size(); ++i) {
    // Planes come out of byte buffers and need not be aligned.
    uint16_t value = 0;
    std::memcpy(&value, plane.data() + 2 * i, sizeof value);
    mask[i] = table[value];
  }
  return {};
}

result<void> classify_classi(std::span<const uint8_t> opaque, std::span<const uint8_t> cirrus,
                             std::span<const uint8_t> snow, std::span<uint8_t> mask) {
  if (opaque.size() != mask.size() || cirrus.size() != mask.size() || snow.size() != mask.size())
    return fail(ec::invalid_argument, "read the quality band MSK_CLASSI",
                "its planes have another number of pixels than the mask");
  for (size_t i = 0; i < mask.size(); ++i)
    mask[i] = static_cast<uint8_t>(
        first_of({.cloud = opaque[i] != 0, .cirrus = cirrus[i] != 0, .snow = snow[i] != 0}));
  return {};
}

}  // namespace stip
