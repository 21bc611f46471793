#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "libstip/core/error.hpp"

namespace stip {

/// A file that takes its name only when it is complete: the bytes go to a temporary one beside it,
/// which is removed at the end of the scope when `commit` did not succeed.
class new_file {
 public:
  /// Errors: not_found when the directory is missing.
  static result<new_file> beside(const std::string& path);

  new_file(new_file&& other) noexcept;
  new_file& operator=(new_file&&) = delete;
  ~new_file();

  /// Where to write.
  const std::string& name() const noexcept { return name_; }
  /// The name in the end.
  const std::string& path() const noexcept { return path_; }

  /// Syncs the bytes and gives them their name. Errors: those of the system.
  result<void> commit();

 private:
  new_file(std::string path, std::string name) : path_(std::move(path)), name_(std::move(name)) {}

  std::string path_;
  std::string name_;
};

/// Bytes on the disk that no name leads to: gone with the object, however the process ends. Any
/// thread may append and read.
class nameless_file {
 public:
  /// In the directory of `path`. Errors: those of the system.
  static result<nameless_file> beside(const std::string& path);

  nameless_file(nameless_file&& other) noexcept;
  nameless_file& operator=(nameless_file&&) = delete;
  ~nameless_file();

  /// Writes the bytes at `offset`. Errors: io_error, no_space.
  result<void> write(uint64_t offset, std::span<const std::byte> bytes) const;
  /// Copies bytes to another open file. Errors: io_error, no_space.
  result<void> copy(uint64_t offset, uint64_t bytes, int to, uint64_t to_offset) const;

 private:
  nameless_file(std::string what, int file) : what_(std::move(what)), file_(file) {}

  std::string what_;
  int file_ = -1;
};

/// Writes all of the bytes at that place of an open file. `what` is for the error.
result<void> write_at(int file, uint64_t offset, std::span<const std::byte> bytes,
                      const std::string& what);

}  // namespace stip
