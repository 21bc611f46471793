#include "libstip/catalog/name_table.hpp"

#include <algorithm>

namespace stip {

uint32_t name_table::lower_bound(std::string_view name) const {
  size_t first = 0, last = size();
  while (first < last) {
    const auto middle = first + (last - first) / 2;
    if ((*this)[middle] < name)
      first = middle + 1;
    else
      last = middle;
  }
  return static_cast<uint32_t>(first);
}

uint64_t name_table::place(std::string_view name) const {
  const auto i = lower_bound(name);
  return 2 * uint64_t{i} + (i < size() && (*this)[i] == name ? 1 : 0);
}

void name_table::append(std::string_view name) {
  bytes_ += name;
  ends_.push_back(bytes_.size());
}

name_table name_table::merge(const name_table& a, const name_table& b, std::vector<uint32_t>& new_a,
                             std::vector<uint32_t>& new_b) {
  name_table out;
  out.bytes_.reserve(a.bytes_.size() + b.bytes_.size());
  out.ends_.reserve(a.size() + b.size());
  new_a.resize(a.size());
  new_b.resize(b.size());
  for (size_t i = 0, k = 0; i < a.size() || k < b.size();) {
    const int order = i == a.size() ? 1 : k == b.size() ? -1 : a[i].compare(b[k]);
    const auto number = static_cast<uint32_t>(out.size());
    out.append(order <= 0 ? a[i] : b[k]);
    if (order <= 0) new_a[i++] = number;
    if (order >= 0) new_b[k++] = number;
  }
  return out;
}

void name_table::prune(std::vector<uint32_t>& column) {
  std::vector<uint8_t> used(size(), 0);
  for (const auto id : column) used[id] = 1;
  if (std::find(used.begin(), used.end(), 0) == used.end()) return;
  name_table kept;
  std::vector<uint32_t> numbers(size());
  for (size_t i = 0; i < size(); ++i) {
    numbers[i] = static_cast<uint32_t>(kept.size());
    if (used[i]) kept.append((*this)[i]);
  }
  for (auto& id : column) id = numbers[id];
  *this = std::move(kept);
}

}  // namespace stip
