#include "libstip/geo/geocode.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace stip {

namespace {

constexpr std::string_view geohash_alphabet = "0123456789bcdefghjkmnpqrstuvwxyz";
constexpr std::string_view quadtile_alphabet = "0123";

constexpr std::array<int8_t, 256> values_of(std::string_view digits) {
  std::array<int8_t, 256> values{};
  values.fill(-1);
  for (size_t i = 0; i < digits.size(); ++i)
    values[static_cast<unsigned char>(digits[i])] = static_cast<int8_t>(i);
  return values;
}

constexpr auto geohash_values = values_of(geohash_alphabet);
constexpr auto quadtile_values = values_of(quadtile_alphabet);

constexpr int digit_bits(geocode_algorithm algorithm) {
  return algorithm == geocode_algorithm::geohash ? 5 : 2;
}

constexpr uint64_t length_mask(geocode_algorithm algorithm) {
  return algorithm == geocode_algorithm::geohash ? 0xF : 0x1F;
}

}  // namespace

std::string_view to_string(geocode_algorithm algorithm) noexcept {
  return algorithm == geocode_algorithm::geohash ? "geohash" : "quadtile";
}

result<geocode_algorithm> parse_geocode_algorithm(std::string_view name) {
  if (name == "geohash") return geocode_algorithm::geohash;
  if (name == "quadtile") return geocode_algorithm::quadtile;
  return fail(ec::invalid_argument, "read geocode algorithm '" + std::string(name) + "'",
              "no such algorithm", "use geohash or quadtile");
}

int max_precision(geocode_algorithm algorithm) noexcept {
  return algorithm == geocode_algorithm::geohash ? 12 : 29;
}

int digit_count(geocode_algorithm algorithm) noexcept {
  return 1 << digit_bits(algorithm);
}

std::string_view alphabet(geocode_algorithm algorithm) noexcept {
  return algorithm == geocode_algorithm::geohash ? geohash_alphabet : quadtile_alphabet;
}

int digit_value(geocode_algorithm algorithm, char digit) noexcept {
  const auto& values = algorithm == geocode_algorithm::geohash ? geohash_values : quadtile_values;
  return values[static_cast<unsigned char>(digit)];
}

result<void> check_geocode(geocode_algorithm algorithm, std::string_view code) {
  const auto longest = static_cast<size_t>(max_precision(algorithm));
  const auto what = [&] {
    return "read " + std::string(to_string(algorithm)) + " '" +
           std::string(code.substr(0, longest + 1)) + (code.size() > longest + 1 ? "..." : "") +
           "'";
  };
  if (code.empty() || code.size() > longest)
    return fail(ec::invalid_argument, what(),
                "it has " + std::to_string(code.size()) + " characters",
                "give 1 to " + std::to_string(longest) + " characters");
  for (const char digit : code)
    if (digit_value(algorithm, digit) < 0)
      return fail(ec::invalid_argument, what(),
                  "it holds a character that is no digit of a " + std::string(to_string(algorithm)),
                  "use only " + std::string(alphabet(algorithm)));
  return {};
}

result<void> check_precision(geocode_algorithm algorithm, int precision) {
  if (precision >= 1 && precision <= max_precision(algorithm)) return {};
  return fail(ec::invalid_argument, "use precision " + std::to_string(precision),
              "a " + std::string(to_string(algorithm)) + " has 1 to " +
                  std::to_string(max_precision(algorithm)) + " characters",
              "give a precision within that range");
}

uint64_t pack(geocode_algorithm algorithm, std::string_view code) noexcept {
  code = code.substr(0, static_cast<size_t>(max_precision(algorithm)));
  const int bits = digit_bits(algorithm);
  int shift = 64;
  uint64_t packed = code.size();
  for (const char digit : code) {
    shift -= bits;
    packed |= static_cast<uint64_t>(std::max(0, digit_value(algorithm, digit))) << shift;
  }
  return packed;
}

char* unpack(geocode_algorithm algorithm, uint64_t packed, char* to) noexcept {
  const auto length = std::min<uint64_t>(packed & length_mask(algorithm),
                                         static_cast<uint64_t>(max_precision(algorithm)));
  const int bits = digit_bits(algorithm);
  const uint64_t digit_mask = (uint64_t{1} << bits) - 1;
  const auto* digits = alphabet(algorithm).data();
  for (uint64_t i = 0; i < length; ++i) {
    packed = std::rotl(packed, bits);
    *to++ = digits[packed & digit_mask];
  }
  return to;
}

std::string unpack(geocode_algorithm algorithm, uint64_t packed) {
  std::string code(static_cast<size_t>(max_precision(algorithm)), '0');
  code.resize(static_cast<size_t>(unpack(algorithm, packed, code.data()) - code.data()));
  return code;
}

std::pair<uint64_t, uint64_t> prefix_range(geocode_algorithm algorithm,
                                           std::string_view prefix) noexcept {
  const uint64_t first = pack(algorithm, prefix);
  const int used = digit_bits(algorithm) * static_cast<int>(first & length_mask(algorithm));
  const int all = digit_bits(algorithm) * max_precision(algorithm);
  const uint64_t free_digits = used == all ? 0 : ((uint64_t{1} << (all - used)) - 1) << (64 - all);
  const uint64_t last = (first & ~length_mask(algorithm)) | free_digits |
                        static_cast<uint64_t>(max_precision(algorithm));
  return {first, last};
}

}  // namespace stip
