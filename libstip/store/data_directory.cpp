#include "libstip/store/data_directory.hpp"

#include <filesystem>
#include <set>
#include <system_error>

#include "libstip/core/defaults.hpp"
#include "libstip/core/packed.hpp"
#include "libstip/store/directory_lock.hpp"
#include "libstip/store/environment.hpp"
#include "libstip/store/recovery.hpp"

namespace stip {

namespace {

constexpr auto version_file = "VERSION";
constexpr auto unfinished_version_file = "VERSION.new";
constexpr auto lock_file = "LOCK";
constexpr auto node_directory = "node";
constexpr auto albums_directory = "albums";
constexpr auto log_directory = "log";
constexpr auto environment_file = "node.mdb";
constexpr std::string_view removed_suffix = ".removed";
constexpr std::string_view version_word = "stip ";
constexpr uint64_t directory_format = 1;

/// A node's own environment is small; it grows as albums' do.
constexpr database node_table = 0;    // word -> number
constexpr database albums_table = 1;  // uid -> album
constexpr database values_table = 2;  // kind, 0, name -> value
constexpr std::string_view node_id_word = "id";
constexpr std::string_view incarnation_word = "incarnation";

result<void> make_directory(const std::string& path, file_system& files) {
  std::error_code why;
  const bool created = std::filesystem::create_directory(path, why);
  if (why) return fail(system_error("create " + path, why.value()));
  if (!created) return {};
  const auto parent = std::filesystem::path(path).parent_path().string();
  return files.sync_directory(parent.empty() ? "." : parent);
}

/// What stands in a directory: nothing, something of others, or a directory of ours that may be
/// unfinished (a creation was interrupted).
enum class contents : uint8_t { nothing, unfinished, ours, foreign };

result<contents> look_into(const std::string& path) {
  static const std::set<std::string, std::less<>> own = {
      version_file, unfinished_version_file, lock_file, node_directory, albums_directory};
  std::error_code why;
  bool has_version = false, has_lock = false, has_other = false, has_any = false;
  std::filesystem::directory_iterator at{path, why};
  for (; !why && at != std::filesystem::directory_iterator{}; at.increment(why)) {
    const auto name = at->path().filename().string();
    // Whoever starts a node may log there before anything else exists.
    if (name == log_directory) continue;
    has_any = true;
    if (name == version_file)
      has_version = true;
    else if (name == lock_file)
      has_lock = true;
    else if (!own.contains(name))
      has_other = true;
  }
  if (why) return fail(system_error("list " + path, why.value()));
  if (!has_any) return contents::nothing;
  if (has_version) return contents::ours;
  return has_lock && !has_other ? contents::unfinished : contents::foreign;
}

result<void> check_version(const std::string& path) {
  const auto file = path + "/" + version_file;
  STIP_ASSIGN(const auto text, read_small_file(file));
  const std::string_view line{text};
  uint64_t number = 0;
  bool sound = line.starts_with(version_word) && line.ends_with('\n') &&
               line.size() > version_word.size() + 1 && line.size() < version_word.size() + 8;
  if (sound)
    for (const char c : line.substr(version_word.size(), line.size() - version_word.size() - 1)) {
      sound = sound && c >= '0' && c <= '9';
      number = number * 10 + static_cast<uint64_t>(c - '0');
    }
  if (!sound || number == 0)
    return fail(ec::malformed, "open data directory " + path,
                "its file VERSION is not one of stip's", "name another directory");
  if (number > directory_format)
    return fail(ec::incompatible, "open data directory " + path,
                "its format is " + std::to_string(number) + ", this stip knows up to " +
                    std::to_string(directory_format),
                "use a newer stip, or another directory");
  return {};
}

result<void> write_version(const std::string& path, file_system& files) {
  const auto unfinished = path + "/" + unfinished_version_file;
  std::error_code why;
  std::filesystem::remove(unfinished, why);
  if (why) return fail(system_error("remove " + unfinished, why.value()));
  {
    STIP_ASSIGN(const auto file, files.create(unfinished));
    const auto line = std::string(version_word) + std::to_string(directory_format) + "\n";
    STIP_TRY(file->write(0, std::as_bytes(std::span{line})));
    STIP_TRY(file->sync());
  }
  std::filesystem::rename(unfinished, path + "/" + version_file, why);
  if (why) return fail(system_error("create " + path + "/" + version_file, why.value()));
  return files.sync_directory(path);
}

result<uint64_t> number_of(const transaction& txn, std::string_view word) {
  STIP_ASSIGN(const auto value, txn.get(node_table, word));
  if (!value) return uint64_t{0};
  packed_reader in{"number", *value};
  const auto number = in.u64();
  STIP_TRY(in.finish());
  return number;
}

result<void> put_number_of(write_transaction& txn, std::string_view word, uint64_t value) {
  return txn.put(node_table, word, packed_writer{}.u64(value).take());
}

result<std::string> value_key(const std::string& kind, const std::string& name) {
  const auto is_word = [](const std::string& text, size_t most) {
    return !text.empty() && text.size() <= most && text.find('\0') == std::string::npos;
  };
  if (!is_word(kind, defaults::max_value_kind_bytes) ||
      !is_word(name, defaults::max_value_name_bytes))
    return fail(ec::invalid_argument, "keep value " + kind + " " + name,
                "its kind or name is empty, too long, or has a zero");
  return kind + '\0' + name;
}

}  // namespace

class data_directory::impl {
 public:
  impl(std::string path, open_mode mode, file_system& files)
      : path(std::move(path)), mode(mode), files(files) {}

  result<void> open();
  result<void> create_missing();
  result<void> start_life();
  result<void> remove_leftovers();
  result<void> check_writable(const std::string& what) const {
    if (mode == open_mode::read_write) return {};
    return fail(ec::forbidden, what, path + " is open for reading", "open it for writing");
  }
  std::string album_path(const hash128& uid) const {
    return path + "/" + albums_directory + "/" + to_string(uid);
  }

  const std::string path;
  const open_mode mode;
  file_system& files;
  uint64_t node_id = 0;
  uint64_t incarnation = 0;
  /// Declared before what it guards, so that it is let go last.
  std::optional<directory_lock> lock;
  std::unique_ptr<environment> env;
};

result<void> data_directory::impl::open() {
  const auto what = "open data directory " + path;
  const bool read_only = mode == open_mode::read_only;
  std::error_code why;
  const bool there = std::filesystem::exists(path, why);
  if (why) return fail(system_error(what, why.value()));
  if (!there) {
    if (read_only)
      return fail(ec::not_found, what, "there is no such directory",
                  "name another, or store something into it first");
    std::filesystem::create_directories(path, why);
    if (why) return fail(system_error("create " + path, why.value()));
    const auto parent = std::filesystem::absolute(path).parent_path().string();
    STIP_TRY(files.sync_directory(parent));
  }
  STIP_ASSIGN(const auto found, look_into(path));
  if (found == contents::foreign)
    return fail(ec::invalid_argument, what, "it has files that are not stip's",
                "name an empty directory, or one that stip made");
  if (read_only && found != contents::ours)
    return fail(ec::not_found, what, "nothing was ever stored there",
                "name another, or store something into it first");
  // Before the lock, so that a newer stip's directory is not touched at all.
  if (found == contents::ours) STIP_TRY(check_version(path));
  STIP_ASSIGN(lock, directory_lock::take(path + "/" + lock_file, read_only));
  if (!read_only) STIP_TRY(create_missing());
  environment::options o;
  o.read_only = read_only;
  o.databases = {"node", "albums", "values"};
  o.map_bytes = defaults::initial_map_bytes;
  STIP_ASSIGN(env,
              environment::open(path + "/" + node_directory + "/" + environment_file, o, files));
  STIP_TRY(start_life());
  if (read_only) return {};
  // Last: a directory with a version is whole.
  if (!std::filesystem::exists(path + "/" + version_file, why)) {
    if (why) return fail(system_error(what, why.value()));
    STIP_TRY(write_version(path, files));
  }
  return remove_leftovers();
}

result<void> data_directory::impl::create_missing() {
  STIP_TRY(make_directory(path + "/" + node_directory, files));
  return make_directory(path + "/" + albums_directory, files);
}

result<void> data_directory::impl::start_life() {
  if (mode == open_mode::read_write) {
    STIP_ASSIGN(const auto fresh_id, random_id());
    STIP_TRY(env->write([&](write_transaction& txn) -> result<void> {
      STIP_ASSIGN(const auto id, number_of(txn, node_id_word));
      if (id == 0) STIP_TRY(put_number_of(txn, node_id_word, fresh_id));
      STIP_ASSIGN(const auto lives, number_of(txn, incarnation_word));
      return put_number_of(txn, incarnation_word, lives + 1);
    }));
  }
  return env->read([&](const transaction& txn) -> result<void> {
    STIP_ASSIGN(node_id, number_of(txn, node_id_word));
    STIP_ASSIGN(incarnation, number_of(txn, incarnation_word));
    if (node_id == 0)
      return fail(ec::corrupt, "open data directory " + path, "it has no node id",
                  "restore it from a copy, or begin with an empty directory");
    return {};
  });
}

result<void> data_directory::impl::remove_leftovers() {
  std::vector<std::filesystem::path> removed;
  std::error_code why;
  const auto albums = path + "/" + albums_directory;
  std::filesystem::directory_iterator at{albums, why};
  for (; !why && at != std::filesystem::directory_iterator{}; at.increment(why)) {
    const auto name = at->path().filename().string();
    if (!name.ends_with(removed_suffix)) continue;
    if (parse_hash128(name.substr(0, name.size() - removed_suffix.size())))
      removed.push_back(at->path());
  }
  if (why) return fail(system_error("list " + albums, why.value()));
  for (const auto& leftover : removed) {
    std::filesystem::remove_all(leftover, why);
    if (why) return fail(system_error("remove " + leftover.string(), why.value()));
  }
  return {};
}

data_directory::data_directory(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
data_directory::~data_directory() = default;

result<std::unique_ptr<data_directory>> data_directory::open(const std::string& path,
                                                             open_mode mode, file_system& files) {
  if (path.empty()) return fail(ec::invalid_argument, "open data directory", "its name is empty");
  auto i = std::make_unique<impl>(path, mode, files);
  STIP_TRY(i->open());
  return std::unique_ptr<data_directory>(new data_directory(std::move(i)));
}

const std::string& data_directory::path() const {
  return impl_->path;
}

open_mode data_directory::mode() const {
  return impl_->mode;
}

uint64_t data_directory::node_id() const {
  return impl_->node_id;
}

uint64_t data_directory::incarnation() const {
  return impl_->incarnation;
}

result<uint64_t> data_directory::next_incarnation() {
  uint64_t next = 0;
  STIP_TRY(impl_->env->write([&](write_transaction& txn) -> result<void> {
    STIP_ASSIGN(const auto last, number_of(txn, incarnation_word));
    next = last + 1;
    return put_number_of(txn, incarnation_word, next);
  }));
  return next;
}

result<std::vector<album>> data_directory::albums() const {
  std::vector<album> found;
  STIP_TRY(impl_->env->read([&](const transaction& txn) -> result<void> {
    STIP_ASSIGN(auto at, cursor::open(txn, albums_table));
    STIP_ASSIGN(bool more, at.seek("0"));
    while (more) {
      STIP_ASSIGN(auto one, decode_album(at.value()));
      found.push_back(std::move(one));
      STIP_ASSIGN(more, at.next());
    }
    return {};
  }));
  return found;
}

result<void> data_directory::save(const album& a) {
  STIP_TRY(impl_->check_writable("save album " + a.name));
  STIP_TRY(check(a));
  return impl_->env->write([&](write_transaction& txn) -> result<void> {
    STIP_ASSIGN(const auto bytes, txn.get(albums_table, to_string(a.uid)));
    if (bytes) {
      STIP_ASSIGN(const auto kept, decode_album(*bytes));
      if (kept.changed > a.changed) return {};
    }
    return txn.put(albums_table, to_string(a.uid), encode(a));
  });
}

result<std::vector<std::pair<std::string, std::string>>> data_directory::values(
    const std::string& kind) const {
  std::vector<std::pair<std::string, std::string>> found;
  STIP_ASSIGN(auto prefix, value_key(kind, "-"));
  prefix.pop_back();
  STIP_TRY(impl_->env->read([&](const transaction& txn) -> result<void> {
    STIP_ASSIGN(auto at, cursor::open(txn, values_table));
    STIP_ASSIGN(bool more, at.seek(prefix));
    while (more && at.key().starts_with(prefix)) {
      found.emplace_back(at.key().substr(prefix.size()), at.value());
      STIP_ASSIGN(more, at.next());
    }
    return {};
  }));
  return found;
}

result<void> data_directory::save_value(const std::string& kind, const std::string& name,
                                        const std::string& value) {
  STIP_TRY(impl_->check_writable("keep value " + kind + " " + name));
  STIP_ASSIGN(const auto key, value_key(kind, name));
  if (value.size() > defaults::max_value_bytes)
    return fail(ec::limit_exceeded, "keep value " + kind + " " + name,
                "it has " + std::to_string(value.size()) + " bytes");
  return impl_->env->write(
      [&](write_transaction& txn) { return txn.put(values_table, key, value); });
}

result<void> data_directory::erase_value(const std::string& kind, const std::string& name) {
  STIP_TRY(impl_->check_writable("erase value " + kind + " " + name));
  STIP_ASSIGN(const auto key, value_key(kind, name));
  return impl_->env->write([&](write_transaction& txn) -> result<void> {
    STIP_ASSIGN(const auto there, txn.get(values_table, key));
    if (!there) return fail(ec::not_found, "erase value " + kind + " " + name, "it is not there");
    return txn.erase(values_table, key);
  });
}

result<std::unique_ptr<album_store>> data_directory::open_album(const album& a,
                                                                const store_options& options) {
  if (options.mode == open_mode::read_write)
    STIP_TRY(impl_->check_writable("open album " + a.name));
  return album_store::open(impl_->album_path(a.uid), a.algorithm, options, impl_->files);
}

result<void> data_directory::remove_album(const hash128& uid) {
  STIP_TRY(impl_->check_writable("remove album " + to_string(uid)));
  const auto path = impl_->album_path(uid);
  const auto removed = path + std::string(removed_suffix);
  std::error_code why;
  if (!std::filesystem::exists(path, why) && !why) return {};
  // Under another name first: a removal that ends halfway leaves nothing that looks like an album.
  std::filesystem::rename(path, removed, why);
  if (why) return fail(system_error("remove " + path, why.value()));
  STIP_TRY(impl_->files.sync_directory(impl_->path + "/" + albums_directory));
  std::filesystem::remove_all(removed, why);
  if (why) return fail(system_error("remove " + removed, why.value()));
  return {};
}

}  // namespace stip
