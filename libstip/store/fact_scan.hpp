#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "libstip/store/commit.hpp"
#include "libstip/store/environment.hpp"
#include "libstip/store/replica_facts.hpp"

namespace stip {

/// Goes over what is stored image by image, in the order of keys, in read transactions of bounded
/// length: each image is seen at one moment, whatever is committed between two steps.
class fact_scan {
 public:
  /// `from` is empty or where another scan of this store stood. All arguments outlive the scan.
  fact_scan(const environment& env, geocode_algorithm algorithm, const slice_of& slices,
            std::string from)
      : env_(&env), algorithm_(algorithm), slices_(&slices), position_(std::move(from)) {}

  using take = std::function<void(uint32_t slice, replica_fact fact)>;

  /// One transaction: gives the facts of some more images; stops behind the image with which there
  /// are `most_facts` or more. Errors: corrupt, io_error, internal (a slice beyond the last).
  result<void> step(const lost_keys& lost, size_t most_facts, const take& give);

  bool done() const { return done_; }
  /// Where the next step begins.
  const std::string& position() const { return position_; }

 private:
  result<void> look_up_slice(std::string_view prefix);

  const environment* env_;
  const geocode_algorithm algorithm_;
  const slice_of* slices_;
  std::string position_;
  bool done_ = false;
  /// Platform and geocode of the image before, as they stand in keys, and its slice.
  std::string run_;
  std::optional<uint32_t> slice_;
};

}  // namespace stip
