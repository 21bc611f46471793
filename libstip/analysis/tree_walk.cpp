#include "libstip/analysis/tree_walk.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>

#include "libstip/raster/simd_targets.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "libstip/analysis/tree_walk.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace stip::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// The pixels of a group whose range is beyond a split's.
template <class T>
HWY_INLINE uint64_t beyond(const T* HWY_RESTRICT ranges, T range) {
  uint64_t out = 0;
#if HWY_TARGET == HWY_SCALAR
  for (size_t i = 0; i < trees::group_pixels; ++i) out |= uint64_t{ranges[i] > range} << i;
#else
  using tag = hn::CappedTag<T, trees::group_pixels>;
  const tag d;
  const auto bound = hn::Set(d, range);
  constexpr size_t step = hn::MaxLanes(tag());
  for (size_t i = 0; i < trees::group_pixels; i += step) {
    const auto mask = hn::Gt(hn::LoadU(d, ranges + i), bound);
    uint8_t bytes[8] = {};
    hn::StoreMaskBits(d, mask, bytes);
    uint64_t bits = 0;
    std::memcpy(&bits, bytes, sizeof bits);
    out |= bits << i;
  }
#endif
  return out;
}

/// The same of a categorical split: the pixels of `of` whose category is not in the set.
template <class T>
uint64_t outside(const T* ranges, uint64_t of, const trees::category_set& set,
                 const uint32_t* categories) {
  uint64_t out = 0;
  for (auto left = of; left != 0; left &= left - 1) {
    const auto at = static_cast<size_t>(std::countr_zero(left));
    const auto category =
        static_cast<uint32_t>(int32_t{ranges[at]} - std::numeric_limits<T>::min());
    const auto word = category / 32;
    const bool in =
        word < set.words && ((categories[set.first_word + word] >> (category % 32)) & 1) != 0;
    out |= uint64_t{!in} << at;
  }
  return out;
}

/// Adds the value to the sums of the pixels: one by one where they are few, else to all lanes of a
/// vector that hold some.
HWY_INLINE void add(uint64_t pixels, double value, double* HWY_RESTRICT sums) {
#if HWY_TARGET != HWY_SCALAR && HWY_HAVE_FLOAT64
  const hn::CappedTag<double, 8> d;
  constexpr size_t step = hn::MaxLanes(hn::CappedTag<double, 8>());
  // A vector's mask, load, sum and store cost as much as about two pixels alone.
  constexpr int many = int(trees::group_pixels / step * 2 / 3);
  if (std::popcount(pixels) >= many) {
    const auto values = hn::Set(d, value);
    for (size_t i = 0; i < trees::group_pixels; i += step) {
      uint8_t bits[8] = {static_cast<uint8_t>(pixels >> i)};
      const auto mask = hn::LoadMaskBits(d, bits);
      const auto before = hn::LoadU(d, sums + i);
      hn::StoreU(hn::Add(before, hn::IfThenElseZero(mask, values)), d, sums + i);
    }
    return;
  }
#endif
  for (; pixels != 0; pixels &= pixels - 1) sums[std::countr_zero(pixels)] += value;
}

/// Pixels of a group that have come to a node.
struct walker {
  uint64_t pixels;
  uint32_t node;
  uint32_t group;
};

/// Groups that go through a tree at the same time: while one waits for memory, the others step.
constexpr size_t wave_groups = 8;

template <class T>
void walk(const trees::tree_view& tree, const T* ranges, size_t columns, size_t groups,
          double* sums) {
  using trees::group_pixels;
  if (tree.single_leaf) {
    for (size_t i = 0; i < groups * group_pixels; ++i) sums[i] += tree.values[0];
    return;
  }
  // The sets of all walkers are disjoint and not empty: there are no more of them than pixels.
  std::array<walker, wave_groups * group_pixels> walkers;
  for (size_t first = 0; first < groups; first += wave_groups) {
    size_t count = 0;
    for (size_t g = first; g < groups && g < first + wave_groups; ++g)
      walkers[count++] = {~uint64_t{0}, 0, static_cast<uint32_t>(g)};
    while (count != 0)
      for (size_t i = 0; i < count;) {
        auto& at = walkers[i];
        const auto n = tree.nodes[at.node];
        const auto* column = ranges + (at.group * columns + n.column) * group_pixels;
        auto* group_sums = sums + at.group * group_pixels;
        uint64_t right = 0;
        if (n.categorical) [[unlikely]]
          right = outside(column, at.pixels, tree.sets[n.range], tree.categories);
        else
          right = at.pixels & beyond(column, static_cast<T>(n.range));
        // Mostly all go one way, which is as good as random: no branch. That they part is rare.
        auto step = static_cast<uint32_t>((right | (0 - right)) >> 63);
        const auto left = at.pixels & ~right;
        if (std::min(left, right) != 0) [[unlikely]] {
          if ((n.leaves & trees::right_is_leaf) != 0)
            add(right, tree.values[n.child + 1], group_sums);
          else
            walkers[count++] = {right, n.child + 1, at.group};
          at.pixels = left;
          step = 0;
        }
        at.node = n.child + step;
        if (((n.leaves >> step) & 1) != 0) [[unlikely]] {
          add(at.pixels, tree.values[at.node], group_sums);
          walkers[i] = walkers[--count];
        } else {
          ++i;
        }
      }
  }
}

void walk_bytes(const trees::tree_view& tree, const int8_t* ranges, size_t columns, size_t groups,
                double* sums) {
  walk(tree, ranges, columns, groups, sums);
}

void walk_words(const trees::tree_view& tree, const int16_t* ranges, size_t columns, size_t groups,
                double* sums) {
  walk(tree, ranges, columns, groups, sums);
}

}  // namespace stip::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace stip {

HWY_EXPORT(walk_bytes);
HWY_EXPORT(walk_words);

}  // namespace stip

namespace stip::trees {

void add_tree(const tree_view& tree, const int8_t* ranges, size_t columns, size_t groups,
              double* sums) {
  HWY_DYNAMIC_DISPATCH(stip::walk_bytes)(tree, ranges, columns, groups, sums);
}

void add_tree(const tree_view& tree, const int16_t* ranges, size_t columns, size_t groups,
              double* sums) {
  HWY_DYNAMIC_DISPATCH(stip::walk_words)(tree, ranges, columns, groups, sums);
}

}  // namespace stip::trees

#endif
