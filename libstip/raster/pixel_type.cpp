#include "libstip/raster/pixel_type.hpp"

#include <array>
#include <string>

namespace stip {

namespace {

constexpr std::array all_types = {
    pixel_type::uint8,   pixel_type::int8,    pixel_type::uint16, pixel_type::int16,
    pixel_type::uint32,  pixel_type::int32,   pixel_type::uint64, pixel_type::int64,
    pixel_type::float32, pixel_type::float64, pixel_type::bit,
};

}  // namespace

std::string_view to_string(pixel_type type) noexcept {
  switch (type) {
    case pixel_type::uint8:
      return "uint8";
    case pixel_type::int8:
      return "int8";
    case pixel_type::uint16:
      return "uint16";
    case pixel_type::int16:
      return "int16";
    case pixel_type::uint32:
      return "uint32";
    case pixel_type::int32:
      return "int32";
    case pixel_type::uint64:
      return "uint64";
    case pixel_type::int64:
      return "int64";
    case pixel_type::float32:
      return "float32";
    case pixel_type::float64:
      return "float64";
    case pixel_type::bit:
      return "bit";
  }
  return "unknown";
}

result<pixel_type> parse_pixel_type(std::string_view name) {
  for (const auto type : all_types)
    if (to_string(type) == name) return type;
  return fail(ec::invalid_argument, "parse pixel type", "unknown type '" + std::string(name) + "'",
              "use uint8, int8, uint16, int16, uint32, int32, uint64, int64, float32, float64 or "
              "bit");
}

}  // namespace stip
