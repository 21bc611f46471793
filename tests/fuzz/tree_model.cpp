#include "libstip/analysis/tree_model.hpp"

#include <array>
#include <limits>
#include <string>
#include <vector>

#include "tests/fuzz/fuzz_target.hpp"

/// A model that parses must also be safe to evaluate.
FUZZ_TARGET(tree_model) {
  const auto model = stip::tree_model::parse(input, "fuzz");
  if (!model) return;
  constexpr auto infinite = std::numeric_limits<float>::infinity();
  const std::array values = {0.0f,  0.5f,     -1.0f,     7.0f,
                             40.0f, infinite, -infinite, std::numeric_limits<float>::quiet_NaN()};
  std::vector<std::vector<float>> planes(model->features().size());
  std::vector<std::span<const float>> spans;
  for (size_t f = 0; f < planes.size(); ++f) {
    for (size_t i = 0; i < 100; ++i) planes[f].push_back(values[(i + f) % values.size()]);
    spans.emplace_back(planes[f]);
  }
  std::vector<float> out(100);
  (void)model->predict(spans, out);
  (void)stip::model_bands(*model);
}
