#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

// A reader of the codec's groups as docs/data-format.md defines them, one bit at a time.

namespace stip::slow {

using bytes = std::vector<std::byte>;

inline uint64_t load(const std::byte* in, size_t size) {
  uint64_t out = 0;
  std::memcpy(&out, in, size);
  return out;
}

/// Reads groups bit by bit as docs/data-format.md defines them, from `at` to the end; the values.
/// Counts the sparse groups.
inline std::vector<uint64_t> read_groups(size_t word_bytes, const bytes& payload, size_t at,
                                         size_t count, size_t* sparse_groups) {
  std::vector<uint64_t> out;
  const size_t lanes = 32 / word_bytes;
  const size_t word_bits = 8 * word_bytes;
  while (out.size() < count) {
    const size_t values = std::min<size_t>(256, count - out.size());
    const auto control = std::to_integer<size_t>(payload.at(at++));
    size_t width = control & 0x7f;
    size_t exceptions = 0;
    size_t exception_bytes = 0;
    if ((control & 0x80) != 0) {
      exceptions = std::to_integer<size_t>(payload.at(at++));
      exception_bytes = std::to_integer<size_t>(payload.at(at++));
    }
    // The slices that are there: all, unless the group is sparse.
    std::vector<size_t> slices;
    size_t kept = values;
    const bool sparse = width > 64;
    if (sparse) {
      width -= 64;
      payload.at(at + word_bytes - 1);
      const uint64_t mask = load(&payload[at], word_bytes);
      at += word_bytes;
      for (size_t k = 0; k < word_bits; ++k)
        if ((mask >> k & 1) != 0) slices.push_back(k);
      kept = slices.size() * lanes;
      if (sparse_groups) ++*sparse_groups;
    }
    std::vector<uint64_t> group;
    const size_t depth = (kept + lanes - 1) / lanes;
    const size_t rows = (depth * width + word_bits - 1) / word_bits;
    for (size_t i = 0; i < kept; ++i) {
      uint64_t value = 0;
      for (size_t b = 0; b < width; ++b) {
        const size_t bit = i / lanes * width + b;
        const size_t word = at + (bit / word_bits * lanes + i % lanes) * word_bytes;
        payload.at(word + word_bytes - 1);
        value |= ((load(&payload[word], word_bytes) >> (bit % word_bits)) & 1) << b;
      }
      group.push_back(value);
    }
    at += rows * 32;
    for (size_t e = 0; e < exceptions; ++e) {
      const auto position = std::to_integer<size_t>(payload.at(at + e));
      const size_t upper = at + exceptions + e * exception_bytes;
      payload.at(upper + exception_bytes - 1);
      group.at(position) |= load(&payload[upper], exception_bytes) << width;
    }
    at += exceptions * (1 + exception_bytes);
    if (sparse) {
      std::vector<uint64_t> spread(256);
      for (size_t k = 0; k < slices.size(); ++k)
        for (size_t i = 0; i < lanes; ++i) spread[slices[k] * lanes + i] = group[k * lanes + i];
      group.assign(spread.begin(), spread.begin() + static_cast<ptrdiff_t>(values));
    }
    out.insert(out.end(), group.begin(), group.end());
  }
  if (at != payload.size()) out.clear();
  return out;
}

}  // namespace stip::slow
