#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace stip {

/// A set of row numbers whose copies share what did not change: copying one and hiding a few rows
/// costs little, however many rows are hidden.
class hidden_rows {
 public:
  bool empty() const { return count_ == 0; }
  size_t count() const { return count_; }

  bool contains(uint32_t row) const {
    const auto chunk = row / chunk_rows;
    return chunk < chunks_.size() && chunks_[chunk] &&
           ((*chunks_[chunk])[row % chunk_rows / word_bits] >> (row % word_bits) & 1) != 0;
  }

  /// Hides rows in ascending order.
  void add(std::span<const uint32_t> rows) {
    for (size_t i = 0; i < rows.size();) {
      const auto number = rows[i] / chunk_rows;
      if (number >= chunks_.size()) chunks_.resize(number + 1);
      // A copy: other snapshots have the old one.
      auto chunk =
          chunks_[number] ? std::make_shared<words>(*chunks_[number]) : std::make_shared<words>();
      for (; i < rows.size() && rows[i] / chunk_rows == number; ++i) {
        auto& word = (*chunk)[rows[i] % chunk_rows / word_bits];
        const auto bit = uint64_t{1} << (rows[i] % word_bits);
        count_ += (word & bit) == 0 ? 1 : 0;
        word |= bit;
      }
      chunks_[number] = std::move(chunk);
    }
  }

  /// Calls `f(row)` for each, ascending.
  template <class F>
  void for_each(F&& f) const {
    for (size_t c = 0; c < chunks_.size(); ++c) {
      if (!chunks_[c]) continue;
      for (size_t w = 0; w < chunk_words; ++w)
        for (auto bits = (*chunks_[c])[w]; bits != 0; bits &= bits - 1)
          f(static_cast<uint32_t>(c * chunk_rows + w * word_bits +
                                  static_cast<size_t>(std::countr_zero(bits))));
    }
  }

 private:
  static constexpr size_t word_bits = 64;
  static constexpr size_t chunk_words = 512;
  static constexpr size_t chunk_rows = chunk_words * word_bits;
  using words = std::array<uint64_t, chunk_words>;

  std::vector<std::shared_ptr<const words>> chunks_;
  size_t count_ = 0;
};

}  // namespace stip
