#pragma once

#include <gdal.h>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libstip/core/error.hpp"

// How GDAL is reached: which drivers may look at an input, whose words end up in an error, and
// which drivers are not safe in two threads. Nothing here changes GDAL's options.

namespace stip {

/// Collects what GDAL says on this thread, from its construction to its destruction. Objects nest;
/// the innermost one hears. GDAL's own printing to standard error is off meanwhile.
class gdal_errors {
 public:
  gdal_errors();
  ~gdal_errors();
  gdal_errors(const gdal_errors&) = delete;
  gdal_errors& operator=(const gdal_errors&) = delete;

  /// Whether a failure was reported (not only warnings).
  bool failed() const noexcept { return !failures_.empty(); }
  /// Whether a failure, or a warning that pixels could not be read as they were written.
  bool damaged() const noexcept { return failed() || damage_warned_; }
  /// Whether GDAL refused to allocate what the input asked for.
  bool out_of_memory() const noexcept { return out_of_memory_; }
  /// The first failures (or, without one, warnings), joined; empty when GDAL was silent.
  std::string text() const;

 private:
  static void take(int error_class, int number, const char* message) noexcept;

  std::vector<std::string> failures_;
  std::vector<std::string> warnings_;
  bool damage_warned_ = false;
  bool out_of_memory_ = false;
};

/// While it lives, GDAL writes nothing beside the archives that this thread reads: of a compressed
/// one it would leave a note of its size (NAME.properties) in the input's folder.
class gdal_no_notes {
 public:
  gdal_no_notes();
  ~gdal_no_notes();
  gdal_no_notes(const gdal_no_notes&) = delete;
  gdal_no_notes& operator=(const gdal_no_notes&) = delete;

 private:
  /// The thread's own setting before.
  std::optional<std::string> before_;
};

/// What GDAL may do in this process. HDF4, HDF5 and NetCDF come from libraries that allow one
/// thread only, and that crash on damaged files, also when a sidecar of another file leads GDAL to
/// them: only reader processes (format/reader_process.hpp) have their drivers.
enum class gdal_role : uint8_t { node, reader };

/// Registers GDAL's drivers, once in the process; the first call decides on the role.
void prepare_gdal(gdal_role role = gdal_role::node);

/// The role that was decided on; node, where none was yet.
gdal_role gdal_role_here() noexcept;

/// An open dataset; closes with the object. One thread at a time may use it.
class gdal_dataset {
 public:
  gdal_dataset() = default;
  gdal_dataset(GDALDatasetH handle, bool serial) : handle_(handle), serial_(serial) {}
  gdal_dataset(gdal_dataset&& other) noexcept
      : handle_(std::exchange(other.handle_, nullptr)), serial_(other.serial_) {}
  gdal_dataset& operator=(gdal_dataset&& other) noexcept;
  ~gdal_dataset() { close(); }

  GDALDatasetH handle() const noexcept { return handle_; }
  explicit operator bool() const noexcept { return handle_ != nullptr; }
  /// Whether the driver's library allows one call at a time in the whole process (HDF5, NetCDF).
  bool serial() const noexcept { return serial_; }
  /// Hold it around every call on the handle: locks for serial drivers, else does nothing.
  [[nodiscard]] std::unique_lock<std::recursive_mutex> lock() const;
  /// GDAL's short name of the driver, e.g. "GTiff".
  std::string driver() const;
  /// Closes it and returns what failed meanwhile, in the driver's words: GDAL writes the last bytes
  /// of a file when it is closed, and has no other way to say that it could not.
  std::string close() noexcept;

 private:
  GDALDatasetH handle_ = nullptr;
  bool serial_ = false;
};

/// Opens a file or a subdataset name for reading. Drivers that follow names to other places (VRT,
/// network services, memory addresses) are not asked: an input is one file.
/// Errors: unsupported when no driver knows it; malformed with the driver's words.
result<gdal_dataset> open_gdal(const std::string& name);

/// The short name of the driver that would open the file, by its first bytes; empty when none.
std::string identify_gdal(const std::string& name);

}  // namespace stip
