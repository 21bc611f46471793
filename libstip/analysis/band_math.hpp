#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/analysis/band_math_text.hpp"
#include "libstip/analysis/spectral.hpp"
#include "libstip/core/error.hpp"

namespace stip {

/// Band arithmetic, ready to evaluate: a flat program that goes strip by strip, so that each pixel
/// is read from memory once. Numbers are of single precision; what is not known is NaN (see
/// band_math_kernel.hpp). Constant after parse: threads may share it.
class band_math {
 public:
  /// Errors: those of parse_band_math.
  static result<band_math> parse(std::string_view text);

  /// The names of the bands, each once.
  const std::vector<std::string>& bands() const noexcept { return text_.bands; }
  const math_text& text() const noexcept { return text_; }

  /// The values of all pixels. `bands`: one a name of bands(), all of out.size() pixels, in any
  /// types. What is not finite becomes the quiet NaN. Errors: invalid_argument when numbers or
  /// lengths differ.
  result<void> evaluate(std::span<const spectral_band> bands, std::span<float> out) const;

 private:
  class program;

  explicit band_math(math_text text) : text_(std::move(text)) {}

  math_text text_;
};

}  // namespace stip
