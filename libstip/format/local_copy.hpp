#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "libstip/core/error.hpp"
#include "libstip/raster/scene.hpp"

namespace stip {

/// Bytes of a file that is copied to memory at most.
inline constexpr uint64_t max_local_copy_bytes = uint64_t{2} << 30;

/// A name under which libraries that know only real files (HDF4) can open an input: its own, or for
/// a /vsi name that of a copy in memory, which lives as long as the object.
class local_copy {
 public:
  /// Errors: not_found, io_error, limit_exceeded (max_local_copy_bytes).
  static result<std::shared_ptr<const local_copy>> of(const std::string& input);
  ~local_copy();
  local_copy(const local_copy&) = delete;
  local_copy& operator=(const local_copy&) = delete;

  const std::string& name() const noexcept { return name_; }

 private:
  local_copy() = default;
  std::string name_;
  int memory_ = -1;
};

/// The scene, which keeps the copy as long as it lives.
std::unique_ptr<scene> keep_copy(std::shared_ptr<const local_copy> copy,
                                 std::unique_ptr<scene> source);

}  // namespace stip
