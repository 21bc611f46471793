#include <algorithm>
#include <cstring>
#include <limits>

#include "libstip/analysis/mosaic_painter.hpp"
#include "libstip/analysis/pixel_numbers.hpp"
#include "libstip/raster/scatter.hpp"

// Pixels out of several layers: median and mean, and feathered seams.

namespace stip {

namespace {

/// Parts of so few pixels are not divided any more.
constexpr uint64_t min_part_pixels = 64;

/// The chamfer distance of Borgefors (1986) with steps of 5 and 7 for 1 and the root of 2.
constexpr int straight = 5;
constexpr int diagonal = 7;

/// How far each pixel is from the nearest that has no data, at most `cap`.
void distances(const std::vector<uint8_t>& have, int64_t width, int64_t height, int cap,
               std::vector<int>& out) {
  out.resize(have.size());
  for (size_t i = 0; i < have.size(); ++i) out[i] = have[i] != 0 ? cap : 0;
  const auto relax = [&](int64_t x, int64_t y, int64_t dx, int64_t dy, int step) {
    const auto nx = x + dx, ny = y + dy;
    if (nx < 0 || ny < 0 || nx >= width || ny >= height) return;
    auto& own = out[static_cast<size_t>(y * width + x)];
    own = std::min(own, out[static_cast<size_t>(ny * width + nx)] + step);
  };
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x) {
      relax(x, y, -1, 0, straight);
      relax(x, y, 0, -1, straight);
      relax(x, y, -1, -1, diagonal);
      relax(x, y, 1, -1, diagonal);
    }
  for (int64_t y = height - 1; y >= 0; --y)
    for (int64_t x = width - 1; x >= 0; --x) {
      relax(x, y, 1, 0, straight);
      relax(x, y, 0, 1, straight);
      relax(x, y, 1, 1, diagonal);
      relax(x, y, -1, 1, diagonal);
    }
}

/// The median of values, which are reordered; of an even count the mean of the two in the middle.
template <class T>
T median_of(std::vector<T>& values) {
  const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  const T lower = *std::max_element(values.begin(), middle);
  return nearest_number<T>(static_cast<double>(lower) +
                           (static_cast<double>(*middle) - static_cast<double>(lower)) / 2);
}

}  // namespace

result<bool> mosaic_painter::reduce(const std::vector<const mosaic_layer*>& layers,
                                    const pixel_rect& rect, painted& out) {
  const size_t pixels = rect.pixels(), samples = pixels * bands();
  const size_t size = size_of(plan_.picture.type);
  const bool median = plan_.pick == mosaic_pick::median;
  const uint64_t needed =
      median ? layers.size() * samples * (size + 1) : samples * (sizeof(double) + sizeof(uint32_t));
  if (needed > source_bytes_ && pixels > min_part_pixels) {
    const bool wide = rect.width >= rect.height;
    auto a = rect, b = rect;
    (wide ? a.width : a.height) /= 2;
    (wide ? b.column : b.row) += wide ? a.width : a.height;
    (wide ? b.width : b.height) -= wide ? a.width : a.height;
    painted whole;
    clear(rect, bands(), whole);
    bool any = false;
    for (const auto& part : {a, b}) {
      painted made;
      STIP_ASSIGN(const auto some, reduce(layers_in(part), part, made));
      if (!some) continue;
      any = true;
      copy_part({made.planes.data(), part, size}, {whole.planes.data(), rect, size}, part, bands());
      copy_part({reinterpret_cast<std::byte*>(made.valid.data()), part, 1},
                {reinterpret_cast<std::byte*>(whole.valid.data()), rect, 1}, part, bands());
    }
    out = std::move(whole);
    return any;
  }
  clear(rect, bands(), out);
  std::vector<painted> stack(median ? layers.size() : 0);
  std::vector<double> sums(median ? 0 : samples);
  std::vector<uint32_t> counts(median ? 0 : samples);
  for (size_t l = 0; l < layers.size(); ++l) {
    auto& to = median ? stack[l] : scratch_;
    STIP_TRY(read(*layers[l], rect, to));
    STIP_TRY(read_clouds(plan_.scenes[layers[l]->scene], rect, to));
    if (median) continue;
    visit_pixel_type(plan_.picture.type, [&]<class T>(std::type_identity<T>) {
      const auto* values = reinterpret_cast<const T*>(to.planes.data());
      for (size_t i = 0; i < samples; ++i) {
        if (to.valid[i] == 0) continue;
        sums[i] += static_cast<double>(values[i]);
        ++counts[i];
      }
    });
  }
  bool any = false;
  visit_pixel_type(plan_.picture.type, [&]<class T>(std::type_identity<T>) {
    auto* made = reinterpret_cast<T*>(out.planes.data());
    const auto pattern = nodata();
    T none{};
    if (pattern) std::memcpy(&none, &*pattern, sizeof(T));
    std::vector<T> values;
    for (size_t i = 0; i < samples; ++i) {
      T value{};
      if (median) {
        values.clear();
        for (const auto& layer : stack)
          if (layer.valid[i] != 0)
            values.push_back(reinterpret_cast<const T*>(layer.planes.data())[i]);
        if (values.empty()) continue;
        value = median_of(values);
      } else {
        if (counts[i] == 0) continue;
        value = nearest_number<T>(sums[i] / counts[i]);
      }
      if (pattern && value == none) value = beside(value);
      made[i] = value;
      out.valid[i] = 1;
      any = true;
    }
  });
  return any;
}

result<bool> mosaic_painter::blend(const std::vector<const mosaic_layer*>& layers,
                                   const pixel_rect& rect, painted& out) {
  const auto around = plan_.blend + 1;
  const pixel_rect wide{rect.column - around, rect.row - around, rect.width + 2 * around,
                        rect.height + 2 * around};
  const int cap = static_cast<int>(around) * straight;
  const size_t pixels = rect.pixels(), samples = pixels * bands();
  clear(rect, bands(), out);
  std::vector<double> sums(samples), weights(samples), left(pixels, 1.0);
  std::vector<uint8_t> have;
  std::vector<int> far;
  bool any = false;
  painted day;
  for (size_t begin = 0; begin < layers.size();) {
    size_t end = begin + 1;
    while (end < layers.size() && layers[end]->day == layers[begin]->day) ++end;
    const std::vector<const mosaic_layer*> of_day(layers.begin() + static_cast<ptrdiff_t>(begin),
                                                  layers.begin() + static_cast<ptrdiff_t>(end));
    begin = end;
    STIP_ASSIGN(const auto some, pick(of_day, wide, day));
    if (!some) continue;
    const size_t wide_pixels = wide.pixels();
    have.assign(wide_pixels, 0);
    for (size_t b = 0; b < bands(); ++b)
      for (size_t i = 0; i < wide_pixels; ++i) have[i] |= day.valid[b * wide_pixels + i];
    distances(have, wide.width, wide.height, cap, far);
    bool more = false;
    visit_pixel_type(plan_.picture.type, [&]<class T>(std::type_identity<T>) {
      const auto* values = reinterpret_cast<const T*>(day.planes.data());
      auto* made = reinterpret_cast<T*>(out.planes.data());
      for (int64_t y = 0; y < rect.height; ++y)
        for (int64_t x = 0; x < rect.width; ++x) {
          const auto at = static_cast<size_t>(y * rect.width + x);
          const auto from = static_cast<size_t>((y + around) * wide.width + x + around);
          if (left[at] == 0) continue;
          if (have[from] == 0) {
            more = true;
            continue;
          }
          any = true;
          const double own = static_cast<double>(far[from]) / cap;
          const double weight = left[at] * own;
          for (size_t b = 0; b < bands(); ++b) {
            if (day.valid[b * wide_pixels + from] == 0) continue;
            const auto i = b * pixels + at;
            const T value = values[b * wide_pixels + from];
            // A pixel of one day alone stays what it is.
            if (weights[i] == 0) made[i] = value;
            out.valid[i] += out.valid[i] < 2 ? 1 : 0;
            sums[i] += weight * static_cast<double>(value);
            weights[i] += weight;
          }
          left[at] *= 1 - own;
          more |= left[at] > 0;
        }
    });
    if (!more) break;
  }
  visit_pixel_type(plan_.picture.type, [&]<class T>(std::type_identity<T>) {
    auto* made = reinterpret_cast<T*>(out.planes.data());
    const auto pattern = nodata();
    T none{};
    if (pattern) std::memcpy(&none, &*pattern, sizeof(T));
    for (size_t i = 0; i < samples; ++i) {
      if (out.valid[i] < 2) continue;
      out.valid[i] = 1;
      made[i] = nearest_number<T>(sums[i] / weights[i]);
      if (pattern && made[i] == none) made[i] = beside(made[i]);
    }
  });
  return any;
}

}  // namespace stip
