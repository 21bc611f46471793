#include "libstip/cluster/chip_copy.hpp"

#include <cstddef>
#include <span>
#include <vector>

#include "libstip/core/defaults.hpp"

namespace stip {

result<chip_part> chip_copy::next() {
  // A compaction may move the blocks, or their file go, between looking up and reading.
  for (int attempt = 1;; ++attempt) {
    if (!record_) {
      STIP_ASSIGN(record_, store_->chip(chip_));
    }
    auto end = next_block_;
    auto part = read_part(end);
    if (part) {
      next_block_ = end;
      done_ = end == record_->blocks.size();
      return part;
    }
    if (part.error().code != ec::not_found || attempt == defaults::read_attempts) return part;
    record_.reset();
  }
}

result<chip_part> chip_copy::read_part(uint64_t& end) {
  const std::span all{record_->blocks};
  chip_part part;
  part.upload = upload_;
  uint64_t size = 0;
  for (; end < all.size(); ++end) {
    const auto bytes = all[end].bytes;
    if (bytes == 0) continue;
    if (size > 0 && size + bytes > defaults::max_message_bytes) break;
    size += bytes;
    part.blocks.push_back(static_cast<uint32_t>(end));
  }
  std::vector<std::byte> bytes;
  bytes.reserve(size);
  STIP_TRY(store_->read(all.subspan(next_block_, end - next_block_), bytes));
  part.records.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (end == all.size()) part.description = encode(record_->chip);
  return part;
}

}  // namespace stip
