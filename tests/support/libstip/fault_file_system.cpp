#include "tests/support/libstip/fault_file_system.hpp"

#include <filesystem>
#include <fstream>
#include <system_error>

namespace stip::test {

namespace {

constexpr uint64_t page_bytes = 4096;

std::vector<std::byte> read_page(const std::string& path, uint64_t page) {
  std::vector<std::byte> bytes(page_bytes);
  std::ifstream in{path, std::ios::binary};
  in.seekg(static_cast<std::streamoff>(page * page_bytes));
  in.read(reinterpret_cast<char*>(bytes.data()), page_bytes);
  return bytes;
}

}  // namespace

class fault_file_system::file final : public writable_file {
 public:
  file(fault_file_system& owner, std::string path, std::unique_ptr<writable_file> real)
      : owner_(&owner), path_(std::move(path)), real_(std::move(real)) {}

  result<void> write(uint64_t offset, std::span<const std::byte> bytes) override {
    std::lock_guard lock{owner_->mutex_};
    auto& t = owner_->tracked_[path_];
    const auto end = offset + bytes.size();
    STIP_TRY(owner_->take_space(t, end, path_));
    for (auto page = offset / page_bytes; page * page_bytes < end; ++page)
      if (!t.old_pages.contains(page)) t.old_pages.emplace(page, read_page(path_, page));
    t.size = std::max(t.size, end);
    return real_->write(offset, bytes);
  }

  result<void> preallocate(uint64_t bytes) override {
    std::lock_guard lock{owner_->mutex_};
    auto& t = owner_->tracked_[path_];
    STIP_TRY(owner_->take_space(t, bytes, path_));
    t.size = std::max(t.size, bytes);
    return real_->preallocate(bytes);
  }

  result<void> sync() override {
    std::lock_guard lock{owner_->mutex_};
    ++owner_->syncs_;
    if (owner_->failing_syncs_ > 0) {
      --owner_->failing_syncs_;
      return fail(ec::io_error, "sync " + path_, "injected fault");
    }
    STIP_TRY(real_->sync());
    auto& t = owner_->tracked_[path_];
    t.old_pages.clear();
    t.synced_size = t.size;
    return {};
  }

 private:
  fault_file_system* owner_;
  std::string path_;
  std::unique_ptr<writable_file> real_;
};

void fault_file_system::limit_space(uint64_t bytes) {
  std::lock_guard lock{mutex_};
  limited_ = true;
  space_ = bytes;
}

void fault_file_system::unlimit_space() {
  std::lock_guard lock{mutex_};
  limited_ = false;
}

void fault_file_system::fail_syncs(size_t count) {
  std::lock_guard lock{mutex_};
  failing_syncs_ = count;
}

void fault_file_system::fail_directory_syncs(size_t count) {
  std::lock_guard lock{mutex_};
  failing_directory_syncs_ = count;
}

size_t fault_file_system::syncs() const {
  std::lock_guard lock{mutex_};
  return syncs_;
}

result<void> fault_file_system::take_space(tracked& t, uint64_t end, const std::string& path) {
  if (!limited_ || end <= t.size) return {};
  if (end - t.size > space_) return fail(ec::no_space, "write " + path, "injected fault");
  space_ -= end - t.size;
  return {};
}

void fault_file_system::drop_unsynced() {
  std::lock_guard lock{mutex_};
  for (auto& [path, t] : tracked_) {
    std::error_code why;
    if (!std::filesystem::exists(path, why)) continue;
    if (!t.in_directory) {
      std::filesystem::remove(path, why);
      continue;
    }
    std::fstream out{path, std::ios::binary | std::ios::in | std::ios::out};
    for (const auto& [page, bytes] : t.old_pages) {
      out.seekp(static_cast<std::streamoff>(page * page_bytes));
      out.write(reinterpret_cast<const char*>(bytes.data()), page_bytes);
    }
    out.close();
    std::filesystem::resize_file(path, t.synced_size, why);
  }
  tracked_.clear();
}

result<std::unique_ptr<writable_file>> fault_file_system::create(const std::string& path) {
  STIP_ASSIGN(auto real, files_->create(path));
  std::lock_guard lock{mutex_};
  tracked_[path] = {};
  return std::make_unique<file>(*this, path, std::move(real));
}

result<void> fault_file_system::sync_directory(const std::string& path) {
  std::lock_guard lock{mutex_};
  if (failing_directory_syncs_ > 0) {
    --failing_directory_syncs_;
    return fail(ec::io_error, "sync directory " + path, "injected fault");
  }
  STIP_TRY(files_->sync_directory(path));
  const auto directory = std::filesystem::path(path).lexically_normal();
  for (auto& [name, t] : tracked_)
    if (std::filesystem::path(name).parent_path().lexically_normal() == directory)
      t.in_directory = true;
  return {};
}

result<void> fault_file_system::remove(const std::string& path) {
  STIP_TRY(files_->remove(path));
  std::lock_guard lock{mutex_};
  tracked_.erase(path);
  return {};
}

result<uint64_t> fault_file_system::free_bytes(const std::string& path) {
  {
    std::lock_guard lock{mutex_};
    if (limited_) return space_;
  }
  return files_->free_bytes(path);
}

}  // namespace stip::test
