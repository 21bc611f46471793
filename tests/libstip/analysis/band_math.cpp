#define CAF_SUITE analysis.band_math
#include "libstip/analysis/band_math.hpp"

#include <array>
#include <bit>
#include <caf/test/unit_test.hpp>
#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "libstip/analysis/band_math_kernel.hpp"
#include "libstip/raster/simd_targets.hpp"
#include "tests/support/libstip/code_of.hpp"
// Behind the choice of targets.
#include <hwy/highway.h>

using namespace stip;
using namespace stip::test;

namespace {

constexpr float none = std::numeric_limits<float>::quiet_NaN();

using plane = std::vector<float>;

spectral_band band_of(const plane& values) {
  return {pixel_type::float32, std::as_bytes(std::span(values)), {}, std::nullopt};
}

/// The values of an expression over planes, which stand for its names in their order.
plane values_of(const std::string& text, const std::vector<plane>& planes) {
  const auto made = band_math::parse(text);
  if (!made) CAF_MESSAGE(to_string(made.error()));
  CAF_REQUIRE(made.has_value());
  CAF_REQUIRE_EQUAL(made->bands().size(), planes.size());
  std::vector<spectral_band> bands;
  for (const auto& one : planes) bands.push_back(band_of(one));
  plane out(planes.front().size());
  const auto done = made->evaluate(bands, out);
  CAF_REQUIRE(done.has_value());
  return out;
}

float value_of(const std::string& text, std::vector<float> values) {
  std::vector<plane> planes;
  for (const auto value : values) planes.push_back({value});
  return values_of(text, planes)[0];
}

bool same(float a, float b) {
  return std::isnan(a) ? std::isnan(b) : a == b;
}

/// How reading a text fails: place and reason.
std::string refusal(const std::string& text) {
  const auto made = parse_band_math(text);
  CAF_REQUIRE(!made.has_value());
  return to_string(made.error());
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Makes the dispatch choose one target; gives it back its choice at the end.
class only_target {
 public:
  explicit only_target(int64_t target) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(target);
  }
  ~only_target() {
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
};

/// An expression together with what it means for a pixel: the twin that is computed number by
/// number.
struct twin {
  std::string text;
  std::function<float(const std::vector<float>&)> value;
};

/// What the documentation says of single numbers, written down a second time.
float known(bool condition, float a, float b) {
  return std::isnan(a) || std::isnan(b) ? none : condition ? 1.0f : 0.0f;
}
float number_or_none(float value) {
  return std::isfinite(value) ? value : none;
}

const std::array<std::string, 4> names = {"B04", "nir", "\"500m band 1\"", "_x"};

class expression_maker {
 public:
  explicit expression_maker(uint64_t seed) : random_(seed) {}

  twin make(int depth) {
    if (depth == 0 || below(6) == 0) return leaf();
    auto a = make(depth - 1), b = make(depth - 1);
    const auto in = [](const twin& t) { return "(" + t.text + ")"; };
    const auto binary = [&](const std::string& sign, auto f) {
      return twin{in(a) + sign + in(b),
                  [=](const auto& v) -> float { return f(a.value(v), b.value(v)); }};
    };
    const auto call = [&](const std::string& name, auto f) {
      return twin{name + in(a), [=](const auto& v) -> float { return f(a.value(v)); }};
    };
    const auto call2 = [&](const std::string& name, auto f) {
      return twin{name + "(" + a.text + " , " + b.text + ")",
                  [=](const auto& v) -> float { return f(a.value(v), b.value(v)); }};
    };
    switch (below(22)) {
      case 0:
        return binary("+", [](float x, float y) { return x + y; });
      case 1:
        return binary(" -", [](float x, float y) { return x - y; });
      case 2:
        return binary("*", [](float x, float y) { return x * y; });
      case 3:
        return binary("/ ", [](float x, float y) { return y == 0 ? none : x / y; });
      case 4:
        return binary("<", [](float x, float y) { return known(x < y, x, y); });
      case 5:
        return binary("<=", [](float x, float y) { return known(x <= y, x, y); });
      case 6:
        return binary(">", [](float x, float y) { return known(x > y, x, y); });
      case 7:
        return binary(">=", [](float x, float y) { return known(x >= y, x, y); });
      case 8:
        return binary("==", [](float x, float y) { return known(x == y, x, y); });
      case 9:
        return binary("!=", [](float x, float y) { return known(x != y, x, y); });
      case 10:
        return binary(" and ", [](float x, float y) { return known(x != 0 && y != 0, x, y); });
      case 11:
        return binary("||", [](float x, float y) { return known(x != 0 || y != 0, x, y); });
      case 12:
        return twin{"-" + in(a), [=](const auto& v) -> float { return -a.value(v); }};
      case 13:
        return twin{"not " + in(a), [=](const auto& v) -> float {
                      const float x = a.value(v);
                      return known(x == 0, x, x);
                    }};
      case 14:
        return call("sqrt", [](float x) { return std::sqrt(x); });
      case 15:
        return call("abs", [](float x) { return std::fabs(x); });
      case 16:
        return call2("min", [](float x, float y) {
          return std::isnan(x) || std::isnan(y) ? none : y < x ? y : x;
        });
      case 17:
        return call2("max", [](float x, float y) {
          return std::isnan(x) || std::isnan(y) ? none : x < y ? y : x;
        });
      case 18:
        return twin{in(a) + "^2", [=](const auto& v) -> float {
                      const float x = a.value(v);
                      return x * x;
                    }};
      case 19:
        return call2("pow", [](float x, float y) {
          if (std::isnan(x) || std::isnan(y)) return none;
          return y == 2 ? x * x : number_or_none(std::pow(x, y));
        });
      case 20:
        return below(2) == 0 ? call("exp", [](float x) { return number_or_none(std::exp(x)); })
                             : call("log", [](float x) { return number_or_none(std::log(x)); });
      default: {
        auto c = make(depth - 1);
        return twin{"where(" + a.text + "," + b.text + "," + c.text + ")",
                    [=](const auto& v) -> float {
                      const float x = a.value(v);
                      return std::isnan(x) ? none : x != 0 ? b.value(v) : c.value(v);
                    }};
      }
    }
  }

 private:
  size_t below(size_t n) { return size_t(random_() % n); }

  twin leaf() {
    if (below(4) == 0) {
      const float value = std::array{0.0f, 1.0f, 2.0f, 0.5f, 7.5f, 1e-3f}[below(6)];
      return {std::to_string(value), [value](const auto&) { return value; }};
    }
    const auto i = below(names.size());
    return {names[i], [i](const auto& v) { return v[i]; }};
  }

  std::mt19937_64 random_;
};

/// Numbers as bands have them, and those at which operations change.
float any_value(std::mt19937_64& random) {
  switch (random() % 8) {
    case 0:
      return none;
    case 1:
      return 0;
    case 2:
      return float(int(random() % 5)) - 2;
    default:
      return std::uniform_real_distribution<float>(-1, 1)(random);
  }
}

}  // namespace

CAF_TEST(operators bind as in mathematics) {
  CAF_CHECK_EQUAL(value_of("1 + 2 * a", {3}), 7.0f);
  CAF_CHECK_EQUAL(value_of("a - 2 - 3", {10}), 5.0f);
  CAF_CHECK_EQUAL(value_of("a / 2 / 5", {100}), 10.0f);
  CAF_CHECK_EQUAL(value_of("-a^2", {3}), -9.0f);
  CAF_CHECK_EQUAL(value_of("2^a^2", {3}), 512.0f);
  CAF_CHECK_EQUAL(value_of("2**-a", {1}), 0.5f);
  CAF_CHECK_EQUAL(value_of("a - -2", {1}), 3.0f);
  CAF_CHECK_EQUAL(value_of("not a > 2 and a < 5 or a == 9", {9}), 1.0f);
  CAF_CHECK_EQUAL(value_of("!a || a && !a", {4}), 0.0f);
  CAF_CHECK_EQUAL(value_of("a+1 >= 2*a", {1}), 1.0f);
  CAF_CHECK_EQUAL(value_of("1e2*a + .5", {1}), 100.5f);
  CAF_CHECK_EQUAL(value_of("(B08-B04)/(B08+B04)", {0.5f, 0.25f}), 0.25f / 0.75f);
}

CAF_TEST(functions give what their names say) {
  CAF_CHECK_EQUAL(value_of("sqrt(a) + abs(-a)", {4}), 6.0f);
  CAF_CHECK_EQUAL(value_of("min(a, 2, 5) + max(a, 2, 5)", {3}), 7.0f);
  CAF_CHECK_EQUAL(value_of("clamp(a, 0, 1)", {3}), 1.0f);
  CAF_CHECK_EQUAL(value_of("clamp(a, 0, 1)", {-3}), 0.0f);
  CAF_CHECK_EQUAL(value_of("log10(a)", {1000}), 3.0f);
  CAF_CHECK_EQUAL(value_of("log(exp(a))", {1}), 1.0f);
  CAF_CHECK_EQUAL(value_of("where(a > 1, 10, 20)", {2}), 10.0f);
  CAF_CHECK_EQUAL(value_of("if(a > 1, 10, 20)", {0}), 20.0f);
  CAF_CHECK_EQUAL(value_of("pow(a, 3)", {2}), 8.0f);
}

CAF_TEST(what has no number as its result has no value) {
  for (const auto* text : {"1 / (a - a)", "(a - a) / (a - a)", "sqrt(-a)", "log(-a)", "log(a - a)",
                           "pow(a - a, -1)", "exp(1000 * a)", "3e38 * (a + 1)", "-1 / (a - a)"})
    CAF_CHECK(std::isnan(value_of(text, {1})));
  // The bits are those of one NaN, whatever gave it: stored planes are compared by checksum.
  const auto bits = std::bit_cast<uint32_t>(value_of("sqrt(-a)", {1}));
  CAF_CHECK_EQUAL(bits, std::bit_cast<uint32_t>(none));
}

CAF_TEST(what depends on a hole is a hole and what does not is none) {
  for (const auto* text :
       {"a + 1", "a * 0", "a > 0", "a == a", "not a", "a and 0", "a or 1", "min(a, 0)", "max(0, a)",
        "where(a, 1, 2)", "pow(a, 0)", "pow(1, a)", "clamp(a, 0, 1)"})
    CAF_CHECK(std::isnan(value_of(text, {none})));
  CAF_CHECK_EQUAL(value_of("where(b > 0, b, a)", {1, none}), 1.0f);
  CAF_CHECK(std::isnan(value_of("where(b > 0, b, a)", {-1, none})));
}

CAF_TEST(a mistake is shown with its place) {
  CAF_CHECK(has(refusal("B04 + "), "at character 7 (the end) a band, a number or '('"));
  CAF_CHECK(has(refusal("(B04 + 1"), "(the end) ')' is expected"));
  CAF_CHECK(has(refusal("B04 B08"), "at character 5 ('B') an operator"));
  CAF_CHECK(has(refusal("B04 * * 2"), "at character 7 ('*')"));
  CAF_CHECK(has(refusal("cos(B04)"), "'cos' is no function; there are sqrt, abs"));
  CAF_CHECK(has(refusal("clamp(B04, 1)"), "'clamp' takes 3 arguments"));
  CAF_CHECK(has(refusal("min(B04)"), "'min' takes 2 or more arguments"));
  CAF_CHECK(has(refusal("1 < B04 < 2"), "at character 9 ('<') a second comparison"));
  CAF_CHECK(has(refusal("\"B04"), "second '\"' is missing"));
  CAF_CHECK(has(refusal("4B"), "names that begin with a digit"));
  CAF_CHECK(has(refusal("1e99 * B04"), "single precision"));
  CAF_CHECK(has(refusal("1 + 2"), "names no band"));
  CAF_CHECK(has(refusal(""), "a band, a number or '(' is expected"));
  CAF_CHECK(has(refusal("B04 = 1"), "at character 5 ('=')"));
  CAF_CHECK(has(refusal("and"), "a band, a number"));
}

CAF_TEST(an expression has bounds) {
  const auto deep = std::string(100, '(') + "a" + std::string(100, ')');
  CAF_CHECK(code_of(parse_band_math(deep)) == ec::limit_exceeded);
  CAF_CHECK(code_of(parse_band_math(std::string(2000, '-') + "a")) == ec::limit_exceeded);
  CAF_CHECK(code_of(parse_band_math(std::string(2000, '!') + "a")) == ec::limit_exceeded);
  CAF_CHECK(code_of(parse_band_math(std::string(max_expression_bytes + 1, ' '))) ==
            ec::limit_exceeded);
  std::string many = "a";
  for (int i = 1; i < 40; ++i) many += "+b" + std::to_string(i);
  CAF_CHECK(code_of(parse_band_math(many)) == ec::limit_exceeded);
  std::string steps = "a";
  for (int i = 0; i < 300; ++i) steps += "+" + std::to_string(i + 2);
  CAF_CHECK(code_of(parse_band_math(steps)) == ec::limit_exceeded);
}

CAF_TEST(equal parts are computed once and constants beforehand) {
  const auto ndvi = parse_band_math("(nir - red) / (nir + red)");
  CAF_REQUIRE(ndvi.has_value());
  CAF_CHECK_EQUAL(ndvi->nodes.size(), 5u);
  const auto twice = parse_band_math("(a*b + 1) / (a*b + 1)");
  CAF_REQUIRE(twice.has_value());
  CAF_CHECK_EQUAL(twice->nodes.size(), 6u);
  const auto folded = parse_band_math("a * (2 + 3 * 4 - sqrt(4))");
  CAF_REQUIRE(folded.has_value());
  CAF_CHECK_EQUAL(folded->nodes.size(), 3u);
  CAF_CHECK(ndvi->bands == (std::vector<std::string>{"nir", "red"}));
}

CAF_TEST(bands of all types are read with scale and offset and nodata) {
  const auto made = band_math::parse("a - b");
  CAF_REQUIRE(made.has_value());
  const std::vector<uint16_t> words = {0, 1000, 65535};
  const std::vector<int8_t> bytes = {5, -128, 7};
  const std::vector<spectral_band> bands = {
      {pixel_type::uint16, std::as_bytes(std::span(words)), {0.5, -100, std::nullopt}, 0.0},
      {pixel_type::int8, std::as_bytes(std::span(bytes)), {}, -128.0}};
  plane out(3);
  CAF_REQUIRE(made->evaluate(bands, out).has_value());
  CAF_CHECK(std::isnan(out[0]));
  CAF_CHECK(std::isnan(out[1]));
  CAF_CHECK_EQUAL(out[2], 65535 * 0.5f - 100 - 7);
  plane longer(4);
  CAF_CHECK(code_of(made->evaluate(bands, longer)) == ec::invalid_argument);
  CAF_CHECK(code_of(made->evaluate(std::span(bands).first(1), out)) == ec::invalid_argument);
}

CAF_TEST(random expressions are what a pixel by pixel twin computes on every target) {
  constexpr uint64_t seed = 20261130;
  CAF_MESSAGE("seed " << seed);
  std::mt19937_64 random(seed);
  expression_maker maker(seed + 1);
  const auto targets = hwy::SupportedAndGeneratedTargets();
  CAF_REQUIRE(!targets.empty());
  for (int round = 0; round < 400; ++round) {
    const auto made = maker.make(1 + round % 6);
    const auto parsed = band_math::parse(made.text);
    if (!parsed) {
      // Only for want of a band, or for its size.
      const auto code = parsed.error().code;
      CAF_REQUIRE(has(to_string(parsed.error()), "no band") || code == ec::limit_exceeded);
      continue;
    }
    // Around whole strips and vectors.
    const auto count = std::array<size_t, 6>{1, 15, 16, 1023, 1024, 2100}[random() % 6];
    std::vector<plane> planes(names.size(), plane(count));
    for (auto& one : planes)
      for (auto& value : one) value = any_value(random);
    std::vector<spectral_band> bands;
    for (const auto& name : parsed->bands())
      for (size_t i = 0; i < names.size(); ++i)
        if (names[i] == name || names[i] == "\"" + name + "\"") bands.push_back(band_of(planes[i]));
    CAF_REQUIRE_EQUAL(bands.size(), parsed->bands().size());
    for (const auto target : targets) {
      const only_target chosen(target);
      plane out(count);
      CAF_REQUIRE(parsed->evaluate(bands, out).has_value());
      for (size_t i = 0; i < count; ++i) {
        std::vector<float> pixel;
        for (const auto& one : planes) pixel.push_back(one[i]);
        const auto expected = number_or_none(made.value(pixel));
        if (!same(out[i], expected)) {
          CAF_MESSAGE(made.text << " round " << round << " pixel " << i << ": " << out[i] << " not "
                                << expected);
          CAF_REQUIRE(false);
        }
      }
    }
  }
}

CAF_TEST(single numbers give what strips give) {
  std::mt19937_64 random(20261131);
  for (auto op = int(math_op::add); op <= int(math_op::choose); ++op) {
    alignas(64) std::array<std::array<float, math::strip_pixels>, 4> strips;
    for (auto& strip : strips)
      for (auto& value : strip) value = any_value(random);
    const math::step step{
        math_op(op), strips[3].data(), {strips[0].data()}, {strips[1].data()}, {strips[2].data()}};
    math::run(std::span(&step, 1), math::strip_pixels);
    for (size_t i = 0; i < math::strip_pixels; ++i)
      CAF_REQUIRE(
          same(strips[3][i], math::apply(math_op(op), strips[0][i], strips[1][i], strips[2][i])));
  }
}
