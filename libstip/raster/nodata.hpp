#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "libstip/raster/pixel_type.hpp"

// Nodata values as bit patterns: a pixel's own bits, zero-extended to 64
// (band_description::nodata).

namespace stip {

/// The pattern of a value in a pixel type; nullopt when the type cannot hold the value: a fraction
/// or a number out of range of an integer type, a finite number beyond a float type. A float type
/// takes the nearest number it has, and every NaN becomes the quiet one.
std::optional<uint64_t> nodata_pattern(pixel_type type, double value);
std::optional<uint64_t> nodata_pattern(pixel_type type, int64_t value);
std::optional<uint64_t> nodata_pattern(pixel_type type, uint64_t value);

/// The value of a pattern as a double (64-bit integers beyond 2^53 are rounded).
double nodata_value(pixel_type type, uint64_t pattern);

/// The value of a pattern as text, exact ("nan", "-9999", "18446744073709551615").
std::string nodata_text(pixel_type type, uint64_t pattern);

/// valid[i] = 1 where pixel i is not nodata, else 0. Any NaN equals a NaN, -0 equals 0. `pixels` is
/// dense, valid.size() pixels.
void mark_valid(pixel_type type, std::span<const std::byte> pixels, uint64_t pattern,
                std::span<std::byte> valid);

/// valid[i] = 0 where pixel i is not in [low, high] (NaN never is); leaves the others.
void mark_in_range(pixel_type type, std::span<const std::byte> pixels, double low, double high,
                   std::span<std::byte> valid);

/// Writes the pattern to every pixel.
void fill_pattern(pixel_type type, std::span<std::byte> pixels, uint64_t pattern);

}  // namespace stip
