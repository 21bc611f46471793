#include "libstip/store/file_system.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace stip {

namespace {

/// Files may be read by the node's own user and group; nobody else has business there.
constexpr mode_t file_permissions = 0640;

template <class F>
auto retry_interrupted(F&& call) {
  auto returned = call();
  while (returned < 0 && errno == EINTR) returned = call();
  return returned;
}

class posix_file final : public writable_file {
 public:
  posix_file(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  posix_file(const posix_file&) = delete;
  posix_file& operator=(const posix_file&) = delete;
  ~posix_file() override { ::close(fd_); }

  result<void> write(uint64_t offset, std::span<const std::byte> bytes) override {
    while (!bytes.empty()) {
      const auto written = retry_interrupted(
          [&] { return ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
      if (written < 0) return fail(system_error("write " + path_, errno));
      if (written == 0)
        return fail(ec::io_error, "write " + path_, "the operating system wrote nothing");
      offset += static_cast<uint64_t>(written);
      bytes = bytes.subspan(static_cast<size_t>(written));
    }
    return {};
  }

  result<void> preallocate(uint64_t bytes) override {
    const auto size = static_cast<off_t>(bytes);
    if (retry_interrupted([&] { return ::fallocate(fd_, 0, 0, size); }) == 0) return {};
    if (errno != EOPNOTSUPP) return fail(system_error("preallocate " + path_, errno));
    // A file system that cannot reserve space still gives the file its length.
    struct stat info = {};
    if (::fstat(fd_, &info) != 0) return fail(system_error("preallocate " + path_, errno));
    if (info.st_size < size && ::ftruncate(fd_, size) != 0)
      return fail(system_error("preallocate " + path_, errno));
    return {};
  }

  result<void> sync() override {
    if (retry_interrupted([&] { return ::fdatasync(fd_); }) != 0)
      return fail(system_error("sync " + path_, errno));
    return {};
  }

 private:
  std::string path_;
  int fd_;
};

class posix_files final : public file_system {
 public:
  result<std::unique_ptr<writable_file>> create(const std::string& path) override {
    const int fd = retry_interrupted([&] {
      return ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, file_permissions);
    });
    if (fd < 0) {
      if (errno == EEXIST) return fail(ec::already_exists, "create " + path, "the file exists");
      return fail(system_error("create " + path, errno));
    }
    return std::make_unique<posix_file>(path, fd);
  }

  result<void> sync_directory(const std::string& path) override {
    const int fd =
        retry_interrupted([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
    if (fd < 0) return fail(system_error("sync directory " + path, errno));
    const auto synced = retry_interrupted([&] { return ::fsync(fd); });
    const int why = errno;
    ::close(fd);
    if (synced != 0) return fail(system_error("sync directory " + path, why));
    return {};
  }

  result<void> remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0) return fail(system_error("remove " + path, errno));
    return {};
  }

  result<uint64_t> free_bytes(const std::string& path) override {
    struct statvfs info = {};
    if (retry_interrupted([&] { return ::statvfs(path.c_str(), &info); }) != 0)
      return fail(system_error("ask for free space of " + path, errno));
    return uint64_t{info.f_bavail} * info.f_frsize;
  }
};

}  // namespace

file_system& posix_file_system() {
  // Stateless, so that sharing it shares nothing.
  static posix_files files;
  return files;
}

}  // namespace stip
