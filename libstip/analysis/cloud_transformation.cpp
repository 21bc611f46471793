#include "libstip/analysis/cloud_transformation.hpp"

#include <filesystem>
#include <fstream>

#include "libstip/analysis/chip_planes.hpp"
#include "libstip/analysis/derived_scene.hpp"
#include "libstip/analysis/find_clouds.hpp"
#include "libstip/geo/cell.hpp"
#include "libstip/raster/cell_mask.hpp"

namespace stip {

namespace {

/// The model of s2cloudless, the largest that is in use, has 20 MB.
constexpr uint64_t most_model_bytes = uint64_t{256} << 20;

/// Properties of a mask's scene record.
constexpr auto method_property = "method";
constexpr auto model_property = "model";
constexpr auto checksum_property = "model_checksum";
constexpr auto grid_property = "grid_of";

std::string property(const scene_description& scene, const char* name) {
  const auto found = scene.properties.find(name);
  return found == scene.properties.end() ? std::string{} : found->second;
}

/// Whether the image has the mask that `work` would make.
bool has_mask(const stored_image& image, const cloud_work& work) {
  if (work.force || image.mask() == nullptr) return false;
  if (work.method == cloud_method::automatic) return true;
  const auto& made = *image.mask_scene;
  return property(made, method_property) == to_string(work.method) &&
         (!work.model || property(made, checksum_property) == to_string(work.model_checksum));
}

/// What the mask of every image of the scene is: one record for all of them.
scene_description describe_mask(const scene_description& of, const cloud_mask& mask,
                                const cloud_work& work) {
  scene_description out;
  out.format = "cloud-mask";
  out.platform = of.platform;
  out.tile = of.tile;
  out.timestamp = of.timestamp;
  out.start = of.start;
  out.end = of.end;
  out.input = of.input;
  out.input_bytes = of.input_bytes;
  out.input_checksum = of.input_checksum;
  const auto& like = of.subdatasets[mask.subdataset];
  out.properties = {{method_property, std::string(to_string(mask.method))},
                    {grid_property, like.id}};
  if (mask.method == cloud_method::model) {
    out.properties[model_property] = work.model_name;
    out.properties[checksum_property] = to_string(work.model_checksum);
  }
  auto& part = out.subdatasets.emplace_back();
  part.id = cloud_mask_name;
  part.grid = like.grid;
  part.type = pixel_type::uint8;
  part.valid = validity::nodata;
  part.quality = true;
  auto& band = part.bands.emplace_back();
  band.name = cloud_mask_name;
  band.nodata = static_cast<uint64_t>(mask_class::nodata);
  for (size_t i = 0; i < mask_class_count; ++i)
    band.categories.emplace_back(to_string(static_cast<mask_class>(i)));
  return out;
}

}  // namespace

result<void> cloud_work::read_model(const std::string& file) {
  const auto what = "read the model " + file;
  std::error_code failed;
  const auto bytes = std::filesystem::file_size(file, failed);
  if (failed) return fail(ec::not_found, what, failed.message(), "name it as every node sees it");
  if (bytes > most_model_bytes)
    return fail(ec::limit_exceeded, what,
                "it has more than " + std::to_string(most_model_bytes) + " bytes",
                "a model of LightGBM in its text form is meant");
  std::string text(bytes, '\0');
  std::ifstream in(file, std::ios::binary);
  if (!in.read(text.data(), static_cast<std::streamsize>(bytes)))
    return fail(ec::io_error, what, "it cannot be read to its end");
  STIP_ASSIGN(model, tree_model::parse(text, file));
  model_name = std::filesystem::path(file).filename().string();
  model_checksum = hash128_of(text);
  return {};
}

result<load_outcome> find_image_clouds(const stored_image& image, const cloud_work& work,
                                       const read_chip& read, const load_request& request,
                                       const load_services& services) {
  const auto& key = image.key();
  if (has_mask(image, work)) {
    STIP_ASSIGN(const auto held, is_held(key, image.mask()->scene, services));
    load_outcome known;
    known.images_known = 1;
    if (held) return known;
  }
  const auto algorithm = request.target.algorithm;
  STIP_ASSIGN(const auto cell, decode(algorithm, key.geocode));
  cloud_request wanted;
  wanted.method = work.method;
  wanted.model = work.model ? &*work.model : nullptr;
  wanted.probability = work.probability;
  wanted.longitude = (cell.west + cell.east) / 2;
  wanted.latitude = (cell.south + cell.north) / 2;
  uint64_t bytes = 0;
  for (size_t i = 0; i < image.own().size(); ++i) bytes += part_bytes(image, i);
  STIP_ASSIGN(const auto share, budget_share::acquire(*services.memory, bytes, services.stopped));
  chip_planes planes{image, read};
  STIP_ASSIGN(auto mask, find_clouds(image.scene, wanted, planes.planes()));
  if (services.stopped()) return stopped_work("find the clouds of " + to_string(key));

  const auto part = part_of(image, mask.subdataset);
  derived_image made{key, describe_mask(image.scene, mask, work), {}, {}};
  STIP_ASSIGN(const auto own,
              cell_mask(made.scene.subdatasets.front().grid, part, algorithm, key.geocode));
  const cloud_note note{image.chips.front().scene, fractions_of(count_classes(mask.classes, own))};
  auto& chip = made.chips.emplace_back();
  chip.window = part;
  chip.image.description = made.scene.subdatasets.front();
  chip.image.description.grid =
      window_grid(chip.image.description.grid, part.column, part.row, part.width, part.height);
  const auto* first = reinterpret_cast<const std::byte*>(mask.classes.data());
  chip.image.pixels.assign(first, first + mask.classes.size());
  STIP_ASSIGN(auto out, store_mask(made, note, own, request, services));
  out.decoded_bytes = planes.bytes();
  return out;
}

std::string cloud_transformation::input_of(const image_row& image) const {
  return is_derived_of(image, match_) ? to_string(image.key) : std::string{};
}

result<load_outcome> cloud_transformation::run(const image_key& input, const image_source& images,
                                               const load_request& request,
                                               const load_services& services) const {
  STIP_ASSIGN(const auto image, images.details(input));
  return find_image_clouds(image, work_, images.read, request, services);
}

}  // namespace stip
