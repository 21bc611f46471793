#include "libstip/analysis/tree_model.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace stip {

namespace {

/// Pixels whose ranges are kept at once: enough that reading the nodes of all trees from an outer
/// cache is spread over many, few enough that the ranges stay in an inner one.
constexpr size_t block_pixels = 2048;
static_assert(block_pixels % trees::group_pixels == 0);

/// LightGBM's bound for values that are zero (kZeroThreshold).
constexpr float zero_bound = 1e-35f;

/// The range that goes right at every split, by the type that holds it.
constexpr uint16_t last_byte_range = std::numeric_limits<uint8_t>::max();
constexpr uint16_t last_range = std::numeric_limits<uint16_t>::max();
constexpr size_t max_thresholds = last_range;

/// The largest float that is not above the threshold: for floats it parts the same values.
float as_float(double threshold) {
  constexpr double largest = std::numeric_limits<float>::max();
  if (threshold >= largest)
    return std::isinf(threshold) ? std::numeric_limits<float>::infinity() : float(largest);
  if (threshold < -largest) return -std::numeric_limits<float>::infinity();
  const auto nearest = static_cast<float>(threshold);
  return double(nearest) <= threshold
             ? nearest
             : std::nextafter(nearest, -std::numeric_limits<float>::infinity());
}

uint16_t category_of(float value) {
  // LightGBM takes the whole part; NaN and what is below 0 is in no set.
  if (!(value > -1.0f) || !(value < float(last_range))) return last_range;
  return static_cast<uint16_t>(static_cast<int32_t>(value));
}

}  // namespace

/// Turns the text's trees into nodes.
class tree_model::builder {
 public:
  builder(text_model text, const std::string& what)
      : text_(std::move(text)), what_("read the model " + what) {
    out_.features_ = std::move(text_.features);
    out_.output_ = text_.output;
    out_.slope_ = text_.slope;
    out_.average_ = text_.average;
  }

  result<tree_model> build() {
    for (const auto& tree : text_.trees)
      for (const auto& split : tree.splits) collect(split);
    for (size_t i = 0; i < out_.columns_.size(); ++i) {
      auto& column = out_.columns_[i];
      column.ranges = value_ranges(std::move(thresholds_[i]));
      if (column.ranges.size() > max_thresholds)
        return fail(ec::limit_exceeded, what_,
                    "its feature " + out_.features_[column.feature] + " has more than " +
                        std::to_string(max_thresholds) + " thresholds",
                    "train it with max_bin=255");
    }
    if (out_.columns_.size() > last_range)
      return fail(ec::limit_exceeded, what_, "it treats missing values in too many ways");
    out_.small_ranges_ =
        std::all_of(out_.columns_.begin(), out_.columns_.end(), [](const column& one) {
          return !one.categorical && one.ranges.size() < size_t{last_byte_range};
        });
    for (const auto& tree : text_.trees) STIP_TRY(add(tree));
    return std::move(out_);
  }

 private:
  static column kind_of(const tree_split& split) {
    column out;
    out.feature = split.feature;
    out.categorical = split.categorical;
    // Where missing values are none or in no set, the default direction says nothing.
    if (split.categorical) return out;
    out.missing = split.missing;
    out.default_left = split.missing != missing_kind::none && split.default_left;
    return out;
  }

  size_t column_of(const tree_split& split) {
    const auto wanted = kind_of(split);
    for (size_t i = 0; i < out_.columns_.size(); ++i)
      if (out_.columns_[i].same_kind(wanted)) return i;
    out_.columns_.push_back(wanted);
    thresholds_.emplace_back();
    return out_.columns_.size() - 1;
  }

  /// A range as nodes and pixels hold it.
  int16_t biased(size_t range) const {
    return static_cast<int16_t>(static_cast<int64_t>(range) +
                                (out_.small_ranges_ ? std::numeric_limits<int8_t>::min()
                                                    : std::numeric_limits<int16_t>::min()));
  }

  void collect(const tree_split& split) {
    const auto column = column_of(split);
    if (!split.categorical) thresholds_[column].push_back(as_float(split.threshold));
  }

  result<void> add(const text_tree& from) {
    tree made;
    made.first_node = out_.nodes_.size();
    made.first_set = out_.sets_.size();
    made.single_leaf = from.splits.empty();
    const auto count = from.splits.size() + from.leaves.size();
    const auto first_word = static_cast<uint32_t>(out_.categories_.size());
    out_.categories_.insert(out_.categories_.end(), from.categories.begin(), from.categories.end());
    out_.nodes_.resize(out_.nodes_.size() + count);
    out_.values_.resize(out_.nodes_.size());
    auto* nodes = out_.nodes_.data() + made.first_node;
    auto* values = out_.values_.data() + made.first_node;
    // Breadth first: the nodes that all pixels pass lie together. An entry is a child as the text
    // numbers it.
    std::vector<int32_t> order = {from.splits.empty() ? ~int32_t{0} : 0};
    order.reserve(count);
    for (uint32_t i = 0; i < order.size(); ++i) {
      auto& node = nodes[i];
      if (order[i] < 0) {
        values[i] = from.leaves[static_cast<size_t>(~order[i])];
        continue;
      }
      const auto& split = from.splits[static_cast<size_t>(order[i])];
      const auto column = column_of(split);
      node.child = static_cast<uint32_t>(order.size());
      node.column = static_cast<uint16_t>(column);
      node.leaves = static_cast<uint8_t>((split.left < 0 ? trees::left_is_leaf : 0) |
                                         (split.right < 0 ? trees::right_is_leaf : 0));
      order.push_back(split.left);
      order.push_back(split.right);
      if (split.categorical) {
        const auto set = out_.sets_.size() - made.first_set;
        if (set > max_sets || split.words > max_set_words)
          return fail(ec::limit_exceeded, what_, "it has too many categories");
        node.categorical = true;
        node.range = static_cast<int16_t>(set);
        out_.sets_.push_back({first_word + split.first_word, split.words});
        continue;
      }
      node.range = biased(out_.columns_[column].ranges.of(as_float(split.threshold)));
    }
    out_.trees_.push_back(made);
    return {};
  }

  /// Sets hold categories below last_range.
  static constexpr size_t max_set_words = last_range / 32;
  /// Sets of one tree, by the type of a node's range.
  static constexpr size_t max_sets = std::numeric_limits<int16_t>::max();

  text_model text_;
  std::string what_;
  /// Of each column.
  std::vector<std::vector<float>> thresholds_;
  tree_model out_;
};

result<tree_model> tree_model::parse(std::string_view text, const std::string& what) {
  STIP_ASSIGN(auto parsed, parse_tree_text(text, what));
  return builder(std::move(parsed), what).build();
}

result<void> tree_model::check(std::span<const std::span<const float>> planes,
                               size_t pixels) const {
  if (planes.size() != features_.size())
    return fail(ec::invalid_argument, "evaluate the model",
                "it has " + std::to_string(features_.size()) + " features, and " +
                    std::to_string(planes.size()) + " bands are given");
  for (size_t i = 0; i < planes.size(); ++i)
    if (planes[i].size() != pixels)
      return fail(ec::invalid_argument, "evaluate the model",
                  "band " + features_[i] + " has another number of pixels");
  return {};
}

template <class T>
void tree_model::to_ranges(std::span<const std::span<const float>> planes, size_t first,
                           size_t count, T* ranges) const {
  constexpr int lowest = std::numeric_limits<T>::min();
  constexpr auto rightmost = std::numeric_limits<T>::max();
  const auto stride = columns_.size() * trees::group_pixels;
  for (size_t c = 0; c < columns_.size(); ++c) {
    const auto& column = columns_[c];
    const auto* values = planes[column.feature].data() + first;
    const T missing = column.default_left ? T(lowest) : rightmost;
    for (size_t i = 0; i < count; ++i) {
      auto& out = ranges[i / trees::group_pixels * stride + c * trees::group_pixels +
                         i % trees::group_pixels];
      const auto value = values[i];
      if (column.categorical) {
        out = static_cast<T>(lowest + category_of(value));
        continue;
      }
      const bool nan = std::isnan(value);
      const auto range = column.ranges.of(nan ? 0.0f : value);
      const bool zero = nan || (value >= -zero_bound && value <= zero_bound);
      const bool gone = (column.missing == missing_kind::nan && nan) ||
                        (column.missing == missing_kind::zero && zero);
      out = gone ? missing : static_cast<T>(lowest + static_cast<int>(range));
    }
  }
}

template <class T, class Sink>
void tree_model::evaluate_as(std::span<const std::span<const float>> planes, size_t pixels,
                             Sink&& sink) const {
  std::vector<T> ranges(block_pixels * columns_.size());
  std::vector<double> sums(block_pixels);
  for (size_t first = 0; first < pixels; first += block_pixels) {
    const auto count = std::min(block_pixels, pixels - first);
    // The end of the last group holds ranges of earlier pixels, whose sums nobody asks for.
    const auto groups = (count + trees::group_pixels - 1) / trees::group_pixels;
    to_ranges(planes, first, count, ranges.data());
    std::fill(sums.begin(), sums.end(), 0.0);
    for (const auto& tree : trees_)
      trees::add_tree({nodes_.data() + tree.first_node, values_.data() + tree.first_node,
                       categories_.data(), sets_.data() + tree.first_set, tree.single_leaf},
                      ranges.data(), columns_.size(), groups, sums.data());
    for (size_t i = 0; i < count; ++i) sink(first + i, sums[i]);
  }
}

template <class Sink>
result<void> tree_model::evaluate(std::span<const std::span<const float>> planes, size_t pixels,
                                  Sink&& sink) const {
  STIP_TRY(check(planes, pixels));
  if (small_ranges_)
    evaluate_as<int8_t>(planes, pixels, sink);
  else
    evaluate_as<int16_t>(planes, pixels, sink);
  return {};
}

result<void> tree_model::predict(std::span<const std::span<const float>> planes,
                                 std::span<float> out) const {
  const auto share = average_ ? double(trees_.size()) : 1.0;
  if (output_ == tree_output::raw)
    return evaluate(planes, out.size(), [&](size_t i, double sum) { out[i] = float(sum / share); });
  return evaluate(planes, out.size(), [&](size_t i, double sum) {
    out[i] = float(1 / (1 + std::exp(-slope_ * (sum / share))));
  });
}

result<void> tree_model::predict_raw(std::span<const std::span<const float>> planes,
                                     std::span<double> out) const {
  return evaluate(planes, out.size(), [&](size_t i, double sum) { out[i] = sum; });
}

result<std::vector<std::string>> model_bands(const tree_model& model) {
  const auto& names = model.features();
  bool unnamed = true;
  for (size_t i = 0; i < names.size(); ++i)
    unnamed = unnamed && names[i] == "Column_" + std::to_string(i);
  if (!unnamed) return names;
  std::vector<std::string> s2cloudless = {"B01", "B02", "B04", "B05", "B08",
                                          "B8A", "B09", "B10", "B11", "B12"};
  if (names.size() != s2cloudless.size())
    return fail(ec::unsupported, "find the bands of the model",
                "its " + std::to_string(names.size()) + " features have no names",
                "train it with the bands' names (feature_name)");
  return s2cloudless;
}

}  // namespace stip
