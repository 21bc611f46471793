#include "libstip/cluster/recut_images.hpp"

#include <algorithm>
#include <map>

#include "libstip/raster/recut.hpp"

namespace stip {

namespace {

/// The image of a cell that is cut like `like`, of these windows.
planned_image plan_like(const stored_image& like, std::string_view source,
                        const std::string& geocode, const std::vector<pixel_rect>& windows) {
  planned_image out{like.key(), {}};
  out.key.geocode = geocode;
  out.key.source = source;
  for (size_t i = 0; i < windows.size(); ++i) {
    auto& chip = out.chips.emplace_back(like.chips[i]);
    chip.column = windows[i].column;
    chip.row = windows[i].row;
    chip.width = static_cast<uint32_t>(windows[i].width);
    chip.height = static_cast<uint32_t>(windows[i].height);
  }
  return out;
}

/// For cells of that precision.
result<std::vector<recutter>> recutters_of(const stored_image& image, const load_request& request,
                                           size_t precision) {
  std::vector<recutter> out;
  for (const auto& chip : image.own()) {
    STIP_ASSIGN(auto one, recutter::make(image.scene, chip.subdataset_index,
                                         request.target.algorithm, static_cast<int>(precision)));
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace

result<load_outcome> split_image(const stored_image& image, const std::string& bound,
                                 const load_request& request, const load_services& services,
                                 const read_chip& read) {
  const auto what = "split image " + to_string(image.key());
  STIP_ASSIGN(auto cutters, recutters_of(image, request, static_cast<size_t>(request.precision)));
  const auto& code = image.key().geocode;
  const auto& outer = bound.size() > code.size() ? bound : code;
  // An image needs all of its subdatasets: a cell counts where each has a pixel.
  std::map<std::string, std::vector<pixel_rect>> found;
  for (size_t i = 0; i < cutters.size(); ++i) {
    STIP_ASSIGN(const auto cells, cutters[i].cells_within(outer, window_of(image.chips[i])));
    for (const auto& cell : cells) {
      auto& windows = found[cell];
      if (windows.size() != i) continue;
      STIP_ASSIGN(const auto window, cutters[i].window_of(cell));
      windows.push_back(window);
    }
  }
  std::vector<std::string> cells;
  std::vector<planned_image> images;
  for (const auto& [cell, windows] : found) {
    if (windows.size() != cutters.size()) continue;
    cells.push_back(cell);
    images.push_back(plan_like(image, split_source, cell, windows));
  }
  if (images.empty()) return load_outcome{};
  image_making out{image.scene, request, services};
  STIP_ASSIGN(const auto anything, out.place(std::move(images)));
  if (!anything) return out.nothing();
  return out.run([&](chip_packer& packer) -> result<void> {
    for (size_t i = 0; i < cutters.size(); ++i)
      STIP_TRY(out.read(image, i, read, [&](const placed_chip& source) -> result<void> {
        for (size_t k = 0; k < cells.size(); ++k) {
          if (!out.wants(k)) continue;
          if (services.stopped()) return stopped_work(what);
          STIP_TRY(cutters[i].cut(
              cells[k],
              [&](const paste_chip& paste) -> result<void> {
                paste(source);
                return {};
              },
              out.number(k, i), packer));
        }
        return {};
      }));
    return {};
  });
}

result<load_outcome> merge_images(const std::string& geocode,
                                  const std::vector<stored_image>& images, std::string_view source,
                                  const load_request& request, const load_services& services,
                                  const read_chip& read) {
  const auto what = "merge images into " + geocode;
  if (images.empty()) return fail(ec::not_found, what, "there are none any more");
  const auto& first = images.front();
  for (const auto& image : images)
    if (image.own().size() != first.own().size() ||
        image.chips.front().scene != first.chips.front().scene)
      return fail(
          ec::invalid_argument, what,
          to_string(image.key()) + " is not of the same scene as " + to_string(first.key()));
  STIP_ASSIGN(auto cutters, recutters_of(first, request, geocode.size()));
  std::vector<pixel_rect> windows;
  for (auto& cutter : cutters) {
    STIP_ASSIGN(const auto window, cutter.window_of(geocode));
    windows.push_back(window);
  }
  image_making out{first.scene, request, services};
  STIP_ASSIGN(const auto anything, out.place({plan_like(first, source, geocode, windows)}));
  if (!anything) return out.nothing();
  return out.run([&](chip_packer& packer) -> result<void> {
    for (size_t i = 0; i < cutters.size(); ++i)
      STIP_TRY(cutters[i].cut(
          geocode,
          [&](const paste_chip& paste) -> result<void> {
            for (const auto& image : images) {
              if (services.stopped()) return stopped_work(what);
              STIP_TRY(out.read(image, i, read, [&](const placed_chip& source) -> result<void> {
                paste(source);
                return {};
              }));
            }
            return {};
          },
          out.number(0, i), packer));
    return {};
  });
}

}  // namespace stip
