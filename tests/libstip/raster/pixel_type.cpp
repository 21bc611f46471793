#define CAF_SUITE raster.pixel_type

#include "libstip/raster/pixel_type.hpp"

#include <string>

#include <caf/test/unit_test.hpp>

using namespace stip;

CAF_TEST(the stored numbers are those of the first release) {
  const std::pair<const char*, int> stored[] = {
      {"uint8", 1},  {"int8", 2},  {"uint16", 3},  {"int16", 4},    {"uint32", 5}, {"int32", 6},
      {"uint64", 7}, {"int64", 8}, {"float32", 9}, {"float64", 10}, {"bit", 32},
  };
  for (const auto& [name, number] : stored) {
    const auto type = parse_pixel_type(name);
    CAF_REQUIRE(type.has_value());
    CAF_CHECK_EQUAL(static_cast<int>(*type), number);
  }
}

CAF_TEST(every byte is either a type with name and size or unknown) {
  int known = 0;
  for (int value = 0; value < 256; ++value) {
    const auto type = static_cast<pixel_type>(value);
    if (!is_known(type)) {
      CAF_CHECK_EQUAL(size_of(type), 0u);
      CAF_CHECK_EQUAL(std::string(to_string(type)), "unknown");
      continue;
    }
    ++known;
    const auto parsed = parse_pixel_type(to_string(type));
    CAF_REQUIRE(parsed.has_value());
    CAF_CHECK(*parsed == type);
    const size_t size =
        visit_pixel_type(type, []<class T>(std::type_identity<T>) { return sizeof(T); });
    CAF_CHECK_EQUAL(size, size_of(type));
    const bool floating = visit_pixel_type(
        type, []<class T>(std::type_identity<T>) { return std::is_floating_point_v<T>; });
    CAF_CHECK_EQUAL(floating, is_float(type));
  }
  CAF_CHECK_EQUAL(known, 11);
}

CAF_TEST(the C++ type has the sign and digits that the name says) {
  const auto name_of = []<class T>(std::type_identity<T>) {
    std::string name = std::is_floating_point_v<T> ? "float" : std::is_signed_v<T> ? "int" : "uint";
    return name + std::to_string(8 * sizeof(T));
  };
  for (int value = 1; value <= 10; ++value) {
    const auto type = static_cast<pixel_type>(value);
    const auto name = visit_pixel_type(type, name_of);
    CAF_CHECK_EQUAL(name, std::string(to_string(type)));
  }
}

CAF_TEST(other names are refused) {
  for (const char* name : {"", "Byte", "UInt16", "float", "uint", "uint8 ", "unknown", "bits"}) {
    const auto type = parse_pixel_type(name);
    CAF_REQUIRE(!type);
    CAF_CHECK(type.error().code == ec::invalid_argument);
  }
}
