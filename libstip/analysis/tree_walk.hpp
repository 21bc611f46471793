#pragma once

#include <cstddef>
#include <cstdint>

// The inner loop of tree models: pixels of a group go through a tree together. What is known of a
// node is the set of the group's pixels that come to it, as 64 bits; a split parts that set by one
// comparison of vectors, and a node that no pixel comes to costs nothing. Neighbouring pixels are
// alike, so that a group of 64 visits far fewer nodes than 64 walks would.

namespace stip::trees {

/// Pixels of a group: the bits of a set.
inline constexpr size_t group_pixels = 64;

/// Which of a node's children are leaves.
inline constexpr uint8_t left_is_leaf = 1;
inline constexpr uint8_t right_is_leaf = 2;

/// A node whose left child is `child`, with the right one after it. A pixel whose range in the
/// column is beyond `range` goes right. Leaves only count by their place.
struct node {
  uint32_t child = 0;
  uint16_t column = 0;
  /// Biased as ranges are; of a categorical split the number of its set.
  int16_t range = 0;
  uint8_t leaves = 0;
  bool categorical = false;
};

/// Categories: bits of 32-bit words, from `first_word` of the model's words on.
struct category_set {
  uint32_t first_word = 0;
  uint32_t words = 0;
};

/// A tree in a model's arrays; its root is node 0.
struct tree_view {
  const node* nodes = nullptr;
  /// At the places of leaves.
  const double* values = nullptr;
  /// Where the model's words of categories, and the tree's sets, begin.
  const uint32_t* categories = nullptr;
  const category_set* sets = nullptr;
  bool single_leaf = false;
};

/// Adds the tree's value for each pixel of each group to its sum. ranges: groups x columns x
/// group_pixels, biased: the smallest value of the type is range 0. Precondition: the tree is
/// sound, and its nodes' columns are below `columns`.
void add_tree(const tree_view& tree, const int8_t* ranges, size_t columns, size_t groups,
              double* sums);
void add_tree(const tree_view& tree, const int16_t* ranges, size_t columns, size_t groups,
              double* sums);

}  // namespace stip::trees
