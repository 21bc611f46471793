#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace stip {

/// Sorted distinct names in one buffer; the number of a name is its place in the order.
class name_table {
 public:
  size_t size() const { return ends_.size(); }
  std::string_view operator[](size_t i) const {
    const auto begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(bytes_).substr(begin, ends_[i] - begin);
  }

  /// The number of the first name that is not before `name`; size() when all are.
  uint32_t lower_bound(std::string_view name) const;

  /// Where `name` stands among the numbers: 2 i + 1 if it is name i, 2 i if it would stand before
  /// name i. So that of two names, in the table or not, the order is that of their places.
  uint64_t place(std::string_view name) const;

  /// Appends a name, which must be after all others.
  void append(std::string_view name);

  /// The union of two tables, and the new number of each old one.
  static name_table merge(const name_table& a, const name_table& b, std::vector<uint32_t>& new_a,
                          std::vector<uint32_t>& new_b);

  /// Drops the names that no number of `column` means, and renumbers it.
  void prune(std::vector<uint32_t>& column);

  size_t memory_bytes() const { return bytes_.capacity() + ends_.capacity() * sizeof(uint64_t); }

 private:
  std::string bytes_;
  std::vector<uint64_t> ends_;
};

}  // namespace stip
