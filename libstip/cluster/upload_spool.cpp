#include "libstip/cluster/upload_spool.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>

#include "libstip/core/defaults.hpp"
#include "libstip/core/hash.hpp"
#include "libstip/raster/text.hpp"

namespace stip {

namespace {

namespace fs = std::filesystem;

/// Bytes of a part of a path on the file systems of Linux.
constexpr size_t max_part_bytes = 255;

/// Files of the spool are for the node alone.
constexpr mode_t file_permissions = 0600;

/// A name that the client sends may be anything: errors quote what can be printed of it.
std::string shown(std::string_view name) {
  constexpr size_t most = 200;
  std::string out = "'";
  for (const char c : name.substr(0, most))
    out += static_cast<unsigned char>(c) < ' ' || c == '\x7f' ? '?' : c;
  return out + "'";
}

result<void> check_name(const std::string& what, std::string_view name) {
  const auto wrong = [&](std::string why) {
    return fail(ec::invalid_argument, what, shown(name) + " " + std::move(why));
  };
  if (name.empty() || name.size() > defaults::max_upload_name_bytes)
    return wrong("is empty or too long for a name");
  if (!is_clean_text(std::string(name))) return wrong("is not clean text");
  size_t depth = 0;
  for (size_t from = 0; from <= name.size(); ++depth) {
    const auto to = std::min(name.find('/', from), name.size());
    const auto part = name.substr(from, to - from);
    if (part.empty() || part == "." || part == "..") return wrong("leads out of its folder");
    if (part.size() > max_part_bytes) return wrong("has too long a part");
    from = to + 1;
  }
  if (depth > defaults::max_upload_depth) return wrong("is too deep in folders");
  return {};
}

tl::unexpected<error> no_such_batch() {
  return fail(ec::not_found, "take in files", "the task takes no files, or has ended",
              "store the input again");
}

}  // namespace

uint64_t upload_manifest::bytes() const {
  uint64_t out = 0;
  for (const auto& file : files)
    out = out > UINT64_MAX - file.bytes ? UINT64_MAX : out + file.bytes;
  return out;
}

result<void> check(const upload_manifest& manifest) {
  if (manifest.name.empty() || manifest.name.size() > defaults::max_property_bytes ||
      !is_clean_text(manifest.name))
    return fail(ec::invalid_argument, "take in " + shown(manifest.name),
                "its name is empty, too long, or not clean text", "rename it");
  const auto what = "take in " + manifest.name;
  if (manifest.files.empty()) return fail(ec::invalid_argument, what, "it holds no files");
  if (manifest.files.size() > defaults::max_upload_files)
    return fail(ec::limit_exceeded, what,
                "it has more than " + std::to_string(defaults::max_upload_files) + " files",
                "name the products in it one by one");
  STIP_TRY(check_name(what, manifest.entry));
  std::set<std::string_view> names;
  size_t bytes = 0;
  bool holds_entry = false;
  for (const auto& file : manifest.files) {
    STIP_TRY(check_name(what, file.name));
    bytes += file.name.size();
    if (!names.insert(file.name).second)
      return fail(ec::invalid_argument, what, shown(file.name) + " is there twice");
    holds_entry |= file.name == manifest.entry || file.name.starts_with(manifest.entry + "/");
  }
  if (bytes > defaults::max_upload_names_bytes)
    return fail(ec::limit_exceeded, what, "the names of its files are too long together",
                "send it as an archive");
  if (!holds_entry)
    return fail(ec::invalid_argument, what, shown(manifest.entry) + " is not among its files");
  // A file where another one needs a folder.
  for (const auto name : names)
    for (auto slash = name.find('/'); slash != std::string_view::npos;
         slash = name.find('/', slash + 1))
      if (names.contains(name.substr(0, slash)))
        return fail(ec::invalid_argument, what,
                    shown(name.substr(0, slash)) + " is a file and a folder");
  return {};
}

upload_spool::upload_spool(options o) : options_(std::move(o)) {}

// -- batches ----------------------------------------------------------------------

uint64_t upload_spool::open(uint64_t inputs, int64_t now_ms) {
  auto& made = batches_[next_];
  made.settled.assign(inputs, false);
  made.left = inputs;
  made.heard_ms = now_ms;
  return next_++;
}

upload_spool::batch* upload_spool::find(uint64_t number) {
  const auto at = batches_.find(number);
  return at == batches_.end() ? nullptr : &at->second;
}

const upload_spool::batch* upload_spool::find(uint64_t number) const {
  const auto at = batches_.find(number);
  return at == batches_.end() ? nullptr : &at->second;
}

result<upload_spool::batch*> upload_spool::find_open(uint64_t number, uint64_t input) {
  auto* of = find(number);
  if (of == nullptr || of->closed) return no_such_batch();
  if (input >= of->settled.size())
    return fail(ec::invalid_argument, "take in files",
                "the task has no input number " + std::to_string(input));
  if (of->settled[input])
    return fail(ec::already_exists, "take in files", "this input is through already");
  return of;
}

bool upload_spool::settled(uint64_t number) const {
  const auto* of = find(number);
  return of == nullptr || of->left == 0;
}

uint64_t upload_spool::unsent(uint64_t number) const {
  const auto* of = find(number);
  return of == nullptr ? 0 : of->left - of->whole;
}

std::vector<uint64_t> upload_spool::abandoned(int64_t now_ms) const {
  std::vector<uint64_t> out;
  for (const auto& [number, of] : batches_)
    if (!of.closed && of.left > of.whole && now_ms - of.heard_ms >= options_.patience.count())
      out.push_back(number);
  return out;
}

uint64_t upload_spool::give_up(uint64_t number) {
  auto* of = find(number);
  if (of == nullptr) return 0;
  uint64_t out = 0;
  for (uint64_t i = 0; i < of->settled.size(); ++i) {
    const auto at = of->begun.find(i);
    const bool whole = at != of->begun.end() && at->second.missing == 0;
    if (!whole) out += settle(number, i);
  }
  return out;
}

void upload_spool::close(uint64_t number) {
  auto* of = find(number);
  if (of == nullptr) return;
  of->closed = true;
  for (auto at = of->begun.begin(); at != of->begun.end();) doom(*of, at++);
  tidy(number);
}

void upload_spool::tidy(uint64_t number) {
  const auto at = batches_.find(number);
  if (at != batches_.end() && at->second.closed && at->second.begun.empty()) batches_.erase(at);
}

// -- inputs -----------------------------------------------------------------------

result<upload_spool::word> upload_spool::look_for_room(const std::string& name, uint64_t bytes,
                                                       uint64_t disk_free) const {
  const auto what = "take in " + name;
  if (bytes > options_.space)
    return fail(ec::limit_exceeded, what,
                "it has " + std::to_string(bytes >> 20) + " MiB, the node takes " +
                    std::to_string(options_.space >> 20) + " MiB of files at a time",
                "raise `upload-space` in the node's configuration, or store it on the node");
  if (bytes > options_.space - used_) return word::wait;
  const auto promised = used_ - on_disk_;
  const bool fits = disk_free >= promised && disk_free - promised >= bytes &&
                    disk_free - promised - bytes >= options_.watermark;
  if (fits) return word::send;
  // What is there will be gone when it is stored.
  if (used_ > 0) return word::wait;
  return fail(ec::no_space, what,
              "the node's disk has " + std::to_string(disk_free >> 20) + " MiB free, of which " +
                  std::to_string(options_.watermark >> 20) + " MiB must stay free",
              "free some space there, or ask another node");
}

result<upload_spool::word> upload_spool::begin(uint64_t number, uint64_t input,
                                               const upload_manifest& manifest, uint64_t disk_free,
                                               int64_t now_ms) {
  STIP_ASSIGN(auto* of, find_open(number, input));
  of->heard_ms = now_ms;
  if (of->begun.contains(input)) return word::send;
  STIP_TRY(check(manifest));
  const auto bytes = manifest.bytes();
  STIP_ASSIGN(const auto room, look_for_room(manifest.name, bytes, disk_free));
  if (room == word::wait || of->begun.size() >= defaults::max_begun_uploads) return word::wait;
  auto& made = of->begun[input];
  made.manifest = manifest;
  made.folder = options_.root + "/" + std::to_string(number) + "-" + std::to_string(input) + "/";
  made.bytes = bytes;
  for (const auto& file : manifest.files) {
    made.have.emplace_back(upload_chunks(file.bytes), false);
    made.missing += made.have.back().size();
  }
  reserved_[made.folder] = bytes;
  used_ += bytes;
  return word::send;
}

result<std::string> upload_spool::place(uint64_t number, uint64_t input, uint64_t file,
                                        uint64_t offset, uint64_t bytes, int64_t now_ms) {
  STIP_ASSIGN(auto* of, find_open(number, input));
  of->heard_ms = now_ms;
  const auto at = of->begun.find(input);
  if (at == of->begun.end())
    return fail(ec::not_found, "take in files", "this input was not announced");
  auto& found = at->second;
  const auto piece = offset / defaults::upload_chunk_bytes;
  if (file >= found.manifest.files.size() || offset % defaults::upload_chunk_bytes != 0 ||
      piece >= found.have[file].size() ||
      bytes != std::min(defaults::upload_chunk_bytes, found.manifest.files[file].bytes - offset))
    return fail(ec::invalid_argument, "take in " + found.manifest.name,
                "its files have no such piece");
  if (found.have[file][piece]) return std::string();
  ++found.writing;
  return found.folder + found.manifest.files[file].name;
}

bool upload_spool::written(uint64_t number, uint64_t input, uint64_t file, uint64_t offset,
                           bool good) {
  auto* of = find(number);
  if (of == nullptr) return false;
  const auto at = of->begun.find(input);
  if (at == of->begun.end()) return false;
  auto& found = at->second;
  --found.writing;
  const auto piece = offset / defaults::upload_chunk_bytes;
  bool complete = false;
  // A piece that was sent twice may have been written twice.
  if (good && !found.have[file][piece]) {
    found.have[file][piece] = true;
    const auto bytes =
        std::min(defaults::upload_chunk_bytes, found.manifest.files[file].bytes - offset);
    written_[found.folder] += bytes;
    on_disk_ += bytes;
    complete = --found.missing == 0;
  }
  if (found.doomed) {
    if (found.writing == 0) doom(*of, at);
    tidy(number);
    return false;
  }
  of->whole += complete;
  return complete;
}

upload_spool::whole_input upload_spool::whole(uint64_t number, uint64_t input) const {
  const auto& found = find(number)->begun.at(input);
  return {found.manifest.name, found.folder, found.manifest.entry};
}

bool upload_spool::is_whole(uint64_t number, uint64_t input) const {
  const auto* of = find(number);
  if (of == nullptr) return false;
  const auto at = of->begun.find(input);
  return at != of->begun.end() && at->second.missing == 0 && !at->second.doomed;
}

std::string upload_spool::name_of(uint64_t number, uint64_t input) const {
  const auto* of = find(number);
  if (of == nullptr) return {};
  const auto at = of->begun.find(input);
  return at == of->begun.end() ? std::string() : at->second.manifest.name;
}

bool upload_spool::settle(uint64_t number, uint64_t input) {
  auto* of = find(number);
  if (of == nullptr || of->closed || input >= of->settled.size() || of->settled[input])
    return false;
  of->settled[input] = true;
  --of->left;
  if (const auto at = of->begun.find(input); at != of->begun.end()) {
    of->whole -= at->second.missing == 0;
    doom(*of, at);
  }
  return true;
}

// -- removal ----------------------------------------------------------------------

void upload_spool::doom(batch& of, std::map<uint64_t, entry>::iterator at) {
  at->second.doomed = true;
  if (at->second.writing > 0) return;
  removals_.push_back(at->second.folder);
  of.begun.erase(at);
}

std::vector<std::string> upload_spool::take_removals() {
  return std::exchange(removals_, {});
}

void upload_spool::removed(const std::string& folder) {
  const auto at = reserved_.find(folder);
  if (at == reserved_.end()) return;
  used_ -= at->second;
  reserved_.erase(at);
  if (const auto there = written_.extract(folder)) on_disk_ -= there.mapped();
}

// -- the disk ---------------------------------------------------------------------

result<void> empty_spool(const std::string& root) {
  std::error_code failed;
  fs::remove_all(root, failed);
  if (failed) return fail(system_error("empty " + root, failed.value()));
  return {};
}

result<void> write_piece(const std::string& path, uint64_t offset, std::string_view bytes,
                         uint64_t checksum) {
  const auto what = "write " + path;
  if (hash64(bytes) != checksum)
    return fail(ec::corrupt, "take in a piece of a file", "it does not match its checksum",
                "send it again");
  std::error_code failed;
  fs::create_directories(fs::path(path).parent_path(), failed);
  if (failed) return fail(system_error(what, failed.value()));
  const int file =
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, file_permissions);
  if (file < 0) return fail(system_error(what, errno));
  int why = 0;
  while (!bytes.empty() && why == 0) {
    const auto n = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      why = n < 0 ? errno : EIO;
    } else {
      bytes.remove_prefix(static_cast<size_t>(n));
      offset += static_cast<uint64_t>(n);
    }
  }
  // Some file systems say here that there is no room.
  if (::close(file) != 0 && why == 0) why = errno;
  if (why != 0) return fail(system_error(what, why));
  return {};
}

result<void> remove_folder(const std::string& folder) {
  std::error_code failed;
  fs::remove_all(folder, failed);
  if (failed) return fail(system_error("remove " + folder, failed.value()));
  return {};
}

}  // namespace stip
