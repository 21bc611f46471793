#pragma once

#include <cstdint>
#include <optional>

#include "libstip/catalog/image.hpp"
#include "libstip/core/error.hpp"
#include "libstip/store/chip_writer.hpp"
#include "libstip/store/replica_store.hpp"

namespace stip {

/// Reads a stored chip as the parts that bring it to another node, one after the other and each of
/// about defaults::max_message_bytes at most, so that a chip of any size travels in bounded memory.
///
///     for (chip_copy copy{store, *fact.chip, upload}; !copy.done();) {
///       STIP_ASSIGN(auto part, copy.next());
///       ...
///     }
class chip_copy {
 public:
  /// `upload` tells the parts from all others: it is never used for another chip or another try.
  /// The store outlives this.
  chip_copy(const replica_store& store, chip_description chip, const hash128& upload)
      : store_(&store), chip_(std::move(chip)), upload_(upload) {}

  /// The next part. Blocks without a byte are not sent; the last part has the description (of the
  /// version that is stored now, which may be newer than the one that was asked for).
  /// Errors: not_found (the chip is no longer there, or has other content: what was sent of it is
  /// of no use), corrupt, io_error.
  result<chip_part> next();

  /// The last part was given.
  bool done() const { return done_; }

 private:
  result<chip_part> read_part(uint64_t& end);

  const replica_store* store_;
  const chip_description chip_;
  const hash128 upload_;
  /// Where its blocks were when they were looked up last.
  std::optional<chip_record> record_;
  uint64_t next_block_ = 0;
  bool done_ = false;
};

}  // namespace stip
