#pragma once

#include <string_view>

namespace stip {

/// How a product's own scale attributes are to be read.
enum class eos_convention {
  /// value = DN * scale_factor + add_offset
  scale_then_offset,
  /// value = scale_factor * (DN - add_offset), as the HDF User's Guide has it; swaths
  offset_then_scale,
};

/// value = DN * scale + offset
struct eos_scale {
  double scale = 1;
  double offset = 0;

  bool operator==(const eos_scale&) const = default;
};

/// The scale of a field: from the table of the product where it stands there, else what the file's
/// attributes mean. Names as in the file: "MOD13A2", "1 km 16 days NDVI".
eos_scale scale_of_field(std::string_view short_name, std::string_view field, eos_scale attributes,
                         eos_convention convention);

/// Whether a field says how good or under which angles others were measured, by its name.
bool is_quality_field(std::string_view field);

}  // namespace stip
