#include "libstip/store/album_store.hpp"

#include <filesystem>
#include <optional>
#include <system_error>

#include "libstip/raster/block.hpp"
#include "libstip/store/album_store_impl.hpp"
#include "libstip/store/image_reader.hpp"
#include "libstip/store/records.hpp"
#include "libstip/store/recovery.hpp"

namespace stip {

namespace {

constexpr auto environment_name = "/metadata.mdb";

/// No record is longer: bounds what a location that came from elsewhere makes us allocate.
size_t most_record_bytes() {
  return max_record_bytes(pixel_type::float64, defaults::max_block_edge, defaults::max_block_edge);
}

result<void> check_tombstone(const put_tombstone& tombstone, geocode_algorithm algorithm) {
  STIP_TRY(check(tombstone.key));
  return check_geocode(algorithm, tombstone.key.geocode);
}

}  // namespace

album_store::impl::~impl() {
  compaction_.reset();
  // A segment that no commit came to name is of no use to anybody.
  if (writer_ && !writer_->segments().empty())
    (void)remove_unnamed_segments(*env_, directory_, files_);
}

result<void> album_store::impl::open(metadata_observer* observer) {
  const bool read_only = options_.mode == open_mode::read_only;
  const auto path = directory_ + environment_name;
  reader_ = std::make_unique<segment_reader>(directory_, 0);
  std::error_code why;
  if (!read_only) {
    const bool created = std::filesystem::create_directories(directory_, why);
    if (why) return fail(system_error("create " + directory_, why.value()));
    if (created) {
      const auto parent = std::filesystem::path(directory_).parent_path().string();
      STIP_TRY(files_.sync_directory(parent.empty() ? "." : parent));
    }
  } else if (!std::filesystem::exists(path, why) && !why) {
    return {};
  }
  environment::options o;
  o.read_only = read_only;
  o.databases = table::all();
  o.map_bytes = options_.initial_map_bytes;
  o.observer = observer;
  STIP_ASSIGN(env_, environment::open(path, o, files_));
  if (!read_only) STIP_TRY(initialize_store(*env_, algorithm_));
  STIP_ASSIGN(auto found, recover(*env_, directory_, algorithm_));
  if (!read_only) {
    STIP_TRY(remove_unnamed_segments(*env_, directory_, files_));
    writer_ = std::make_unique<segment_writer>(
        segment_writer::options{directory_, found.store, found.next_segment,
                                options_.min_segment_bytes, options_.max_segment_bytes},
        files_);
  }
  store_ = found.store;
  reader_ = std::make_unique<segment_reader>(directory_, found.store);
  flawed_.lost = std::move(found.lost);
  lost_names_ = std::move(found.lost_names);
  statistics_ = found.statistics;
  return {};
}

result<void> album_store::impl::check_writable(const char* what) const {
  if (writer_) return {};
  return fail(ec::forbidden, std::string(what) + " " + directory_, "it is open for reading",
              "open it for writing");
}

result<std::vector<block_location>> album_store::impl::append(std::span<const std::byte> records) {
  STIP_TRY(check_writable("append to album store"));
  if (options_.free_bytes_watermark > 0) {
    STIP_ASSIGN(const auto bytes, files_.free_bytes(directory_));
    if (bytes < options_.free_bytes_watermark)
      return fail(ec::no_space, "append to album store " + directory_,
                  std::to_string(bytes) + " bytes are free, the watermark is " +
                      std::to_string(options_.free_bytes_watermark),
                  "delete images, or give the node more disk");
  }
  std::vector<uint32_t> sizes;
  for (auto rest = records; !rest.empty();) {
    STIP_ASSIGN(const auto header, parse_block(rest));
    const auto bytes = record_bytes(header);
    sizes.push_back(static_cast<uint32_t>(bytes));
    rest = rest.subspan(bytes);
  }
  return writer_->append(records, sizes);
}

result<void> album_store::impl::check_chip(const put_chip& put) const {
  const auto& chip = put.chip;
  STIP_TRY(check(chip));
  STIP_TRY(check_geocode(algorithm_, chip.key.geocode));
  const auto what = [&] { return "store chip " + to_string(chip.key) + "/" + chip.subdataset; };
  if (put.blocks.size() != chip.blocks())
    return fail(ec::invalid_argument, what(),
                "it has " + std::to_string(chip.blocks()) + " blocks, the places of " +
                    std::to_string(put.blocks.size()) + " are given");
  for (const auto& block : put.blocks) {
    if (block.bytes == 0) continue;
    if (block.bytes % block_alignment != 0 || block.offset % block_alignment != 0)
      return fail(ec::invalid_argument, what(), "a block is not where a record can be");
    if (!writer_->holds(block))
      return fail(ec::conflict, what(), "a block was not appended, or was lost by a failed sync",
                  "append it again");
  }
  return {};
}

result<commit_outcome> album_store::impl::commit(const commit_request& request) {
  STIP_TRY(check_writable("commit to album store"));
  bool unsynced = false;
  for (const auto& put : request.chips) {
    STIP_TRY(check_chip(put));
    for (const auto& block : put.blocks)
      unsynced = unsynced || (block.bytes > 0 && writer_->is_unsynced(block));
  }
  for (const auto& tombstone : request.tombstones) STIP_TRY(check_tombstone(tombstone, algorithm_));
  for (const auto& scene : request.scenes)
    if (scene.json.size() > defaults::max_scene_record_bytes)
      return fail(ec::limit_exceeded, "store scene record " + to_string(scene.id),
                  "it has " + std::to_string(scene.json.size()) + " bytes");
  if (unsynced) STIP_TRY(writer_->sync());
  return run([&](commit_writer& writer) { return writer.write(request); });
}

result<commit_outcome> album_store::impl::run(
    const std::function<result<void>(commit_writer&)>& write) {
  const auto flawed_before = flawed();
  std::optional<commit_writer> written;
  STIP_TRY(env_->write([&](write_transaction& txn) {
    written.emplace(txn, algorithm_, flawed_before);
    return write(*written);
  }));
  take_in(written->effects);
  if (compaction_)
    scenes_written_.insert(written->effects.scenes.begin(), written->effects.scenes.end());
  return std::move(written->outcome);
}

void album_store::impl::take_in(const commit_effects& effects) {
  std::unique_lock lock{mutex_};
  for (const auto& key : effects.sound) {
    flawed_.lost.erase(key);
    flawed_.damaged.erase(key);
  }
  flawed_.lost.insert(effects.lost.begin(), effects.lost.end());
  flawed_.damaged.insert(effects.damaged.begin(), effects.damaged.end());
  statistics_.images += static_cast<uint64_t>(effects.images);
  statistics_.chips += static_cast<uint64_t>(effects.chips);
  statistics_.live_bytes += static_cast<uint64_t>(effects.live_bytes);
  statistics_.segment_bytes += static_cast<uint64_t>(effects.segment_bytes);
}

result<index_columns> album_store::impl::scan_columns() const {
  index_builder images(algorithm_);
  if (env_) {
    const auto known = statistics();
    images.reserve(known.images, known.chips);
    const auto lost_now = lost();
    STIP_TRY(
        env_->read([&](const transaction& txn) { return scan_images(txn, lost_now, images); }));
  }
  return std::move(images).finish();
}

result<std::vector<image_row>> album_store::impl::rows(std::span<const image_key> keys,
                                                       const std::string& node) const {
  std::vector<image_row> found;
  if (!env_) return found;
  const auto lost_now = lost();
  STIP_TRY(env_->read([&](const transaction& txn) -> result<void> {
    row_reader reader{txn, algorithm_, lost_now};
    for (const auto& key : keys) {
      STIP_ASSIGN(auto row, reader.row(key));
      if (!row) continue;
      row->nodes.push_back(node);
      found.push_back(std::move(*row));
    }
    return {};
  }));
  return found;
}

result<std::vector<chip_record>> album_store::impl::chips(const image_key& key) const {
  std::vector<chip_record> found;
  if (env_) {
    const auto lost_now = lost();
    STIP_ASSIGN(found, env_->read([&](const transaction& txn) {
      return row_reader{txn, algorithm_, lost_now}.chips(key);
    }));
  }
  if (found.empty()) return fail(ec::not_found, "find image " + to_string(key), "it is not there");
  return found;
}

result<std::vector<bool>> album_store::impl::holds(std::span<const image_key> keys,
                                                   const hash128& scene) const {
  std::vector<bool> found(keys.size(), false);
  if (!env_) return found;
  const auto lost_now = lost();
  STIP_TRY(env_->read([&](const transaction& txn) -> result<void> {
    row_reader reader{txn, algorithm_, lost_now};
    for (size_t i = 0; i < keys.size(); ++i) {
      STIP_ASSIGN(const auto chips, reader.chips(keys[i]));
      found[i] = !chips.empty() && (chips.front().chip.scene == scene ||
                                    (chips.back().chip.clouds && chips.back().chip.scene == scene));
    }
    return {};
  }));
  return found;
}

result<std::string> album_store::impl::scene(const hash128& id) const {
  std::optional<std::string> json;
  if (env_)
    STIP_TRY(env_->read([&](const transaction& txn) -> result<void> {
      STIP_ASSIGN(const auto value, txn.get(table::scenes, to_string(id)));
      if (value) json = std::string(*value);
      return {};
    }));
  if (!json) return fail(ec::not_found, "find scene record " + to_string(id), "it is not there");
  return *std::move(json);
}

result<void> album_store::impl::read(std::span<const block_location> locations,
                                     std::vector<std::byte>& out) const {
  const auto what = [&](const block_location& location) {
    return "read block at " + std::to_string(location.offset) + " of " + directory_ + "/" +
           segment_name(location.segment);
  };
  const auto before = out.size();
  const auto refuse = [&](error why) {
    out.resize(before);
    return fail(std::move(why));
  };
  for (size_t first = 0; first < locations.size();) {
    const auto& start = locations[first];
    if (start.bytes == 0) {
      ++first;
      continue;
    }
    block_location run = start;
    auto last = first;
    for (; last < locations.size(); ++last) {
      const auto& next = locations[last];
      if (next.bytes > most_record_bytes())
        return refuse({ec::invalid_argument,
                       what(next),
                       std::to_string(next.bytes) + " bytes are more than any block has",
                       {}});
      if (last == first) continue;
      if (next.bytes == 0 || next.segment != run.segment || next.offset != run.offset + run.bytes ||
          run.bytes + next.bytes > defaults::read_request_bytes)
        break;
      run.bytes += next.bytes;
    }
    auto at = out.size();
    if (auto got = reader_->read(run, out); !got) return refuse(std::move(got).error());
    for (; first < last; ++first) {
      const auto record = std::span<const std::byte>{out}.subspan(at, locations[first].bytes);
      at += locations[first].bytes;
      auto sound = verify_block(record);
      if (sound) {
        const auto header = parse_block(record);
        if (header && record_bytes(*header) == record.size()) continue;
        sound = fail(ec::corrupt, "it", "the record has another length");
      }
      return refuse({ec::corrupt, what(locations[first]), sound.error().why,
                     "repair the album from another node, or store the scene again"});
    }
  }
  return {};
}

std::unique_ptr<block_stream> album_store::impl::stream(std::vector<block_location> blocks,
                                                        const block_stream::options& o) const {
  return std::make_unique<block_stream>(*reader_, std::move(blocks), o);
}

store_statistics album_store::impl::statistics() const {
  std::shared_lock lock{mutex_};
  auto now = statistics_;
  now.lost_chips = flawed_.lost.size();
  return now;
}

album_store::album_store(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
album_store::~album_store() = default;

result<std::unique_ptr<album_store>> album_store::open(const std::string& directory,
                                                       geocode_algorithm algorithm,
                                                       const store_options& options,
                                                       file_system& files,
                                                       metadata_observer* observer) {
  auto i = std::make_unique<impl>(directory, algorithm, options, files);
  STIP_TRY(i->open(observer));
  return std::unique_ptr<album_store>(new album_store(std::move(i)));
}

result<std::vector<block_location>> album_store::append(std::span<const std::byte> records) {
  return impl_->append(records);
}

result<commit_outcome> album_store::commit(const commit_request& request) {
  return impl_->commit(request);
}

result<index_columns> album_store::scan_columns() const {
  return impl_->scan_columns();
}

result<std::vector<index_entry>> album_store::scan_index() const {
  STIP_ASSIGN(const auto columns, scan_columns());
  std::vector<index_entry> entries;
  entries.reserve(columns.size());
  for (uint32_t row = 0; row < columns.size(); ++row) entries.push_back(columns.entry(row));
  return entries;
}

result<std::vector<image_row>> album_store::rows(std::span<const image_key> keys,
                                                 const std::string& node) const {
  return impl_->rows(keys, node);
}

result<std::vector<chip_record>> album_store::chips(const image_key& key) const {
  return impl_->chips(key);
}

result<std::vector<bool>> album_store::holds(std::span<const image_key> keys,
                                             const hash128& scene) const {
  return impl_->holds(keys, scene);
}

result<std::string> album_store::scene(const hash128& id) const {
  return impl_->scene(id);
}

result<void> album_store::read(const block_location& location, std::vector<std::byte>& out) const {
  return impl_->read({&location, 1}, out);
}

result<void> album_store::read(std::span<const block_location> locations,
                               std::vector<std::byte>& out) const {
  return impl_->read(locations, out);
}

std::unique_ptr<block_stream> album_store::stream(std::vector<block_location> blocks,
                                                  const block_stream::options& options) const {
  return impl_->stream(std::move(blocks), options);
}

store_statistics album_store::statistics() const {
  return impl_->statistics();
}

void album_store::note_damage(std::span<const scrub_finding> damaged) {
  impl_->note_damage(damaged);
}

const std::vector<std::string>& album_store::lost_chips() const {
  return impl_->lost_names();
}

result<bool> album_store::begin_compaction(const compaction_options& options,
                                           const std::set<uint32_t>& in_use) {
  return impl_->begin_compaction(options, in_use);
}

result<compaction_turn> album_store::compact(uint64_t& cost) {
  return impl_->compact(cost);
}

result<compaction_turn> album_store::publish_compaction() {
  return impl_->publish_compaction();
}

compaction_report album_store::end_compaction() {
  return impl_->end_compaction();
}

result<scrub_state> album_store::scrub_position() const {
  return impl_->scrub_position();
}

result<void> album_store::keep(const scrub_state& state) {
  return impl_->keep(state);
}

result<scrub_step> album_store::scrub(const scrub_state& from, uint64_t bytes) const {
  return impl_->scrub(from, bytes);
}

}  // namespace stip
