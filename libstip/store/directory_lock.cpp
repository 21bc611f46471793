#include "libstip/store/directory_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

namespace stip {

namespace {

constexpr std::string_view lock_word = "stip pid ";
constexpr mode_t file_permissions = 0640;
constexpr size_t small_file_bytes = 128;

result<std::string> read_start(int fd, const std::string& path) {
  std::array<char, small_file_bytes> text;
  const auto got = ::pread(fd, text.data(), text.size(), 0);
  if (got < 0) return fail(system_error("read " + path, errno));
  return std::string(text.data(), static_cast<size_t>(got));
}

tl::unexpected<error> held(const std::string& path, const std::string& text, bool shared) {
  std::string holder = "another process";
  if (text.starts_with(lock_word))
    holder = "process " + text.substr(lock_word.size(), text.find('\n') - lock_word.size());
  if (shared)
    return fail(ec::locked, "lock " + path, holder + " is writing there",
                "ask the node that runs on this directory, or stop it");
  return fail(ec::locked, "lock " + path, "it is in use (its last writer was " + holder + ")",
              "ask the node that runs on this directory, or wait until its readers have ended");
}

}  // namespace

result<std::string> read_small_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail(system_error("open " + path, errno));
  auto text = read_start(fd, path);
  ::close(fd);
  return text;
}

directory_lock::~directory_lock() {
  if (fd_ >= 0) ::close(fd_);
}

result<directory_lock> directory_lock::take(const std::string& path, bool shared) {
  const int flags = shared ? O_RDONLY | O_CLOEXEC : O_RDWR | O_CREAT | O_CLOEXEC;
  const int fd = ::open(path.c_str(), flags, file_permissions);
  if (fd < 0) return fail(system_error("open " + path, errno));
  directory_lock lock{fd};
  STIP_ASSIGN(const auto text, read_start(fd, path));
  if (!text.empty() && !text.starts_with(lock_word))
    return fail(ec::invalid_argument, "lock " + path, "it is not a lock file of stip's",
                "name another directory");
  int taken = 0;
  do {
    taken = ::flock(fd, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB);
  } while (taken != 0 && errno == EINTR);
  if (taken != 0) {
    if (errno == EWOULDBLOCK) return held(path, text, shared);
    return fail(system_error("lock " + path, errno));
  }
  if (!shared) {
    const auto line = std::string(lock_word) + std::to_string(::getpid()) + "\n";
    // Longer than any earlier line only by digits; the rest is cut off.
    if (::pwrite(fd, line.data(), line.size(), 0) != static_cast<ssize_t>(line.size()) ||
        ::ftruncate(fd, static_cast<off_t>(line.size())) != 0)
      return fail(system_error("write " + path, errno));
  }
  return lock;
}

}  // namespace stip
