#include "libstip/raster/resample.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

namespace stip {

namespace {

constexpr std::array<std::string_view, 4> names = {"nearest", "bilinear", "cubic", "average"};

double triangle(double t) {
  return std::max(0.0, 1 - std::abs(t));
}

double catmull_rom(double t) {
  t = std::abs(t);
  if (t < 1) return (1.5 * t - 2.5) * t * t + 1;
  if (t < 2) return ((-0.5 * t + 2.5) * t - 4) * t + 2;
  return 0;
}

/// How far a kernel reaches to each side, in pixels of the picture.
double reach_of(resampling kind) {
  return kind == resampling::cubic ? 2 : kind == resampling::average ? 0.5 : 1;
}

/// The pixels along one axis that a kernel takes, and their weights.
struct taps {
  int64_t first = 0;
  std::vector<double> weights;

  void set(double place, double scale, resampling kind) {
    const double reach = reach_of(kind) * scale;
    if (kind == resampling::average) return set_box(place - reach, place + reach);
    const bool cubic = kind == resampling::cubic;
    first = static_cast<int64_t>(std::floor(place - reach - 0.5)) + 1;
    const auto last = static_cast<int64_t>(std::ceil(place + reach - 0.5)) - 1;
    weights.resize(static_cast<size_t>(std::max<int64_t>(0, last - first + 1)));
    for (size_t i = 0; i < weights.size(); ++i) {
      const double t = (static_cast<double>(first + static_cast<int64_t>(i)) + 0.5 - place) / scale;
      weights[i] = cubic ? catmull_rom(t) : triangle(t);
    }
  }

 private:
  /// By the length of each pixel between the ends.
  void set_box(double begin, double end) {
    first = static_cast<int64_t>(std::floor(begin));
    weights.clear();
    for (auto at = static_cast<double>(first); at < end; at += 1)
      weights.push_back(std::min(at + 1, end) - std::max(at, begin));
  }
};

template <class T>
T rounded(double value) {
  if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(value);
  } else {
    constexpr auto low = static_cast<double>(std::numeric_limits<T>::lowest());
    constexpr auto high = static_cast<double>(std::numeric_limits<T>::max());
    const double whole = std::nearbyint(value);
    if (!(whole > low)) return std::numeric_limits<T>::lowest();
    if (whole >= high) return std::numeric_limits<T>::max();
    return static_cast<T>(whole);
  }
}

template <class T>
struct weigher {
  const sampled_plane& from;
  const T* pixels;

  /// The weighted mean of valid pixels; false where none counts, or where `whole` asks for all of
  /// them and one is missing.
  bool mean(const taps& across, const taps& down, bool whole, double& out) const {
    double sum = 0, weight = 0;
    for (size_t r = 0; r < down.weights.size(); ++r) {
      const int64_t row = down.first + static_cast<int64_t>(r);
      if (row < from.rect.row || row >= from.rect.end_row()) {
        if (whole) return false;
        continue;
      }
      const auto base = (row - from.rect.row) * from.rect.width - from.rect.column;
      for (size_t c = 0; c < across.weights.size(); ++c) {
        const int64_t column = across.first + static_cast<int64_t>(c);
        const bool inside = column >= from.rect.column && column < from.rect.end_column();
        const auto at = static_cast<size_t>(base + column);
        if (!inside || from.valid[at] == 0) {
          if (whole) return false;
          continue;
        }
        const double w = down.weights[r] * across.weights[c];
        sum += w * static_cast<double>(pixels[at]);
        weight += w;
      }
    }
    if (!(weight > 1e-9)) return false;
    out = sum / weight;
    return true;
  }

  /// The same of four valid pixels around a place, with a triangle of one pixel: what nearly every
  /// pixel needs. False where it is not so simple.
  bool mean_of_four(double x, double y, double& out) const {
    const double left = std::floor(x - 0.5), upper = std::floor(y - 0.5);
    const auto column = static_cast<int64_t>(left), row = static_cast<int64_t>(upper);
    if (column < from.rect.column || row < from.rect.row || column + 1 >= from.rect.end_column() ||
        row + 1 >= from.rect.end_row() || left + 0.5 == x || upper + 0.5 == y)
      return false;
    const auto at =
        static_cast<size_t>((row - from.rect.row) * from.rect.width + column - from.rect.column);
    const auto below = at + static_cast<size_t>(from.rect.width);
    if ((from.valid[at] & from.valid[at + 1] & from.valid[below] & from.valid[below + 1]) == 0)
      return false;
    const double x0 = triangle(left + 0.5 - x), x1 = triangle(left + 1.5 - x);
    const double y0 = triangle(upper + 0.5 - y), y1 = triangle(upper + 1.5 - y);
    const double a = y0 * x0, b = y0 * x1, c = y1 * x0, d = y1 * x1;
    const double sum =
        a * static_cast<double>(pixels[at]) + b * static_cast<double>(pixels[at + 1]) +
        c * static_cast<double>(pixels[below]) + d * static_cast<double>(pixels[below + 1]);
    out = sum / (a + b + c + d);
    return true;
  }
};

}  // namespace

std::string_view to_string(resampling kind) noexcept {
  return names[static_cast<size_t>(kind)];
}

result<resampling> parse_resampling(std::string_view name) {
  for (size_t i = 0; i < names.size(); ++i)
    if (names[i] == name) return static_cast<resampling>(i);
  return fail(ec::invalid_argument, "resampling '" + std::string(name) + "'",
              "there is no such kernel", "use nearest, bilinear, cubic or average");
}

resampler::resampler(resampling kind, double across, double down)
    : kind_(kind), across_(std::max(1.0, across)), down_(std::max(1.0, down)) {
  if (kind == resampling::nearest) return;
  const double reach = reach_of(kind);
  margin_columns_ = static_cast<int64_t>(std::ceil(reach * across_)) + 1;
  margin_rows_ = static_cast<int64_t>(std::ceil(reach * down_)) + 1;
}

void resampler::row(const sampled_plane& from, std::span<const double> x, std::span<const double> y,
                    std::span<const uint8_t> ok, std::byte* out, uint8_t* valid) const {
  visit_pixel_type(from.type, [&]<class T>(std::type_identity<T>) {
    const weigher<T> weigh{from, reinterpret_cast<const T*>(from.pixels)};
    auto* to = reinterpret_cast<T*>(out);
    const auto& rect = from.rect;
    const auto first_column = static_cast<double>(rect.column);
    const auto first_row = static_cast<double>(rect.row);
    const auto end_column = static_cast<double>(rect.end_column());
    const auto end_row = static_cast<double>(rect.end_row());
    taps across, down;
    double down_of = std::numeric_limits<double>::quiet_NaN();
    for (size_t i = 0; i < x.size(); ++i) {
      if (ok[i] == 0 ||
          !(x[i] >= first_column && x[i] < end_column && y[i] >= first_row && y[i] < end_row))
        continue;
      const auto column = static_cast<int64_t>(std::floor(x[i]));
      const auto row = static_cast<int64_t>(std::floor(y[i]));
      const auto own = static_cast<size_t>((row - rect.row) * rect.width + column - rect.column);
      if (from.valid[own] == 0) continue;
      if (kind_ == resampling::nearest) {
        to[i] = weigh.pixels[own];
        valid[i] = 1;
        continue;
      }
      const bool cubic = kind_ == resampling::cubic;
      double value = 0;
      if (kind_ == resampling::bilinear && across_ == 1 && down_ == 1 &&
          weigh.mean_of_four(x[i], y[i], value)) {
        to[i] = rounded<T>(value);
        valid[i] = 1;
        continue;
      }
      across.set(x[i], across_, kind_);
      if (y[i] != down_of) down.set(y[i], down_, kind_);
      down_of = y[i];
      bool made = weigh.mean(across, down, cubic, value);
      if (!made && cubic) {
        across.set(x[i], across_, resampling::bilinear);
        down.set(y[i], down_, resampling::bilinear);
        down_of = std::numeric_limits<double>::quiet_NaN();
        made = weigh.mean(across, down, false, value);
      }
      to[i] = made ? rounded<T>(value) : weigh.pixels[own];
      valid[i] = 1;
    }
  });
}

}  // namespace stip
