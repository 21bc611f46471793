#include "libstip/store/segment.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>

#include "libstip/core/defaults.hpp"
#include "libstip/core/hash.hpp"
#include "libstip/core/packed.hpp"

namespace stip {

namespace {

constexpr std::string_view magic = "STIPSEGM";
constexpr uint32_t format_version = 1;
constexpr std::string_view name_suffix = ".segment";
constexpr size_t id_digits = 8;
/// Magic, version, id and store; the checksum stands behind zeros at the header's end.
constexpr size_t checksum_offset = segment_header_bytes - 8;

uint64_t next_page(uint64_t offset) {
  const auto page = defaults::segment_page_bytes;
  return (offset + page - 1) / page * page;
}

}  // namespace

std::string segment_name(uint32_t id) {
  std::string name(id_digits, '0');
  for (size_t i = id_digits; i-- > 0; id >>= 4) name[i] = "0123456789abcdef"[id & 15];
  return name.append(name_suffix);
}

std::optional<uint32_t> parse_segment_name(std::string_view name) {
  if (name.size() != id_digits + name_suffix.size() || !name.ends_with(name_suffix)) return {};
  uint32_t id = 0;
  for (const char c : name.substr(0, id_digits)) {
    if (c >= '0' && c <= '9')
      id = id << 4 | static_cast<uint32_t>(c - '0');
    else if (c >= 'a' && c <= 'f')
      id = id << 4 | static_cast<uint32_t>(c - 'a' + 10);
    else
      return {};
  }
  return id;
}

std::string segment_header(uint64_t store, uint32_t id) {
  packed_writer out;
  for (const char c : magic) out.u8(static_cast<uint8_t>(c));
  out.u32(format_version).u32(id).u64(store);
  while (out.size() < checksum_offset) out.u8(0);
  out.u64(hash64(out.bytes()));
  return out.take();
}

result<void> check_segment_header(std::string_view bytes, uint64_t store, uint32_t id) {
  const auto what = "open segment " + segment_name(id);
  if (bytes.size() < segment_header_bytes || !bytes.starts_with(magic))
    return fail(ec::malformed, what, "it does not begin like a segment");
  packed_reader in{"segment header",
                   bytes.substr(magic.size(), segment_header_bytes - magic.size())};
  const auto version = in.u32();
  if (version > format_version)
    return fail(ec::incompatible, what,
                "its format has version " + std::to_string(version) + ", this stip reads up to " +
                    std::to_string(format_version),
                "use a newer stip");
  const auto got_id = in.u32();
  const auto got_store = in.u64();
  packed_reader tail{"segment header", bytes.substr(checksum_offset, 8)};
  if (tail.u64() != hash64(bytes.substr(0, checksum_offset)))
    return fail(ec::corrupt, what, "its header does not match its checksum");
  if (got_id != id || got_store != store)
    return fail(ec::corrupt, what, "it belongs to another store or was renamed",
                "put back the file that was there");
  if (bytes.substr(0, segment_header_bytes) != segment_header(store, id))
    return fail(ec::malformed, what, "its header has what this format does not define",
                "use a newer stip");
  return {};
}

result<std::vector<block_location>> segment_writer::append(std::span<const std::byte> records,
                                                           std::span<const uint32_t> sizes) {
  std::vector<block_location> places;
  places.reserve(sizes.size());
  size_t next = 0;
  while (next < sizes.size()) {
    if (sizes[next] > options_.most_bytes - segment_header_bytes)
      return fail(ec::limit_exceeded, "append a block",
                  "its " + std::to_string(sizes[next]) + " bytes are more than a segment holds");
    if (!active_ || active_->end + sizes[next] > options_.most_bytes) STIP_TRY(begin_segment());
    // As many records as fit go out in one write.
    uint64_t run = 0;
    const size_t first = next;
    while (next < sizes.size() && active_->end + run + sizes[next] <= options_.most_bytes)
      run += sizes[next++];
    STIP_TRY(make_room(active_->end + run));
    STIP_TRY(active_->file->write(active_->end, records.first(run)));
    records = records.subspan(run);
    for (size_t i = first; i < next; ++i) {
      places.push_back({active_->end, active_->id, sizes[i]});
      active_->end += sizes[i];
    }
  }
  return places;
}

result<void> segment_writer::begin_segment() {
  // A full segment is synced at once, so that only one ever waits for it; its blocks that no
  // commit has named yet stay valid. If it fails, sync has given it up, and commits will refuse
  // what was lost.
  if (active_ && sync()) close_active(active_->end);
  if (options_.first_id >= options_.end_id)
    return fail(ec::limit_exceeded, "begin a segment", "all segment ids are used");
  active_segment fresh;
  fresh.id = options_.first_id++;
  fresh.path = options_.directory + "/" + segment_name(fresh.id);
  STIP_ASSIGN(fresh.file, files_->create(fresh.path));
  active_ = std::move(fresh);
  const auto header = segment_header(options_.store, active_->id);
  auto begun = make_room(header.size());
  if (begun) begun = active_->file->write(0, std::as_bytes(std::span{header}));
  if (!begun) {
    const auto path = active_->path;
    active_.reset();
    // It has nothing that anybody knows of; if it stays, the next opening removes it.
    (void)files_->remove(path);
    return begun;
  }
  active_->end = segment_header_bytes;
  return {};
}

result<void> segment_writer::make_room(uint64_t end) {
  if (end <= active_->allocated) return {};
  auto bytes = std::max(active_->allocated, options_.least_bytes);
  if (options_.exact) bytes = end;
  // On a disk that had no room for more, trying to have it all each time would take longer than to
  // write what there is.
  if (active_->cramped) bytes = end + options_.least_bytes;
  while (bytes < end) bytes *= 2;
  bytes = std::max(end, std::min(bytes, options_.most_bytes));
  auto grown = active_->file->preallocate(bytes);
  if (!grown && grown.error().code == ec::no_space && bytes > end) {
    // The disk may have room for this, if not for as much as later records would like.
    active_->cramped = true;
    bytes = end;
    grown = active_->file->preallocate(bytes);
  }
  if (!grown) return grown;
  active_->allocated = bytes;
  return {};
}

result<void> segment_writer::sync() {
  if (!active_ || active_->end == active_->synced_end) return {};
  auto synced = active_->file->sync();
  if (synced && !active_->in_directory) synced = files_->sync_directory(options_.directory);
  if (!synced) {
    close_active(active_->synced_end);
    return synced;
  }
  active_->in_directory = true;
  active_->end = next_page(active_->end);
  active_->synced_end = active_->end;
  return {};
}

void segment_writer::close_active(uint64_t valid_end) {
  closed_[active_->id] = valid_end;
  active_.reset();
}

bool segment_writer::holds(const block_location& block) const {
  uint64_t end = 0;
  if (active_ && active_->id == block.segment)
    end = active_->end;
  else if (const auto found = closed_.find(block.segment); found != closed_.end())
    end = found->second;
  return block.offset >= segment_header_bytes && block.offset <= end &&
         block.bytes <= end - block.offset;
}

bool segment_writer::is_unsynced(const block_location& block) const {
  return active_ && active_->id == block.segment && block.offset >= active_->synced_end;
}

result<uint32_t> segment_writer::reserve_ids(uint32_t count) {
  if (options_.end_id - options_.first_id < count)
    return fail(ec::limit_exceeded, "begin a segment", "all segment ids are used");
  const auto first = options_.first_id;
  options_.first_id += count;
  return first;
}

std::map<uint32_t, uint64_t> segment_writer::segments() const {
  auto all = closed_;
  if (active_) all[active_->id] = active_->end;
  return all;
}

void segment_writer::seal(uint32_t id) {
  closed_.erase(id);
  if (is_active(id)) active_.reset();
}

class segment_reader::open_file {
 public:
  explicit open_file(int fd) : fd_(fd) {}
  open_file(const open_file&) = delete;
  open_file& operator=(const open_file&) = delete;
  ~open_file() { ::close(fd_); }

  /// Fills `bytes` from `offset` on; fewer are returned at the end of the file.
  result<size_t> read(uint64_t offset, std::span<std::byte> bytes, const std::string& path) const {
    size_t filled = 0;
    while (filled < bytes.size()) {
      const auto got = ::pread(fd_, bytes.data() + filled, bytes.size() - filled,
                               static_cast<off_t>(offset + filled));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return fail(system_error("read " + path, errno));
      if (got == 0) break;
      filled += static_cast<size_t>(got);
    }
    return filled;
  }

  void drop_cache(uint64_t offset, uint64_t bytes) const {
    // A hint: where it is not heard, nothing is lost but memory.
    (void)::posix_fadvise(fd_, static_cast<off_t>(offset), static_cast<off_t>(bytes),
                          POSIX_FADV_DONTNEED);
  }

 private:
  int fd_;
};

segment_reader::segment_reader(std::string directory, uint64_t store)
    : directory_(std::move(directory)), store_(store) {}

segment_reader::~segment_reader() = default;

result<std::shared_ptr<const segment_reader::open_file>> segment_reader::open(uint32_t segment) {
  {
    std::lock_guard lock{mutex_};
    const auto found = std::find_if(files_.begin(), files_.end(),
                                    [&](const auto& entry) { return entry.first == segment; });
    if (found != files_.end()) {
      files_.splice(files_.begin(), files_, found);
      return found->second;
    }
  }
  const auto path = directory_ + "/" + segment_name(segment);
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail(system_error("open segment " + path, errno));
  auto file = std::make_shared<const open_file>(fd);
  std::array<char, segment_header_bytes> header;
  STIP_ASSIGN(const auto got, file->read(0, std::as_writable_bytes(std::span{header}), path));
  STIP_TRY(check_segment_header({header.data(), got}, store_, segment));
  std::lock_guard lock{mutex_};
  files_.emplace_front(segment, file);
  while (files_.size() > defaults::max_open_segments) files_.pop_back();
  return file;
}

result<void> segment_reader::read(const block_location& block, std::vector<std::byte>& out) {
  if (block.bytes == 0) return {};
  const auto before = out.size();
  out.resize(before + block.bytes);
  auto done = read(block.segment, block.offset, std::span{out}.subspan(before));
  if (!done) out.resize(before);
  return done;
}

result<void> segment_reader::read(uint32_t segment, uint64_t offset, std::span<std::byte> out) {
  STIP_ASSIGN(const auto file, open(segment));
  const auto path = directory_ + "/" + segment_name(segment);
  STIP_ASSIGN(const auto got, file->read(offset, out, path));
  if (got == out.size()) return {};
  return fail(ec::corrupt, "read " + path,
              "it ends before byte " + std::to_string(offset + out.size()));
}

void segment_reader::drop_cache(uint32_t segment, uint64_t offset, uint64_t bytes) {
  if (const auto file = open(segment)) (*file)->drop_cache(offset, bytes);
}

void segment_reader::forget(uint32_t segment) {
  std::lock_guard lock{mutex_};
  files_.remove_if([&](const auto& entry) { return entry.first == segment; });
}

}  // namespace stip
