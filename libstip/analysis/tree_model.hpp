#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/analysis/tree_text.hpp"
#include "libstip/analysis/tree_walk.hpp"
#include "libstip/analysis/value_ranges.hpp"
#include "libstip/core/error.hpp"

// Evaluation of gradient-boosted trees over planes of pixels. It gives the numbers of LightGBM's
// own prediction, bit for bit before the sigmoid.
//
// All thresholds on a feature divide its values into ranges; a pixel's value becomes the number of
// its range once, in which the missing kinds and default directions of LightGBM are already
// settled, and the trees then compare small whole numbers, many pixels at a time (tree_walk.hpp). A
// block of pixels goes through one tree after the other, so that a tree stays in the first cache.

namespace stip {

/// A model, ready to evaluate. Constant after parse: threads may share it.
class tree_model {
 public:
  /// Reads LightGBM's text form. `what` names the file in an error. Errors: those of
  /// parse_tree_text; limit_exceeded for more ranges of a feature than 65,534.
  static result<tree_model> parse(std::string_view text, const std::string& what);

  /// The features in the order of the planes, as the model names them.
  const std::vector<std::string>& features() const noexcept { return features_; }
  size_t trees() const noexcept { return trees_.size(); }

  /// What the model gives for each pixel: the probability of a binary model, the value of a
  /// regression. planes: one a feature, all as long as `out`; NaN is missing. Errors:
  /// invalid_argument when numbers or lengths differ.
  result<void> predict(std::span<const std::span<const float>> planes, std::span<float> out) const;

  /// The sum of the trees for each pixel, before mean and sigmoid.
  result<void> predict_raw(std::span<const std::span<const float>> planes,
                           std::span<double> out) const;

 private:
  /// What the trees compare: ranges of a feature's values, with what missing values mean.
  struct column {
    uint32_t feature = 0;
    missing_kind missing = missing_kind::none;
    bool default_left = false;
    bool categorical = false;
    value_ranges ranges;

    bool same_kind(const column& other) const noexcept {
      return feature == other.feature && missing == other.missing &&
             default_left == other.default_left && categorical == other.categorical;
    }
  };

  struct tree {
    /// Where its nodes begin, and the values of its leaves at the same places.
    size_t first_node = 0;
    size_t first_set = 0;
    bool single_leaf = false;
  };

  class builder;

  result<void> check(std::span<const std::span<const float>> planes, size_t pixels) const;
  template <class T>
  void to_ranges(std::span<const std::span<const float>> planes, size_t first, size_t count,
                 T* ranges) const;
  template <class T, class Sink>
  void evaluate_as(std::span<const std::span<const float>> planes, size_t pixels,
                   Sink&& sink) const;
  template <class Sink>
  result<void> evaluate(std::span<const std::span<const float>> planes, size_t pixels,
                        Sink&& sink) const;

  std::vector<std::string> features_;
  std::vector<column> columns_;
  std::vector<tree> trees_;
  std::vector<trees::node> nodes_;
  std::vector<double> values_;
  std::vector<trees::category_set> sets_;
  std::vector<uint32_t> categories_;
  tree_output output_ = tree_output::raw;
  double slope_ = 1;
  bool average_ = false;
  /// Whether ranges fit a byte: models of up to 254 thresholds a feature and without categories.
  bool small_ranges_ = false;
};

/// The names of the bands that a model is given, in the order of its features: the features' own
/// names, or, of a model of ten unnamed features ("Column_0" ...), those of s2cloudless: B01 B02
/// B04 B05 B08 B8A B09 B10 B11 B12, as top-of-atmosphere reflectance 0 to 1. Errors: unsupported
/// for other models without names.
result<std::vector<std::string>> model_bands(const tree_model& model);

}  // namespace stip
