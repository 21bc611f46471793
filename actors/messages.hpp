#pragma once

// The structs of the protocol and how they are written. Included by protocol.hpp.

#include <caf/meta/load_callback.hpp>
#include <optional>

#include "actors/protocol.hpp"
#include "libstip/cluster/repair.hpp"

namespace stip {

/// A node as `node list` shows it.
struct node_status {
  member node;
  /// Share of the token space, 0..1.
  double share = 0;
  uint64_t images = 0;
  uint64_t bytes = 0;
  /// One-minute load average of its machine.
  double load = 0;
  /// Its share of the images, each counted on every node that holds a copy; negative: not known.
  double image_share = -1;
  /// Of a node that is down, as the asked node saw it: since when, and until it is removed.
  /// Negative: it is not down, or not removed.
  int64_t down_ms = -1;
  int64_t removed_in_ms = -1;
};

struct storage_status {
  uint64_t images = 0;
  uint64_t chips = 0;
  uint64_t live_bytes = 0;
  uint64_t disk_bytes = 0;
  /// Chips whose blocks are gone, and those that the last scrub could not read.
  uint64_t lost_chips = 0;
  uint64_t damaged_chips = 0;
};

struct album_status {
  album definition;
  storage_status total;
  /// Nodes that did not answer, with the reason.
  std::vector<std::string> problems;
};

/// Owner first, then the other replicas.
struct placement {
  std::string geocode;
  std::string dht_key;
  uint64_t token = 0;
  std::vector<member> nodes;
};

struct find_request {
  std::string album;
  filter match;
  sort_field order = sort_field::timestamp;
  /// Rows at most; 0: as many as one answer holds (defaults::max_page_rows).
  uint64_t limit = 0;
  /// Goes on after this image.
  bool has_after = false;
  image_facts after;
  /// For counts: the nodes that are asked. Of those that hold images of a cell, the first counts
  /// them. Empty: this node is asked alone, or all of them for rows.
  std::vector<uint64_t> counted_among;
};

struct query_answer {
  /// encode_rows: of images or extents.
  std::string rows;
  /// There are more rows after the last one.
  bool more = false;
  /// Ranges and nodes that could not be asked, with the reason: the answer is incomplete.
  std::vector<std::string> problems;
  /// Of one node: see node_word in search_rules.hpp.
  bool is_settled = false;
  int64_t dropped_ms_ago = INT64_MAX;
};

/// What speaks against rows that others show.
struct row_words {
  /// A row_word (search_rules.hpp) for each.
  std::string words;
  /// See node_word there.
  int64_t dropped_ms_ago = INT64_MAX;
};

struct hidden_request {
  std::string album;
  /// Of which images; what a tombstone does not say of its image (coverages) is not looked at.
  filter match;
  /// Without tombstones of these versions.
  std::vector<version> but;
  /// hidden_page::next of the page before.
  std::string from;
};

/// Tombstones of a node that is not settled.
struct hidden_page {
  /// encode(put_tombstone) of them.
  std::string tombstones;
  /// Where the next page begins; empty: that was all.
  std::string next;
  /// See node_word in search_rules.hpp.
  bool is_settled = false;
  int64_t dropped_ms_ago = INT64_MAX;
};

struct image_manifest {
  /// The scene record (JSON).
  std::string scene;
  /// encode(chip_description) of each subdataset, in order; the mask of its clouds comes last.
  std::vector<std::string> chips;
  /// That of the mask; empty if there is none.
  std::string mask_scene;
  uint64_t bytes = 0;
  std::string node;
};

struct read_request {
  std::string album;
  std::string key;
  uint16_t subdataset = 0;
  /// From this block up to before that one; 0: to the chip's last.
  uint64_t first_block = 0;
  uint64_t end_block = 0;
  /// Of the chip that is meant (chip_description::content): pages of one that was stored anew
  /// meanwhile, here or on another node, do not go with those that were read before.
  hash128 content;
};

/// What the pixels of an image's index come to is asked for.
struct measure_request {
  std::string album;
  std::string key;
  /// The name of an index, or an expression.
  std::string expression;
  /// Clouds are left in.
  bool keep_clouds = false;
};

struct measured_index {
  /// encode(index_statistics).
  std::string numbers;
  /// The node that computed them.
  std::string node;
};

struct block_page {
  /// Numbers of the blocks in `records`; those between that are left out have no valid pixel.
  std::vector<uint32_t> blocks;
  std::string records;
  /// The first block that was not looked at.
  uint64_t next_block = 0;
};

struct store_request {
  std::string album;
  std::string glob;
  std::string format;
  int32_t precision = 0;
  uint32_t threads = 0;
  std::string task;
  bool all_nodes = false;
  /// Finds the clouds of what it stores, too.
  bool cloud = false;
  /// Empty: not given.
  std::string platform, timestamp, tile, subdataset;
};

/// To derive images from stored ones.
struct transform_request {
  /// One of transform_kinds.cpp: also the kind of the task.
  std::string kind;
  std::string album;
  /// Which images it starts from.
  filter match;
  /// Length of the geocodes that it makes, of kinds that make cells of another size.
  int32_t precision = 0;
  /// What is particular to a kind: names of transform_option, with their values.
  std::map<std::string, std::string> options;
  uint32_t threads = 0;
  std::string task;
};

/// To store files of the client's machine, which sends them then.
struct upload_request {
  /// Its glob is for people to read.
  store_request store;
  uint64_t inputs = 0;
};

/// An input that a client is about to send; see upload_manifest.
struct upload_input {
  std::string task;
  /// When the task began: an earlier one of that id is another one.
  version began;
  /// Counts from 0.
  uint64_t input = 0;
  std::string name;
  std::string entry;
  /// Names and sizes of its files.
  std::vector<std::string> files;
  std::vector<uint64_t> sizes;
  /// Not empty: why the client cannot send it.
  std::string problem;
};

/// A piece of a file, at most defaults::upload_chunk_bytes.
struct upload_chunk {
  std::string task;
  version began;
  uint64_t input = 0;
  uint64_t file = 0;
  uint64_t offset = 0;
  /// hash64 of the bytes.
  uint64_t checksum = 0;
  std::string bytes;
};

/// One message of chips to the node that owns them.
struct parcel {
  uint64_t sender = 0;
  uint64_t incarnation = 0;
  uint64_t number = 0;
  uint64_t ring_version = 0;
  /// The sender's clock when it was sent.
  version sent;
  album target;
  chip_parts content;
  /// Some of it belongs to other nodes than the one that takes it in, which finds that out itself.
  bool has_strays = false;
};

struct parcel_answer {
  /// put_outcome of each chip that the parcel finished.
  std::vector<uint8_t> chips;
};

// -- inspection ---------------------------------------------------------------

template <class I>
typename I::result_type inspect(I& f, hash128& x) {
  return f(caf::meta::type_name("hash128"), x.high, x.low);
}
template <class I>
typename I::result_type inspect(I& f, version& x) {
  return f(caf::meta::type_name("version"), x.wall_ms, x.logical, x.node);
}
template <class I>
typename I::result_type inspect(I& f, album& x) {
  return f(caf::meta::type_name("album"), x.uid, x.name, x.algorithm, x.dht_key_length,
           x.replication, x.placement, x.closed, x.deleted, x.created, x.changed);
}
template <class I>
typename I::result_type inspect(I& f, member_info& x) {
  return f(caf::meta::type_name("member_info"), x.id, x.incarnation, x.cluster, x.host, x.port,
           x.tokens, x.rack, x.software, x.protocol);
}
template <class I>
typename I::result_type inspect(I& f, member& x) {
  return f(caf::meta::type_name("member"), x.info, x.state);
}
template <class I>
typename I::result_type inspect(I& f, image_key& x) {
  return f(caf::meta::type_name("image_key"), x.platform, x.geocode, x.source, x.tile, x.timestamp);
}
/// Types with members that CAF cannot inspect travel in the packed form that they have anyway.
template <class I, class T, class Decode>
typename I::result_type inspect_packed(I& f, T& x, Decode decode) {
  std::string bytes;
  if constexpr (I::reads_state) bytes = encode(x);
  auto load = [&]() -> caf::error {
    auto y = decode(std::string_view{bytes});
    if (!y) return caf::make_error(y.error().code, to_string(y.error()));
    x = std::move(*y);
    return {};
  };
  return f(bytes, caf::meta::load_callback(load));
}
template <class I>
typename I::result_type inspect(I& f, filter& x) {
  return inspect_packed(f, x, [](std::string_view bytes) { return decode_filter(bytes); });
}
template <class I>
typename I::result_type inspect(I& f, find_request& x) {
  double cloud = x.after.cloud_coverage.value_or(-1);
  auto load = [&]() -> caf::error {
    x.after.cloud_coverage = cloud < 0 ? std::nullopt : std::optional{cloud};
    return {};
  };
  return f(caf::meta::type_name("find_request"), x.album, x.match, x.order, x.limit, x.has_after,
           x.after.key, x.after.pixel_coverage, cloud, x.counted_among,
           caf::meta::load_callback(load));
}
template <class I>
typename I::result_type inspect(I& f, task_error& x) {
  return f(caf::meta::type_name("task_error"), x.input, x.node, x.reason);
}
template <class I>
typename I::result_type inspect(I& f, task_share& x) {
  return f(caf::meta::type_name("task_share"), x.origin, x.node, x.state, x.completed, x.skipped,
           x.total);
}
template <class I>
typename I::result_type inspect(I& f, task_record& x) {
  return f(caf::meta::type_name("task_record"), x.id, x.kind, x.album, x.state, x.completed,
           x.skipped, x.total, x.bytes, x.started_ms, x.ended_ms, x.errors, x.dropped_errors,
           x.began, x.node, x.shares);
}
template <class I>
typename I::result_type inspect(I& f, task_part& x) {
  return inspect_packed(f, x, [](std::string_view bytes) { return decode_task_part(bytes); });
}
template <class I>
typename I::result_type inspect(I& f, node_handles& x) {
  return f(caf::meta::type_name("node_handles"), x.info, x.membership, x.ring, x.albums, x.query,
           x.transfer, x.loader, x.tasks, x.node, x.repair);
}
template <class I>
typename I::result_type inspect(I& f, node_status& x) {
  return f(caf::meta::type_name("node_status"), x.node, x.share, x.images, x.bytes, x.load,
           x.image_share, x.down_ms, x.removed_in_ms);
}
template <class I>
typename I::result_type inspect(I& f, storage_status& x) {
  return f(caf::meta::type_name("storage_status"), x.images, x.chips, x.live_bytes, x.disk_bytes,
           x.lost_chips, x.damaged_chips);
}
template <class I>
typename I::result_type inspect(I& f, album_status& x) {
  return f(caf::meta::type_name("album_status"), x.definition, x.total, x.problems);
}
template <class I>
typename I::result_type inspect(I& f, placement& x) {
  return f(caf::meta::type_name("placement"), x.geocode, x.dht_key, x.token, x.nodes);
}
template <class I>
typename I::result_type inspect(I& f, query_answer& x) {
  return f(caf::meta::type_name("query_answer"), x.rows, x.more, x.problems, x.is_settled,
           x.dropped_ms_ago);
}
template <class I>
typename I::result_type inspect(I& f, row_words& x) {
  return f(caf::meta::type_name("row_words"), x.words, x.dropped_ms_ago);
}
template <class I>
typename I::result_type inspect(I& f, hidden_request& x) {
  return f(caf::meta::type_name("hidden_request"), x.album, x.match, x.but, x.from);
}
template <class I>
typename I::result_type inspect(I& f, hidden_page& x) {
  return f(caf::meta::type_name("hidden_page"), x.tombstones, x.next, x.is_settled,
           x.dropped_ms_ago);
}
template <class I>
typename I::result_type inspect(I& f, image_manifest& x) {
  return f(caf::meta::type_name("image_manifest"), x.scene, x.chips, x.mask_scene, x.bytes, x.node);
}
template <class I>
typename I::result_type inspect(I& f, read_request& x) {
  return f(caf::meta::type_name("read_request"), x.album, x.key, x.subdataset, x.first_block,
           x.end_block, x.content);
}
template <class I>
typename I::result_type inspect(I& f, measure_request& x) {
  return f(caf::meta::type_name("measure_request"), x.album, x.key, x.expression, x.keep_clouds);
}
template <class I>
typename I::result_type inspect(I& f, measured_index& x) {
  return f(caf::meta::type_name("measured_index"), x.numbers, x.node);
}
template <class I>
typename I::result_type inspect(I& f, block_page& x) {
  return f(caf::meta::type_name("block_page"), x.blocks, x.records, x.next_block);
}
template <class I>
typename I::result_type inspect(I& f, store_request& x) {
  return f(caf::meta::type_name("store_request"), x.album, x.glob, x.format, x.precision, x.threads,
           x.task, x.all_nodes, x.cloud, x.platform, x.timestamp, x.tile, x.subdataset);
}
template <class I>
typename I::result_type inspect(I& f, transform_request& x) {
  return f(caf::meta::type_name("transform_request"), x.kind, x.album, x.match, x.precision,
           x.options, x.threads, x.task);
}
template <class I>
typename I::result_type inspect(I& f, upload_request& x) {
  return f(caf::meta::type_name("upload_request"), x.store, x.inputs);
}
template <class I>
typename I::result_type inspect(I& f, upload_input& x) {
  return f(caf::meta::type_name("upload_input"), x.task, x.began, x.input, x.name, x.entry, x.files,
           x.sizes, x.problem);
}
template <class I>
typename I::result_type inspect(I& f, upload_chunk& x) {
  return f(caf::meta::type_name("upload_chunk"), x.task, x.began, x.input, x.file, x.offset,
           x.checksum, x.bytes);
}
template <class I>
typename I::result_type inspect(I& f, scene_part& x) {
  return f(caf::meta::type_name("scene_part"), x.id, x.json);
}
template <class I>
typename I::result_type inspect(I& f, chip_part& x) {
  return f(caf::meta::type_name("chip_part"), x.upload, x.blocks, x.records, x.description);
}
template <class I>
typename I::result_type inspect(I& f, parcel& x) {
  std::string tombstones;
  if constexpr (I::reads_state) tombstones = encode(x.content.tombstones);
  auto load = [&]() -> caf::error {
    auto decoded = decode_tombstones(tombstones);
    if (!decoded) return caf::make_error(decoded.error().code, to_string(decoded.error()));
    x.content.tombstones = std::move(*decoded);
    return {};
  };
  return f(caf::meta::type_name("parcel"), x.sender, x.incarnation, x.number, x.ring_version,
           x.sent, x.target, x.content.scenes, x.content.parts, tombstones,
           caf::meta::load_callback(load));
}
template <class I>
typename I::result_type inspect(I& f, repair_outcome& x) {
  return f(caf::meta::type_name("repair_outcome"), x.facts, x.bytes, x.forgotten, x.strays, x.kept,
           x.failed_nodes, x.promised_nodes, x.problems, x.stopped);
}
template <class I>
typename I::result_type inspect(I& f, parcel_answer& x) {
  return f(caf::meta::type_name("parcel_answer"), x.chips);
}

}  // namespace stip
