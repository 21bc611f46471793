#include "libstip/store/block_stream.hpp"

#include <algorithm>
#include <utility>

#include "libstip/raster/block.hpp"
#include "libstip/store/segment.hpp"

namespace stip {

namespace {

constexpr auto mend = "repair the album from another node, or store the scene again";

/// Bounds what a place that cannot be right makes us allocate.
bool is_too_large(const block_location& block) {
  return block.bytes >
         max_record_bytes(pixel_type::float64, defaults::max_block_edge, defaults::max_block_edge);
}

}  // namespace

block_stream::block_stream(segment_reader& reader, std::vector<block_location> blocks,
                           const options& o)
    : reader_(reader), blocks_(std::move(blocks)), ahead_bytes_(o.ahead_bytes) {
  plan(o);
  const auto depth = std::min(std::max<size_t>(o.depth, 1), requests_.size());
  for (size_t i = 0; i < depth; ++i)
    threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
}

block_stream::~block_stream() {
  for (auto& thread : threads_) thread.request_stop();
}

void block_stream::plan(const options& o) {
  for (size_t i = 0; i < blocks_.size(); ++i) {
    const auto& block = blocks_[i];
    if (block.bytes == 0 || is_too_large(block)) continue;
    if (!requests_.empty()) {
      auto& last = requests_.back();
      const auto end = last.offset + last.bytes;
      if (last.segment == block.segment && block.offset >= end &&
          block.offset - end <= o.gap_bytes &&
          block.offset + block.bytes - last.offset <= o.request_bytes) {
        last.bytes = block.offset + block.bytes - last.offset;
        last.last = i + 1;
        continue;
      }
    }
    requests_.push_back({block.segment, block.offset, block.bytes, i, i + 1});
  }
}

block_stream::buffer block_stream::take_buffer(uint64_t bytes) {
  const auto fits = std::find_if(free_.begin(), free_.end(),
                                 [&](const buffer& b) { return b.capacity >= bytes; });
  if (fits == free_.end()) {
    // A smaller one makes room for one that fits.
    if (!free_.empty()) free_.pop_back();
    return {};
  }
  auto found = std::move(*fits);
  free_.erase(fits);
  return found;
}

void block_stream::work(const std::stop_token& stop) {
  std::unique_lock lock{mutex_};
  while (true) {
    const auto may_begin = [&] {
      return next_request_ >= requests_.size() || held_bytes_ == 0 ||
             held_bytes_ + requests_[next_request_].bytes <= ahead_bytes_;
    };
    if (!changed_.wait(lock, stop, may_begin) || next_request_ >= requests_.size()) return;
    const auto number = next_request_++;
    const auto& wanted = requests_[number];
    held_bytes_ += wanted.bytes;
    high_water_ = std::max(high_water_, held_bytes_);
    auto into = take_buffer(wanted.bytes);
    lock.unlock();
    if (into.capacity < wanted.bytes)
      into = {std::make_unique_for_overwrite<std::byte[]>(wanted.bytes), wanted.bytes};
    auto outcome =
        reader_.read(wanted.segment, wanted.offset, std::span{into.bytes.get(), wanted.bytes});
    lock.lock();
    answers_.emplace(number, answer{std::move(into), std::move(outcome)});
    changed_.notify_all();
  }
}

result<void> block_stream::check(const block_location& place,
                                 std::span<const std::byte> record) const {
  const auto what = [&] {
    return "read block at " + std::to_string(place.offset) + " of " + segment_name(place.segment);
  };
  if (const auto sound = verify_block(record); !sound)
    return fail(ec::corrupt, what(), sound.error().why, mend);
  const auto header = parse_block(record);
  if (!header || record_bytes(*header) != place.bytes)
    return fail(ec::corrupt, what(), "the record has another length", mend);
  return {};
}

std::optional<block_stream::block> block_stream::next() {
  if (taken_ >= blocks_.size()) return {};
  const auto number = taken_++;
  const auto& place = blocks_[number];
  if (place.bytes == 0) return block{number, {}, {}};
  if (is_too_large(place))
    return block{number,
                 {},
                 fail(ec::corrupt, "read a block",
                      std::to_string(place.bytes) + " bytes are more than any block has", mend)};
  if (current_ && number >= requests_[at_request_].last) {
    const std::lock_guard lock{mutex_};
    held_bytes_ -= requests_[at_request_].bytes;
    free_.push_back(std::move(current_->content));
    current_.reset();
    ++at_request_;
    changed_.notify_all();
  }
  if (!current_) {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return answers_.contains(at_request_); });
    current_ = std::move(answers_.extract(at_request_).mapped());
  }
  const auto& from = requests_[at_request_];
  auto outcome = current_->outcome;
  if (!outcome && from.last - from.first > 1) {
    // One bad place must not speak for its neighbours.
    outcome = reader_.read(place.segment, place.offset,
                           std::span{current_->content.bytes.get(), place.bytes});
    const std::span<const std::byte> alone{current_->content.bytes.get(), place.bytes};
    if (outcome) outcome = check(place, alone);
    return block{number, outcome ? alone : std::span<const std::byte>{}, outcome};
  }
  if (!outcome) return block{number, {}, outcome};
  const std::span<const std::byte> record{
      current_->content.bytes.get() + (place.offset - from.offset), place.bytes};
  outcome = check(place, record);
  return block{number, outcome ? record : std::span<const std::byte>{}, outcome};
}

uint64_t block_stream::high_water() const {
  const std::lock_guard lock{mutex_};
  return high_water_;
}

}  // namespace stip
