#include "libstip/analysis/band_math.hpp"

#include <algorithm>
#include <memory>
#include <new>

#include "libstip/analysis/band_math_kernel.hpp"

namespace stip {

/// The steps with their places in memory: strips for bands and for what steps hand on, which are
/// used again as soon as no later step wants them, and constants.
class band_math::program {
 public:
  explicit program(const math_text& text) {
    const auto& nodes = text.nodes;
    std::vector<size_t> last_use(nodes.size(), 0);
    for (size_t i = 0; i < nodes.size(); ++i)
      for (size_t k = 0; k < operand_count(nodes[i].op); ++k) last_use[nodes[i].operands[k]] = i;
    // Bands come first: all of them are read before the first step.
    std::vector<size_t> place(nodes.size(), 0);
    size_t strips = text.bands.size(), constants = 0;
    std::vector<size_t> free;
    for (size_t i = 0; i < nodes.size(); ++i) {
      const auto& node = nodes[i];
      if (node.op == math_op::number) {
        place[i] = constants++;
        continue;
      }
      if (node.op == math_op::band) {
        place[i] = node.band;
        continue;
      }
      const auto count = operand_count(node.op);
      for (size_t k = 0; k < count; ++k) {
        const auto of = node.operands[k];
        const bool seen = std::find(node.operands.begin(), node.operands.begin() + long(k), of) !=
                          node.operands.begin() + long(k);
        if (!seen && last_use[of] == i && nodes[of].op != math_op::number)
          free.push_back(place[of]);
      }
      if (free.empty()) free.push_back(strips++);
      place[i] = free.back();
      free.pop_back();
    }
    memory_.reset(static_cast<float*>(::operator new[](
        (strips * math::strip_pixels + constants * math::vector_pixels) * sizeof(float),
        alignment)));
    std::fill_n(memory_.get(), strips * math::strip_pixels, 0.0f);
    auto* const first_constant = memory_.get() + strips * math::strip_pixels;
    const auto operand_of = [&](size_t i) {
      return nodes[i].op == math_op::number
                 ? math::operand{first_constant + place[i] * math::vector_pixels, 0}
                 : math::operand{strip(place[i])};
    };
    for (size_t i = 0; i < nodes.size(); ++i) {
      const auto& node = nodes[i];
      if (node.op == math_op::number)
        std::fill_n(first_constant + place[i] * math::vector_pixels, math::vector_pixels,
                    node.value);
      const auto count = operand_count(node.op);
      if (count == 0) continue;
      math::step made{node.op, strip(place[i]), operand_of(node.operands[0]), {}, {}};
      if (count > 1) made.b = operand_of(node.operands[1]);
      if (count > 2) made.c = operand_of(node.operands[2]);
      steps_.push_back(made);
    }
    result_ = operand_of(nodes.size() - 1);
  }

  void run(std::span<const spectral_band> bands, size_t first, size_t count, float* out) {
    for (size_t i = 0; i < bands.size(); ++i) read_values(bands[i], first, count, strip(i));
    math::run(steps_,
              (count + math::vector_pixels - 1) / math::vector_pixels * math::vector_pixels);
    math::finish(result_, count, out);
  }

 private:
  static constexpr auto alignment = std::align_val_t(math::vector_pixels * sizeof(float));

  struct release {
    void operator()(float* memory) const noexcept { ::operator delete[](memory, alignment); }
  };

  float* strip(size_t i) { return memory_.get() + i * math::strip_pixels; }

  std::unique_ptr<float[], release> memory_;
  std::vector<math::step> steps_;
  math::operand result_;
};

result<band_math> band_math::parse(std::string_view text) {
  STIP_ASSIGN(auto made, parse_band_math(text));
  return band_math(std::move(made));
}

result<void> band_math::evaluate(std::span<const spectral_band> bands, std::span<float> out) const {
  const auto what = "evaluate an expression";
  if (bands.size() != text_.bands.size())
    return fail(ec::invalid_argument, what, "it has another number of bands");
  for (size_t i = 0; i < bands.size(); ++i)
    if (!is_known(bands[i].type) || bands[i].pixels.size() % size_of(bands[i].type) != 0 ||
        bands[i].pixels.size() / size_of(bands[i].type) != out.size())
      return fail(ec::invalid_argument, what,
                  "the band " + text_.bands[i] + " has another number of pixels");
  program steps(text_);
  for (size_t first = 0; first < out.size(); first += math::strip_pixels)
    steps.run(bands, first, std::min(math::strip_pixels, out.size() - first), out.data() + first);
  return {};
}

}  // namespace stip
