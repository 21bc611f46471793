#include "libstip/store/recovery.hpp"

#include <sys/random.h>

#include <cerrno>
#include <filesystem>
#include <limits>
#include <set>
#include <system_error>

#include "libstip/store/segment.hpp"

namespace stip {

namespace {

constexpr uint64_t store_format = 1;

using segment_sizes = std::unordered_map<uint32_t, uint64_t>;

/// The sizes of segments whose files end before what is named of them; 0 for absent files.
result<segment_sizes> find_short_segments(
    const std::unordered_map<uint32_t, segment_record>& segments, const std::string& directory) {
  segment_sizes sizes;
  for (const auto& [id, segment] : segments) {
    if (segment.live_bytes == 0) continue;
    const auto path = directory + "/" + segment_name(id);
    std::error_code why;
    uint64_t size = std::filesystem::file_size(path, why);
    if (why == std::errc::no_such_file_or_directory)
      size = 0;
    else if (why)
      return fail(system_error("open segment " + path, why.value()));
    if (size < segment.end) sizes.emplace(id, size);
  }
  return sizes;
}

bool is_lost(const chip_record& chip, const segment_sizes& sizes) {
  for (const auto& block : chip.blocks) {
    if (block.bytes == 0) continue;
    const auto found = sizes.find(block.segment);
    if (found != sizes.end() && block.offset + block.bytes > found->second) return true;
  }
  return false;
}

/// A name as a part of a key.
std::string encode_part(const std::string& name) {
  const auto key = to_string(image_key{name, {}, {}, {}, 0});
  return key.substr(0, key.find('/'));
}

result<void> find_lost_chips(const transaction& txn, geocode_algorithm algorithm,
                             const segment_sizes& sizes, recovered& found) {
  stored_names names{txn};
  std::set<std::string> lost_images;
  for (const auto db : {table::chips, table::pending}) {
    STIP_ASSIGN(auto at, cursor::open(txn, db));
    STIP_ASSIGN(bool more, at.seek({"\0", 1}));
    while (more) {
      STIP_ASSIGN(const auto image, read_prefix(names, algorithm, at.key()));
      STIP_ASSIGN(const auto record, decode_chip(image, at.key(), at.value(), names));
      if (is_lost(record, sizes)) {
        found.lost.emplace(at.key());
        found.lost_names.push_back(to_string(image) + "/" + encode_part(record.chip.subdataset));
        if (db == table::chips && !record.chip.clouds)
          lost_images.emplace(at.key().substr(0, image_prefix_bytes));
      }
      STIP_ASSIGN(more, at.next());
    }
  }
  found.statistics.images -= lost_images.size();
  return {};
}

result<void> check_identity(const transaction& txn, const std::string& directory,
                            geocode_algorithm algorithm) {
  const auto what = "open album store " + directory;
  STIP_ASSIGN(const auto format, get_number(txn, meta_word::format));
  if (format == 0 || format > store_format)
    return fail(format == 0 ? ec::corrupt : ec::incompatible, what,
                "its format is " + std::to_string(format) + ", this stip reads up to " +
                    std::to_string(store_format),
                format == 0 ? "" : "use a newer stip");
  STIP_ASSIGN(const auto stored, get_number(txn, meta_word::algorithm));
  if (stored != static_cast<uint64_t>(algorithm))
    return fail(ec::invalid_argument, what,
                "its geocodes are not " + std::string(to_string(algorithm)),
                "open it with the algorithm that it was created with");
  return {};
}

}  // namespace

result<uint64_t> random_id() {
  uint64_t id = 0;
  while (id == 0) {
    const auto got = ::getrandom(&id, sizeof id, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got != static_cast<ssize_t>(sizeof id))
      return fail(system_error("make a random id", got < 0 ? errno : EIO));
  }
  return id;
}

result<void> initialize_store(environment& env, geocode_algorithm algorithm) {
  STIP_ASSIGN(const auto format,
              env.read([](const transaction& txn) { return get_number(txn, meta_word::format); }));
  if (format != 0) return {};
  STIP_ASSIGN(const auto id, random_id());
  return env.write([&](write_transaction& txn) -> result<void> {
    STIP_TRY(put_number(txn, meta_word::format, store_format));
    STIP_TRY(put_number(txn, meta_word::store, id));
    return put_number(txn, meta_word::algorithm, static_cast<uint64_t>(algorithm));
  });
}

result<recovered> recover(const environment& env, const std::string& directory,
                          geocode_algorithm algorithm) {
  return env.read([&](const transaction& txn) -> result<recovered> {
    STIP_TRY(check_identity(txn, directory, algorithm));
    recovered found;
    STIP_ASSIGN(found.store, get_number(txn, meta_word::store));
    STIP_ASSIGN(const auto next, get_number(txn, meta_word::next_segment));
    if (next > std::numeric_limits<uint32_t>::max())
      return fail(ec::corrupt, "open album store " + directory, "its segment ids are used up");
    found.next_segment = next == 0 ? 1 : static_cast<uint32_t>(next);
    STIP_ASSIGN(found.statistics.images, get_number(txn, meta_word::images));
    STIP_ASSIGN(found.statistics.chips, get_number(txn, meta_word::chips));
    STIP_ASSIGN(const auto segments, read_segments(txn));
    for (const auto& [id, segment] : segments) {
      found.statistics.segment_bytes += segment.end;
      found.statistics.live_bytes += segment.live_bytes;
    }
    STIP_ASSIGN(const auto sizes, find_short_segments(segments, directory));
    if (!sizes.empty()) STIP_TRY(find_lost_chips(txn, algorithm, sizes, found));
    return found;
  });
}

result<void> remove_unnamed_segments(const environment& env, const std::string& directory,
                                     file_system& files) {
  STIP_ASSIGN(const auto named,
              env.read([](const transaction& txn) { return read_segments(txn); }));
  std::vector<std::string> unnamed;
  std::error_code why;
  std::filesystem::directory_iterator at{directory, why};
  for (; !why && at != std::filesystem::directory_iterator{}; at.increment(why)) {
    const auto id = parse_segment_name(at->path().filename().string());
    if (id && !named.contains(*id)) unnamed.push_back(at->path().string());
  }
  if (why) return fail(system_error("list " + directory, why.value()));
  for (const auto& path : unnamed) STIP_TRY(files.remove(path));
  return {};
}

}  // namespace stip
