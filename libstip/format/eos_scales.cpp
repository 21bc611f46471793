#include "libstip/format/eos_scales.hpp"

#include <fnmatch.h>

#include <array>
#include <cmath>
#include <optional>
#include <string>

namespace stip {

namespace {

/// Fields of a product, both as patterns; the first line that fits counts. Where the table says
/// "divisor", the attribute is a number to divide by (MOD09, MOD13 have 10000 for 0.0001).
struct scale_line {
  const char* product;
  const char* field;
  bool divisor;
  double scale;
  double offset;
};

constexpr bool divides = true;
constexpr bool fixed = false;

// From the products' user guides and file specifications: MOD09 (Collection 6, table 4), MOD11
// (Collection 6, table 4), MOD13 (table 2 and 5), MOD15, MOD16, MOD17, MCD43 (Collection 6).
constexpr std::array scale_table = {
    scale_line{"M?D09*", "sur_refl_b*", fixed, 1e-4, 0},
    scale_line{"M?D09*", "sur_refl_?zen", fixed, 0.01, 0},
    scale_line{"M?D09*", "sur_refl_raz", fixed, 0.01, 0},
    scale_line{"M?D09*", "*Zenith*", fixed, 0.01, 0},
    scale_line{"M?D09*", "*Azimuth*", fixed, 0.01, 0},
    scale_line{"M?D09*", "Range*", fixed, 25, 0},
    scale_line{"M?D11*", "LST*", fixed, 0.02, 0},
    scale_line{"M?D11*", "*view_time*", fixed, 0.1, 0},
    scale_line{"M?D11*", "*view_angl*", fixed, 1, -65},
    scale_line{"M?D11*", "Emis*", fixed, 0.002, 0.49},
    scale_line{"M?D11*", "Clear_*_cov", fixed, 0.0005, 0},
    scale_line{"M?D13*", "*", divides, 1, 0},
    scale_line{"M?D15*", "Fpar*", fixed, 0.01, 0},
    scale_line{"M?D15*", "Lai*", fixed, 0.1, 0},
    scale_line{"M?D16*", "ET*", fixed, 0.1, 0},
    scale_line{"M?D16*", "PET*", fixed, 0.1, 0},
    scale_line{"M?D16*", "LE*", fixed, 10000, 0},
    scale_line{"M?D16*", "PLE*", fixed, 10000, 0},
    scale_line{"M?D17*", "Gpp*", fixed, 1e-4, 0},
    scale_line{"M?D17*", "Npp*", fixed, 1e-4, 0},
    scale_line{"M?D17*", "PsnNet*", fixed, 1e-4, 0},
    scale_line{"MCD43A[34]", "Nadir_Reflectance*", fixed, 1e-4, 0},
    scale_line{"MCD43A[34]", "Albedo*", fixed, 1e-3, 0},
    scale_line{"MCD43A1", "BRDF_Albedo_Parameters*", fixed, 1e-3, 0},
};

constexpr std::array quality_fields = {
    "QC*",          "*_QC*",         "*QA*",
    "*Quality*",    "*quality*",     "state_*",
    "*_state_*",    "num_obs*",      "orbit_pnt*",
    "granule_pnt*", "gflags*",       "obscov*",
    "iobs_res*",    "*reliability*", "*zenith*",
    "*Zenith*",     "*azimuth*",     "*Azimuth*",
    "Range*",       "*view_time*",   "*view_angl*",
    "*View_Angle*", "*View_Time*",   "*day of the year*",
    "*_QF[0-9]*",   "*Uncertainty*", "*_err*",
    "l2p_flags*",   "*_flag*",       "Scan_Start_Time*",
};

bool fits(const char* pattern, std::string_view name) {
  return ::fnmatch(pattern, std::string(name).c_str(), 0) == 0;
}

bool usable(double number) {
  return std::isfinite(number) && number != 0;
}

}  // namespace

eos_scale scale_of_field(std::string_view short_name, std::string_view field, eos_scale attributes,
                         eos_convention convention) {
  if (!usable(attributes.scale)) attributes.scale = 1;
  if (!std::isfinite(attributes.offset)) attributes.offset = 0;
  for (const auto& line : scale_table) {
    if (!fits(line.product, short_name) || !fits(line.field, field)) continue;
    if (!line.divisor) return {line.scale, line.offset};
    // Angles and reflectances of one product have divisors of their own; fields without one have 1.
    return {attributes.scale > 1 ? 1 / attributes.scale : attributes.scale, attributes.offset};
  }
  if (convention == eos_convention::offset_then_scale && attributes.offset != 0)
    return {attributes.scale, -attributes.scale * attributes.offset};
  return attributes;
}

bool is_quality_field(std::string_view field) {
  for (const auto* pattern : quality_fields)
    if (fits(pattern, field)) return true;
  return false;
}

}  // namespace stip
