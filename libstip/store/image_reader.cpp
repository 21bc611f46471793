#include "libstip/store/image_reader.hpp"

#include <algorithm>
#include <string>
#include <tuple>

#include "libstip/catalog/scene_record.hpp"

namespace stip {

namespace {

/// Takes the chips of one platform in the order of their keys and gives images in that of the
/// index: sources and tiles of one cell and time come by number and are sorted by name.
class platform_scan {
 public:
  platform_scan(stored_names& names, geocode_algorithm algorithm, std::vector<index_entry>& entries)
      : names_(&names),
        algorithm_(algorithm),
        entries_(&entries),
        first_of_place_(entries.size()) {}

  result<void> add(std::string_view key, std::string_view value, bool lost) {
    if (!key.starts_with(prefix_) || prefix_.empty()) {
      STIP_TRY(finish_image());
      prefix_ = key.substr(0, image_prefix_bytes);
      coverage_ = {};
      lost_ = false;
    }
    STIP_ASSIGN(const auto facts, decode_chip_facts(value));
    coverage_.add(facts.quality, facts.pixel_coverage);
    lost_ = lost_ || lost;
    return {};
  }

  result<void> finish() {
    STIP_TRY(finish_image());
    sort_place();
    return {};
  }

 private:
  result<void> finish_image() {
    if (prefix_.empty() || lost_) return {};
    STIP_ASSIGN(auto key, read_prefix(*names_, algorithm_, prefix_));
    const index_entry entry{std::move(key), static_cast<float>(coverage_.value()), -1};
    if (first_of_place_ < entries_->size()) {
      const auto& first = (*entries_)[first_of_place_].key;
      if (first.timestamp != entry.key.timestamp || first.geocode != entry.key.geocode) {
        sort_place();
        first_of_place_ = entries_->size();
      }
    }
    entries_->push_back(entry);
    return {};
  }

  void sort_place() {
    std::sort(entries_->begin() + static_cast<ptrdiff_t>(first_of_place_), entries_->end(),
              [](const index_entry& a, const index_entry& b) {
                return std::tie(a.key.source, a.key.tile) < std::tie(b.key.source, b.key.tile);
              });
  }

  stored_names* names_;
  geocode_algorithm algorithm_;
  std::vector<index_entry>* entries_;
  size_t first_of_place_;
  std::string prefix_;
  coverage_of_image coverage_;
  bool lost_ = false;
};

std::vector<std::string> band_names(const scene_description* scene, const chip_description& chip) {
  std::vector<std::string> bands;
  if (scene)
    for (const auto& subdataset : scene->subdatasets)
      if (subdataset.id == chip.subdataset)
        for (const auto& band : subdataset.bands) bands.push_back(band.name);
  // Where the scene record does not say, the numbers serve.
  if (bands.size() != chip.bands) {
    bands.clear();
    for (int i = 1; i <= chip.bands; ++i) bands.push_back(std::to_string(i));
  }
  return bands;
}

}  // namespace

result<void> scan_images(const transaction& txn, geocode_algorithm algorithm, const lost_keys& lost,
                         std::vector<index_entry>& entries) {
  stored_names names{txn};
  const std::string kind(1, static_cast<char>(name_kind::platform));
  STIP_ASSIGN(auto platforms, cursor::open(txn, table::ids));
  STIP_ASSIGN(auto chips, cursor::open(txn, table::chips));
  STIP_ASSIGN(bool more_platforms, platforms.seek(kind));
  // By name, while chips are sorted by number.
  while (more_platforms && platforms.key().starts_with(kind)) {
    const std::string platform(platforms.value());
    platform_scan scan{names, algorithm, entries};
    STIP_ASSIGN(bool more, chips.seek(platform));
    while (more && chips.key().starts_with(platform)) {
      STIP_TRY(scan.add(chips.key(), chips.value(), !lost.empty() && lost.contains(chips.key())));
      STIP_ASSIGN(more, chips.next());
    }
    STIP_TRY(scan.finish());
    STIP_ASSIGN(more_platforms, platforms.next());
  }
  return {};
}

result<std::vector<chip_record>> row_reader::chips(const image_key& key) {
  std::vector<chip_record> found;
  STIP_ASSIGN(const auto prefix, find_prefix(names_, algorithm_, key));
  if (!prefix) return found;
  STIP_ASSIGN(auto at, cursor::open(*txn_, table::chips));
  STIP_ASSIGN(bool more, at.seek(*prefix));
  while (more && at.key().starts_with(*prefix)) {
    if (!lost_->empty() && lost_->contains(at.key())) return std::vector<chip_record>{};
    STIP_ASSIGN(auto record, decode_chip(key, at.key(), at.value(), names_));
    found.push_back(std::move(record));
    STIP_ASSIGN(more, at.next());
  }
  return found;
}

result<const scene_description*> row_reader::scene(const hash128& id) {
  const auto [at, is_new] = scenes_.try_emplace(id);
  if (is_new) {
    STIP_ASSIGN(const auto json, txn_->get(table::scenes, to_string(id)));
    if (json)
      if (auto decoded = decode_scene(*json)) at->second = std::move(*decoded);
  }
  return at->second ? &*at->second : nullptr;
}

result<std::optional<image_row>> row_reader::row(const image_key& key) {
  STIP_ASSIGN(const auto records, chips(key));
  if (records.empty()) return std::optional<image_row>{};
  STIP_ASSIGN(const auto* description, scene(records.front().chip.scene));
  image_row row;
  row.key = key;
  if (description) row.properties = description->properties;
  coverage_of_image coverage;
  for (const auto& record : records) {
    const auto& chip = record.chip;
    coverage.add(chip.quality, chip.pixel_coverage());
    row.subdatasets.push_back({chip.subdataset, chip.type, band_names(description, chip),
                               chip.width, chip.height, chip.pixel_coverage(), record.bytes(),
                               chip.scene, chip.content});
  }
  row.pixel_coverage = coverage.value();
  return std::optional{std::move(row)};
}

}  // namespace stip
