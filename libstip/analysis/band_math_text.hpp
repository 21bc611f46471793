#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/core/error.hpp"

// The grammar of band arithmetic, e.g. (B08 - B04) / (B08 + B04). Its words: docs/indices.md.
//
//     expression := all { ("or" | "||") all }
//     all        := no { ("and" | "&&") no }
//     no         := ("not" | "!") no | relation
//     relation   := sum [ ("<" | "<=" | ">" | ">=" | "==" | "!=") sum ]
//     sum        := term { ("+" | "-") term }
//     term       := signed { ("*" | "/") signed }
//     signed     := ("-" | "+") signed | power
//     power      := primary [ ("^" | "**") signed ]
//     primary    := number | name | function "(" expression { "," expression } ")"
//                 | "(" expression ")"
//     name       := letter or "_", then letters, digits, "_" | '"' anything but '"' '"'

namespace stip {

/// What a step of an expression does with its operands.
enum class math_op : uint8_t {
  /// A constant; the value of a band.
  number,
  band,
  add,
  subtract,
  multiply,
  /// NaN where the divisor is 0.
  divide,
  negate,
  power,
  minimum,
  maximum,
  absolute,
  root,
  log,
  log10,
  exp,
  /// Comparisons and logic give 1 or 0; every number but 0 is true.
  less,
  less_equal,
  equal,
  not_equal,
  both,
  either,
  no,
  /// The second operand where the first is true, else the third.
  choose,
};

/// A step, whose operands are steps before it.
struct math_node {
  math_op op = math_op::number;
  std::array<uint32_t, 3> operands{};
  /// Of a number; of a band its place in math_text::bands.
  float value = 0;
  uint32_t band = 0;

  bool operator==(const math_node&) const = default;
};

/// Operands that an operation has.
constexpr size_t operand_count(math_op op) noexcept {
  switch (op) {
    case math_op::number:
    case math_op::band:
      return 0;
    case math_op::negate:
    case math_op::absolute:
    case math_op::root:
    case math_op::log:
    case math_op::log10:
    case math_op::exp:
    case math_op::no:
      return 1;
    case math_op::choose:
      return 3;
    default:
      return 2;
  }
}

/// Bounds of an expression.
inline constexpr size_t max_expression_bytes = 2048;
inline constexpr size_t max_expression_depth = 64;
inline constexpr size_t max_expression_steps = 512;
inline constexpr size_t max_expression_bands = 32;

/// An expression that was read: equal steps stand once, what has only constants is computed.
struct math_text {
  /// Operands before what uses them; the last one is the result.
  std::vector<math_node> nodes;
  /// The names of the bands, each once, in the order in which they first stand.
  std::vector<std::string> bands;
};

/// Reads an expression. Errors: invalid_argument with the place (counted from 1) and what was
/// expected there, for an expression without a band too; limit_exceeded beyond the bounds.
result<math_text> parse_band_math(std::string_view text);

}  // namespace stip
