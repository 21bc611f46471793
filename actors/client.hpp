#pragma once

#include <algorithm>
#include <caf/actor_system.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "actors/protocol.hpp"
#include "libstip/analysis/index_statistics.hpp"
#include "libstip/catalog/rows.hpp"
#include "libstip/catalog/stored_image.hpp"
#include "libstip/raster/chip_image.hpp"

namespace stip {

/// Rows of one answer.
template <class Row>
struct answer_page {
  std::vector<Row> rows;
  /// There are more rows after the last one.
  bool more = false;
  /// Ranges and nodes that could not be asked, with the reason: the answer is incomplete.
  std::vector<std::string> problems;
};
using image_page = answer_page<image_row>;
using extent_page = answer_page<extent_row>;

/// What the node that owns an image knows of it.
struct image_details : stored_image {
  /// Bytes as stored.
  uint64_t bytes = 0;
  std::string node;
};

/// One chip of an image that chips_of pulls.
struct pulled_chip {
  const image_row& image;
  /// Name of the subdataset; empty when the image's description itself could not be had.
  std::string subdataset;
  result<chip_image> pixels;
};

/// A blocking client of one node, and through it of the cluster: for programs that are no actors.
/// Every call waits for its answer, at most for the deadline of its kind (core/defaults.hpp), and
/// none throws. Any thread may call; the actor system must outlive the client.
///
/// Errors of every call: what the node answers; timeout, unavailable when the node is gone.
class client {
 public:
  client(caf::actor_system& system, node_handles handles);

  /// The same client for somebody in a hurry: no request waits longer than that.
  client hurried(std::chrono::milliseconds most) const;

  // -- nodes ------------------------------------------------------------------

  /// The nodes of the cluster as this one sees them, sorted by id.
  result<std::vector<node_status>> nodes() const;
  /// Who this node takes for a member, itself included; it asks nobody for that.
  result<std::vector<member>> members() const;
  /// Asks that node to stop cleanly; the answer comes when it begins to.
  result<void> stop_node(uint64_t id) const;
  /// Asks that node to hand everything over, then to leave; the task as it has begun.
  result<task_record> drain_node(uint64_t id) const;
  /// Has that node (0: each node) compare its copies with the others' and move what differs; what
  /// was done, when it is.
  result<repair_outcome> repair(uint64_t id) const;
  /// Owner and replicas of a code that is cut to the DHT key length (0: not cut).
  result<placement> locate(const std::string& geocode, const album& of) const;

  // -- albums -----------------------------------------------------------------

  /// Creates the album; unique id and versions are filled in by the node.
  result<album> create_album(const album& wanted) const;
  result<album> get_album(const std::string& name) const;
  result<std::vector<album>> albums() const;
  result<album> open_album(const std::string& name) const;
  result<album> close_album(const std::string& name) const;
  result<album> remove_album(const std::string& name) const;
  result<album_status> status_of(const std::string& album) const;

  // -- tasks ------------------------------------------------------------------

  /// Begins to store; the task as it has begun.
  result<task_record> store(const store_request& request) const;
  /// Begins to derive images from stored ones; the task as it has begun.
  result<task_record> transform(const transform_request& request) const;
  /// The same of files of this machine, which upload_sender sends; the task's `node` is 0 where a
  /// running one was joined, whose files somebody else sends.
  result<task_record> store_files(const upload_request& request) const;
  /// Whether the input may be sent now. Errors: those of upload_spool::begin.
  result<bool> announce(const upload_input& input) const;
  /// Sends a piece of it. Errors: those of upload_spool::place and write_piece.
  result<bool> send(const upload_chunk& chunk) const;
  result<std::vector<task_record>> tasks() const;
  result<task_record> get_task(const std::string& id) const;
  result<task_record> stop_task(const std::string& id) const;
  /// Forgets the ended tasks of all nodes; returns how many.
  result<uint64_t> clear_tasks() const;

  // -- images -----------------------------------------------------------------

  /// One page of images, at most defaults::max_page_rows.
  result<image_page> find(const find_request& request) const;
  /// The image of that key. Errors: not_found; incomplete answers are unavailable.
  result<image_row> find_one(const std::string& album, const image_key& key) const;
  result<extent_page> extents(const find_request& request) const;
  result<image_details> details(const std::string& album, const image_key& key) const;
  /// Hides the matching images; returns how many chips' images were hidden, over all nodes.
  result<uint64_t> erase(const std::string& album, const filter& match) const;

  // -- pixels -----------------------------------------------------------------

  /// Pulls the blocks of one chip, several pages at a time, and puts them together; `part` is the
  /// part of its window that is wanted (all). Errors besides: limit_exceeded beyond
  /// defaults::max_chip_image_pixels; malformed answers.
  result<chip_image> chip(const std::string& album, const image_row& image,
                          const stored_image& details, size_t subdataset,
                          size_t pages_in_flight = defaults::pages_in_flight,
                          const std::optional<pixel_rect>& part = {}) const;

  /// Takes the record of one block, with its number in the chip.
  using take_block = std::function<result<void>(uint64_t block, std::span<const std::byte> record)>;

  /// Pulls the blocks [first, end) of the chip with that content, page after page, and hands them
  /// to `take` as they come; those without data do not. Errors besides: those of `take`; conflict
  /// when the image was stored anew meanwhile.
  result<void> blocks(const std::string& album, const std::string& image, uint16_t subdataset,
                      const hash128& content, uint64_t first, uint64_t end,
                      const take_block& take) const;

  /// Pulls all the chips of the images and gives each to `take`, or why it could not be had.
  /// Up to defaults::chips_in_flight at a time, or as many pages of fewer chips, in
  /// defaults::client_pixel_bytes of memory (one larger chip is pulled alone). `take` is called
  /// from several threads, once at a time per thread, until it returns false; the call returns when
  /// all have come back.
  void chips_of(const std::string& album, const std::vector<image_row>& images,
                const std::function<bool(pulled_chip)>& take) const;

  // -- indices ----------------------------------------------------------------

  /// The statistics of an image's index, which a node that has its pixels computes. Errors besides:
  /// those of measure_index_of.
  result<index_statistics> measure(const measure_request& request) const;
  /// The same of many images, several at a time, in their order; the request's key is not looked
  /// at. `go_on` is asked between two, from several threads.
  std::vector<result<index_statistics>> measure_all(const measure_request& request,
                                                    const std::vector<image_row>& images,
                                                    const std::function<bool()>& go_on) const;

 private:
  std::chrono::milliseconds within(std::chrono::milliseconds usual) const {
    return std::min(usual, most_);
  }

  result<void> blocks_of(const std::string& what, read_request request,
                         const std::function<result<void>(const block_page&)>& take) const;

  caf::actor_system& system_;
  node_handles handles_;
  std::chrono::milliseconds most_ = std::chrono::milliseconds::max();
};

}  // namespace stip
