#include "libstip/analysis/statistics.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

namespace stip {

namespace {

constexpr size_t run_pixels = 1024;
/// Sums that grow beside each other, so that the compiler may use vectors and the order of the
/// additions is the same whether or not it does.
constexpr size_t lanes = 8;

constexpr unsigned low_bits = 16;
constexpr size_t buckets = size_t{1} << low_bits;
constexpr uint8_t no_slot = 0xff;

/// Bits that sort as the numbers do, and back.
uint32_t sortable(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  return (bits >> 31) != 0 ? ~bits : bits | 0x8000'0000U;
}
float from_sortable(uint32_t bits) {
  return std::bit_cast<float>((bits >> 31) != 0 ? bits & 0x7fff'ffffU : ~bits);
}

/// Mean and squared distances from it, of a set that grows by sets.
struct moments {
  double count = 0, mean = 0, squares = 0;

  void join(const moments& other) {
    if (other.count == 0) return;
    const auto all = count + other.count, apart = other.mean - mean;
    mean += apart * other.count / all;
    squares += other.squares + apart * apart * count * other.count / all;
    count = all;
  }
};

double sum(const std::array<double, lanes>& parts) {
  return ((parts[0] + parts[4]) + (parts[2] + parts[6])) +
         ((parts[1] + parts[5]) + (parts[3] + parts[7]));
}

moments moments_of(const float* values, size_t count) {
  moments out;
  if (count == 0) return out;
  out.count = double(count);
  std::array<double, lanes> sums{};
  const auto whole = count / lanes * lanes;
  for (size_t i = 0; i < whole; i += lanes)
    for (size_t k = 0; k < lanes; ++k) sums[k] += double(values[i + k]);
  for (size_t i = whole; i < count; ++i) sums[i - whole] += double(values[i]);
  out.mean = sum(sums) / out.count;
  std::array<double, lanes> squares{};
  for (size_t i = 0; i < whole; i += lanes)
    for (size_t k = 0; k < lanes; ++k) {
      const auto apart = double(values[i + k]) - out.mean;
      squares[k] += apart * apart;
    }
  for (size_t i = whole; i < count; ++i) {
    const auto apart = double(values[i]) - out.mean;
    squares[i - whole] += apart * apart;
  }
  out.squares = sum(squares);
  return out;
}

/// Calls `take(values, count)` for runs of the numbers that count, packed.
template <class Take>
void for_runs(std::span<const float> values, std::span<const uint8_t> own, Take&& take) {
  alignas(64) std::array<float, run_pixels> packed;
  for (size_t first = 0; first < values.size(); first += run_pixels) {
    const auto count = std::min(run_pixels, values.size() - first);
    size_t kept = 0;
    for (size_t i = first; i < first + count; ++i) {
      packed[kept] = values[i];
      const bool counts = std::isfinite(values[i]) && (own.empty() || own[i] != 0);
      kept += counts ? 1 : 0;
    }
    take(packed.data(), kept);
  }
}

/// Order statistics by counting: ranks are asked for first, then found together.
class rank_finder {
 public:
  rank_finder(std::span<const float> values, std::span<const uint8_t> own)
      : values_(values), own_(own), upper_(buckets) {
    for_runs(values_, own_, [&](const float* run, size_t count) {
      for (size_t i = 0; i < count; ++i) ++upper_[sortable(run[i]) >> low_bits];
    });
  }

  /// The numbers of those ranks, each below the count.
  std::vector<float> find(const std::vector<uint64_t>& ranks) const {
    struct wanted {
      size_t bucket;
      uint64_t rank;
    };
    std::vector<wanted> places;
    std::vector<uint8_t> slots(buckets, no_slot);
    std::vector<std::vector<uint64_t>> lower;
    for (const auto rank : ranks) {
      size_t bucket = 0;
      uint64_t before = 0;
      while (before + upper_[bucket] <= rank) before += upper_[bucket++];
      places.push_back({bucket, rank - before});
      if (slots[bucket] != no_slot) continue;
      slots[bucket] = static_cast<uint8_t>(lower.size());
      lower.emplace_back(buckets);
    }
    for_runs(values_, own_, [&](const float* run, size_t count) {
      for (size_t i = 0; i < count; ++i) {
        const auto bits = sortable(run[i]);
        const auto slot = slots[bits >> low_bits];
        if (slot != no_slot) ++lower[slot][bits & (buckets - 1)];
      }
    });
    std::vector<float> out;
    for (const auto& place : places) {
      const auto& counts = lower[slots[place.bucket]];
      size_t low = 0;
      uint64_t before = 0;
      while (before + counts[low] <= place.rank) before += counts[low++];
      out.push_back(from_sortable(static_cast<uint32_t>(place.bucket << low_bits | low)));
    }
    return out;
  }

 private:
  std::span<const float> values_;
  std::span<const uint8_t> own_;
  std::vector<uint64_t> upper_;
};

}  // namespace

pixel_statistics measure_pixels(std::span<const float> values, std::span<const uint8_t> own) {
  pixel_statistics out;
  out.pixels = values.size() - static_cast<uint64_t>(std::count(own.begin(), own.end(), 0));
  moments all;
  float least = std::numeric_limits<float>::infinity(), most = -least;
  for_runs(values, own, [&](const float* run, size_t count) {
    all.join(moments_of(run, count));
    for (size_t i = 0; i < count; ++i) {
      least = run[i] < least ? run[i] : least;
      most = run[i] > most ? run[i] : most;
    }
    out.count += count;
  });
  if (out.count == 0) {
    out.mean = out.standard_deviation = out.least = out.most =
        std::numeric_limits<double>::quiet_NaN();
    out.percentiles.fill(std::numeric_limits<double>::quiet_NaN());
    return out;
  }
  out.mean = all.mean;
  out.standard_deviation = std::sqrt(all.squares / all.count);
  out.least = double(least);
  out.most = double(most);
  std::vector<uint64_t> ranks;
  std::array<double, told_percentiles.size()> beyond{};
  for (size_t i = 0; i < told_percentiles.size(); ++i) {
    const auto place = told_percentiles[i] / 100 * double(out.count - 1);
    const auto rank = static_cast<uint64_t>(place);
    beyond[i] = place - double(rank);
    ranks.push_back(rank);
    ranks.push_back(std::min(rank + 1, out.count - 1));
  }
  const auto found = rank_finder(values, own).find(ranks);
  for (size_t i = 0; i < told_percentiles.size(); ++i) {
    const double low = double(found[2 * i]), high = double(found[2 * i + 1]);
    out.percentiles[i] = low + (high - low) * beyond[i];
  }
  return out;
}

}  // namespace stip
