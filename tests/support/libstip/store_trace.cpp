#include "tests/support/libstip/store_trace.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "libstip/store/environment.hpp"
#include "libstip/store/records.hpp"

namespace stip::test {

namespace {

constexpr size_t page_bytes = 4096;
constexpr auto metadata_name = "metadata.mdb";

void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream out{path, std::ios::binary};
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace

class store_recorder::file final : public writable_file {
 public:
  file(store_recorder& owner, std::string path, std::unique_ptr<writable_file> real)
      : owner_(&owner), path_(std::move(path)), real_(std::move(real)) {}

  result<void> write(uint64_t offset, std::span<const std::byte> bytes) override {
    owner_->add({trace_event::kind::write,
                 path_,
                 {reinterpret_cast<const char*>(bytes.data()), bytes.size()},
                 {},
                 offset});
    return real_->write(offset, bytes);
  }
  result<void> preallocate(uint64_t bytes) override {
    owner_->add({trace_event::kind::preallocate, path_, {}, {}, bytes});
    return real_->preallocate(bytes);
  }
  result<void> sync() override {
    STIP_TRY(real_->sync());
    if (!owner_->forget_syncs_) owner_->add({trace_event::kind::sync, path_, {}, {}, 0});
    return {};
  }

 private:
  store_recorder* owner_;
  std::string path_;
  std::unique_ptr<writable_file> real_;
};

result<std::unique_ptr<writable_file>> store_recorder::create(const std::string& path) {
  STIP_ASSIGN(auto real, posix_file_system().create(path));
  add({trace_event::kind::create, path, {}, {}, 0});
  return std::make_unique<file>(*this, path, std::move(real));
}

result<void> store_recorder::sync_directory(const std::string& path) {
  STIP_TRY(posix_file_system().sync_directory(path));
  add({trace_event::kind::sync_directory, path, {}, {}, 0});
  return {};
}

result<void> store_recorder::remove(const std::string& path) {
  STIP_TRY(posix_file_system().remove(path));
  add({trace_event::kind::remove, path, {}, {}, 0});
  return {};
}

result<uint64_t> store_recorder::free_bytes(const std::string& path) {
  return posix_file_system().free_bytes(path);
}

void store_recorder::put(std::string_view database, std::string_view key, std::string_view value) {
  add({trace_event::kind::put, std::string(database), std::string(key), std::string(value), 0});
}

void store_recorder::erase(std::string_view database, std::string_view key) {
  add({trace_event::kind::erase, std::string(database), std::string(key), {}, 0});
}

/// An LMDB environment that has the transactions of the trace so far.
class crash_replay::metadata {
 public:
  explicit metadata(const std::string& path) {
    environment::options o;
    o.databases = table::all();
    o.map_bytes = 64 << 20;
    auto opened = environment::open(path, o, posix_file_system());
    if (opened) env_ = std::move(*opened);
  }
  void apply(const std::vector<trace_event>& changes) {
    const auto names = table::all();
    (void)env_->write([&](write_transaction& txn) -> result<void> {
      for (const auto& change : changes) {
        const auto db = static_cast<database>(std::find(names.begin(), names.end(), change.name) -
                                              names.begin());
        if (change.what == trace_event::kind::put)
          STIP_TRY(txn.put(db, change.bytes, change.value));
        else
          STIP_TRY(txn.erase(db, change.bytes));
      }
      return {};
    });
  }

 private:
  std::unique_ptr<environment> env_;
};

crash_replay::crash_replay(std::string recorded_directory, std::string scratch)
    : directory_(std::move(recorded_directory)), scratch_(std::move(scratch)) {
  metadata_ = std::make_unique<metadata>(scratch_ + "/" + metadata_name);
}

crash_replay::~crash_replay() = default;

std::string crash_replay::snapshot(size_t transaction) const {
  return scratch_ + "/after-" + std::to_string(transaction);
}

void crash_replay::apply_transaction() {
  metadata_->apply(transaction_);
  ++applied_;
  std::filesystem::copy_file(scratch_ + "/" + metadata_name, snapshot(applied_));
}

bool crash_replay::advance(const trace_event& event) {
  using kind = trace_event::kind;
  switch (event.what) {
    case kind::create: {
      const auto file = std::make_shared<inode>();
      names_[event.name] = file;
      unsynced_changes_.push_back({event.name, file});
      return true;
    }
    case kind::write:
    case kind::preallocate: {
      const auto found = names_.find(event.name);
      if (found == names_.end()) return false;
      auto& file = *found->second;
      const auto end = event.number + event.bytes.size();
      if (file.current.size() < end) file.current.resize(end, '\0');
      file.current.replace(event.number, event.bytes.size(), event.bytes);
      file.dirty_pages.resize((file.current.size() + page_bytes - 1) / page_bytes);
      if (!event.bytes.empty())
        for (auto page = event.number / page_bytes; page * page_bytes < end; ++page)
          file.dirty_pages[page] = true;
      return true;
    }
    case kind::sync: {
      const auto found = names_.find(event.name);
      if (found == names_.end()) return false;
      auto& file = *found->second;
      file.synced = file.current;
      file.dirty_pages.assign(file.dirty_pages.size(), false);
      return true;
    }
    case kind::sync_directory:
      if (event.name != directory_) return false;
      durable_names_ = names_;
      unsynced_changes_.clear();
      return true;
    case kind::remove:
      if (names_.erase(event.name) == 0) return false;
      unsynced_changes_.push_back({event.name, nullptr});
      return true;
    case kind::begin:
      transaction_.clear();
      return false;
    case kind::put:
    case kind::erase:
      transaction_.push_back(event);
      return false;
    case kind::committing:
      apply_transaction();
      in_doubt_ = true;
      return true;
    case kind::committed:
      committed_ = applied_;
      in_doubt_ = false;
      return true;
    case kind::acknowledged:
      ++acknowledged_;
      return true;
  }
  return false;
}

std::string crash_replay::crashed(const inode& file, crash_kind how, std::mt19937_64& random) {
  if (how == crash_kind::keep_all) return file.current;
  if (how == crash_kind::lose_all) return file.synced;
  auto bytes = file.current;
  for (size_t page = 0; page < file.dirty_pages.size(); ++page) {
    if (!file.dirty_pages[page]) continue;
    const auto begin = page * page_bytes;
    const auto size = std::min(page_bytes, bytes.size() - begin);
    auto old = begin < file.synced.size() ? file.synced.substr(begin, size) : std::string{};
    old.resize(size, '\0');
    switch (random() % 5) {
      case 0:  // it was written
        break;
      case 1:  // it was not
        bytes.replace(begin, size, old);
        break;
      case 2:  // its first half was
        bytes.replace(begin + size / 2, size - size / 2, old, size / 2);
        break;
      case 3:  // the disk gave the page, and nothing in it
        bytes.replace(begin, size, size, '\0');
        break;
      default:
        for (size_t i = 0; i < size; ++i) bytes[begin + i] = static_cast<char>(random());
    }
  }
  const auto least = file.synced.size();
  if (bytes.size() > least) switch (random() % 3) {
      case 0:
        bytes.resize(least);
        break;
      case 1:
        bytes.resize(least + random() % (bytes.size() - least + 1));
        break;
      default:
        break;
    }
  return bytes;
}

void crash_replay::write_crashed(const std::string& directory, crash_kind how, bool with_doubtful,
                                 std::mt19937_64& random) const {
  std::filesystem::remove_all(directory);
  std::filesystem::create_directories(directory);
  auto names = durable_names_;
  size_t changes = unsynced_changes_.size();
  if (how == crash_kind::lose_all) changes = 0;
  if (how == crash_kind::random) changes = random() % (changes + 1);
  for (size_t i = 0; i < changes; ++i) {
    const auto& change = unsynced_changes_[i];
    if (change.file)
      names[change.name] = change.file;
    else
      names.erase(change.name);
  }
  for (const auto& [name, file] : names)
    write_file(directory + "/" + std::filesystem::path(name).filename().string(),
               crashed(*file, how, random));
  const auto transactions = in_doubt_ && with_doubtful ? applied_ : committed_;
  if (transactions > 0)
    std::filesystem::copy_file(snapshot(transactions), directory + "/" + metadata_name);
}

}  // namespace stip::test
