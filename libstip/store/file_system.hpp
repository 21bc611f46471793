#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "libstip/core/error.hpp"

namespace stip {

/// A file that is written by position and synced on demand.
class writable_file {
 public:
  virtual ~writable_file() = default;
  /// Writes all bytes at `offset`. Errors: no_space, io_error.
  virtual result<void> write(uint64_t offset, std::span<const std::byte> bytes) = 0;
  /// Gives the file `bytes` of disk space; it grows if it is shorter, never shrinks.
  virtual result<void> preallocate(uint64_t bytes) = 0;
  /// Data is durable when this returns (fdatasync).
  virtual result<void> sync() = 0;
};

/// The seam between stip's segments and the disk: production uses the operating system, tests
/// record, refuse, or lose what was not synced.
class file_system {
 public:
  virtual ~file_system() = default;
  /// Creates a new file; refuses an existing one (already_exists).
  virtual result<std::unique_ptr<writable_file>> create(const std::string& path) = 0;
  /// Makes entries of a directory durable (fsync of the directory).
  virtual result<void> sync_directory(const std::string& path) = 0;
  virtual result<void> remove(const std::string& path) = 0;
  /// Bytes free for this process on the file system that holds `path`.
  virtual result<uint64_t> free_bytes(const std::string& path) = 0;
};

/// The operating system's files (POSIX).
file_system& posix_file_system();

}  // namespace stip
