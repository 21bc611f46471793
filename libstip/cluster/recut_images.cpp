#include "libstip/cluster/recut_images.hpp"

#include <algorithm>
#include <map>

#include "libstip/catalog/scene_record.hpp"
#include "libstip/core/defaults.hpp"
#include "libstip/raster/recut.hpp"
#include "libstip/ring/ring.hpp"

namespace stip {

namespace {

/// Bytes of a chip in memory.
uint64_t pixel_bytes(const chip_description& chip) {
  return uint64_t{chip.width} * chip.height * (chip.bands * size_of(chip.type) + chip.mask_planes);
}

pixel_rect window_of(const chip_description& chip) {
  return {chip.column, chip.row, chip.width, chip.height};
}

/// One image that is to be made: the windows of its chips.
struct wanted_image {
  std::string geocode;
  std::vector<pixel_rect> windows;
};

/// The images that are made of one scene, and what brings them to their owners.
class making {
 public:
  making(const stored_image& like, std::string_view source, const load_request& request,
         const load_services& services)
      : like_(like), source_(source), request_(request), services_(services) {}

  /// Finds out where the images go. False: all of them are there.
  result<bool> place(const std::vector<wanted_image>& images) {
    record_.json = encode(like_.scene);
    record_.id = scene_id(record_.json);
    std::vector<image_key> keys;
    const auto run = services_.unique();
    for (const auto& image : images) {
      keys.push_back(like_.key());
      keys.back().geocode = image.geocode;
      keys.back().source = source_;
      STIP_TRY(check(keys.back()));
      for (size_t i = 0; i < image.windows.size(); ++i) {
        expected_chip chip;
        chip.description = describe(keys.back(), like_.chips[i], image.windows[i]);
        chip.upload = {run, chips_.size()};
        chip.image = keys.size() - 1;
        chips_.push_back(std::move(chip));
      }
    }
    STIP_ASSIGN(const auto targets,
                place_images(keys, record_.id, services_.targets, services_.holds));
    for (auto& chip : chips_) {
      chip.nodes = targets[chip.image];
      wanted_.push_back(!chip.nodes.empty());
    }
    known_ = static_cast<uint64_t>(
        std::count_if(targets.begin(), targets.end(), [](const auto& t) { return t.empty(); }));
    return known_ < keys.size();
  }

  /// `cut(subdataset, packer, wants)` hands over the chips of one subdataset; chip i of image k is
  /// number k * subdatasets + i.
  template <class Cut>
  result<load_outcome> run(Cut cut) {
    chip_packer packer{std::move(chips_), wanted_.size() / like_.chips.size(), record_,
                       services_.ship};
    result<void> made;
    for (size_t i = 0; made && i < like_.chips.size(); ++i) made = cut(i, packer);
    auto flushed = made ? packer.flush() : result<void>{};
    // What is under way is waited for in any case: its answers refer to this.
    auto settled = services_.settle();
    STIP_TRY(made);
    STIP_TRY(flushed);
    STIP_TRY(settled);
    load_outcome out;
    out.images_known = known_;
    out.images_stored = packer.images_sent();
    out.cells_without_data = packer.images_empty();
    out.decoded_bytes = bytes_;
    return out;
  }

  bool wants(size_t image) const { return wanted_[image * like_.chips.size()]; }
  size_t number(size_t image, size_t chip) const { return image * like_.chips.size() + chip; }

  /// The outcome where all images are there.
  load_outcome nothing() const {
    load_outcome out;
    out.images_known = known_;
    return out;
  }

  /// The pixels of one chip, held in the memory for loads as long as `use` takes.
  template <class Use>
  result<void> read(const stored_image& image, size_t chip, const read_chip& read, Use use) {
    const auto bytes = pixel_bytes(image.chips[chip]);
    STIP_ASSIGN(const auto share,
                budget_share::acquire(*services_.memory, bytes, services_.stopped));
    STIP_ASSIGN(auto pixels, read(image, chip));
    bytes_ += bytes;
    return use(placed_chip{window_of(image.chips[chip]), std::move(pixels)});
  }

 private:
  chip_description describe(const image_key& key, const chip_description& of,
                            const pixel_rect& window) const {
    auto chip = of;
    chip.key = key;
    chip.scene = record_.id;
    chip.block_edge = static_cast<uint16_t>(defaults::max_block_edge);
    chip.column = window.column;
    chip.row = window.row;
    chip.width = static_cast<uint32_t>(window.width);
    chip.height = static_cast<uint32_t>(window.height);
    chip.cell_pixels = chip.valid_pixels = 0;
    chip.content = {};
    chip.written = request_.written;
    chip.token = ring_token(dht_key(key.geocode, request_.target.dht_key_length));
    return chip;
  }

  const stored_image& like_;
  const std::string_view source_;
  const load_request& request_;
  const load_services& services_;
  scene_part record_;
  std::vector<expected_chip> chips_;
  std::vector<bool> wanted_;
  uint64_t known_ = 0;
  uint64_t bytes_ = 0;
};

result<std::vector<recutter>> recutters_of(const stored_image& image, const load_request& request) {
  std::vector<recutter> out;
  for (const auto& chip : image.chips) {
    STIP_ASSIGN(auto one, recutter::make(image.scene, chip.subdataset_index,
                                         request.target.algorithm, request.precision));
    out.push_back(std::move(one));
  }
  return out;
}

tl::unexpected<error> stopped(const std::string& what) {
  return fail(ec::stopped, what, "the task was asked to stop", "");
}

}  // namespace

result<load_outcome> split_image(const stored_image& image, const std::string& bound,
                                 const load_request& request, const load_services& services,
                                 const read_chip& read) {
  const auto what = "split image " + to_string(image.key());
  STIP_ASSIGN(auto cutters, recutters_of(image, request));
  const auto& code = image.key().geocode;
  const auto& outer = bound.size() > code.size() ? bound : code;
  // An image needs all of its subdatasets: a cell counts where each has a pixel.
  std::map<std::string, wanted_image> found;
  for (size_t i = 0; i < cutters.size(); ++i) {
    STIP_ASSIGN(const auto cells, cutters[i].cells_within(outer, window_of(image.chips[i])));
    for (const auto& cell : cells) {
      auto& wanted = found[cell];
      wanted.geocode = cell;
      if (wanted.windows.size() != i) continue;
      STIP_ASSIGN(const auto window, cutters[i].window_of(cell));
      wanted.windows.push_back(window);
    }
  }
  std::vector<wanted_image> images;
  for (auto& [cell, wanted] : found)
    if (wanted.windows.size() == image.chips.size()) images.push_back(std::move(wanted));
  if (images.empty()) return load_outcome{};
  making out{image, split_source, request, services};
  STIP_ASSIGN(const auto anything, out.place(images));
  if (!anything) return out.nothing();
  return out.run([&](size_t i, chip_packer& packer) -> result<void> {
    return out.read(image, i, read, [&](const placed_chip& source) -> result<void> {
      for (size_t k = 0; k < images.size(); ++k) {
        if (!out.wants(k)) continue;
        if (services.stopped()) return stopped(what);
        STIP_TRY(cutters[i].cut(
            images[k].geocode,
            [&](const paste_chip& paste) -> result<void> {
              paste(source);
              return {};
            },
            out.number(k, i), packer));
      }
      return {};
    });
  });
}

result<load_outcome> merge_images(const std::string& geocode,
                                  const std::vector<stored_image>& images,
                                  const load_request& request, const load_services& services,
                                  const read_chip& read) {
  const auto what = "merge images into " + geocode;
  if (images.empty()) return fail(ec::not_found, what, "there are none any more");
  const auto& first = images.front();
  for (const auto& image : images)
    if (image.chips.size() != first.chips.size() ||
        image.chips.front().scene != first.chips.front().scene)
      return fail(
          ec::invalid_argument, what,
          to_string(image.key()) + " is not of the same scene as " + to_string(first.key()));
  STIP_ASSIGN(auto cutters, recutters_of(first, request));
  wanted_image wanted{geocode, {}};
  for (auto& cutter : cutters) {
    STIP_ASSIGN(const auto window, cutter.window_of(geocode));
    wanted.windows.push_back(window);
  }
  making out{first, merged_source, request, services};
  STIP_ASSIGN(const auto anything, out.place({wanted}));
  if (!anything) return out.nothing();
  return out.run([&](size_t i, chip_packer& packer) -> result<void> {
    return cutters[i].cut(
        geocode,
        [&](const paste_chip& paste) -> result<void> {
          for (const auto& image : images) {
            if (services.stopped()) return stopped(what);
            STIP_TRY(out.read(image, i, read, [&](const placed_chip& source) -> result<void> {
              paste(source);
              return {};
            }));
          }
          return {};
        },
        out.number(0, i), packer);
  });
}

}  // namespace stip
