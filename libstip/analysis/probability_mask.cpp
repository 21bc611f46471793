#include "libstip/analysis/probability_mask.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "libstip/analysis/mask_classes.hpp"

namespace stip {

namespace {

/// Half the width of the disk's row at that distance from its centre.
int half_width(int radius, int distance) {
  auto out = static_cast<int>(std::sqrt(double(radius * radius - distance * distance)));
  // The root may fall a little short of a whole number.
  if ((out + 1) * (out + 1) + distance * distance <= radius * radius) ++out;
  return out;
}

/// The pixel that a place beyond the edge mirrors, the edge's own pixel included: "cba|abc|cba".
size_t mirrored(int64_t at, size_t size) {
  const auto n = static_cast<int64_t>(size), period = 2 * n;
  at %= period;
  if (at < 0) at += period;
  return static_cast<size_t>(at < n ? at : period - 1 - at);
}

/// Sums over the first pixels of a mirrored row: of the values that count, and their number.
struct row_sums {
  std::vector<double> value;
  std::vector<uint32_t> count;
};

class disk_mean {
 public:
  disk_mean(std::span<const float> values, std::span<const uint8_t> counts, plane_size size,
            int radius)
      : values_(values),
        counts_(counts),
        size_(size),
        radius_(radius),
        rows_(static_cast<size_t>(2 * radius + 1)) {
    for (auto& row : rows_) {
      row.value.resize(size.width + static_cast<size_t>(2 * radius) + 1);
      row.count.resize(row.value.size());
    }
    for (int64_t y = -radius; y < radius; ++y) load(y);
  }

  /// The means of row y, NaN where nothing counts. Rows must be asked for from 0 on in turn.
  void next(size_t y, std::vector<double>& out) {
    load(static_cast<int64_t>(y) + radius_);
    sum_.assign(size_.width, 0.0);
    number_.assign(size_.width, 0);
    for (int dy = -radius_; dy <= radius_; ++dy) {
      const auto& row = rows_[slot(static_cast<int64_t>(y) + dy)];
      const auto half = half_width(radius_, std::abs(dy));
      const auto from = static_cast<size_t>(radius_ - half),
                 to = static_cast<size_t>(radius_ + half + 1);
      for (size_t x = 0; x < size_.width; ++x) {
        sum_[x] += row.value[x + to] - row.value[x + from];
        number_[x] += row.count[x + to] - row.count[x + from];
      }
    }
    out.resize(size_.width);
    for (size_t x = 0; x < size_.width; ++x) out[x] = sum_[x] / number_[x];
  }

 private:
  size_t slot(int64_t y) const {
    return static_cast<size_t>((y + radius_) % static_cast<int64_t>(rows_.size()));
  }

  void load(int64_t y) {
    auto& row = rows_[slot(y)];
    const auto start = mirrored(y, size_.height) * size_.width;
    for (size_t i = 0; i + 1 < row.value.size(); ++i) {
      const auto at = start + mirrored(static_cast<int64_t>(i) - radius_, size_.width);
      const bool counts = counts_[at] != 0;
      row.value[i + 1] = row.value[i] + (counts ? double(values_[at]) : 0.0);
      row.count[i + 1] = row.count[i] + (counts ? 1 : 0);
    }
  }

  std::span<const float> values_;
  std::span<const uint8_t> counts_;
  plane_size size_;
  int radius_;
  std::vector<row_sums> rows_;
  std::vector<double> sum_;
  std::vector<uint32_t> number_;
};

}  // namespace

void dilate(std::span<const uint8_t> from, plane_size size, int radius, std::span<uint8_t> to) {
  std::fill(to.begin(), to.end(), uint8_t{0});
  std::vector<uint32_t> before(size.width + 1);
  const auto reach = static_cast<size_t>(radius);
  for (size_t y = 0; y < size.height; ++y) {
    const auto row = from.subspan(y * size.width, size.width);
    for (size_t x = 0; x < size.width; ++x) before[x + 1] = before[x] + (row[x] != 0 ? 1 : 0);
    if (before[size.width] == 0) continue;
    const auto top = y - std::min(y, reach), bottom = std::min(size.height - 1, y + reach);
    for (size_t target = top; target <= bottom; ++target) {
      const auto distance = static_cast<int>(target > y ? target - y : y - target);
      const auto half = static_cast<size_t>(half_width(radius, distance));
      auto* out = to.data() + target * size.width;
      for (size_t x = 0; x < size.width; ++x) {
        const auto end = std::min(size.width, x + half + 1), begin = x - std::min(x, half);
        out[x] |= before[end] != before[begin] ? 1 : 0;
      }
    }
  }
}

result<void> mask_of_probabilities(std::span<const float> probabilities,
                                   std::span<const uint8_t> valid, plane_size size,
                                   const probability_options& options, std::span<uint8_t> mask) {
  const auto what = "make a cloud mask of probabilities";
  for (const auto radius : {options.average, options.dilation})
    if (radius < 0 || radius > max_disk_radius)
      return fail(ec::invalid_argument, what, "a radius is " + std::to_string(radius),
                  "use 0 to " + std::to_string(max_disk_radius) + " pixels");
  const auto pixels = size.pixels();
  if (probabilities.size() != pixels || mask.size() != pixels ||
      (!valid.empty() && valid.size() != pixels))
    return fail(ec::invalid_argument, what, "its planes have different numbers of pixels");
  if (pixels == 0) return {};
  std::vector<uint8_t> counts(pixels), cloud(pixels);
  for (size_t i = 0; i < pixels; ++i)
    counts[i] = (valid.empty() || valid[i] != 0) && !std::isnan(probabilities[i]);
  disk_mean means(probabilities, counts, size, options.average);
  std::vector<double> row;
  for (size_t y = 0; y < size.height; ++y) {
    means.next(y, row);
    for (size_t x = 0; x < size.width; ++x) {
      const auto at = y * size.width + x;
      // s2cloudless compares single precision.
      cloud[at] = counts[at] != 0 && float(row[x]) > float(options.threshold);
    }
  }
  std::vector<uint8_t> grown(pixels);
  dilate(cloud, size, options.dilation, grown);
  for (size_t i = 0; i < pixels; ++i) {
    const auto c = counts[i] == 0  ? mask_class::nodata
                   : cloud[i] != 0 ? mask_class::cloud
                   : grown[i] != 0 ? mask_class::dilated
                                   : mask_class::clear;
    mask[i] = static_cast<uint8_t>(c);
  }
  return {};
}

}  // namespace stip
