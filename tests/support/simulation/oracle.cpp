#include "tests/support/simulation/oracle.hpp"

#include <algorithm>

#include "libstip/core/defaults.hpp"

namespace stip::sim {

namespace {

/// Of writes that are farther apart than this the later has the newer version, whatever the clocks
/// of their nodes say: twice what clocks may differ.
constexpr int64_t apart_ms = 2 * defaults::max_clock_skew.count();

}  // namespace

bool oracle::write::concerns(const std::string& key) const {
  return is_store ? pixels.contains(key) : match(key);
}

bool oracle::write::confirms(const std::string& key) const {
  if (confirmed_ms == INT64_MAX) return false;
  return std::find(images.begin(), images.end(), key) != images.end();
}

size_t oracle::store_begins(int64_t now_ms, const version& written,
                            const std::vector<sample_image>& images) {
  write w;
  w.is_store = true;
  w.written = written;
  w.began_ms = now_ms;
  for (const auto& image : images) w.pixels[to_string(image.key)] = pixels_of(image);
  const auto number = writes_.size();
  for (const auto& [key, pixels] : w.pixels) {
    const auto [at, fresh] = of_key_.try_emplace(key);
    if (fresh)
      for (size_t i = 0; i < number; ++i)
        if (writes_[i].concerns(key)) at->second.push_back(i);
    at->second.push_back(number);
  }
  writes_.push_back(std::move(w));
  return number;
}

size_t oracle::erase_begins(int64_t now_ms, matches match) {
  write w;
  w.began_ms = now_ms;
  w.match = std::move(match);
  for (auto& [key, numbers] : of_key_)
    if (w.match(key)) numbers.push_back(writes_.size());
  writes_.push_back(std::move(w));
  return writes_.size() - 1;
}

std::string oracle::confirmed(int64_t now_ms, size_t number, const write_answer& answer) {
  auto& w = writes_[number];
  w.confirmed_ms = now_ms;
  w.images = answer.confirmed;
  ++(w.is_store ? stores_ : deletions_);
  for (const auto& [key, numbers] : of_key_) {
    if (!w.confirms(key) || !w.concerns(key)) continue;
    for (const auto i : numbers) {
      const auto& before = writes_[i];
      if (before.confirms(key) && before.confirmed_ms + apart_ms < w.began_ms &&
          before.written > w.written)
        return "a write of " + key + " has an older version than one that was confirmed " +
               std::to_string(w.began_ms - before.confirmed_ms) + " ms before it";
    }
  }
  return {};
}

std::string oracle::check(int64_t began_ms, int64_t now_ms, const search_answer& answer) const {
  for (const auto& [key, row] : answer.images)
    if (!of_key_.contains(key)) return key + " was never stored";
  for (const auto& [key, numbers] : of_key_) {
    const auto row = answer.images.find(key);
    auto wrong =
        check_image(key, began_ms, now_ms, row == answer.images.end() ? nullptr : &row->second);
    if (!wrong.empty()) return key + " " + wrong;
  }
  return {};
}

std::string oracle::check_image(const std::string& key, int64_t began_ms, int64_t now_ms,
                                const found_image* row) const {
  const auto& numbers = of_key_.at(key);
  const write* newest = nullptr;
  for (const auto i : numbers) {
    const auto& w = writes_[i];
    if (w.is_store && w.confirmed_ms <= began_ms && w.confirms(key) &&
        (newest == nullptr || w.written > newest->written))
      newest = &w;
  }
  if (row != nullptr) {
    const write* shown = nullptr;
    for (const auto i : numbers)
      if (writes_[i].is_store && writes_[i].written == row->written &&
          writes_[i].pixels.at(key) == row->pixels)
        shown = &writes_[i];
    if (shown == nullptr) return "shows what was never stored";
    for (const auto i : numbers) {
      const auto& w = writes_[i];
      if (w.is_store || w.confirmed_ms > began_ms || w.written < row->written) continue;
      // It has deleted what it found, and what was confirmed before it began.
      if (w.confirms(key) || (shown->confirmed_ms <= w.began_ms && shown->confirms(key)))
        return "is shown in version " + to_string(row->written) + " though a deletion of version " +
               to_string(w.written) + " was confirmed";
    }
    if (newest != nullptr && row->written < newest->written)
      return "is shown in version " + to_string(row->written) + " though " +
             to_string(newest->written) + " was confirmed";
    return {};
  }
  if (newest == nullptr) return {};
  for (const auto i : numbers) {
    const auto& w = writes_[i];
    if (!w.is_store && w.began_ms <= now_ms && w.written > newest->written) return {};
  }
  return "is missing, which was confirmed in version " + to_string(newest->written);
}

}  // namespace stip::sim
