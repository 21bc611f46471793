#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "libstip/store/file_system.hpp"

namespace stip::test {

/// The operating system's files with faults: a disk that fills up, syncs that fail, and a power
/// failure that takes back what was not synced. Thread-safe. Outlives the files that it creates.
class fault_file_system final : public file_system {
 public:
  explicit fault_file_system(file_system& files = posix_file_system()) : files_(&files) {}

  /// Only so many more bytes can be given to files (new bytes, however they come); then no_space.
  void limit_space(uint64_t bytes);
  void unlimit_space();

  /// The next `count` syncs of files, or of directories, fail with io_error.
  void fail_syncs(size_t count);
  void fail_directory_syncs(size_t count);

  size_t syncs() const;

  /// What a power failure leaves: every file as it was when it was last synced, and none whose
  /// directory was not synced after its creation. The caller has closed the files.
  void drop_unsynced();

  result<std::unique_ptr<writable_file>> create(const std::string& path) override;
  result<void> sync_directory(const std::string& path) override;
  result<void> remove(const std::string& path) override;
  result<uint64_t> free_bytes(const std::string& path) override;

 private:
  class file;
  struct tracked {
    uint64_t size = 0;
    uint64_t synced_size = 0;
    bool in_directory = false;
    /// Pages as they were at the last sync, of those written since.
    std::map<uint64_t, std::vector<std::byte>> old_pages;
  };

  result<void> take_space(tracked& t, uint64_t end, const std::string& path);

  file_system* files_;
  mutable std::mutex mutex_;
  std::map<std::string, tracked> tracked_;
  bool limited_ = false;
  uint64_t space_ = 0;
  size_t failing_syncs_ = 0;
  size_t failing_directory_syncs_ = 0;
  size_t syncs_ = 0;
};

}  // namespace stip::test
