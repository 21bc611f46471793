#include "libstip/store/image_reader.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace stip {

namespace {

/// Takes chips in the order of their keys and gives images to a builder.
class image_scan {
 public:
  image_scan(const transaction& txn, index_builder& images)
      : names_(txn), scenes_(txn), images_(&images) {}

  result<void> add(std::string_view key, std::string_view value, bool lost) {
    if (!key.starts_with(prefix_) || prefix_.empty()) {
      STIP_TRY(finish());
      prefix_ = key.substr(0, image_prefix_bytes);
    }
    // Without its mask an image is still one.
    if (lost && is_mask_key(key)) return {};
    lost_ = lost_ || lost;
    auto& chip = chips_.emplace_back();
    STIP_TRY(decode_stored_chip(value, chip));
    if (chip.clouds && chip.clouds->shares)
      cloud_coverage_ = static_cast<float>(chip.clouds->shares->cloud);
    listed_.push_back(chip.listed);
    coverage_.add(chip.quality, chip.listed.pixel_coverage);
    return {};
  }

  /// Gives the last image.
  result<void> finish() {
    if (!prefix_.empty() && !lost_) {
      const auto stored = read_prefix_numbers(prefix_);
      index_builder::image image;
      image.geocode = stored.geocode;
      image.time = stored.time;
      image.pixel_coverage = static_cast<float>(coverage_.value());
      image.cloud_coverage = cloud_coverage_;
      STIP_ASSIGN(image.platform, number(name_kind::platform, stored.platform));
      STIP_ASSIGN(image.source, number(name_kind::source, stored.source));
      STIP_ASSIGN(image.tile, number(name_kind::tile, stored.tile));
      STIP_ASSIGN(image.layout, layout());
      images_->add(image, listed_);
    }
    prefix_.clear();
    chips_.clear();
    listed_.clear();
    coverage_ = {};
    cloud_coverage_ = -1;
    lost_ = false;
    return {};
  }

 private:
  /// The builder's number of a name.
  result<uint32_t> number(name_kind kind, uint32_t stored) {
    const auto slot = uint64_t{static_cast<uint8_t>(kind)} << 32 | stored;
    if (const auto found = numbers_.find(slot); found != numbers_.end()) return found->second;
    STIP_ASSIGN(const auto* name, names_.name(kind, stored));
    const auto number = kind == name_kind::platform ? images_->platform(*name)
                        : kind == name_kind::source ? images_->source(*name)
                                                    : images_->tile(*name);
    numbers_.emplace(slot, number);
    return number;
  }

  /// The builder's number of what the image has in common with others of its scene.
  result<uint32_t> layout() {
    form_.clear();
    const auto append = [this](const auto& number) {
      form_.append(reinterpret_cast<const char*>(&number), sizeof number);
    };
    auto written = chips_.front().written;
    for (const auto& chip : chips_)
      if (!chip.clouds) written = std::min(written, chip.written);
    append(written.wall_ms);
    append(written.logical);
    append(written.node);
    for (const auto& chip : chips_) {
      append(chip.scene);
      append(chip.subdataset);
      append(chip.type);
      append(chip.bands);
      append(chip.quality);
    }
    if (const auto found = layouts_.find(form_); found != layouts_.end()) return found->second;
    std::vector<scene_records::shape> shapes;
    for (const auto& chip : chips_) {
      STIP_ASSIGN(const auto* name, names_.name(name_kind::subdataset, chip.subdataset));
      shapes.push_back({*name, chip.type, chip.bands, chip.quality, chip.scene});
    }
    STIP_ASSIGN(const auto made, scenes_.layout(chips_.front().scene, written, shapes));
    const auto number = images_->layout(made);
    layouts_.emplace(form_, number);
    return number;
  }

  stored_names names_;
  scene_records scenes_;
  index_builder* images_;
  std::unordered_map<uint64_t, uint32_t> numbers_;
  std::unordered_map<std::string, uint32_t> layouts_;
  std::string prefix_, form_;
  std::vector<stored_chip> chips_;
  std::vector<listed_chip> listed_;
  coverage_of_image coverage_;
  float cloud_coverage_ = -1;
  bool lost_ = false;
};

}  // namespace

result<void> scan_images(const transaction& txn, const lost_keys& lost, index_builder& images) {
  const std::string kind(1, static_cast<char>(name_kind::platform));
  image_scan scan{txn, images};
  STIP_ASSIGN(auto platforms, cursor::open(txn, table::ids));
  STIP_ASSIGN(auto chips, cursor::open(txn, table::chips));
  STIP_ASSIGN(bool more_platforms, platforms.seek(kind));
  // By name, while chips are sorted by number.
  while (more_platforms && platforms.key().starts_with(kind)) {
    const std::string platform(platforms.value());
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
    const bool lost = !lost_->empty() && lost_->contains(at.key());
    if (lost && !is_mask_key(at.key())) return std::vector<chip_record>{};
    if (!lost) {
      STIP_ASSIGN(auto record, decode_chip(key, at.key(), at.value(), names_));
      found.push_back(std::move(record));
    }
    STIP_ASSIGN(more, at.next());
  }
  return found;
}

result<std::optional<image_row>> row_reader::row(const image_key& key) {
  STIP_ASSIGN(const auto records, chips(key));
  if (records.empty()) return std::optional<image_row>{};
  STIP_ASSIGN(const auto* description, scenes_.find(records.front().chip.scene));
  image_row row;
  row.key = key;
  if (description) row.properties = description->properties;
  row.written = records.front().chip.written;
  coverage_of_image coverage;
  for (const auto& record : records) {
    const auto& chip = record.chip;
    row.written = std::min(row.written, chip.written);
    coverage.add(chip.quality, chip.pixel_coverage());
    if (chip.clouds && chip.clouds->shares) row.cloud_coverage = chip.clouds->shares->cloud;
    STIP_ASSIGN(const auto* scene, scenes_.find(chip.scene));
    row.subdatasets.push_back(
        {chip.subdataset, chip.type, band_names(scene, chip.subdataset, chip.bands), chip.width,
         chip.height, chip.pixel_coverage(), record.bytes(), chip.scene, chip.content});
  }
  row.pixel_coverage = coverage.value();
  return std::optional{std::move(row)};
}

}  // namespace stip
