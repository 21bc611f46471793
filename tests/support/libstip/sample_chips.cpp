#include "tests/support/libstip/sample_chips.hpp"

#include <algorithm>
#include <tuple>

#include "libstip/raster/block.hpp"
#include "libstip/raster/chip_content.hpp"

namespace stip::test {

namespace {

size_t below(std::mt19937_64& random, size_t bound) {
  return static_cast<size_t>(random() % bound);
}

}  // namespace

std::string sample_geocode(size_t number) {
  static const std::vector<std::string> codes = {"u4pr", "u4pru", "u4ps", "9q8y", "zzzz", "s0000"};
  return codes[number % codes.size()];
}

put_scene sample_scene(uint64_t number) {
  const auto json = "{\"scene\": " + std::to_string(number) + "}";
  return {hash128_of(json), json};
}

image_key sample_key(size_t number) {
  return {number % 3 == 0 ? "Landsat 8" : "Sentinel-2A", sample_geocode(number), "raw",
          "tile/" + std::to_string(number % 5), static_cast<epoch_seconds>(number % 4) * 86400 - 7};
}

version sample_version(int64_t t) {
  return {t, 0, 1};
}

sample_chip random_chip(std::mt19937_64& random, const image_key& key, uint16_t index,
                        uint16_t count, uint64_t scene, version written) {
  sample_chip sample;
  auto& chip = sample.chip;
  chip.key = key;
  chip.subdataset = std::to_string(10 * (index + 1)).append("m");
  chip.subdataset_index = index;
  chip.subdataset_count = count;
  chip.quality = index > 0 && below(random, 3) == 0;
  chip.scene = sample_scene(scene).id;
  chip.type = below(random, 2) == 0 ? pixel_type::uint8 : pixel_type::uint16;
  chip.bands = static_cast<uint16_t>(1 + below(random, 3));
  chip.mask_planes = below(random, 2) == 0 ? 0 : 1;
  chip.block_edge = 16;
  chip.column = static_cast<int64_t>(below(random, 1000)) - 500;
  chip.row = static_cast<int64_t>(below(random, 1000)) - 500;
  chip.width = static_cast<uint32_t>(1 + below(random, 40));
  chip.height = static_cast<uint32_t>(1 + below(random, 40));
  chip.cell_pixels = uint64_t{chip.width} * chip.height;
  chip.valid_pixels = below(random, chip.cell_pixels + 1);
  const bool partial = chip.valid_pixels > 0 && chip.valid_pixels < chip.cell_pixels;
  if (partial && chip.column % 2 == 0) {
    std::vector<row_part> rows;
    for (uint32_t row = 0; row < chip.height; ++row) {
      const auto begin = row * 7 % chip.width;
      rows.push_back({row, begin, begin + 1});
    }
    chip.outline = outline_of(rows);
  }
  chip.written = written;
  chip.token = random();
  std::vector<uint64_t> contents;
  block_encoder encoder;
  for (uint32_t plane = 0; plane < chip.planes(); ++plane)
    for (uint32_t y = 0; y < chip.block_rows(); ++y)
      for (uint32_t x = 0; x < chip.block_columns(); ++x) {
        auto& record = sample.records.emplace_back();
        contents.push_back(0);
        if (below(random, 5) == 0) continue;
        const auto type = plane < chip.bands ? chip.type : pixel_type::bit;
        const auto rows = std::min<uint32_t>(chip.block_edge, chip.height - y * chip.block_edge);
        const auto columns = std::min<uint32_t>(chip.block_edge, chip.width - x * chip.block_edge);
        std::vector<std::byte> pixels(size_t{rows} * columns * size_of(type));
        for (auto& pixel : pixels)
          pixel = std::byte(type == pixel_type::bit ? random() & 1 : random());
        (void)encoder.append_block(type, static_cast<uint16_t>(rows),
                                   static_cast<uint16_t>(columns), pixels, record);
        contents.back() = parse_block(record)->content;
      }
  chip.content =
      chip_content(chip.type, chip.width, chip.height, chip.planes(), chip.block_edge, contents);
  return sample;
}

sample_chip random_mask(std::mt19937_64& random, const image_key& key, uint64_t of, uint64_t scene,
                        version written) {
  auto sample = random_chip(random, key, cloud_mask_index, 0, scene, written);
  auto& chip = sample.chip;
  chip.subdataset = cloud_mask_name;
  chip.quality = true;
  auto& note = chip.clouds.emplace();
  note.of = sample_scene(of).id;
  if (below(random, 8) == 0) return sample;
  auto& shares = note.shares.emplace();
  shares.cloud = double(below(random, 101)) / 100;
  shares.shadow = 1 - shares.cloud;
  return sample;
}

std::vector<std::byte> joined(const std::vector<std::vector<std::byte>>& records) {
  std::vector<std::byte> bytes;
  for (const auto& record : records) bytes.insert(bytes.end(), record.begin(), record.end());
  return bytes;
}

result<commit_outcome> store(album_store& to, const sample_commit& commit) {
  commit_request request;
  request.tombstones = commit.tombstones;
  for (uint64_t scene = 0; scene < 8; ++scene) request.scenes.push_back(sample_scene(scene));
  for (const auto& sample : commit.chips) {
    put_chip put;
    put.chip = sample.chip;
    put.blocks.resize(sample.records.size());
    STIP_ASSIGN(const auto places, to.append(joined(sample.records)));
    auto place = places.begin();
    for (size_t i = 0; i < sample.records.size(); ++i)
      if (!sample.records[i].empty()) put.blocks[i] = *place++;
    request.chips.push_back(std::move(put));
  }
  return to.commit(request);
}

void store_twin::apply(const sample_commit& commit) {
  for (const auto& sample : commit.chips) {
    auto& f = images_[to_string(sample.chip.key)];
    f.key = sample.chip.key;
    f.chips.push_back(sample);
  }
  for (const auto& tombstone : commit.tombstones) {
    auto& f = images_[to_string(tombstone.key)];
    f.key = tombstone.key;
    f.tombstone = std::max(f.tombstone.value_or(tombstone.when), tombstone.when);
  }
}

void store_twin::forget(const std::string& geocode) {
  std::erase_if(images_, [&](const auto& entry) { return entry.second.key.geocode == geocode; });
}

std::vector<const sample_chip*> store_twin::image_of(const facts& f) {
  using set_id = std::pair<hash128, uint16_t>;
  std::map<set_id, std::map<uint16_t, const sample_chip*>> sets;
  for (const auto& sample : f.chips) {
    const auto& chip = sample.chip;
    if (chip.clouds || (f.tombstone && chip.written < *f.tombstone)) continue;
    auto& best = sets[{chip.scene, chip.subdataset_count}][chip.subdataset_index];
    if (!best ||
        std::tie(best->chip.written, best->chip.content) < std::tie(chip.written, chip.content))
      best = &sample;
  }
  std::optional<std::pair<version, set_id>> best_rank;
  std::vector<const sample_chip*> image;
  for (const auto& [id, set] : sets) {
    if (set.size() != id.second) continue;
    std::vector<const sample_chip*> chips;
    auto oldest = set.begin()->second->chip.written;
    for (const auto& [index, sample] : set) {
      oldest = std::min(oldest, sample->chip.written);
      chips.push_back(sample);
    }
    const auto own = std::pair{oldest, id};
    if (best_rank && own <= *best_rank) continue;
    best_rank = own;
    image = std::move(chips);
  }
  if (!image.empty())
    if (const auto* mask = mask_of(f, image)) image.push_back(mask);
  return image;
}

const sample_chip* store_twin::mask_of(const facts& f,
                                       const std::vector<const sample_chip*>& image) {
  const sample_chip* newest = nullptr;
  for (const auto& sample : f.chips) {
    if (!sample.chip.clouds) continue;
    const auto order = [](const chip_description& chip) {
      return std::tuple(chip.written, chip.content, encode(chip));
    };
    if (!newest || order(newest->chip) < order(sample.chip)) newest = &sample;
  }
  if (!newest || newest->chip.clouds->of != image.front()->chip.scene) return nullptr;
  for (const auto* sample : image)
    if (sample->chip.written <= newest->chip.written) return newest;
  return nullptr;
}

std::map<std::string, std::vector<const sample_chip*>> store_twin::images() const {
  std::map<std::string, std::vector<const sample_chip*>> visible;
  for (const auto& [key, f] : images_)
    if (auto image = image_of(f); !image.empty()) visible.emplace(key, std::move(image));
  return visible;
}

std::optional<std::string> store_twin::difference(const album_store& store) const {
  const auto expected = images();
  const auto entries = store.scan_index();
  if (!entries) return "scan: " + to_string(entries.error());
  if (!store.lost_chips().empty()) return "lost: " + store.lost_chips().front();
  if (entries->size() != expected.size())
    return std::to_string(entries->size()) + " images instead of " +
           std::to_string(expected.size());
  if (store.statistics().images != expected.size()) return "the count of images is wrong";
  for (const auto& entry : *entries) {
    const auto key = to_string(entry.key);
    const auto found = expected.find(key);
    if (found == expected.end()) return "unexpected image " + key;
    const auto chips = store.chips(entry.key);
    if (!chips) return "chips: " + to_string(chips.error());
    if (chips->size() != found->second.size()) return "another number of chips of " + key;
    std::optional<double> measured, quality;
    for (size_t i = 0; i < chips->size(); ++i) {
      const auto& sample = *found->second[i];
      const auto& record = (*chips)[i];
      auto description = record.chip;
      description.token = sample.chip.token;
      if (description != sample.chip) return "another description of " + key;
      auto& least = sample.chip.quality ? quality : measured;
      if (!sample.chip.clouds) least = std::min(least.value_or(1), sample.chip.pixel_coverage());
      if (record.blocks.size() != sample.records.size()) return "blocks are missing of " + key;
      for (size_t b = 0; b < record.blocks.size(); ++b) {
        std::vector<std::byte> bytes;
        const auto read = store.read(record.blocks[b], bytes);
        if (!read) return "read " + key + ": " + to_string(read.error());
        if (bytes != sample.records[b]) return "other bytes in " + key;
      }
    }
    const auto& last = found->second.back()->chip;
    const auto clouds =
        last.clouds && last.clouds->shares ? static_cast<float>(last.clouds->shares->cloud) : -1.0f;
    if (entry.cloud_coverage != clouds) return "another cloud coverage of " + key;
    const auto coverage = static_cast<float>(measured ? *measured : quality.value_or(0));
    if (entry.pixel_coverage != coverage) return "another coverage of " + key;
  }
  return {};
}

sample_commit workload::next() {
  sample_commit commit;
  const auto images = 1 + below(random_, 3);
  for (size_t i = 0; i < images; ++i) {
    const auto key = sample_key(below(random_, 12));
    const auto scene = below(random_, 4);
    const auto kind = below(random_, 10);
    if (kind == 0) {
      commit.tombstones.push_back({key, sample_version(time_ + 1)});
      time_ += 2;
      continue;
    }
    // Now and then a writer whose task began earlier.
    if (kind == 9) {
      commit.chips.push_back(
          random_mask(random_, key, scene, 4 + below(random_, 4),
                      sample_version(below(random_, 4) == 0 ? time_ - 5 : time_)));
      ++time_;
      continue;
    }
    const auto written = sample_version(kind == 1 ? std::max<int64_t>(1, time_ - 5) : time_++);
    const auto count = static_cast<uint16_t>(1 + below(random_, 3));
    for (uint16_t index = 0; index < count; ++index) {
      auto chip = random_chip(random_, key, index, count, scene, written);
      if (kind < 4 && index + 1 == count && count > 1)
        postponed_.push_back(std::move(chip));
      else
        commit.chips.push_back(std::move(chip));
    }
  }
  if (!postponed_.empty() && below(random_, 2) == 0) {
    commit.chips.push_back(std::move(postponed_.back()));
    postponed_.pop_back();
  }
  return commit;
}

}  // namespace stip::test
