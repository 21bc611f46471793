#include "libstip/analysis/band_math_kernel.hpp"

#include <cmath>
#include <limits>

#include "libstip/raster/simd_targets.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "libstip/analysis/band_math_kernel.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace stip::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using lanes = hn::CappedTag<float, math::vector_pixels>;
using vec = hn::Vec<lanes>;
using yes = hn::Mask<lanes>;

HWY_INLINE vec unknown() {
  return hn::Set(lanes(), std::numeric_limits<float>::quiet_NaN());
}

HWY_INLINE yes is_unknown(vec a) {
  // Ne of a NaN with itself is false on some targets and true on others.
  return hn::Not(hn::Eq(a, a));
}

HWY_INLINE yes is_true(vec a) {
  return hn::Ne(a, hn::Zero(lanes()));
}

/// 1 or 0; NaN where an operand is.
HWY_INLINE vec truth(yes value, vec a, vec b) {
  const auto number = hn::IfThenElseZero(value, hn::Set(lanes(), 1.0f));
  return hn::IfThenElse(hn::Or(is_unknown(a), is_unknown(b)), unknown(), number);
}

/// One of two numbers; NaN where either is.
HWY_INLINE vec one_of(yes first, vec a, vec b) {
  return hn::IfThenElse(hn::Or(is_unknown(a), is_unknown(b)), unknown(),
                        hn::IfThenElse(first, a, b));
}

template <class F>
HWY_INLINE void unary(const math::step& s, size_t count, F&& f) {
  const lanes d;
  for (size_t i = 0; i < count; i += hn::Lanes(d))
    hn::Store(f(hn::Load(d, s.a.at + (i & s.a.mask))), d, s.to + i);
}

template <class F>
HWY_INLINE void binary(const math::step& s, size_t count, F&& f) {
  const lanes d;
  for (size_t i = 0; i < count; i += hn::Lanes(d))
    hn::Store(f(hn::Load(d, s.a.at + (i & s.a.mask)), hn::Load(d, s.b.at + (i & s.b.mask))), d,
              s.to + i);
}

HWY_INLINE void choose(const math::step& s, size_t count) {
  const lanes d;
  for (size_t i = 0; i < count; i += hn::Lanes(d)) {
    const auto which = hn::Load(d, s.a.at + (i & s.a.mask));
    const auto out = hn::IfThenElse(is_true(which), hn::Load(d, s.b.at + (i & s.b.mask)),
                                    hn::Load(d, s.c.at + (i & s.c.mask)));
    hn::Store(hn::IfThenElse(is_unknown(which), unknown(), out), d, s.to + i);
  }
}

/// What has no vector form that is exact: number by number.
void by_number(const math::step& s, size_t count) {
  // A constant stands vector_pixels times: its place is that of any pixel of a vector.
  const auto place = [](const math::operand& o, size_t i) {
    return o.mask != 0 ? i : i % math::vector_pixels;
  };
  const bool two = operand_count(s.op) > 1;
  for (size_t i = 0; i < count; ++i)
    s.to[i] = math::apply(s.op, s.a.at[place(s.a, i)], two ? s.b.at[place(s.b, i)] : 0, 0);
}

void run(const math::step* steps, size_t size, size_t count) {
  const lanes d;
  const auto zero = hn::Zero(d);
  for (size_t i = 0; i < size; ++i) {
    const auto& s = steps[i];
    switch (s.op) {
      case math_op::number:
      case math_op::band:
        break;
      case math_op::add:
        binary(s, count, [](vec a, vec b) HWY_ATTR { return hn::Add(a, b); });
        break;
      case math_op::subtract:
        binary(s, count, [](vec a, vec b) HWY_ATTR { return hn::Sub(a, b); });
        break;
      case math_op::multiply:
        binary(s, count, [](vec a, vec b) HWY_ATTR { return hn::Mul(a, b); });
        break;
      case math_op::divide:
        binary(s, count, [zero](vec a, vec b) HWY_ATTR {
          return hn::IfThenElse(hn::Eq(b, zero), unknown(), hn::Div(a, b));
        });
        break;
      case math_op::negate:
        unary(s, count, [](vec a) HWY_ATTR { return hn::Neg(a); });
        break;
      case math_op::minimum:
        binary(s, count, [](vec a, vec b) HWY_ATTR { return one_of(hn::Lt(b, a), b, a); });
        break;
      case math_op::maximum:
        binary(s, count, [](vec a, vec b) HWY_ATTR { return one_of(hn::Lt(a, b), b, a); });
        break;
      case math_op::absolute:
        unary(s, count, [](vec a) HWY_ATTR { return hn::Abs(a); });
        break;
      case math_op::root:
        unary(s, count, [](vec a) HWY_ATTR { return hn::Sqrt(a); });
        break;
      case math_op::less:
        binary(s, count, [](vec a, vec b) HWY_ATTR { return truth(hn::Lt(a, b), a, b); });
        break;
      case math_op::less_equal:
        binary(s, count, [](vec a, vec b) HWY_ATTR { return truth(hn::Le(a, b), a, b); });
        break;
      case math_op::equal:
        binary(s, count, [](vec a, vec b) HWY_ATTR { return truth(hn::Eq(a, b), a, b); });
        break;
      case math_op::not_equal:
        binary(s, count, [](vec a, vec b) HWY_ATTR { return truth(hn::Ne(a, b), a, b); });
        break;
      case math_op::both:
        binary(s, count,
               [](vec a, vec b) HWY_ATTR { return truth(hn::And(is_true(a), is_true(b)), a, b); });
        break;
      case math_op::either:
        binary(s, count,
               [](vec a, vec b) HWY_ATTR { return truth(hn::Or(is_true(a), is_true(b)), a, b); });
        break;
      case math_op::no:
        unary(s, count, [](vec a) HWY_ATTR { return truth(hn::Not(is_true(a)), a, a); });
        break;
      case math_op::choose:
        choose(s, count);
        break;
      case math_op::power:
      case math_op::log:
      case math_op::log10:
      case math_op::exp:
        by_number(s, count);
        break;
    }
  }
}

void finish(const math::operand& from, size_t count, float* out) {
  const lanes d;
  const auto none = unknown();
  size_t i = 0;
  for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) {
    const auto value = hn::Load(d, from.at + (i & from.mask));
    hn::StoreU(hn::IfThenElse(hn::IsFinite(value), value, none), d, out + i);
  }
  for (; i < count; ++i) {
    const auto value = from.at[from.mask != 0 ? i : 0];
    out[i] = std::isfinite(value) ? value : std::numeric_limits<float>::quiet_NaN();
  }
}

}  // namespace stip::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace stip {

HWY_EXPORT(run);
HWY_EXPORT(finish);

}  // namespace stip

namespace stip::math {

namespace {

constexpr float none = std::numeric_limits<float>::quiet_NaN();

float finite(float value) noexcept {
  return std::isfinite(value) ? value : none;
}

float truth(bool value, float a, float b) noexcept {
  return std::isnan(a) || std::isnan(b) ? none : value ? 1.0f : 0.0f;
}

}  // namespace

void run(std::span<const step> steps, size_t count) {
  HWY_DYNAMIC_DISPATCH(stip::run)(steps.data(), steps.size(), count);
}

void finish(const operand& from, size_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(stip::finish)(from, count, out);
}

float apply(math_op op, float a, float b, float c) noexcept {
  const bool unknown = std::isnan(a) || std::isnan(b);
  switch (op) {
    case math_op::number:
    case math_op::band:
      return a;
    case math_op::add:
      return a + b;
    case math_op::subtract:
      return a - b;
    case math_op::multiply:
      return a * b;
    case math_op::divide:
      return b == 0 ? none : a / b;
    case math_op::negate:
      return -a;
    case math_op::power:
      if (b == 2) return a * a;
      // The C library has 1 for pow(1, NaN) and pow(NaN, 0).
      return unknown ? none : finite(std::pow(a, b));
    case math_op::minimum:
      return unknown ? none : b < a ? b : a;
    case math_op::maximum:
      return unknown ? none : a < b ? b : a;
    case math_op::absolute:
      return std::abs(a);
    case math_op::root:
      return std::sqrt(a);
    case math_op::log:
      return finite(std::log(a));
    case math_op::log10:
      return finite(std::log10(a));
    case math_op::exp:
      return finite(std::exp(a));
    case math_op::less:
      return truth(a < b, a, b);
    case math_op::less_equal:
      return truth(a <= b, a, b);
    case math_op::equal:
      return truth(a == b, a, b);
    case math_op::not_equal:
      return truth(a != b, a, b);
    case math_op::both:
      return truth(a != 0 && b != 0, a, b);
    case math_op::either:
      return truth(a != 0 || b != 0, a, b);
    case math_op::no:
      return truth(a == 0, a, a);
    case math_op::choose:
      return std::isnan(a) ? none : a != 0 ? b : c;
  }
  return none;
}

}  // namespace stip::math

#endif
