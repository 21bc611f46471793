#include "libstip/cluster/fill_transformation.hpp"

#include <algorithm>
#include <optional>
#include <tuple>

#include "libstip/catalog/scene_series.hpp"
#include "libstip/raster/cell_mask.hpp"
#include "libstip/raster/composite.hpp"

namespace stip {

namespace {

/// Numbers of inputs are bytes in the subdataset of sources.
constexpr size_t most_inputs = 255;
constexpr auto any_tile = "*";
constexpr auto inputs_property = "inputs";
constexpr auto resampling_property = "resampling";

bool is_full(const image_row& image) {
  return image.pixel_coverage >= 1;
}

/// What tells a filled image from one of other inputs.
hash128 checksum_of(const std::vector<image_row>& group, bool keep_sources) {
  std::string text(keep_sources ? "sources" : "");
  for (const auto& row : group) {
    text += '\n' + to_string(row.key);
    for (const auto& s : row.subdatasets) text += ' ' + to_string(s.content);
  }
  return hash128_of(text);
}

/// An image that is being filled: one composite for each subdataset of the fullest input.
class filling {
 public:
  static result<filling> make(const stored_image& fullest, const load_request& request) {
    filling out;
    const auto& geocode = fullest.key().geocode;
    for (size_t i = 0; i < fullest.own().size(); ++i) {
      const auto& chip = fullest.chips[i];
      auto description = fullest.subdataset(i);
      description.grid =
          window_grid(description.grid, chip.column, chip.row, chip.width, chip.height);
      STIP_ASSIGN(auto part, composite::make(description));
      STIP_ASSIGN(auto own, cell_mask(description.grid, {0, 0, chip.width, chip.height},
                                      request.target.algorithm, geocode));
      out.parts_.push_back({std::move(part), std::move(own), std::move(description)});
    }
    return out;
  }

  /// Takes what is missing from one more input. Errors: unsupported where it may not stand beside
  /// the others; nothing of it was taken then.
  result<void> add(const stored_image& image, uint8_t number, const read_chip& read) {
    STIP_ASSIGN(const auto chips, counterparts(image));
    for (size_t i = 0; i < parts_.size(); ++i) {
      if (!chips[i]) continue;
      STIP_ASSIGN(const auto chip, read(image, *chips[i]));
      STIP_ASSIGN(const auto how, parts_[i].pixels.add(chip.image, number));
      resampled_ = resampled_ || how == composite::placing::nearest;
    }
    return {};
  }

  /// The image's chip for each part; nothing where it has not that layer of quality, which products
  /// of one kind have from some year on.
  result<std::vector<std::optional<size_t>>> counterparts(const stored_image& image) const {
    std::vector<std::optional<size_t>> out(parts_.size());
    for (size_t chip = 0; chip < image.own().size(); ++chip) {
      const auto& of = image.subdataset(chip);
      const auto at = std::ranges::find(
          parts_, of.id, [](const part& p) -> const std::string& { return p.description.id; });
      if (at == parts_.end()) {
        if (of.quality) continue;
        return fail(ec::unsupported, "combine images", "they have not the same subdatasets");
      }
      STIP_TRY(check_combinable(at->description, of));
      out[static_cast<size_t>(at - parts_.begin())] = chip;
    }
    for (size_t i = 0; i < parts_.size(); ++i)
      if (!out[i] && !parts_[i].description.quality)
        return fail(ec::unsupported, "combine images", "they have not the same subdatasets");
    return out;
  }

  /// The least share of the cell that is covered in a measured subdataset.
  double coverage() const {
    double least = 1;
    for (const auto& part : parts_) {
      if (part.description.quality) continue;
      uint64_t cell = 0, covered = 0;
      const auto sources = part.pixels.sources();
      for (size_t k = 0; k < sources.size(); ++k) {
        cell += part.own[k];
        covered += part.own[k] & (sources[k] != 0);
      }
      if (cell > 0) least = std::min(least, double(covered) / double(cell));
    }
    return least;
  }

  bool resampled() const { return resampled_; }

  /// Moves the chips, and the descriptions of their subdatasets.
  void finish(derived_image& to, bool keep_sources) && {
    std::vector<uint8_t> sources;
    if (keep_sources) {
      const auto of = parts_.front().pixels.sources();
      sources.assign(of.begin(), of.end());
    }
    for (auto& part : parts_) {
      to.scene.subdatasets.push_back(part.description);
      const auto& g = part.description.grid;
      to.chips.push_back({{0, 0, g.width, g.height}, std::move(part.pixels).finish()});
    }
    if (!keep_sources) return;
    auto& description = to.scene.subdatasets.emplace_back();
    description.id = sources_name;
    description.grid = to.scene.subdatasets.front().grid;
    description.type = pixel_type::uint8;
    description.valid = validity::nodata;
    description.quality = true;
    description.bands.emplace_back().name = sources_name;
    description.bands.front().nodata = 0;
    chip_image image;
    image.description = description;
    const auto* first = reinterpret_cast<const std::byte*>(sources.data());
    image.pixels.assign(first, first + sources.size());
    to.chips.push_back({{0, 0, description.grid.width, description.grid.height}, std::move(image)});
  }

 private:
  struct part {
    composite pixels;
    std::vector<uint8_t> own;
    subdataset_description description;
  };
  std::vector<part> parts_;
  bool resampled_ = false;
};

/// What all inputs say alike.
std::map<std::string, std::string> common_properties(const std::vector<stored_image>& images) {
  auto out = images.front().scene.properties;
  for (const auto& image : images)
    std::erase_if(out, [&](const auto& entry) {
      const auto found = image.scene.properties.find(entry.first);
      return found == image.scene.properties.end() || found->second != entry.second;
    });
  return out;
}

}  // namespace

fill_transformation::fill_transformation(options o) : options_(std::move(o)) {
  if (!options_.match.source) options_.match.source = std::string(raw_source);
}

std::string fill_transformation::input_of(const image_row& image) const {
  // The task's filter may be wider than what is filled.
  if (image.key.source == filled_source) return {};
  const auto& wanted = *options_.match.source;
  if (!wanted.ends_with('*') && image.key.source != wanted) return {};
  return to_string(
      image_key{image.key.platform, image.key.geocode, std::string(filled_source), any_tile, 0});
}

result<load_outcome> fill_transformation::run(const image_key& input, const image_source& images,
                                              const load_request& request,
                                              const load_services& services) const {
  auto match = options_.match;
  match.platform = input.platform;
  match.geocode = input.geocode;
  match.recurse = false;
  std::vector<image_row> rows;
  STIP_TRY(images.list(match, [&](image_row row) -> result<void> {
    if (!input_of(row).empty() && !row.subdatasets.empty()) rows.push_back(std::move(row));
    return {};
  }));
  std::ranges::sort(rows, {}, [](const image_row& row) {
    return std::tuple(row.key.timestamp, -row.pixel_coverage, row.key.tile, row.key.source);
  });
  load_outcome sum;
  for (auto first = rows.begin(); first != rows.end();) {
    const auto end = std::find_if(first, rows.end(), [&](const image_row& row) {
      return row.key.timestamp - first->key.timestamp > options_.window;
    });
    const std::vector<image_row> group(first, end);
    first = end;
    if (group.size() < 2 || std::ranges::any_of(group, is_full)) continue;
    STIP_ASSIGN(const auto one, fill(group, images, request, services));
    sum += one;
  }
  return sum;
}

result<load_outcome> fill_transformation::fill(const std::vector<image_row>& group,
                                               const image_source& images,
                                               const load_request& request,
                                               const load_services& services) const {
  derived_image made;
  made.key = group.front().key;
  made.key.source = filled_source;
  const auto what = "fill image " + to_string(made.key);
  const auto checksum = checksum_of(group, options_.keep_sources);
  if (const auto before = images.details(made.key);
      before && before->scene.input_checksum == checksum) {
    STIP_ASSIGN(const auto held, is_held(made.key, before->chips.front().scene, services));
    load_outcome known;
    known.images_known = 1;
    if (held) return known;
  }
  if (group.size() > most_inputs)
    return fail(ec::limit_exceeded, what,
                "there are " + std::to_string(group.size()) + " images within the window",
                "choose a shorter one with -w");
  std::vector<stored_image> inputs;
  for (const auto& row : group) {
    STIP_ASSIGN(auto image, images.details(row.key));
    inputs.push_back(std::move(image));
  }
  const auto fullest = static_cast<size_t>(
      std::ranges::max_element(group, {}, &image_row::pixel_coverage) - group.begin());
  // All at once: who holds memory and waits for more may wait for those that wait for this.
  uint64_t bytes = 0;
  for (const auto& image : inputs)
    for (size_t i = 0; i < image.own().size(); ++i) bytes = std::max(bytes, part_bytes(image, i));
  for (size_t i = 0; i < inputs[fullest].own().size(); ++i) {
    const auto& chip = inputs[fullest].chips[i];
    // Beside the pixels where they are from, and whose cell they lie in.
    bytes += window_of(chip).pixels() * (chip.bands * size_of(chip.type) + chip.mask_planes + 3);
  }
  STIP_ASSIGN(const auto share, budget_share::acquire(*services.memory, bytes, services.stopped));
  STIP_ASSIGN(auto filled, filling::make(inputs[fullest], request));
  std::string names;
  std::vector<stored_image> used;
  load_outcome out;
  for (size_t i = 0; i < inputs.size() && filled.coverage() < 1; ++i) {
    if (services.stopped()) return stopped_work(what);
    const auto name = to_string(inputs[i].key());
    const auto added = filled.add(inputs[i], static_cast<uint8_t>(used.size() + 1), images.read);
    if (!added && added.error().code == ec::unsupported) {
      out.notes.push_back(name + " is left out: " + to_string(added.error()));
      continue;
    }
    STIP_TRY(added);
    for (size_t k = 0; k < inputs[i].own().size(); ++k)
      out.decoded_bytes += part_bytes(inputs[i], k);
    names += (names.empty() ? "" : " ") + name;
    used.push_back(inputs[i]);
  }
  if (filled.coverage() <= group[fullest].pixel_coverage) return out;
  const auto& first = inputs.front().scene;
  made.scene.format = first.format;
  made.scene.platform = first.platform;
  made.scene.tile = first.tile;
  made.scene.timestamp = first.timestamp;
  made.scene.start = first.start.value_or(first.timestamp);
  made.scene.end = first.end.value_or(first.timestamp);
  for (const auto& image : used) {
    const auto& scene = image.scene;
    made.scene.start = std::min(*made.scene.start, scene.start.value_or(scene.timestamp));
    made.scene.end = std::max(*made.scene.end, scene.end.value_or(scene.timestamp));
  }
  made.scene.properties = common_properties(used);
  made.scene.properties[inputs_property] = names;
  if (filled.resampled()) made.scene.properties[resampling_property] = "nearest";
  made.scene.input = first.input;
  made.scene.input_checksum = checksum;
  std::move(filled).finish(made, options_.keep_sources);
  STIP_ASSIGN(const auto stored, store_derived(made, request, services));
  out += stored;
  return out;
}

}  // namespace stip
