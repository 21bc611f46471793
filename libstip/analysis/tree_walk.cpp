#include "libstip/analysis/tree_walk.hpp"

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

/// Pixels of a group that come to a node.
struct visit {
  uint64_t pixels;
  uint32_t node;
  uint32_t group;
};

/// Groups that go through a tree at the same time: what one group's visit waits for, the visits of
/// the others cover.
constexpr size_t wave_groups = 4;

/// Sets of pixels that wait are disjoint and not empty, so there are at most as many as pixels; two
/// are written before it is known whether they count.
constexpr size_t waiting = 2 * wave_groups * trees::group_pixels;
static_assert(std::has_single_bit(waiting));

template <class T>
void walk(const trees::tree_view& tree, const T* ranges, size_t columns, size_t groups,
          double* sums) {
  using trees::group_pixels;
  if (tree.single_leaf) {
    for (size_t i = 0; i < groups * group_pixels; ++i) sums[i] += tree.values[0];
    return;
  }
  // A queue and not a stack: visits next to each other do not wait for one another.
  std::array<visit, waiting> inner, leaves;
  for (size_t first = 0; first < groups; first += wave_groups) {
    size_t begin = 0, end = 0, arrived = 0;
    for (size_t g = first; g < groups && g < first + wave_groups; ++g)
      inner[end++] = {~uint64_t{0}, 0, static_cast<uint32_t>(g)};
    while (begin != end) {
      const auto at = inner[begin++ % waiting];
      const auto n = tree.nodes[at.node];
      const auto* column = ranges + (at.group * columns + n.column) * group_pixels;
      uint64_t right = 0;
      if (n.categorical) [[unlikely]]
        right = outside(column, at.pixels, tree.sets[n.range], tree.categories);
      else
        right = at.pixels & beyond(column, static_cast<T>(n.range));
      // Which of these counts is as good as random: no branches, and so no && either.
      const auto put = [&](uint64_t pixels, uint32_t child, bool is_leaf) {
        const visit next = {pixels, child, at.group};
        inner[end % waiting] = next;
        leaves[arrived] = next;
        const size_t some = pixels != 0 ? 1 : 0, leaf = is_leaf ? 1 : 0;
        arrived += some & leaf;
        end += some & (leaf ^ 1);
      };
      put(at.pixels & ~right, n.child, n.left_is_leaf);
      put(right, n.child + 1, n.right_is_leaf);
    }
    for (size_t i = 0; i < arrived; ++i) {
      const auto value = tree.values[leaves[i].node];
      auto* group_sums = sums + leaves[i].group * group_pixels;
      for (auto left = leaves[i].pixels; left != 0; left &= left - 1)
        group_sums[std::countr_zero(left)] += value;
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
