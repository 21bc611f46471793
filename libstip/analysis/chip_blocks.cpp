#include "libstip/analysis/chip_blocks.hpp"

#include <algorithm>

#include "libstip/raster/block.hpp"

namespace stip {

namespace {

/// Blocks that nobody wants are read too where they part others by no more: a question costs more.
constexpr uint64_t max_gap = 2;

/// What a block without data counts in the cache.
constexpr uint64_t entry_bytes = 128;

uint64_t bytes_of(const decoded_block& pixels) {
  return entry_bytes + (pixels ? pixels->size() : 0);
}

}  // namespace

result<std::vector<decoded_block>> block_cache::get(uint64_t chip_number, const chip_place& chip,
                                                    std::span<const uint64_t> numbers) {
  std::vector<decoded_block> out(numbers.size());
  std::vector<uint64_t> own;
  std::vector<size_t> others;
  {
    const std::lock_guard lock{mutex_};
    requests_ += numbers.size();
    for (size_t i = 0; i < numbers.size(); ++i) {
      const std::pair key{chip_number, numbers[i]};
      const auto [at, added] = entries_.try_emplace(key);
      if (added) {
        own.push_back(numbers[i]);
      } else if (at->second.pending) {
        others.push_back(i);
      } else {
        out[i] = at->second.pixels;
        order_.splice(order_.end(), order_, at->second.used);
      }
    }
    reads_ += own.size();
  }
  // Own ones first, without waiting: so no two threads wait for each other.
  std::vector<decoded_block> fetched(own.size());
  if (auto done = fetch(chip_number, chip, own, fetched); !done) {
    give_up(chip_number, own);
    return fail(std::move(done).error());
  }
  for (size_t i = 0; i < own.size(); ++i) {
    const auto at = std::lower_bound(numbers.begin(), numbers.end(), own[i]) - numbers.begin();
    out[static_cast<size_t>(at)] = std::move(fetched[i]);
  }
  for (const size_t i : others) {
    const std::pair key{chip_number, numbers[i]};
    std::unique_lock lock{mutex_};
    came_.wait(lock, [&] {
      const auto at = entries_.find(key);
      return at == entries_.end() || !at->second.pending;
    });
    if (const auto at = entries_.find(key); at != entries_.end()) {
      out[i] = at->second.pixels;
      continue;
    }
    lock.unlock();
    // Whoever read it could not, or it was dropped again already.
    const uint64_t number = numbers[i];
    STIP_ASSIGN(auto again, get(chip_number, chip, {&number, 1}));
    out[i] = std::move(again.front());
  }
  return out;
}

result<void> block_cache::fetch(uint64_t chip_number, const chip_place& chip,
                                std::span<const uint64_t> numbers,
                                std::vector<decoded_block>& out) {
  block_decoder decoder;
  for (size_t i = 0; i < numbers.size();) {
    size_t end = i + 1;
    while (end < numbers.size() && numbers[end] <= numbers[end - 1] + 1 + max_gap) ++end;
    const auto take = [&](uint64_t block, std::span<const std::byte> record) -> result<void> {
      const auto from = numbers.begin() + static_cast<ptrdiff_t>(i);
      const auto to = numbers.begin() + static_cast<ptrdiff_t>(end);
      const auto at = std::lower_bound(from, to, block);
      if (at == to || *at != block) return {};
      STIP_ASSIGN(const auto header, parse_block(record));
      const auto rect = chip.blocks().block(
          static_cast<int64_t>(block % static_cast<uint64_t>(chip.blocks().count())));
      if (header.columns != rect.width || header.rows != rect.height)
        return fail(ec::malformed, "read a block of " + *chip.image,
                    "its shape is not what the chip has there", "look at the node's log");
      auto pixels = std::make_shared<std::vector<std::byte>>(pixel_bytes(header));
      STIP_TRY(decoder.decode_block(record, *pixels));
      out[static_cast<size_t>(at - numbers.begin())] = std::move(pixels);
      return {};
    };
    STIP_TRY(source_.read(chip, numbers[i], numbers[end - 1] + 1, take));
    i = end;
  }
  {
    const std::lock_guard lock{mutex_};
    for (size_t i = 0; i < numbers.size(); ++i) keep({chip_number, numbers[i]}, out[i]);
  }
  came_.notify_all();
  return {};
}

void block_cache::keep(const std::pair<uint64_t, uint64_t>& key, decoded_block pixels) {
  auto& kept = entries_[key];
  bytes_ += bytes_of(pixels);
  kept.pixels = std::move(pixels);
  kept.pending = false;
  kept.used = order_.insert(order_.end(), key);
  while (bytes_ > max_bytes_ && order_.size() > 1) {
    const auto oldest = entries_.find(order_.front());
    bytes_ -= bytes_of(oldest->second.pixels);
    entries_.erase(oldest);
    order_.pop_front();
  }
  peak_bytes_ = std::max(peak_bytes_, bytes_);
}

void block_cache::give_up(uint64_t chip_number, std::span<const uint64_t> numbers) {
  {
    const std::lock_guard lock{mutex_};
    for (const auto number : numbers) entries_.erase({chip_number, number});
  }
  came_.notify_all();
}

uint64_t block_cache::reads() const {
  const std::lock_guard lock{mutex_};
  return reads_;
}

uint64_t block_cache::requests() const {
  const std::lock_guard lock{mutex_};
  return requests_;
}

uint64_t block_cache::peak_bytes() const {
  const std::lock_guard lock{mutex_};
  return peak_bytes_;
}

}  // namespace stip
