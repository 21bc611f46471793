#pragma once

#include <spdlog/logger.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/protocol.hpp"
#include "libstip/cluster/member.hpp"
#include "libstip/cluster/replication.hpp"
#include "libstip/core/budget.hpp"
#include "libstip/core/buffer_pool.hpp"
#include "libstip/core/clock.hpp"
#include "libstip/core/pacer.hpp"
#include "libstip/ring/ring.hpp"
#include "libstip/store/data_directory.hpp"

namespace stip {

class reader_pool;

/// What a node is told by its configuration file and command line (config/stipd.ini explains each).
struct node_settings {
  std::string directory;
  std::string cluster = "stip";
  std::string host = "127.0.0.1";
  uint16_t port = 0;
  /// Addresses of some other nodes, "host:port"; this node's own may be among them. Any of them
  /// that lives is enough to join; the others are learned by gossip.
  std::vector<std::string> peers;
  /// Where an address is dialled in truth, for tests that lead connections through relays. Called
  /// from actors; empty: as it is.
  std::function<std::string(const std::string&)> route;
  std::string rack;
  /// Explicit places on the ring; empty: `token_count` are derived from the node's id.
  std::vector<uint64_t> tokens;
  size_t token_count = 0;
  /// Path and /vsi prefixes that inputs must lie under; empty: everything may be read.
  std::vector<std::string> input_roots;
  uint64_t memory_limit = 0;
  size_t loader_threads = 0;
  size_t reader_threads = 0;
  uint64_t free_bytes_watermark = 0;
  /// Bytes that compaction and scrub read and write in a second; 0: there are none.
  uint64_t maintenance_rate = 0;
  /// How long a parcel whose receiver is away is tried again.
  std::chrono::milliseconds parcel_patience{0};
  /// A member that stays down for so long is removed; 0: never.
  std::chrono::milliseconds down_after{0};
  /// How long a node is lost before others go on with its tasks.
  std::chrono::milliseconds task_grace{0};
  /// Tasks that ran when the node ended go on when it is started again.
  bool resume_tasks = true;
  open_mode mode = open_mode::read_write;
  /// Bytes of clients' files that are kept at a time until they are stored; 0: none are taken.
  uint64_t upload_space = 0;
  /// A client that is silent for so long, and has not sent all, is given up.
  std::chrono::milliseconds upload_patience{0};
};

/// Settings with every default filled in.
node_settings default_settings();

/// Whether this node takes chips in: its last round of handing over must see all that came. Who
/// takes in counts itself first, then looks whether it may.
struct intake {
  std::atomic<bool> closed{false};
  std::atomic<size_t> under_way{0};
};

/// What the actors of one node share: nothing in it is of the process.
struct node_context {
  node_settings settings;
  std::shared_ptr<data_directory> directory;
  std::shared_ptr<spdlog::logger> log;
  const clock* time = nullptr;
  file_system* files = &posix_file_system();
  std::shared_ptr<version_clock> versions;
  /// This node as it was when it started; the port is known once it is published. It may have
  /// described itself anew since (cluster_view has how it does now).
  member_info self;
  /// Its places on the ring, unless it drains.
  std::vector<uint64_t> tokens;
  /// Pixel buffers of all loads of the node, and bytes of chips on their way.
  std::shared_ptr<budget> load_memory;
  std::shared_ptr<shared_pool> load_buffers;
  std::shared_ptr<budget> transfer_memory;
  /// Writers of stores, readers of chips and queries, loads, compaction with scrub and repair.
  executor_actor writers, readers, loaders, maintenance;
  /// The processes that read HDF and NetCDF files.
  std::shared_ptr<reader_pool> file_readers;
  /// What compaction, scrub and repair of all albums together may do.
  std::shared_ptr<pacer> maintenance_pace;
  /// When it started, the node had not caught up with the others once since its directory was made.
  bool fresh = false;
  /// The other nodes have brought what this one missed while it was away (see repair.hpp).
  std::shared_ptr<std::atomic<bool>> caught_up = std::make_shared<std::atomic<bool>>(false);
  std::shared_ptr<stip::intake> intake = std::make_shared<stip::intake>();
};

/// A node of the cluster as this one sees it, with its actors when it can be reached.
struct peer {
  stip::member member;
  bool self = false;
  bool reachable = false;
  node_handles handles;
  /// When it was seen to go down (steady clock); 0: it is not down.
  int64_t down_since_ms = 0;
};

/// The cluster at one moment; sent to the actors of the node whenever it changes.
struct cluster_view {
  /// This node included, sorted by id.
  std::vector<peer> peers;
  /// Configured addresses that no node has answered from yet, in a cluster that was never complete:
  /// as long as there are any, the ring is not known and nothing may be placed.
  std::vector<std::string> missing;
  stip::ring ring;

  const peer* find(uint64_t id) const {
    for (const auto& p : peers)
      if (p.member.info.id == id) return &p;
    return nullptr;
  }

  /// Whether that node hands over what it holds, and is given nothing any more.
  bool drains(uint64_t id) const {
    const auto* p = find(id);
    return p != nullptr && p->member.info.tokens.empty();
  }
};

/// Whether the node has never caught up with the others on this directory; kept in it. Errors:
/// those of the directory.
result<bool> look_whether_fresh(data_directory& directory);
/// It has now.
result<void> note_caught_up(data_directory& directory);

/// Whether nodes can be asked, as the view says.
is_reachable reachable_in(const cluster_view_ptr& view);

/// Why a node cannot be asked: "it is down", "it does not answer", "it is no member" (null).
std::string why_away(const peer* p);

/// The error of a placement that is asked for while nodes are missing; nothing when none is.
result<void> check_ring(const cluster_view& view);

}  // namespace stip
