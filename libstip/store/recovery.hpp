#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libstip/store/commit.hpp"

namespace stip {

/// What the opening of a store finds out.
struct recovered {
  uint64_t store = 0;
  uint32_t next_segment = 1;
  lost_keys lost;
  std::vector<std::string> lost_names;
  store_statistics statistics;
};

/// Writes the store's own numbers into a new environment.
result<void> initialize_store(environment& env, geocode_algorithm algorithm);

/// Reads them, and compares the segments' files with what is named of them.
/// Errors: incompatible, invalid_argument (another algorithm), corrupt, io_error.
result<recovered> recover(const environment& env, const std::string& directory,
                          geocode_algorithm algorithm);

/// Removes files of segments that no chip names: they were begun, and no commit came. Only files of
/// a segment's name are touched.
result<void> remove_unnamed_segments(const environment& env, const std::string& directory,
                                     file_system& files);

/// Not zero. Errors: io_error.
result<uint64_t> random_id();

}  // namespace stip
