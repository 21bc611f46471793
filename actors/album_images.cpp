#include "actors/album_images.hpp"

#include <caf/all.hpp>

namespace stip {

result<album_images> album_images::make(caf::actor_system& system, const shared_view& view,
                                        uint64_t self, std::string album,
                                        std::function<bool()> stopped) {
  const auto now = view.get();
  const auto* own = now->find(self);
  if (own == nullptr)
    return fail(ec::unavailable, "look for images of album " + album,
                "this node does not know itself yet", "try again in a moment");
  return album_images{client{system, own->handles}, std::move(album), std::move(stopped)};
}

image_source album_images::source() const {
  image_source out;
  out.list = [this](const filter& match, const auto& look) { return list(match, look); };
  out.details = [this](const image_key& key) -> result<stored_image> {
    return node_.details(album_, key);
  };
  out.read = [this](const stored_image& image, size_t chip) -> result<placed_chip> {
    image_row row;
    row.key = image.key();
    const auto part = part_of(image, chip);
    // One page at a time: as many chips are read at once as there are threads.
    STIP_ASSIGN(auto pixels, node_.chip(album_, row, image, chip, 1, part));
    return placed_chip{part, std::move(pixels)};
  };
  return out;
}

result<void> album_images::list(const filter& match,
                                const std::function<result<void>(image_row)>& look) const {
  find_request request;
  request.album = album_;
  request.match = match;
  while (!stopped_()) {
    STIP_ASSIGN(auto page, node_.find(request));
    if (!page.problems.empty())
      return fail(ec::unavailable, "list images", page.problems.front(),
                  "start what is away, then give the command again");
    if (page.more) {
      request.has_after = true;
      request.after = page.rows.back().facts();
    }
    for (auto& row : page.rows) STIP_TRY(look(std::move(row)));
    if (!page.more) return {};
  }
  return fail(ec::stopped, "list images", "the task was asked to stop", "");
}

}  // namespace stip
