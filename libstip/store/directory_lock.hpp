#pragma once

#include <string>
#include <utility>

#include "libstip/core/error.hpp"

namespace stip {

/// The lock of a data directory: flock on a file, shared for readers, exclusive for the writer.
/// (fcntl's locks would not conflict within a process.) The writer's process id stands in the file.
/// It ends with the object or the process.
class directory_lock {
 public:
  /// A writer creates the file where it is absent; a reader needs it (not_found).
  /// Errors: locked (who holds it, what to do), io_error, forbidden, invalid_argument (the file is
  /// not one of ours).
  static result<directory_lock> take(const std::string& path, bool shared);

  directory_lock(directory_lock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  directory_lock& operator=(directory_lock&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~directory_lock();

 private:
  explicit directory_lock(int fd) : fd_(fd) {}
  int fd_;
};

/// The text of a file of a line or two; what goes beyond that is left out.
result<std::string> read_small_file(const std::string& path);

}  // namespace stip
