#include "libstip/analysis/mask_classes.hpp"

#include <cassert>

namespace stip {

namespace {

/// Counters of their own for neighbouring pixels, which are mostly of one class: adding to one
/// counter again and again waits for its last store.
constexpr size_t lanes = 4;
constexpr size_t byte_values = 256;

}  // namespace

std::string_view to_string(mask_class c) noexcept {
  switch (c) {
    case mask_class::nodata:
      return "nodata";
    case mask_class::clear:
      return "clear";
    case mask_class::cloud:
      return "cloud";
    case mask_class::shadow:
      return "shadow";
    case mask_class::snow:
      return "snow";
    case mask_class::water:
      return "water";
    case mask_class::cirrus:
      return "cirrus";
    case mask_class::dilated:
      return "dilated";
  }
  return "unknown";
}

class_counts& class_counts::operator+=(const class_counts& other) noexcept {
  for (size_t i = 0; i < pixels.size(); ++i) pixels[i] += other.pixels[i];
  return *this;
}

uint64_t class_counts::valid() const noexcept {
  uint64_t sum = 0;
  for (const auto count : pixels) sum += count;
  return sum - of(mask_class::nodata);
}

class_counts count_classes(std::span<const uint8_t> mask, std::span<const uint8_t> own) {
  assert(own.empty() || own.size() == mask.size());
  std::array<std::array<uint64_t, byte_values>, lanes> seen{};
  class_counts out;
  if (own.empty()) {
    size_t i = 0;
    for (; i + lanes <= mask.size(); i += lanes)
      for (size_t lane = 0; lane < lanes; ++lane) ++seen[lane][mask[i + lane]];
    for (; i < mask.size(); ++i) ++seen[0][mask[i]];
  } else {
    for (size_t i = 0; i < mask.size(); ++i) seen[i % lanes][mask[i]] += own[i] != 0;
  }
  for (size_t value = 0; value < byte_values; ++value)
    for (const auto& lane : seen) out.pixels[value < mask_class_count ? value : 0] += lane[value];
  return out;
}

std::optional<cloud_fractions> fractions_of(const class_counts& counts) {
  const auto valid = counts.valid();
  if (valid == 0) return std::nullopt;
  const auto share = [&](uint64_t pixels) {
    return static_cast<double>(pixels) / static_cast<double>(valid);
  };
  cloud_fractions out;
  out.cloud = share(counts.of(mask_class::cloud) + counts.of(mask_class::cirrus));
  out.shadow = share(counts.of(mask_class::shadow));
  out.cirrus = share(counts.of(mask_class::cirrus));
  out.dilated = share(counts.of(mask_class::dilated));
  out.snow = share(counts.of(mask_class::snow));
  return out;
}

void keep_valid(std::span<const uint8_t> valid, std::span<uint8_t> mask) {
  assert(valid.size() == mask.size());
  for (size_t i = 0; i < mask.size(); ++i)
    mask[i] = valid[i] != 0 ? mask[i] : static_cast<uint8_t>(mask_class::nodata);
}

}  // namespace stip
