#include "actors/client.hpp"

#include <algorithm>
#include <atomic>
#include <caf/all.hpp>
#include <cstddef>
#include <memory>
#include <mutex>
#include <span>

#include "actors/errors.hpp"
#include "actors/question.hpp"
#include "libstip/catalog/scene_record.hpp"
#include "libstip/core/budget.hpp"
#include "libstip/core/defaults.hpp"
#include "libstip/core/parallel.hpp"
#include "libstip/raster/block.hpp"

namespace stip {

namespace {

template <class T, class Handle, class... Ts>
result<T> answer_of(caf::actor_system& system, const Handle& whom,
                    std::chrono::milliseconds deadline, const std::string& what,
                    const Ts&... message) {
  return question<T>{system, whom, deadline, what, message...}.wait();
}

template <class Row, class Decode>
result<answer_page<Row>> decode_page(result<query_answer> answer, Decode decode) {
  if (!answer) return fail(std::move(answer).error());
  answer_page<Row> page;
  STIP_ASSIGN(page.rows, decode(answer->rows));
  page.more = answer->more;
  page.problems = std::move(answer->problems);
  if (page.more && page.rows.empty())
    return fail(ec::malformed, "list images", "the node says there are more, and gives none",
                "look at the node's log");
  return page;
}

/// A node's description of a chip is believed only where it agrees with the scene record.
result<void> check_against_scene(const stored_image& image) {
  const auto& chip = image.chips.back();
  const auto wrong = [&](std::string why) {
    return fail(ec::malformed, "read image " + to_string(chip.key), std::move(why),
                "look at the node's log");
  };
  const auto* scene =
      chip.clouds ? (image.mask_scene ? &*image.mask_scene : nullptr) : &image.scene;
  const size_t index = chip.clouds ? 0 : chip.subdataset_index;
  if (scene == nullptr || index >= scene->subdatasets.size())
    return wrong("the scene has no subdataset number " + std::to_string(chip.subdataset_index));
  const auto& part = scene->subdatasets[index];
  if (chip.bands != part.bands.size() || chip.type != part.type ||
      chip.mask_planes != mask_planes(part.valid, part.bands.size()))
    return wrong("chip and scene disagree on subdataset " + part.id);
  return {};
}

/// Bytes of a chip that is put together.
uint64_t image_bytes(const chip_description& chip) {
  const auto area = uint64_t{chip.width} * chip.height;
  return area * (chip.bands * size_of(chip.type) + chip.mask_planes);
}

/// What stip says of an image, as the exported file's metadata.
std::map<std::string, std::string> items_of(const image_row& image, const chip_description& chip) {
  std::map<std::string, std::string> items = {
      {"GEOCODE", image.key.geocode},
      {"PLATFORM", image.key.platform},
      {"SOURCE", image.key.source},
      {"TILE", image.key.tile},
      {"TIMESTAMP", to_iso8601(image.key.timestamp)},
      {"SUBDATASET", chip.subdataset},
      {"PIXEL_COVERAGE", std::to_string(chip.pixel_coverage())},
  };
  if (image.cloud_coverage) items["CLOUD_COVERAGE"] = std::to_string(*image.cloud_coverage);
  return items;
}

/// Hands over the records of one page; they stand one after the other.
result<void> take_page(const block_page& page, const std::string& what,
                       const client::take_block& take) {
  auto rest = std::as_bytes(std::span{page.records});
  for (const auto block : page.blocks) {
    STIP_ASSIGN(const auto header, parse_block(rest));
    STIP_TRY(take(block, rest));
    rest = rest.subspan(record_bytes(header));
  }
  if (!rest.empty())
    return fail(ec::malformed, what, "bytes are left over in the answer", "look at the node's log");
  return {};
}

}  // namespace

client::client(caf::actor_system& system, node_handles handles)
    : system_(system), handles_(std::move(handles)) {}

client client::hurried(std::chrono::milliseconds most) const {
  auto out = *this;
  out.most_ = most;
  return out;
}

// -- nodes ----------------------------------------------------------------------

result<std::vector<node_status>> client::nodes() const {
  return answer_of<std::vector<node_status>>(
      system_, handles_.node, within(defaults::cluster_deadline), "list nodes", atom::list_v);
}

result<std::vector<member>> client::members() const {
  return answer_of<std::vector<member>>(
      system_, handles_.membership, within(defaults::request_deadline), "list nodes", atom::list_v);
}

result<void> client::stop_node(uint64_t id) const {
  return answer_of<bool>(system_, handles_.node, within(defaults::cluster_deadline),
                         "stop node " + node_name(id), atom::stop_v, id)
      .map([](bool) {});
}

result<task_record> client::drain_node(uint64_t id) const {
  return answer_of<task_record>(system_, handles_.node, within(defaults::cluster_deadline),
                                "drain node " + node_name(id), atom::drain_v, id);
}

result<repair_outcome> client::repair(uint64_t id) const {
  return answer_of<repair_outcome>(
      system_, handles_.repair, within(defaults::cluster_repair_deadline),
      id == 0 ? "repair the cluster" : "repair node " + node_name(id), atom::repair_v, id);
}

result<placement> client::locate(const std::string& geocode, const album& of) const {
  return answer_of<placement>(system_, handles_.ring, within(defaults::request_deadline),
                              "locate geocode " + geocode, atom::locate_v, geocode, of);
}

// -- albums ---------------------------------------------------------------------

result<album> client::create_album(const album& wanted) const {
  return answer_of<album>(system_, handles_.albums, within(defaults::cluster_deadline),
                          "create album " + wanted.name, atom::create_v, wanted);
}

result<album> client::get_album(const std::string& name) const {
  return answer_of<album>(system_, handles_.albums, within(defaults::request_deadline),
                          "find album " + name, atom::get_v, name);
}

result<std::vector<album>> client::albums() const {
  return answer_of<std::vector<album>>(system_, handles_.albums, within(defaults::request_deadline),
                                       "list albums", atom::list_v);
}

result<album> client::open_album(const std::string& name) const {
  return answer_of<album>(system_, handles_.albums, within(defaults::commit_deadline),
                          "open album " + name, atom::open_v, name);
}

result<album> client::close_album(const std::string& name) const {
  return answer_of<album>(system_, handles_.albums, within(defaults::cluster_deadline),
                          "close album " + name, atom::close_v, name);
}

result<album> client::remove_album(const std::string& name) const {
  return answer_of<album>(system_, handles_.albums, within(defaults::cluster_deadline),
                          "delete album " + name, atom::remove_v, name);
}

result<album_status> client::status_of(const std::string& album) const {
  return answer_of<album_status>(system_, handles_.albums, within(defaults::cluster_deadline),
                                 "show album " + album, atom::status_v, album);
}

// -- tasks ----------------------------------------------------------------------

result<task_record> client::store(const store_request& request) const {
  return answer_of<task_record>(system_, handles_.loader, within(defaults::store_deadline),
                                "store into album " + request.album, atom::store_v, request);
}

result<task_record> client::transform(const transform_request& request) const {
  return answer_of<task_record>(system_, handles_.loader, within(defaults::store_deadline),
                                request.kind + " images of album " + request.album,
                                atom::transform_v, request);
}

result<task_record> client::store_files(const upload_request& request) const {
  return answer_of<task_record>(system_, handles_.loader, within(defaults::store_deadline),
                                "store into album " + request.store.album, atom::upload_v, request);
}

result<bool> client::announce(const upload_input& input) const {
  return answer_of<bool>(system_, handles_.loader, within(defaults::query_deadline),
                         "send " + input.name, atom::upload_v, input);
}

result<bool> client::send(const upload_chunk& chunk) const {
  return answer_of<bool>(system_, handles_.loader, within(defaults::query_deadline),
                         "send a piece of a file", atom::upload_v, chunk);
}

result<std::vector<task_record>> client::tasks() const {
  return answer_of<std::vector<task_record>>(
      system_, handles_.tasks, within(defaults::cluster_deadline), "list tasks", atom::list_v);
}

result<task_record> client::get_task(const std::string& id) const {
  return answer_of<task_record>(system_, handles_.tasks, within(defaults::cluster_deadline),
                                "find task " + id, atom::get_v, id);
}

result<task_record> client::stop_task(const std::string& id) const {
  return answer_of<task_record>(system_, handles_.tasks, within(defaults::cluster_deadline),
                                "stop task " + id, atom::stop_v, id);
}

result<uint64_t> client::clear_tasks() const {
  return answer_of<uint64_t>(system_, handles_.tasks, within(defaults::cluster_deadline),
                             "clear tasks", atom::clear_v);
}

// -- images ---------------------------------------------------------------------

result<image_page> client::find(const find_request& request) const {
  return decode_page<image_row>(
      answer_of<query_answer>(system_, handles_.query, within(defaults::query_deadline),
                              "list images of album " + request.album, atom::find_v, request),
      [](std::string_view bytes) { return decode_image_rows(bytes); });
}

result<image_row> client::find_one(const std::string& album, const image_key& key) const {
  find_request request;
  request.album = album;
  request.match.key = key;
  request.limit = 1;
  STIP_ASSIGN(auto page, find(request));
  const auto what = "find image " + to_string(key) + " in album " + album;
  if (!page.rows.empty()) return std::move(page.rows.front());
  if (!page.problems.empty())
    return fail(ec::unavailable, what, "not every node could be asked: " + page.problems.front(),
                "look at `stip node list`");
  return fail(ec::not_found, what, "there is no such image", "see `stip image list " + album + "`");
}

result<extent_page> client::extents(const find_request& request) const {
  return decode_page<extent_row>(
      answer_of<query_answer>(system_, handles_.query, within(defaults::query_deadline),
                              "search album " + request.album, atom::extents_v, request),
      [](std::string_view bytes) { return decode_extent_rows(bytes); });
}

result<image_details> client::details(const std::string& album, const image_key& key) const {
  STIP_ASSIGN(const auto manifest,
              answer_of<image_manifest>(system_, handles_.query, within(defaults::query_deadline),
                                        "read image " + to_string(key), atom::manifest_v, album,
                                        to_string(key)));
  if (manifest.chips.empty())
    return fail(ec::not_found, "read image " + to_string(key), "its owner does not have it",
                "see `stip image list " + album + "`");
  image_details out;
  STIP_ASSIGN(out.scene, decode_scene(manifest.scene));
  if (!manifest.mask_scene.empty()) {
    STIP_ASSIGN(out.mask_scene, decode_scene(manifest.mask_scene));
  }
  for (const auto& bytes : manifest.chips) {
    if (out.mask() != nullptr)
      return fail(ec::malformed, "read image " + to_string(key), "a chip stands behind its mask",
                  "look at the node's log");
    STIP_ASSIGN(auto chip, decode_chip_description(bytes));
    out.chips.push_back(std::move(chip));
    STIP_TRY(check_against_scene(out));
  }
  out.bytes = manifest.bytes;
  out.node = manifest.node;
  return out;
}

result<uint64_t> client::erase(const std::string& album, const filter& match) const {
  // A version of zeros asks the node to give the deletion its own.
  return answer_of<uint64_t>(system_, handles_.albums, within(defaults::erase_deadline),
                             "delete images of album " + album, atom::erase_v, album, match,
                             version{});
}

// -- pixels ---------------------------------------------------------------------

result<void> client::blocks_of(const std::string& what, read_request request,
                               const std::function<result<void>(const block_page&)>& take) const {
  while (request.first_block < request.end_block) {
    STIP_ASSIGN(const auto page,
                answer_of<block_page>(system_, handles_.query, within(defaults::query_deadline),
                                      what, atom::read_v, request));
    if (page.next_block <= request.first_block)
      return fail(ec::malformed, what, "the node does not come forward", "look at the node's log");
    request.first_block = page.next_block;
    STIP_TRY(take(page));
  }
  return {};
}

result<void> client::blocks(const std::string& album, const std::string& image, uint16_t subdataset,
                            const hash128& content, uint64_t first, uint64_t end,
                            const take_block& take) const {
  const auto what = "read image " + image;
  return blocks_of(what, {album, image, subdataset, first, end, content},
                   [&](const block_page& page) { return take_page(page, what, take); });
}

result<chip_image> client::chip(const std::string& album, const image_row& image,
                                const stored_image& details, size_t subdataset,
                                size_t pages_in_flight,
                                const std::optional<pixel_rect>& part) const {
  const auto& chip = details.chips.at(subdataset);
  const auto what = "read chip " + to_string(image.key) + "/" + chip.subdataset;
  const chip_window window{chip.column, chip.row, chip.width, chip.height, chip.block_edge};
  STIP_ASSIGN(auto assembler,
              part ? chip_assembler::make_part(details.subdataset(subdataset), window, *part)
                   : chip_assembler::make(details.subdataset(subdataset), window));
  std::mutex mutex;
  result<void> outcome;
  const auto pull = [&](uint64_t first, uint64_t end) -> result<void> {
    return blocks_of(what,
                     {album, to_string(image.key), chip.subdataset_index, first, end, chip.content},
                     [&](const block_page& page) -> result<void> {
                       const std::lock_guard lock{mutex};
                       STIP_TRY(outcome);
                       return take_page(page, what, [&](uint64_t block, auto record) {
                         return assembler.place(block, record);
                       });
                     });
  };
  // Each thread pulls its share of the blocks: a page is asked for while others are on their way.
  const auto count = chip.blocks();
  const auto shares = std::clamp<uint64_t>(count / defaults::blocks_per_share, 1,
                                           std::max<size_t>(1, pages_in_flight));
  const auto pull_share = [&](uint64_t i) {
    auto done = pull(count * i / shares, count * (i + 1) / shares);
    const std::lock_guard lock{mutex};
    if (!done && outcome) outcome = std::move(done);
  };
  in_parallel(shares, pull_share);
  STIP_TRY(outcome);
  auto out = std::move(assembler).finish();
  out.items = items_of(image, chip);
  out.properties = details.scene.properties;
  return out;
}

void client::chips_of(const std::string& album, const std::vector<image_row>& images,
                      const std::function<bool(pulled_chip)>& take) const {
  budget memory{defaults::client_pixel_bytes};
  std::atomic<size_t> next{0};
  std::atomic<bool> stopped{false};
  const auto threads = std::min(defaults::chips_in_flight, images.size());
  const auto pages = std::max<size_t>(1, defaults::pages_in_flight / std::max<size_t>(1, threads));
  const auto pull = [&](const image_row& image) {
    for (int attempt = 1;; ++attempt) {
      auto known = details(album, image.key);
      if (!known) {
        if (!take({image, {}, fail(known.error())})) stopped = true;
        return;
      }
      bool again = false;
      for (size_t i = 0; i < known->chips.size() && !stopped && !again; ++i) {
        const auto taken =
            memory.acquire(image_bytes(known->chips[i]), [&] { return stopped.load(); });
        if (!taken) return;
        auto pixels = chip(album, image, *known, i, pages);
        // The image was stored anew meanwhile; nothing of the older one was handed out yet.
        again = !pixels && pixels.error().code == ec::conflict && i == 0 &&
                attempt < defaults::read_attempts;
        if (!again && !take({image, known->chips[i].subdataset, std::move(pixels)})) stopped = true;
        memory.release(*taken);
      }
      if (!again) return;
    }
  };
  const auto work = [&](size_t) {
    for (size_t i = next++; i < images.size() && !stopped; i = next++) pull(images[i]);
  };
  in_parallel(threads, work);
}

}  // namespace stip
