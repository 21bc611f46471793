#include "libstip/raster/new_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>
#include <vector>

namespace stip {

namespace {

/// Bytes that are copied at a time where the system cannot copy by itself.
constexpr size_t copy_buffer_bytes = size_t{1} << 20;

/// A name beside `path` that no other writer of any process on this machine uses.
std::string temporary_name(const std::filesystem::path& path) {
  static std::atomic<uint64_t> next{0};
  // Exported names are long already; the temporary one does not repeat them.
  return (path.parent_path() / (".stip-" + std::to_string(getpid()) + "-" + std::to_string(next++) +
                                path.extension().string()))
      .string();
}

result<void> sync_file(const std::string& name, const std::string& path) {
  const int file = ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return fail(system_error("write " + path, errno));
  const int status = ::fsync(file);
  const int failure = errno;
  ::close(file);
  if (status != 0) return fail(system_error("write " + path, failure));
  return {};
}

}  // namespace

result<new_file> new_file::beside(const std::string& path) {
  std::error_code failure;
  const auto parent = std::filesystem::path(path).parent_path();
  if (!parent.empty() && !std::filesystem::is_directory(parent, failure))
    return fail(ec::not_found, "write " + path, "there is no directory " + parent.string(),
                "create it first");
  return new_file(path, temporary_name(path));
}

new_file::new_file(new_file&& other) noexcept
    : path_(std::move(other.path_)), name_(std::exchange(other.name_, {})) {}

new_file::~new_file() {
  if (name_.empty()) return;
  std::error_code ignored;
  std::filesystem::remove(name_, ignored);
  // GDAL's own way of keeping what a format cannot hold.
  std::filesystem::remove(name_ + ".aux.xml", ignored);
}

result<void> new_file::commit() {
  STIP_TRY(sync_file(name_, path_));
  if (std::rename(name_.c_str(), path_.c_str()) != 0)
    return fail(system_error("write " + path_, errno));
  return {};
}

result<nameless_file> nameless_file::beside(const std::string& path) {
  const auto what = "keep pixels beside " + path;
  auto parent = std::filesystem::path(path).parent_path().string();
  if (parent.empty()) parent = ".";
  int file = ::open(parent.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);
  // Not every file system knows such files.
  if (file < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT || errno == EINVAL)) {
    const auto name = temporary_name(path);
    file = ::open(name.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (file >= 0) ::unlink(name.c_str());
  }
  if (file < 0) return fail(system_error(what, errno));
  return nameless_file(what, file);
}

nameless_file::nameless_file(nameless_file&& other) noexcept
    : what_(std::move(other.what_)), file_(std::exchange(other.file_, -1)) {}

nameless_file::~nameless_file() {
  if (file_ >= 0) ::close(file_);
}

result<void> nameless_file::write(uint64_t offset, std::span<const std::byte> bytes) const {
  return write_at(file_, offset, bytes, what_);
}

result<void> nameless_file::copy(uint64_t offset, uint64_t bytes, int to,
                                 uint64_t to_offset) const {
  bool by_system = true;
  std::vector<std::byte> buffer;
  while (bytes > 0) {
    ssize_t moved = 0;
    if (by_system) {
      auto from_at = static_cast<off64_t>(offset), to_at = static_cast<off64_t>(to_offset);
      moved = ::copy_file_range(file_, &from_at, to, &to_at, bytes, 0);
      if (moved < 0 && errno == EINTR) continue;
      if (moved < 0 && errno == ENOSPC) return fail(system_error(what_, errno));
      by_system = moved > 0;
    }
    if (!by_system) {
      buffer.resize(std::min<uint64_t>(copy_buffer_bytes, bytes));
      moved = ::pread(file_, buffer.data(), buffer.size(), static_cast<off_t>(offset));
      if (moved < 0 && errno == EINTR) continue;
      if (moved < 0) return fail(system_error(what_, errno));
      if (moved == 0) return fail(ec::io_error, what_, "its temporary file became shorter");
      STIP_TRY(write_at(to, to_offset, std::span(buffer).first(static_cast<size_t>(moved)), what_));
    }
    offset += static_cast<uint64_t>(moved);
    to_offset += static_cast<uint64_t>(moved);
    bytes -= static_cast<uint64_t>(moved);
  }
  return {};
}

result<void> write_at(int file, uint64_t offset, std::span<const std::byte> bytes,
                      const std::string& what) {
  while (!bytes.empty()) {
    const auto written = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail(system_error(what, errno));
    bytes = bytes.subspan(static_cast<size_t>(written));
    offset += static_cast<uint64_t>(written);
  }
  return {};
}

}  // namespace stip
