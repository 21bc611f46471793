#include "libstip/analysis/pixel_numbers.hpp"

#include <array>
#include <cstring>

namespace stip {

void number_rule::convert(const std::byte* from, std::span<const uint8_t> valid, std::byte* to,
                          uint8_t* flags) const {
  visit_pixel_type(from_, [&]<class S>(std::type_identity<S>) {
    visit_pixel_type(to_, [&]<class T>(std::type_identity<T>) {
      const auto* source = reinterpret_cast<const S*>(from);
      auto* target = reinterpret_cast<T*>(to);
      T nodata{};
      if (nodata_) std::memcpy(&nodata, &*nodata_, sizeof(T));
      for (size_t i = 0; i < valid.size(); ++i) {
        if (valid[i] == 0) continue;
        T value;
        if (encodes_)
          value = nearest_number<T>(static_cast<double>(source[i]) * gain_ + bias_);
        else if constexpr (std::is_floating_point_v<S> && !std::is_floating_point_v<T>)
          value = nearest_number<T>(static_cast<double>(source[i]));
        else
          value = static_cast<T>(source[i]);
        if (nodata_ && value == nodata) value = beside(value);
        target[i] = value;
        flags[i] = 1;
      }
    });
  });
}

pixel_type common_type(pixel_type a, pixel_type b) noexcept {
  if (a == b) return a;
  const auto bits = [](pixel_type t) { return size_of(t) * 8; };
  const auto is_signed = [](pixel_type t) {
    return t == pixel_type::int8 || t == pixel_type::int16 || t == pixel_type::int32 ||
           t == pixel_type::int64;
  };
  if (is_float(a) || is_float(b)) {
    // A float32 holds whole numbers of 24 bits.
    const auto fits = [&](pixel_type t) {
      return t == pixel_type::float32 || (!is_float(t) && bits(t) <= 16);
    };
    return fits(a) && fits(b) ? pixel_type::float32 : pixel_type::float64;
  }
  const bool any_signed = is_signed(a) || is_signed(b);
  size_t need = std::max(bits(a), bits(b));
  // An unsigned type needs a bit more in a signed one.
  if (any_signed)
    for (const auto t : {a, b})
      if (!is_signed(t)) need = std::max(need, bits(t) * 2);
  constexpr std::array<pixel_type, 4> unsigned_types = {pixel_type::uint8, pixel_type::uint16,
                                                        pixel_type::uint32, pixel_type::uint64};
  constexpr std::array<pixel_type, 4> signed_types = {pixel_type::int8, pixel_type::int16,
                                                      pixel_type::int32, pixel_type::int64};
  for (size_t i = 0; i < unsigned_types.size(); ++i)
    if (bits(unsigned_types[i]) >= need) return any_signed ? signed_types[i] : unsigned_types[i];
  return pixel_type::float64;
}

}  // namespace stip
