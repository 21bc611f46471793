#include "libstip/analysis/tree_text.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

namespace stip {

namespace {

/// Lines of the header and of a tree that are looked at.
constexpr std::array header_keys = {
    std::string_view("version"),        std::string_view("num_class"),
    std::string_view("objective"),      std::string_view("num_tree_per_iteration"),
    std::string_view("feature_names"),  std::string_view("max_feature_idx"),
    std::string_view("average_output"), std::string_view("linear_tree")};
constexpr std::array tree_keys = {
    std::string_view("num_leaves"),     std::string_view("num_cat"),
    std::string_view("split_feature"),  std::string_view("threshold"),
    std::string_view("decision_type"),  std::string_view("left_child"),
    std::string_view("right_child"),    std::string_view("leaf_value"),
    std::string_view("cat_boundaries"), std::string_view("cat_threshold"),
    std::string_view("is_linear")};

std::string_view next_line(std::string_view& text) {
  const auto end = text.find('\n');
  auto line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::string_view next_word(std::string_view& text) {
  const auto begin = text.find_first_not_of(' ');
  if (begin == std::string_view::npos) {
    text = {};
    return {};
  }
  text.remove_prefix(begin);
  const auto word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  return word;
}

template <class T>
std::optional<T> number(std::string_view word) {
  T value{};
  const auto* end = word.data() + word.size();
  const auto [at, code] = std::from_chars(word.data(), end, value);
  if (at != end || word.empty()) return std::nullopt;
  // "1e400" and "1e-400" are out of range, as infinity and 0 would be, which are written so.
  if (code != std::errc{}) return std::nullopt;
  return value;
}

/// The lines "key=value" of a block, of known keys only; a key alone has an empty value.
template <size_t N>
class block {
 public:
  explicit block(const std::array<std::string_view, N>& keys) : keys_(keys) {}

  void take(std::string_view line) {
    const auto equals = line.find('=');
    const auto key = line.substr(0, equals);
    for (size_t i = 0; i < N; ++i)
      if (keys_[i] == key)
        values_[i] =
            equals == std::string_view::npos ? std::string_view() : line.substr(equals + 1);
  }

  std::optional<std::string_view> find(std::string_view key) const {
    for (size_t i = 0; i < N; ++i)
      if (keys_[i] == key) return values_[i];
    return std::nullopt;
  }

 private:
  const std::array<std::string_view, N>& keys_;
  std::array<std::optional<std::string_view>, N> values_;
};

using header_block = block<header_keys.size()>;
using tree_block = block<tree_keys.size()>;

class reader {
 public:
  reader(std::string_view text, const std::string& what)
      : text_(text), what_("read the model " + what) {}

  result<text_model> read() {
    if (text_.size() > max_model_bytes) return too_many("bytes", max_model_bytes);
    if (next_line(text_) != "tree") return bad("it does not begin with the line 'tree'");
    STIP_TRY(read_header());
    for (;;) {
      STIP_ASSIGN(const bool more, read_tree());
      if (!more) break;
    }
    if (model_.trees.empty()) return bad("it has no trees");
    return std::move(model_);
  }

 private:
  tl::unexpected<error> bad(std::string why) const {
    if (tree_ != 0) why = "tree " + std::to_string(tree_ - 1) + ": " + why;
    return fail(ec::malformed, what_, std::move(why),
                "give a model that LightGBM has saved as text");
  }

  tl::unexpected<error> unserved(std::string why) const {
    return fail(ec::unsupported, what_, std::move(why),
                "train it with objective=binary and without linear_tree");
  }

  tl::unexpected<error> too_many(std::string_view things, size_t limit) const {
    return fail(ec::limit_exceeded, what_,
                "it has more than " + std::to_string(limit) + " " + std::string(things));
  }

  result<void> read_header() {
    header_block header(header_keys);
    while (!text_.empty() && !text_.starts_with("Tree=") && !text_.starts_with("end of trees"))
      header.take(next_line(text_));
    const auto version = header.find("version").value_or("");
    if (version != "v2" && version != "v3" && version != "v4")
      return unserved("its version is '" + std::string(version.substr(0, shown)) +
                      "', not v2, v3 or v4");
    for (const auto* key : {"num_class", "num_tree_per_iteration"})
      if (const auto value = header.find(key); value && number<uint64_t>(*value) != 1)
        return unserved("it is a multiclass model (" + std::string(key) + "=" +
                        std::string(value->substr(0, shown)) + ")");
    model_.average = header.find("average_output").has_value();
    STIP_TRY(read_objective(header.find("objective")));
    auto names = header.find("feature_names").value_or("");
    for (auto name = next_word(names); !name.empty(); name = next_word(names)) {
      if (model_.features.size() == max_model_features)
        return too_many("features", max_model_features);
      model_.features.emplace_back(name);
    }
    const auto last = header.find("max_feature_idx");
    if (!last || number<uint64_t>(*last) != model_.features.size() - 1 || model_.features.empty())
      return bad("its feature_names do not fit its max_feature_idx");
    return {};
  }

  result<void> read_objective(std::optional<std::string_view> given) {
    // Custom objectives are not recorded: the sum is all that LightGBM gives, too.
    if (!given) return {};
    auto words = *given;
    const auto name = next_word(words);
    if (name == "binary" || name == "cross_entropy") {
      model_.output = tree_output::sigmoid;
    } else if (name != "regression" && name != "regression_l1" && name != "huber" &&
               name != "fair" && name != "quantile" && name != "mape" && name != "custom") {
      return unserved("its objective is '" + std::string(name.substr(0, shown)) + "'");
    }
    for (auto word = next_word(words); !word.empty(); word = next_word(words)) {
      constexpr std::string_view sigmoid = "sigmoid:";
      if (word == "sqrt") return unserved("its objective is a regression of square roots");
      if (!word.starts_with(sigmoid)) continue;
      const auto slope = number<double>(word.substr(sigmoid.size()));
      if (!slope || !std::isfinite(*slope) || *slope <= 0) return bad("its sigmoid is no number");
      model_.slope = *slope;
    }
    return {};
  }

  /// The next tree; false at the end of the trees.
  result<bool> read_tree() {
    auto line = next_line(text_);
    while (line.empty() && !text_.empty()) line = next_line(text_);
    if (line == "end of trees") return false;
    if (!line.starts_with("Tree=")) return bad("it ends without 'end of trees'");
    if (model_.trees.size() == max_model_trees) return too_many("trees", max_model_trees);
    ++tree_;
    tree_block lines(tree_keys);
    // The caller of the next tree skips empty lines; the last tree ends at "end of trees".
    while (!text_.empty() && !text_.starts_with("Tree=") && !text_.starts_with("end of trees"))
      lines.take(next_line(text_));
    STIP_ASSIGN(auto made, make_tree(lines));
    model_.trees.push_back(std::move(made));
    return true;
  }

  template <class T>
  result<std::vector<T>> list(const tree_block& lines, std::string_view key, size_t count) const {
    auto words = lines.find(key).value_or("");
    std::vector<T> out;
    // A number and its space take two bytes: what the line cannot hold is not reserved.
    if (count > words.size()) return bad(std::string(key) + " has too few numbers");
    out.reserve(count);
    for (auto word = next_word(words); !word.empty(); word = next_word(words)) {
      const auto value = number<T>(word);
      if (!value)
        return bad(std::string(key) + " has the word '" + std::string(word.substr(0, shown)) + "'");
      if (out.size() == count) return bad(std::string(key) + " has too many numbers");
      out.push_back(*value);
    }
    if (out.size() != count) return bad(std::string(key) + " has too few numbers");
    return out;
  }

  result<text_tree> make_tree(const tree_block& lines) {
    const auto count = number<uint64_t>(lines.find("num_leaves").value_or(""));
    if (!count || *count == 0) return bad("its num_leaves is no number from 1 on");
    if (*count > max_model_leaves - leaves_) return too_many("leaves", max_model_leaves);
    leaves_ += *count;
    if (const auto linear = lines.find("is_linear"); linear && *linear != "0")
      return unserved("it has linear trees");
    text_tree out;
    STIP_ASSIGN(out.leaves, list<double>(lines, "leaf_value", *count));
    for (const auto value : out.leaves)
      if (!std::isfinite(value)) return bad("a leaf's value is not finite");
    const auto splits = *count - 1;
    if (splits == 0) return out;
    STIP_ASSIGN(const auto features, list<uint32_t>(lines, "split_feature", splits));
    STIP_ASSIGN(const auto thresholds, list<double>(lines, "threshold", splits));
    STIP_ASSIGN(const auto decisions, list<uint32_t>(lines, "decision_type", splits));
    STIP_ASSIGN(const auto left, list<int32_t>(lines, "left_child", splits));
    STIP_ASSIGN(const auto right, list<int32_t>(lines, "right_child", splits));
    STIP_ASSIGN(const auto bounds, category_bounds(lines, splits));
    if (!bounds.empty()) {
      STIP_ASSIGN(out.categories, list<uint32_t>(lines, "cat_threshold", bounds.back()));
    }
    out.splits.resize(splits);
    for (size_t i = 0; i < splits; ++i) {
      auto& split = out.splits[i];
      split.feature = features[i];
      if (split.feature >= model_.features.size()) return bad("a split names no feature");
      constexpr uint32_t categorical = 1, default_left = 2;
      constexpr uint32_t known = 15, missing_shift = 2;
      if (decisions[i] > known || decisions[i] >> missing_shift > uint32_t(missing_kind::nan))
        return bad("a decision_type is unknown");
      split.categorical = (decisions[i] & categorical) != 0;
      split.default_left = (decisions[i] & default_left) != 0;
      split.missing = static_cast<missing_kind>(decisions[i] >> missing_shift);
      split.threshold = thresholds[i];
      split.left = left[i];
      split.right = right[i];
      if (std::isnan(split.threshold)) return bad("a threshold is not a number");
      if (!split.categorical) continue;
      if (!(split.threshold >= 0) || split.threshold + 1 >= double(bounds.size()) ||
          split.threshold != std::floor(split.threshold))
        return bad("a categorical split names no categories");
      const auto set = static_cast<size_t>(split.threshold);
      split.first_word = bounds[set];
      split.words = bounds[set + 1] - bounds[set];
    }
    STIP_TRY(check_shape(out));
    return out;
  }

  /// Where the categories of each categorical split begin, and their end; empty when none is
  /// categorical.
  result<std::vector<uint32_t>> category_bounds(const tree_block& lines, size_t splits) const {
    const auto count = number<uint64_t>(lines.find("num_cat").value_or("0"));
    if (!count || *count > splits) return bad("its num_cat is no number of splits");
    if (*count == 0) return std::vector<uint32_t>();
    STIP_ASSIGN(auto out, list<uint32_t>(lines, "cat_boundaries", *count + 1));
    for (size_t i = 0; i + 1 < out.size(); ++i)
      if (out[i] > out[i + 1]) return bad("its cat_boundaries fall");
    if (out.front() != 0) return bad("its cat_boundaries do not begin at 0");
    return out;
  }

  /// Every node but the root must be the child of one node: then walks end.
  result<void> check_shape(const text_tree& tree) const {
    std::vector<bool> split_seen(tree.splits.size()), leaf_seen(tree.leaves.size());
    split_seen[0] = true;
    std::vector<uint32_t> open = {0};
    size_t reached = 1;
    const auto visit = [&](int32_t child) {
      const auto inner = child >= 0;
      auto& seen = inner ? split_seen : leaf_seen;
      const auto at = static_cast<size_t>(inner ? child : ~child);
      if (at >= seen.size() || seen[at]) return false;
      seen[at] = true;
      ++reached;
      if (inner) open.push_back(static_cast<uint32_t>(at));
      return true;
    };
    while (!open.empty()) {
      const auto& split = tree.splits[open.back()];
      open.pop_back();
      if (!visit(split.left) || !visit(split.right))
        return bad("its children are not those of a tree");
    }
    if (reached != tree.splits.size() + tree.leaves.size())
      return bad("some of its nodes are no node's children");
    return {};
  }

  /// Bytes of a word from the file that an error shows.
  static constexpr size_t shown = 40;

  std::string_view text_;
  std::string what_;
  text_model model_;
  size_t leaves_ = 0;
  /// The tree that is read, from 1 on; 0: the header.
  size_t tree_ = 0;
};

}  // namespace

result<text_model> parse_tree_text(std::string_view text, const std::string& what) {
  return reader(text, what).read();
}

}  // namespace stip
