#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/core/error.hpp"

// LightGBM's text form of a model ("tree", version v2 to v4), as it stands in the file: what
// Booster.save_model writes.

namespace stip {

/// How a split treats values that are missing.
enum class missing_kind : uint8_t {
  /// NaN is taken for 0.
  none = 0,
  /// 0 and NaN go the default way.
  zero = 1,
  /// NaN goes the default way.
  nan = 2,
};

/// An inner node. Children: from 0 on an inner node, below 0 the leaf ~child.
struct tree_split {
  uint32_t feature = 0;
  /// A value up to this goes left. Of a categorical split not used.
  double threshold = 0;
  /// Words of the tree's categories where this split's begin, and their number: a category whose
  /// bit is set goes left.
  uint32_t first_word = 0;
  uint32_t words = 0;
  int32_t left = 0;
  int32_t right = 0;
  missing_kind missing = missing_kind::none;
  bool default_left = false;
  bool categorical = false;
};

/// A tree: without splits a single leaf.
struct text_tree {
  std::vector<tree_split> splits;
  std::vector<double> leaves;
  std::vector<uint32_t> categories;
};

/// What becomes of the sum of the leaves.
enum class tree_output : uint8_t {
  /// The sum itself: regression.
  raw,
  /// 1 / (1 + exp(-slope * sum)): binary, cross_entropy.
  sigmoid,
};

struct text_model {
  std::vector<std::string> features;
  tree_output output = tree_output::raw;
  double slope = 1;
  /// The sum is divided by the number of trees (random forests).
  bool average = false;
  std::vector<text_tree> trees;
};

/// Bounds of a model; s2cloudless's has 11 MB, 10 features, 170 trees and 130,000 leaves.
inline constexpr size_t max_model_bytes = size_t{256} << 20;
inline constexpr size_t max_model_features = 1024;
inline constexpr size_t max_model_trees = 100'000;
inline constexpr size_t max_model_leaves = size_t{8} << 20;

/// Reads a model. What it returns is sound: every index is within its bounds, every tree is one (a
/// node has one parent, but the root none), every number is finite but for thresholds, which may be
/// infinite. `what` names the file in an error. Errors: malformed; unsupported, with the name of
/// what is not served: several classes, linear trees, other objectives, other versions;
/// limit_exceeded.
result<text_model> parse_tree_text(std::string_view text, const std::string& what);

}  // namespace stip
