#include "libstip/store/environment.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "libstip/core/defaults.hpp"

namespace stip {

namespace {

constexpr mdb_mode_t file_permissions = 0640;

/// Another process may grow the map between our two looks at it, but hardly so often.
constexpr int max_remaps = 16;

MDB_val to_val(std::string_view bytes) {
  return {bytes.size(), const_cast<char*>(bytes.data())};
}

std::string_view to_view(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}

std::string parent_of(const std::string& path) {
  const auto parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

/// Gives LMDB's lock file its space on disk before it is mapped: to touch a hole of it on a full
/// disk would end the process (SIGBUS).
result<void> reserve_lock_file(const std::string& path) {
  // lmdb 0.9.24, mdb.c: a slot for each reader, and a header that takes three.
  constexpr off_t slot_bytes = 64, header_slots = 3;
  const auto name = path + "-lock";
  const int file = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, file_permissions);
  if (file < 0) return fail(system_error("open " + name, errno));
  const int code =
      ::posix_fallocate(file, 0, slot_bytes * (defaults::max_metadata_readers + header_slots));
  ::close(file);
  if (code != 0) return fail(system_error("open " + name, code));
  return {};
}

}  // namespace

void gate::enter() {
  std::unique_lock lock{mutex_};
  changed_.wait(lock, [&] { return !alone_ && waiting_alone_ == 0; });
  ++inside_;
}

void gate::leave() {
  std::lock_guard lock{mutex_};
  if (--inside_ == 0) changed_.notify_all();
}

void gate::enter_alone() {
  std::unique_lock lock{mutex_};
  ++waiting_alone_;
  changed_.wait(lock, [&] { return !alone_ && inside_ == 0; });
  --waiting_alone_;
  alone_ = true;
}

void gate::leave_alone() {
  std::lock_guard lock{mutex_};
  alone_ = false;
  changed_.notify_all();
}

error environment::failure(std::string_view what, int code) const {
  auto place = std::string(what) + " " + path_;
  // Positive codes are those of the operating system.
  if (code > 0) return system_error(std::move(place), code);
  switch (code) {
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_INCOMPATIBLE:
      return {ec::corrupt, std::move(place), mdb_strerror(code),
              "restore the directory from a copy, or remove it and load or repair again"};
    case MDB_VERSION_MISMATCH:
      return {ec::incompatible, std::move(place), mdb_strerror(code), "use the stip that wrote it"};
    case MDB_MAP_FULL:
      return {ec::no_space, std::move(place), mdb_strerror(code), "delete images or albums"};
    case MDB_READERS_FULL:
      return {ec::limit_exceeded, std::move(place), mdb_strerror(code), "ask again in a moment"};
    case MDB_PANIC:
      return {ec::io_error, std::move(place),
              "an earlier write failed and left the file's state in doubt",
              "check the disk, then restart the node"};
    default:
      return {ec::internal, std::move(place), mdb_strerror(code), {}};
  }
}

error transaction::failure(std::string_view what, int code) const {
  if (code == MDB_MAP_FULL) map_full_ = true;
  return env_->failure(what, code);
}

transaction::~transaction() {
  if (txn_) mdb_txn_abort(txn_);
}

result<std::optional<std::string_view>> transaction::get(database db, std::string_view key) const {
  auto key_val = to_val(key);
  MDB_val value;
  const int code = mdb_get(txn_, env_->handles_[db], &key_val, &value);
  if (code == MDB_NOTFOUND) return std::optional<std::string_view>{};
  if (code != 0) return fail(failure("read metadata in", code));
  return std::optional{to_view(value)};
}

result<void> write_transaction::put(database db, std::string_view key, std::string_view value) {
  auto key_val = to_val(key);
  auto value_val = to_val(value);
  const int code = mdb_put(txn_, env_->handles_[db], &key_val, &value_val, 0);
  if (code != 0) return fail(failure("write metadata in", code));
  if (env_->observer_) env_->observer_->put(env_->names_[db], key, value);
  return {};
}

result<void> write_transaction::erase(database db, std::string_view key) {
  auto key_val = to_val(key);
  const int code = mdb_del(txn_, env_->handles_[db], &key_val, nullptr);
  if (code == MDB_NOTFOUND) return {};
  if (code != 0) return fail(failure("write metadata in", code));
  if (env_->observer_) env_->observer_->erase(env_->names_[db], key);
  return {};
}

result<cursor> cursor::open(const transaction& txn, database db) {
  MDB_cursor* c = nullptr;
  const int code = mdb_cursor_open(txn.txn_, txn.env_->handles_[db], &c);
  if (code != 0) return fail(txn.failure("read metadata in", code));
  return cursor{txn, c};
}

cursor::~cursor() {
  if (cursor_) mdb_cursor_close(cursor_);
}

result<bool> cursor::move(std::string_view key, MDB_cursor_op how) {
  auto key_val = to_val(key);
  MDB_val value;
  const int code = mdb_cursor_get(cursor_, &key_val, &value, how);
  if (code == MDB_NOTFOUND) return false;
  if (code != 0) return fail(txn_->failure("read metadata in", code));
  key_ = to_view(key_val);
  value_ = to_view(value);
  return true;
}

environment::~environment() {
  if (env_) mdb_env_close(env_);
}

result<std::unique_ptr<environment>> environment::open(const std::string& path, const options& o,
                                                       file_system& files) {
  std::error_code why;
  const bool there = std::filesystem::exists(path, why);
  if (why) return fail(system_error("open " + path, why.value()));
  if (!there) {
    if (o.read_only) return fail(ec::not_found, "open " + path, "there is no such file");
    // Another opening may have ended halfway.
    const auto unfinished = path + ".new";
    for (const auto* suffix : {"", "-lock"}) {
      std::filesystem::remove(unfinished + suffix, why);
      if (why) return fail(system_error("remove " + unfinished + suffix, why.value()));
    }
    auto created = open_file(unfinished, o);
    if (!created) return created;
    created->reset();
    STIP_TRY(files.remove(unfinished + "-lock"));
    std::filesystem::rename(unfinished, path, why);
    if (why) return fail(system_error("create " + path, why.value()));
    STIP_TRY(files.sync_directory(parent_of(path)));
  }
  auto opened = open_file(path, o);
  if (opened) (*opened)->observer_ = o.observer;
  return opened;
}

result<std::unique_ptr<environment>> environment::open_file(const std::string& path,
                                                            const options& o) {
  // NOTLS: a thread's reads do not take up one of the process's few thread keys per environment.
  // A read-only environment goes without LMDB's locks: several of them in one process would lose
  // them with the first that closes (POSIX locks belong to the process).
  const unsigned flags = MDB_NOSUBDIR | MDB_NOTLS | (o.read_only ? MDB_RDONLY | MDB_NOLOCK : 0u);
  if (!o.read_only) STIP_TRY(reserve_lock_file(path));
  std::unique_ptr<environment> env{new environment{path}};
  int code = mdb_env_create(&env->env_);
  if (code == 0) code = mdb_env_set_maxdbs(env->env_, static_cast<MDB_dbi>(o.databases.size()));
  if (code == 0) code = mdb_env_set_maxreaders(env->env_, defaults::max_metadata_readers);
  if (code == 0) code = mdb_env_set_mapsize(env->env_, o.map_bytes);
  if (code == 0) code = mdb_env_open(env->env_, path.c_str(), flags, file_permissions);
  // Slots of readers that died without a word would keep pages from being used again.
  int dead = 0;
  if (code == 0 && !o.read_only) code = mdb_reader_check(env->env_, &dead);
  if (code != 0) return fail(env->failure("open", code));
  env->names_ = o.databases;
  const auto open_databases = [&](MDB_txn* txn) {
    env->handles_.clear();
    for (const auto& name : env->names_) {
      MDB_dbi handle = 0;
      const int opened = mdb_dbi_open(txn, name.c_str(), o.read_only ? 0u : MDB_CREATE, &handle);
      if (opened != 0) return opened;
      env->handles_.push_back(handle);
    }
    return 0;
  };
  for (int attempt = 0;; ++attempt) {
    std::optional<visit> inside;
    STIP_ASSIGN(MDB_txn* const txn, env->begin(o.read_only ? MDB_RDONLY : 0u, inside));
    code = open_databases(txn);
    if (code == 0) {
      code = mdb_txn_commit(txn);
    } else {
      mdb_txn_abort(txn);
    }
    if (code == 0) return env;
    if (code == MDB_NOTFOUND)
      return fail(ec::corrupt, "open " + path, "a table is missing",
                  "open it once for writing, or restore it from a copy");
    if (code != MDB_MAP_FULL || attempt == max_remaps) return fail(env->failure("open", code));
    inside.reset();
    STIP_TRY(env->grow());
  }
}

result<MDB_txn*> environment::begin(unsigned flags, std::optional<visit>& inside) const {
  for (int attempt = 0;; ++attempt) {
    inside.emplace(gate_);
    MDB_txn* txn = nullptr;
    int code = mdb_txn_begin(env_, nullptr, flags, &txn);
    if (code == 0) return txn;
    inside.reset();
    if (code != MDB_MAP_RESIZED || attempt == max_remaps)
      return fail(failure("begin a transaction in", code));
    // Another process has made the file larger than our map.
    gate_.enter_alone();
    code = mdb_env_set_mapsize(env_, 0);
    gate_.leave_alone();
    if (code != 0) return fail(failure("grow the map of", code));
  }
}

result<environment::view> environment::begin_read() const {
  std::optional<visit> inside;
  STIP_ASSIGN(MDB_txn* const txn, begin(MDB_RDONLY, inside));
  return view{std::move(*inside), *this, txn};
}

result<void> environment::write(const std::function<result<void>(write_transaction&)>& f) {
  while (true) {
    std::optional<visit> inside;
    STIP_ASSIGN(MDB_txn* const begun, begin(0, inside));
    bool map_full = false;
    {
      write_transaction txn{*this, begun};
      if (observer_) observer_->begin();
      auto done = f(txn);
      if (done) {
        if (observer_) observer_->committing();
        const int code = mdb_txn_commit(std::exchange(txn.txn_, nullptr));
        if (code == 0) {
          if (observer_) observer_->committed();
          return {};
        }
        done = fail(txn.failure("commit metadata in", code));
      }
      map_full = txn.map_full_;
      if (!map_full) return done;
    }
    inside.reset();
    STIP_TRY(grow());
  }
}

result<void> environment::grow() {
  gate_.enter_alone();
  MDB_envinfo info = {};
  int code = mdb_env_info(env_, &info);
  if (code == 0) {
    const uint64_t bytes = uint64_t{info.me_mapsize} * 2;
    code = bytes > defaults::max_map_bytes ? MDB_MAP_FULL : mdb_env_set_mapsize(env_, bytes);
  }
  gate_.leave_alone();
  if (code != 0) return fail(failure("grow the map of", code));
  return {};
}

}  // namespace stip
