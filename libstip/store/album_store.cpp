#include "libstip/store/album_store.hpp"

#include <filesystem>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <system_error>

#include "libstip/raster/block.hpp"
#include "libstip/store/commit.hpp"
#include "libstip/store/environment.hpp"
#include "libstip/store/image_reader.hpp"
#include "libstip/store/records.hpp"
#include "libstip/store/recovery.hpp"
#include "libstip/store/segment.hpp"

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

class album_store::impl {
 public:
  impl(std::string directory, geocode_algorithm algorithm, const store_options& options,
       file_system& files)
      : directory_(std::move(directory)), algorithm_(algorithm), options_(options), files_(files) {}

  result<void> open(metadata_observer* observer);
  result<std::vector<block_location>> append(std::span<const std::byte> records);
  result<commit_outcome> commit(const commit_request& request);
  result<index_columns> scan_columns() const;
  result<std::vector<image_row>> rows(std::span<const image_key> keys,
                                      const std::string& node) const;
  result<std::vector<chip_record>> chips(const image_key& key) const;
  result<std::vector<bool>> holds(std::span<const image_key> keys, const hash128& scene) const;
  result<std::string> scene(const hash128& id) const;
  result<void> read(const block_location& location, std::vector<std::byte>& out) const;
  store_statistics statistics() const;
  const std::vector<std::string>& lost_names() const { return lost_names_; }

 private:
  result<void> check_chip(const put_chip& put) const;
  result<void> check_writable(const char* what) const;
  void take_in(const commit_effects& effects);

  lost_keys lost() const {
    std::shared_lock lock{mutex_};
    return lost_;
  }

  const std::string directory_;
  const geocode_algorithm algorithm_;
  const store_options options_;
  file_system& files_;
  /// Null: opened for reading where nothing was ever stored.
  std::unique_ptr<environment> env_;
  std::unique_ptr<segment_writer> writer_;
  std::unique_ptr<segment_reader> reader_;
  std::vector<std::string> lost_names_;
  /// Guards what commits change and readers look at.
  mutable std::shared_mutex mutex_;
  lost_keys lost_;
  store_statistics statistics_;
};

result<void> album_store::impl::open(metadata_observer* observer) {
  const bool read_only = options_.mode == open_mode::read_only;
  const auto path = directory_ + environment_name;
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
  reader_ = std::make_unique<segment_reader>(directory_, found.store);
  lost_ = std::move(found.lost);
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
  const auto lost_before = lost();
  std::optional<commit_writer> written;
  STIP_TRY(env_->write([&](write_transaction& txn) {
    written.emplace(txn, algorithm_, lost_before);
    return written->write(request);
  }));
  take_in(written->effects);
  return std::move(written->outcome);
}

void album_store::impl::take_in(const commit_effects& effects) {
  std::unique_lock lock{mutex_};
  for (const auto& key : effects.found) lost_.erase(key);
  for (const auto& key : effects.lost) lost_.insert(key);
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
      found[i] = !chips.empty() && chips.front().chip.scene == scene;
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

result<void> album_store::impl::read(const block_location& location,
                                     std::vector<std::byte>& out) const {
  const auto what = [&] {
    return "read block at " + std::to_string(location.offset) + " of " + directory_ + "/" +
           segment_name(location.segment);
  };
  if (location.bytes == 0) return {};
  if (location.bytes > most_record_bytes())
    return fail(ec::invalid_argument, what(),
                std::to_string(location.bytes) + " bytes are more than any block has");
  if (!reader_) return fail(ec::not_found, what(), "nothing was ever stored here");
  const auto before = out.size();
  STIP_TRY(reader_->read(location, out));
  const auto record = std::span<const std::byte>{out}.subspan(before);
  auto sound = verify_block(record);
  if (sound) {
    const auto header = parse_block(record);
    if (header && record_bytes(*header) == location.bytes) return {};
    sound = fail(ec::corrupt, "it", "the record has another length");
  }
  out.resize(before);
  return fail(ec::corrupt, what(), sound.error().why,
              "repair the album from another node, or store the scene again");
}

store_statistics album_store::impl::statistics() const {
  std::shared_lock lock{mutex_};
  return statistics_;
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
  return impl_->read(location, out);
}

store_statistics album_store::statistics() const {
  return impl_->statistics();
}

const std::vector<std::string>& album_store::lost_chips() const {
  return impl_->lost_names();
}

}  // namespace stip
