#include "libstip/analysis/band_math_text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <system_error>

#include "libstip/analysis/band_math_kernel.hpp"

namespace stip {

namespace {

constexpr std::string_view advice = "docs/indices.md has the grammar";

/// A function's name, its operation, and how many arguments it takes.
struct function {
  std::string_view name;
  math_op op;
  size_t least;
  size_t most;
};

constexpr size_t many = 16;

constexpr std::array functions = {
    function{"sqrt", math_op::root, 1, 1},      function{"abs", math_op::absolute, 1, 1},
    function{"min", math_op::minimum, 2, many}, function{"max", math_op::maximum, 2, many},
    function{"pow", math_op::power, 2, 2},      function{"log", math_op::log, 1, 1},
    function{"log10", math_op::log10, 1, 1},    function{"exp", math_op::exp, 1, 1},
    function{"where", math_op::choose, 3, 3},   function{"if", math_op::choose, 3, 3},
    function{"clamp", math_op::minimum, 3, 3},
};

const function* find_function(std::string_view name) {
  const auto at = std::find_if(functions.begin(), functions.end(),
                               [&](const auto& f) { return f.name == name; });
  return at == functions.end() ? nullptr : &*at;
}

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/// A parser by recursive descent; a production is a function of its name.
class parser {
 public:
  explicit parser(std::string_view text) : text_(text) {}

  result<math_text> run() {
    if (text_.size() > max_expression_bytes)
      return limit("has more than " + std::to_string(max_expression_bytes) + " bytes");
    STIP_ASSIGN(const auto root, expression());
    skip_space();
    if (at_ < text_.size()) return wrong("an operator or the end is expected");
    if (out_.bands.empty())
      return fail(ec::invalid_argument, what(), "it names no band", std::string(advice));
    return finished(root);
  }

 private:
  using node = uint32_t;

  std::string what() const {
    constexpr size_t shown = 80;
    const auto cut = text_.size() > shown;
    return "read the expression '" + std::string(text_.substr(0, shown)) + (cut ? "..." : "") + "'";
  }

  tl::unexpected<error> wrong_at(size_t place, const std::string& why) const {
    const auto there = place < text_.size() ? "'" + std::string(text_.substr(place, 1)) + "'"
                                            : std::string("the end");
    return fail(ec::invalid_argument, what(),
                "at character " + std::to_string(place + 1) + " (" + there + ") " + why,
                std::string(advice));
  }
  tl::unexpected<error> wrong(const std::string& why) const { return wrong_at(at_, why); }
  tl::unexpected<error> limit(const std::string& why) const {
    return fail(ec::limit_exceeded, what(), "it " + why, "write it shorter");
  }

  void skip_space() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }

  bool take(std::string_view sign) {
    skip_space();
    if (!text_.substr(at_).starts_with(sign)) return false;
    at_ += sign.size();
    return true;
  }

  /// A sign that is not the beginning of `longer`.
  bool take_but(std::string_view sign, std::string_view longer) {
    skip_space();
    return !text_.substr(at_).starts_with(longer) && take(sign);
  }

  /// The name that stands here; empty: none does.
  std::string_view peek_word() {
    skip_space();
    if (at_ >= text_.size() || !is_letter(text_[at_])) return {};
    auto end = at_;
    while (end < text_.size() && (is_letter(text_[end]) || is_digit(text_[end]))) ++end;
    return text_.substr(at_, end - at_);
  }

  bool take_word(std::string_view word) {
    if (peek_word() != word) return false;
    at_ += word.size();
    return true;
  }

  /// Adds a step unless it is there; one of constants alone becomes a constant.
  result<node> add(math_op op, node a, node b = 0, node c = 0) {
    math_node made;
    made.op = op;
    made.operands = {a, b, c};
    bool constant = true;
    std::array<float, 3> values{};
    for (size_t i = 0; i < operand_count(op); ++i) {
      const auto& of = out_.nodes[made.operands[i]];
      constant = constant && of.op == math_op::number;
      values[i] = of.value;
    }
    if (constant) {
      made = math_node{};
      made.value = math::apply(op, values[0], values[1], values[2]);
    }
    return keep(made);
  }

  result<node> keep(const math_node& made) {
    for (size_t i = 0; i < out_.nodes.size(); ++i) {
      const auto& have = out_.nodes[i];
      // NaN is no constant's equal, and need not be.
      if (have == made && std::signbit(have.value) == std::signbit(made.value))
        return static_cast<node>(i);
    }
    if (out_.nodes.size() >= max_expression_steps)
      return limit("has more than " + std::to_string(max_expression_steps) + " steps");
    out_.nodes.push_back(made);
    return static_cast<node>(out_.nodes.size() - 1);
  }

  result<node> expression() {
    if (++depth_ > max_expression_depth)
      return limit("is nested more than " + std::to_string(max_expression_depth) + " deep");
    STIP_ASSIGN(auto left, all());
    while (take("||") || take_word("or")) {
      STIP_ASSIGN(const auto right, all());
      STIP_ASSIGN(left, add(math_op::either, left, right));
    }
    --depth_;
    return left;
  }

  result<node> all() {
    STIP_ASSIGN(auto left, no());
    while (take("&&") || take_word("and")) {
      STIP_ASSIGN(const auto right, no());
      STIP_ASSIGN(left, add(math_op::both, left, right));
    }
    return left;
  }

  result<node> no() {
    if (!take_but("!", "!=") && !take_word("not")) return relation();
    if (++depth_ > max_expression_depth)
      return limit("is nested more than " + std::to_string(max_expression_depth) + " deep");
    STIP_ASSIGN(const auto of, no());
    --depth_;
    return add(math_op::no, of);
  }

  /// A comparison, and whether its sides change places: there is no "greater".
  struct comparison {
    math_op op;
    bool swapped;
  };

  std::optional<comparison> take_comparison() {
    if (take("<=")) return comparison{math_op::less_equal, false};
    if (take(">=")) return comparison{math_op::less_equal, true};
    if (take("==")) return comparison{math_op::equal, false};
    if (take("!=")) return comparison{math_op::not_equal, false};
    if (take("<")) return comparison{math_op::less, false};
    if (take(">")) return comparison{math_op::less, true};
    return std::nullopt;
  }

  result<node> relation() {
    STIP_ASSIGN(const auto left, sum());
    const auto first = take_comparison();
    if (!first) return left;
    STIP_ASSIGN(const auto right, sum());
    skip_space();
    const auto place = at_;
    if (take_comparison())
      return wrong_at(place, "a second comparison stands: join two with 'and'");
    return first->swapped ? add(first->op, right, left) : add(first->op, left, right);
  }

  result<node> sum() {
    STIP_ASSIGN(auto left, term());
    for (;;) {
      const bool plus = take("+");
      if (!plus && !take("-")) return left;
      STIP_ASSIGN(const auto right, term());
      STIP_ASSIGN(left, add(plus ? math_op::add : math_op::subtract, left, right));
    }
  }

  result<node> term() {
    STIP_ASSIGN(auto left, with_sign());
    for (;;) {
      const bool times = take_but("*", "**");
      if (!times && !take("/")) return left;
      STIP_ASSIGN(const auto right, with_sign());
      STIP_ASSIGN(left, add(times ? math_op::multiply : math_op::divide, left, right));
    }
  }

  result<node> with_sign() {
    const bool minus = take("-");
    if (!minus && !take("+")) return power();
    if (++depth_ > max_expression_depth)
      return limit("is nested more than " + std::to_string(max_expression_depth) + " deep");
    STIP_ASSIGN(const auto of, with_sign());
    --depth_;
    return minus ? add(math_op::negate, of) : result<node>(of);
  }

  result<node> power() {
    STIP_ASSIGN(const auto base, primary());
    if (!take("^") && !take("**")) return base;
    if (++depth_ > max_expression_depth)
      return limit("is nested more than " + std::to_string(max_expression_depth) + " deep");
    STIP_ASSIGN(const auto exponent, with_sign());
    --depth_;
    return raise(base, exponent);
  }

  /// A square is a product, exactly and a hundred times as fast.
  result<node> raise(node base, node exponent) {
    const auto& of = out_.nodes[exponent];
    if (of.op == math_op::number && of.value == 2) return add(math_op::multiply, base, base);
    return add(math_op::power, base, exponent);
  }

  result<node> primary() {
    skip_space();
    if (at_ >= text_.size()) return wrong("a band, a number or '(' is expected");
    if (take("(")) {
      STIP_ASSIGN(const auto inner, expression());
      if (!take(")")) return wrong("')' is expected");
      return inner;
    }
    const char c = text_[at_];
    if (is_digit(c) || c == '.') return number();
    if (c == '"') return quoted();
    const auto place = at_;
    const auto word = peek_word();
    if (word.empty()) return wrong("a band, a number or '(' is expected");
    if (word == "and" || word == "or" || word == "not")
      return wrong("a band, a number or '(' is expected");
    at_ += word.size();
    if (take("(")) return call(word, place);
    return band(word);
  }

  result<node> number() {
    double value = 0;
    const auto* begin = text_.data() + at_;
    const auto [end, code] = std::from_chars(begin, text_.data() + text_.size(), value);
    if (code != std::errc{} || !std::isfinite(static_cast<float>(value)))
      return wrong("a number is expected that single precision holds");
    at_ += static_cast<size_t>(end - begin);
    if (at_ < text_.size() && (is_letter(text_[at_]) || text_[at_] == '.'))
      return wrong(
          "a number goes on with what is no number; names that begin with a digit stand "
          "in double quotes");
    math_node made;
    made.value = static_cast<float>(value);
    return keep(made);
  }

  result<node> quoted() {
    const auto end = text_.find('"', at_ + 1);
    if (end == std::string_view::npos) return wrong("a name begins whose second '\"' is missing");
    const auto name = text_.substr(at_ + 1, end - at_ - 1);
    if (name.empty()) return wrong("a band's name is expected");
    at_ = end + 1;
    return band(name);
  }

  result<node> band(std::string_view name) {
    const auto at = std::find(out_.bands.begin(), out_.bands.end(), name);
    if (at == out_.bands.end() && out_.bands.size() >= max_expression_bands)
      return limit("names more than " + std::to_string(max_expression_bands) + " bands");
    math_node made;
    made.op = math_op::band;
    made.band = static_cast<uint32_t>(at - out_.bands.begin());
    if (at == out_.bands.end()) out_.bands.emplace_back(name);
    return keep(made);
  }

  result<node> call(std::string_view name, size_t place) {
    const auto* of = find_function(name);
    if (of == nullptr) {
      std::string known;
      for (const auto& f : functions) known += (known.empty() ? "" : ", ") + std::string(f.name);
      return wrong_at(place, "'" + std::string(name) + "' is no function; there are " + known);
    }
    std::vector<node> arguments;
    do {
      STIP_ASSIGN(arguments.emplace_back(), expression());
      if (arguments.size() > of->most) break;
    } while (take(","));
    if (arguments.size() < of->least || arguments.size() > of->most)
      return wrong_at(place, "'" + std::string(name) + "' takes " +
                                 (of->most == many ? std::to_string(of->least) + " or more"
                                                   : std::to_string(of->least)) +
                                 " arguments");
    if (!take(")")) return wrong("',' or ')' is expected");
    return build(*of, arguments);
  }

  result<node> build(const function& of, const std::vector<node>& arguments) {
    if (of.op == math_op::choose) return add(of.op, arguments[0], arguments[1], arguments[2]);
    if (of.op == math_op::power) return raise(arguments[0], arguments[1]);
    if (of.name == "clamp") {
      STIP_ASSIGN(const auto raised, add(math_op::maximum, arguments[0], arguments[1]));
      return add(math_op::minimum, raised, arguments[2]);
    }
    if (operand_count(of.op) == 1) return add(of.op, arguments[0]);
    auto left = arguments[0];
    for (size_t i = 1; i < arguments.size(); ++i) {
      STIP_ASSIGN(left, add(of.op, left, arguments[i]));
    }
    return left;
  }

  /// Without the steps that nothing uses, as folding leaves them.
  result<math_text> finished(node root) {
    std::vector<bool> used(out_.nodes.size());
    used[root] = true;
    for (size_t i = out_.nodes.size(); i-- > 0;)
      if (used[i])
        for (size_t k = 0; k < operand_count(out_.nodes[i].op); ++k)
          used[out_.nodes[i].operands[k]] = true;
    math_text kept;
    kept.bands = std::move(out_.bands);
    std::vector<node> place(out_.nodes.size());
    for (size_t i = 0; i <= root; ++i) {
      if (!used[i]) continue;
      auto made = out_.nodes[i];
      for (size_t k = 0; k < operand_count(made.op); ++k)
        made.operands[k] = place[made.operands[k]];
      place[i] = static_cast<node>(kept.nodes.size());
      kept.nodes.push_back(made);
    }
    return kept;
  }

  std::string_view text_;
  size_t at_ = 0;
  size_t depth_ = 0;
  math_text out_;
};

}  // namespace

result<math_text> parse_band_math(std::string_view text) {
  return parser(text).run();
}

}  // namespace stip
