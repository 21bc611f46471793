#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

/// Every tunable of stip with its default value, one block a layer.
namespace stip::defaults {

// -- core ---------------------------------------------------------------------

/// A version whose clock lies further ahead of ours than this is refused.
inline constexpr std::chrono::milliseconds max_clock_skew{10'000};

/// The smallest buffer of a buffer_pool; smaller ones cost this much of its bound.
inline constexpr uint64_t min_pooled_bytes = 1024;

// -- geo ----------------------------------------------------------------------

/// Bytes of a CRS definition (WKT, PROJ, authority code) at most; guards PROJ's parsers.
inline constexpr size_t max_crs_bytes = size_t{1} << 20;

/// Columns or rows of a raster at most, GDAL's own limit.
inline constexpr int64_t max_raster_edge = (int64_t{1} << 31) - 1;

/// A point counts as projected only if going back returns it within this many pixels.
inline constexpr double round_trip_pixels = 1.0;

/// A grid is periodic when its columns span 360 degrees within this many pixels.
inline constexpr double periodic_tolerance_pixels = 0.5;

/// Edges of a window that lie within this of a pixel's edge are that edge.
inline constexpr double window_snap_pixels = 1e-6;

/// Cells of one covering at most; a finer precision on a larger scene is refused.
inline constexpr size_t max_covering_cells = size_t{4} << 20;

/// Regions that a covering or a window may look at before it gives up on a raster that is torn
/// everywhere.
inline constexpr size_t max_covering_regions = size_t{64} << 20;

/// Points on each of the four sides of a footprint.
inline constexpr int footprint_side_points = 48;

/// Pixels on a side of the largest patch on which projected coordinates are interpolated.
inline constexpr int64_t patch_pixels = 256;

/// Pixels on a side of the smallest such patch; below, every pixel is projected.
inline constexpr int64_t min_patch_pixels = 8;

/// A patch is interpolated when the error bound stays below this many pixels.
inline constexpr double patch_error_pixels = 0.01;

/// Rows of patches that the partition into cells keeps, most recent first.
inline constexpr size_t cached_patch_rows = 2;

// -- raster -------------------------------------------------------------------

/// Rows and columns of a stored block at most; the unit of storage, movement and partial reads.
inline constexpr uint32_t max_block_edge = 512;

/// Bands of one subdataset at most; guards allocations that a file's header controls.
inline constexpr uint32_t max_bands = 1024;

/// The smallest edge of blocks that a cut chooses.
inline constexpr uint16_t min_block_edge = 32;

/// A cut halves the edge of its blocks until the blocks that are open at once, with all their
/// bands, take no more than this. Part of what the chips of a scene are: a change here makes other
/// chips of the same scene.
inline constexpr uint64_t max_open_block_bytes = uint64_t{128} << 20;

/// Source blocks are read together up to this many bytes.
inline constexpr uint64_t source_window_bytes = uint64_t{4} << 20;

/// Pixels of a grid that are worth a thread more when its chips are planned.
inline constexpr uint64_t pixels_per_finding_thread = uint64_t{16} << 20;

/// Bytes that a plan keeps for each grid to remember which cell each pixel lies in; where a grid
/// needs more, the cut finds it out again.
inline constexpr uint64_t cell_table_bytes = uint64_t{4} << 20;

/// Plans that a load keeps for the scenes that come next, and the bytes of one at most.
inline constexpr size_t max_cached_plans = 4;
inline constexpr uint64_t max_cached_plan_bytes = uint64_t{8} << 20;

/// Source windows of one subdataset at most; guards allocations that a file's header controls.
inline constexpr int64_t max_source_windows = int64_t{4} << 20;

/// Blocks of one plane of a chip at most; larger chips want a higher precision.
inline constexpr int64_t max_plane_blocks = int64_t{1} << 20;

/// Copies of a block's pixels that encoding holds: the record and the codec's scratch memory.
inline constexpr uint64_t encode_copies = 5;

/// Threads of one cut at most.
inline constexpr size_t max_cut_threads = 256;

/// Messages of GDAL that one error quotes at most, and bytes of each.
inline constexpr size_t max_gdal_messages = 4;
inline constexpr size_t max_gdal_message_bytes = 400;

/// Buffer through which an input's checksum is computed.
inline constexpr size_t checksum_buffer_bytes = size_t{1} << 20;

/// Strips of a few rows are read together up to this many rows and bytes (all bands).
inline constexpr int64_t strip_window_rows = 64;
inline constexpr int64_t strip_window_bytes = int64_t{4} << 20;

/// Decoded bytes that a reader lets GDAL keep before it drops them (GDAL's cache knows no owner).
inline constexpr uint64_t reader_cache_bytes = uint64_t{32} << 20;

/// Metadata items kept of a scene or of one band, bytes of one value, and bytes of all texts of one
/// scene together; what goes beyond is left out.
inline constexpr size_t max_properties = 128;
inline constexpr size_t max_property_bytes = 2048;
inline constexpr size_t max_description_bytes = size_t{1} << 20;

/// Colours and category names of all bands of a scene at most (a 16-bit palette has 65536).
inline constexpr size_t max_palette_entries = size_t{1} << 17;

/// Pixels, all planes together, of a chip that is put together in memory for export or display.
inline constexpr uint64_t max_chip_image_pixels = uint64_t{256} << 20;

/// Share of the valid pixels that a picture shows in black, and in full brightness.
inline constexpr double picture_stretch_low = 0.02;
inline constexpr double picture_stretch_high = 0.98;

/// Pixels from which a picture's stretch is computed at most, taken at even distances.
inline constexpr uint64_t picture_sample_pixels = uint64_t{1} << 20;

// -- catalog ------------------------------------------------------------------

/// Bytes of one part of a key (platform, source, tile, subdataset) at most.
inline constexpr size_t max_name_bytes = 255;

/// Subdatasets of one image, and of one scene, at most.
inline constexpr size_t max_subdatasets = 1024;

/// Columns or rows of a chip at most (a level-1 quadtile at 8 cm a pixel).
inline constexpr uint32_t max_chip_edge = uint32_t{1} << 28;

/// Blocks of one chip at most; each takes 16 bytes of metadata.
inline constexpr uint64_t max_chip_blocks = uint64_t{1} << 20;

/// A chip's window begins at most this many columns or rows away from its scene's origin.
inline constexpr int64_t max_window_offset = int64_t{1} << 40;

/// Live albums of a cluster at most.
inline constexpr size_t max_albums = 10'000;

/// Bytes of an album's name at most.
inline constexpr size_t max_album_name_bytes = 64;

/// Copies of a chip that an album may ask for.
inline constexpr uint32_t max_replication = 16;

/// Copies of each chip where nothing else is asked for and there are so many nodes.
inline constexpr uint32_t replication = 2;

/// Bytes that decoding one buffer of rows may expand to.
inline constexpr size_t max_decoded_rows_bytes = size_t{256} << 20;

/// Bytes of one text (a property's value, a band's name) in a buffer of rows at most.
inline constexpr size_t max_row_text_bytes = size_t{1} << 20;

/// Bytes of a scene record's JSON at most.
inline constexpr size_t max_scene_record_bytes = size_t{64} << 20;

/// Entries of one list or map of a scene record (properties, colour table, categories) at most.
inline constexpr size_t max_scene_list = size_t{1} << 16;

/// The index keeps its levels in sizes that fall by at least this factor.
inline constexpr size_t index_level_ratio = 3;

/// Rows of two levels that a commit merges itself; larger ones are merged beside the commits.
inline constexpr size_t max_inline_merge_rows = 65'536;

/// Levels of an index at most: with more, a commit merges even large ones itself.
inline constexpr size_t max_index_levels = 24;

/// Levels of fewer rows keep no order by time: they are scanned.
inline constexpr size_t min_time_ordered_rows = 4096;

/// Bytes of one page of rows at most (a single larger row travels alone).
inline constexpr size_t max_page_bytes = size_t{4} << 20;

// -- store --------------------------------------------------------------------

/// Bytes of a segment file when it is created; it doubles up to max_segment_bytes.
inline constexpr uint64_t min_segment_bytes = uint64_t{1} << 20;
inline constexpr uint64_t max_segment_bytes = uint64_t{256} << 20;

/// Bytes of an LMDB map when an environment is opened; it grows when it is full.
inline constexpr uint64_t initial_map_bytes = uint64_t{1} << 30;

/// An LMDB map that is full doubles, up to so many bytes.
inline constexpr uint64_t max_map_bytes = uint64_t{1} << 42;

/// Read transactions that may be open in one LMDB environment at once.
inline constexpr unsigned max_metadata_readers = 512;

/// What is appended after a sync begins at a multiple of this, so that no page (or sector) is
/// written again once it holds durable blocks.
inline constexpr uint64_t segment_page_bytes = 4096;

/// No block lies beyond this many bytes of a segment file; guards sums of what a disk says.
inline constexpr uint64_t max_segment_offset = uint64_t{1} << 40;

/// Segment files that an album's readers keep open.
inline constexpr size_t max_open_segments = 64;

/// Bytes of a node's named values: kind, name, and the value itself.
inline constexpr size_t max_value_kind_bytes = 64;
inline constexpr size_t max_value_name_bytes = 255;
inline constexpr size_t max_value_bytes = size_t{16} << 20;

/// Chips of which a node has some blocks and waits for more; at most so many at once, and a chip
/// is given up when nothing has come for so long.
inline constexpr size_t max_open_uploads = 65'536;
inline constexpr std::chrono::milliseconds abandoned_upload{30 * 60 * 1000};

/// A segment is compacted when more than this share of its file, and at least so many bytes, are
/// not named any more. At one half every live byte is copied once on average until it goes.
inline constexpr double compaction_dead_share = 0.5;
inline constexpr uint64_t compaction_least_dead_bytes = uint64_t{256} << 10;

/// So many segments smaller than min_segment_bytes are put together.
inline constexpr size_t compaction_small_segments = 16;

/// Live bytes that one compaction copies at most: they are on the disk twice until it ends.
inline constexpr uint64_t compaction_live_bytes = uint64_t{1} << 30;

/// One transaction of a compaction swaps so many chips or bytes at most: commits wait for it.
inline constexpr size_t compaction_publish_chips = 2000;
inline constexpr uint64_t compaction_publish_bytes = uint64_t{64} << 20;

/// Facts that one message may bring. The facts of one image travel together, so that a page is
/// longer than was asked for where an image has more.
inline constexpr size_t max_facts = size_t{1} << 16;

/// Images that one read transaction of a look at the facts goes over.
inline constexpr size_t fact_step_images = 1024;

/// One step of compaction or scrub looks at so many chips, or reads about so many bytes, at most.
inline constexpr size_t maintenance_step_chips = 4096;
inline constexpr uint64_t maintenance_step_bytes = uint64_t{1} << 20;

/// Requests that a reader of many blocks keeps in flight (a cold disk gives twice as much at eight
/// as at one), bytes of one of them at most, and bytes between two blocks that are read over rather
/// than around.
inline constexpr size_t read_depth = 8;
inline constexpr uint64_t read_request_bytes = uint64_t{1} << 20;
inline constexpr uint64_t read_gap_bytes = uint64_t{16} << 10;

/// Bytes of buffers that such a reader holds, those that nobody has taken yet included.
inline constexpr uint64_t read_ahead_bytes = uint64_t{32} << 20;

// -- cluster ------------------------------------------------------------------

/// What a node may say of itself: bytes of a name (cluster, host, rack, software), tokens.
inline constexpr size_t max_member_text_bytes = 255;
inline constexpr size_t max_tokens_per_node = 4096;

/// Members of a cluster at most; a hello of one more is refused.
inline constexpr size_t max_members = 1024;

/// Gossip: every interval a node asks the next of the others, and the one that follows it in the
/// order of ids, whether they live. Who does not answer in time is asked again, and through so many
/// others; who then does not answer either is suspect.
inline constexpr std::chrono::milliseconds gossip_probe_interval{500};
inline constexpr std::chrono::milliseconds gossip_probe_timeout{400};
inline constexpr std::chrono::milliseconds gossip_indirect_timeout{600};
inline constexpr size_t gossip_helpers = 3;

/// A suspect that has not protested for so long is down: this, times the decimal logarithm of the
/// number of members where that is more than one.
inline constexpr std::chrono::milliseconds suspicion_timeout{4'000};

/// News go to so many random members every so often. A node passes one on so many times the natural
/// logarithm of the number of members, in so many bytes of a packet at most. Fewer repeats leave
/// nodes out that hear of it by the comparison of views alone.
inline constexpr std::chrono::milliseconds gossip_interval{200};
inline constexpr size_t gossip_fanout = 3;
inline constexpr double gossip_repeats = 3;
inline constexpr size_t gossip_news_bytes = 1'400;

/// How often a node compares its whole view with a random member's; sooner when the last comparison
/// found a difference. Bytes of a part of the view that travels at once (a larger single member
/// travels alone), and of any packet at most.
inline constexpr std::chrono::milliseconds gossip_sync_interval{10'000};
inline constexpr std::chrono::milliseconds gossip_resync_interval{1'000};
inline constexpr size_t gossip_facts_bytes = size_t{64} << 10;
inline constexpr size_t max_gossip_packet_bytes = size_t{128} << 10;

/// A member that is down, and an address of the configuration where nobody answers, is asked ever
/// less often, between these.
inline constexpr std::chrono::milliseconds min_absent_interval{1'000};
inline constexpr std::chrono::milliseconds max_absent_interval{5'000};

/// A member that stays down for so long is removed, and what it owned goes to the others: long
/// enough to restart a machine.
inline constexpr std::chrono::milliseconds down_after{600'000};

/// A removed member that may live beyond a partition is asked so often. A node that hears that it
/// was removed though it lives joins again, at first after the shorter and then ever less often, at
/// least after the longer of these.
inline constexpr std::chrono::milliseconds removed_interval{60'000};
inline constexpr std::chrono::milliseconds min_return_interval{1'000};
inline constexpr std::chrono::milliseconds max_return_interval{600'000};

/// A starting node is `joining` until it has compared views with a member, or for so long.
inline constexpr std::chrono::milliseconds join_patience{3'000};

/// Members that a leaving node tells itself; they tell the others.
inline constexpr size_t leave_fanout = 32;

/// A connection to a member holds back so many packets until it stands. A dial with its hello may
/// take so long; so many are begun at a time for the sake of the connection alone.
inline constexpr size_t max_waiting_packets = 8;
inline constexpr std::chrono::milliseconds gossip_dial_timeout{1'000};
inline constexpr int max_dials_per_tick = 16;

/// Reasons that a node keeps of why others were refused or did not answer.
inline constexpr size_t max_membership_problems = 256;

/// Tasks of one node: ended ones that are remembered, and those that may run at a time.
inline constexpr size_t max_ended_tasks = 1000;
inline constexpr size_t max_running_tasks = 1000;

/// Errors that a task keeps (it counts the others), and bytes of each of their texts.
inline constexpr size_t max_task_errors = 1000;
inline constexpr size_t max_task_text_bytes = 4096;

/// Characters of a task's id when a user chooses it.
inline constexpr size_t max_task_id_bytes = 64;

// -- cluster: tasks over nodes --------------------------------------------------

/// The record of each part of a task is copied to so many other nodes. When the node that works on
/// it has been lost for so long, the first of them takes the part over, and each further one when
/// those before it have not for another step.
inline constexpr size_t task_copies = 3;
inline constexpr std::chrono::milliseconds task_takeover_grace{5'000};
inline constexpr std::chrono::milliseconds task_takeover_step{3'000};

/// Before a node goes on with a part that it has not worked on (after its restart, or that of a
/// lost node) it asks the others whether they know better, again so often, and waits so long at
/// most.
inline constexpr std::chrono::milliseconds task_question_interval{1'000};
inline constexpr std::chrono::milliseconds task_question_patience{10'000};

/// A copy that is not confirmed is sent again after so long; who keeps one of a running part asks
/// for news when there were none for so long.
inline constexpr std::chrono::milliseconds task_copy_patience{2'000};
inline constexpr std::chrono::milliseconds task_refresh_interval{10'000};

/// Nodes that a part goes to, one after the other, for inputs that the ones before cannot open.
inline constexpr size_t max_task_attempts = 8;

/// Inputs of a part that its record lists by name, and bytes of their names; of more, the pattern
/// is resolved again where the part goes on.
inline constexpr size_t max_listed_inputs = 10'000;
inline constexpr size_t max_listed_bytes = size_t{1} << 20;

/// Bytes of the reasons of skipped inputs that a copy of a record carries; the others are counted.
/// Copies of progress rest one task_update_interval more for each so many reasons.
inline constexpr size_t max_copied_error_bytes = size_t{1} << 20;
inline constexpr size_t task_errors_an_interval = 50;

/// Bytes of what a kind of task needs to go on elsewhere.
inline constexpr size_t max_task_work_bytes = size_t{64} << 10;

/// Parts of tasks that a node has a record of, those of other nodes included.
inline constexpr size_t max_task_parts = 8192;

/// What users have decided of tasks (stopped, cleared) is remembered so long, so many at most, and
/// compared with another node's so often.
inline constexpr size_t max_task_verdicts = 4096;
inline constexpr std::chrono::milliseconds task_verdict_age{10 * 24 * 3600 * 1000};
inline constexpr std::chrono::milliseconds task_verdict_interval{5'000};

/// How often the progress of a running part is written to the disk.
inline constexpr std::chrono::milliseconds task_save_interval{2'000};

/// So long the start of a task is not confirmed to the user, until another node has its record.
inline constexpr std::chrono::milliseconds task_start_patience{1'000};

/// A part that begins on a node where it cannot (yet) is tried again so often, for so long.
inline constexpr std::chrono::milliseconds task_begin_interval{1'000};
inline constexpr std::chrono::milliseconds task_begin_patience{30'000};

// -- cluster: loads -----------------------------------------------------------

/// Bytes of encoded blocks that a load holds back at most until their chips are finished.
inline constexpr uint64_t max_pending_chip_bytes = uint64_t{32} << 20;

/// Keys that a load asks a node for at once, when it looks what is stored already.
inline constexpr size_t max_keys_per_question = 4096;

/// Bytes that a load keeps for each chip from its plan until it is stored, generously.
inline constexpr uint64_t bytes_per_planned_chip = 1536;

/// A scene gets this share of the memory for loads at most, for all of its threads, unless one of
/// them alone needs more.
inline constexpr uint64_t scenes_in_memory = 4;

// -- actors -------------------------------------------------------------------

/// Bytes of one message with pixels at most (a single larger block travels alone).
inline constexpr size_t max_message_bytes = size_t{1} << 20;

/// CAF's own beats, alike on every node and client.
inline constexpr std::chrono::seconds heartbeat_interval{1};
inline constexpr std::chrono::seconds connection_timeout{10};

/// Attempts to shake hands with a node that listens.
inline constexpr int dial_attempts = 3;

/// Answers that need no disk: membership, ring, albums, tasks.
inline constexpr std::chrono::milliseconds request_deadline{5'000};

/// How often blocks are looked up again when a compaction has moved them meanwhile.
inline constexpr int read_attempts = 5;

/// A query or the read of a page of blocks on one node, and over the cluster.
inline constexpr std::chrono::milliseconds local_query_deadline{20'000};
inline constexpr std::chrono::milliseconds query_deadline{30'000};

/// A commit of chips, and the answer of a parcel that waits for it.
inline constexpr std::chrono::milliseconds commit_deadline{120'000};
inline constexpr std::chrono::milliseconds parcel_deadline{60'000};

/// A deletion over the cluster.
inline constexpr std::chrono::milliseconds erase_deadline{300'000};

/// A worker that has not come back for so long is given up.
inline constexpr std::chrono::milliseconds longest_job{7 * 24 * 3600 * 1000};

/// Threads of a node: writers (one job an album), readers (a cold disk wants eight requests in
/// flight), and loads. Jobs that may wait for one besides.
inline constexpr size_t writer_threads = 2;
inline constexpr size_t reader_threads = 8;
inline constexpr size_t loader_threads = 8;
inline constexpr size_t max_queued_jobs = 4096;

/// Bytes of memory that a node may use, and how they are shared out: pixel buffers of loads, chips
/// on their way, GDAL's block cache; the rest is for everything else.
inline constexpr uint64_t memory_limit = uint64_t{1} << 30;
inline constexpr uint64_t min_memory_limit = uint64_t{256} << 20;
inline constexpr double load_memory_share = 0.4;
inline constexpr double transfer_memory_share = 0.1;
inline constexpr uint64_t gdal_cache_bytes = uint64_t{64} << 20;

/// How glibc's malloc is set in stipd: arenas, the size from which an allocation is a mapping of
/// its own, and the free bytes at the heap's end from which they are given back. Smaller ones make
/// a load pay for the first touch of every message's pages: about 0.4 of its 3.2 CPU seconds.
inline constexpr int malloc_arenas = 2;
inline constexpr int malloc_mmap_bytes = 8 << 20;
inline constexpr int malloc_trim_bytes = 32 << 20;

/// How often stipd gives back what lies free within the heap.
inline constexpr std::chrono::seconds malloc_trim_interval{10};

/// Threads of a node for compaction, scrub and repair, and the bytes that all its albums together
/// read and write for them in a second.
inline constexpr size_t maintenance_threads = 2;
inline constexpr uint64_t maintenance_rate = uint64_t{64} << 20;

/// So long after a change an album looks whether a compaction is worth its while; after one that
/// failed it waits longer.
inline constexpr std::chrono::milliseconds maintenance_delay{2'000};
inline constexpr std::chrono::milliseconds maintenance_retry{60'000};

/// A scrub of an album begins so long after the one before; its position is kept now and then, and
/// so many damaged chips are named in the log at a time.
inline constexpr std::chrono::milliseconds scrub_interval{14 * 24 * 3600 * 1000};
inline constexpr std::chrono::milliseconds scrub_save_interval{60'000};
inline constexpr size_t max_scrub_findings = 100;

/// The longest that an album's maintenance waits at a time.
inline constexpr std::chrono::milliseconds longest_maintenance_rest{24 * 3600 * 1000};

/// Tombstones are kept so long: a replay that comes later than this is not recognised.
inline constexpr std::chrono::milliseconds tombstone_grace{10 * 24 * 3600 * 1000};

/// A closed album that nobody asked for so long gives back its files and its memory.
inline constexpr std::chrono::milliseconds idle_album{30'000};

/// A parcel whose receiver is away is tried again for so long.
inline constexpr std::chrono::milliseconds parcel_patience{20'000};

/// Facts about which a node asks another at once, and what it notes of a repair that went wrong.
inline constexpr size_t facts_per_question = 1024;
inline constexpr size_t max_repair_problems = 100;

/// A node looks after its copies so soon after the cluster has changed, and so often else.
inline constexpr std::chrono::milliseconds repair_delay{1'000};
inline constexpr std::chrono::milliseconds repair_interval{600'000};

/// The same when something could not be done.
inline constexpr std::chrono::milliseconds repair_retry{5'000};

/// A round of repair on another node, and those of all nodes for who asked one of them.
inline constexpr std::chrono::milliseconds repair_deadline{600'000};
inline constexpr std::chrono::milliseconds cluster_repair_deadline{630'000};

/// An answer about facts, and one about digests: for that a node looks at all of an album's
/// metadata, a second for a million images on one core.
inline constexpr std::chrono::milliseconds repair_question_deadline{20'000};
inline constexpr std::chrono::milliseconds digest_deadline{300'000};

/// So long after images came that belong elsewhere they are handed over: more may come with them.
inline constexpr std::chrono::milliseconds stray_delay{2'000};

/// How often a draining node looks how far it is. It holds nothing any more when nothing was found
/// over so long; it then takes nothing in, and looks a last time.
inline constexpr std::chrono::milliseconds drain_interval{1'000};
inline constexpr std::chrono::milliseconds drain_quiet{3'000};

/// A drained node answers for so long, so that who follows its task through it sees the end.
inline constexpr std::chrono::milliseconds drain_farewell{2'000};

/// Reasons that a draining node tells, each once.
inline constexpr size_t max_drain_problems = 100;

/// How often a search is tried when images move between nodes while it asks them.
inline constexpr int search_attempts = 8;

/// How often a scene is tried when nodes go away while it is stored.
inline constexpr int load_attempts = 3;

/// Tokens of a node that has none in its configuration: so many keep the largest share of 64 nodes
/// within 1.1 times the mean.
inline constexpr size_t tokens_per_node = 1536;

/// Bytes that must stay free on the disk: below, stores are refused.
inline constexpr uint64_t free_bytes_watermark = uint64_t{1} << 30;

/// Images that one commit of a deletion hides.
inline constexpr size_t max_erased_per_commit = 10'000;

/// Rows of one answer at most.
inline constexpr size_t max_page_rows = 1000;

/// A query that looks at so many rows of the index at most is answered by its actor, in well under
/// a millisecond, and not by a thread of the readers.
inline constexpr size_t short_query_rows = 16'384;

/// How often the albums of all nodes are compared.
inline constexpr std::chrono::milliseconds album_exchange_interval{2'000};

/// The question to the other nodes for an album that this one does not know.
inline constexpr std::chrono::milliseconds album_lookup_deadline{1'000};

/// How often membership and transfer look at their clocks.
inline constexpr std::chrono::milliseconds tick_interval{100};

/// How often a task's progress is told and kept.
inline constexpr std::chrono::milliseconds task_update_interval{200};

/// How long a node may take to end its work when it stops, and how often that is looked at.
inline constexpr std::chrono::milliseconds stop_deadline{30'000};
inline constexpr std::chrono::milliseconds stop_poll_interval{5};

/// A log file is rotated at this size; so many old ones are kept, and may be at most.
inline constexpr size_t log_file_bytes = size_t{64} << 20;
inline constexpr size_t log_files = 5;
inline constexpr size_t max_log_files = 1'000;

/// Files that a glob may name.
inline constexpr size_t max_inputs = 1'000'000;

// -- clients ------------------------------------------------------------------

/// What a node answers after it has asked all others (which get request_deadline): nodes, tasks,
/// albums.
inline constexpr std::chrono::milliseconds cluster_deadline{15'000};

/// The beginning of a store task, on all nodes where that is asked for.
inline constexpr std::chrono::milliseconds store_deadline{30'000};

/// Where a client looks for a node when nothing else is said.
inline constexpr uint16_t port = 15606;

/// A client's attempt to connect.
inline constexpr std::chrono::milliseconds dial_deadline{5'000};

/// Chips that an export pulls at a time, and bytes of their pixels in memory.
inline constexpr size_t chips_in_flight = 8;
inline constexpr uint64_t client_pixel_bytes = uint64_t{512} << 20;

/// Pages of blocks that a client asks for at a time, over all chips that it pulls, and the blocks
/// that are worth a thread of their own.
inline constexpr size_t pages_in_flight = 8;
inline constexpr uint64_t blocks_per_share = 16;

/// How often a client looks at a task: on a terminal, and at first and at most where nobody
/// watches. So many failures one after the other end the watch, never the task.
inline constexpr std::chrono::milliseconds progress_interval{250};
inline constexpr std::chrono::milliseconds first_task_poll{20};
inline constexpr std::chrono::milliseconds max_task_poll{500};
inline constexpr int task_poll_failures = 5;

/// How long an embedded node may take until it is ready.
inline constexpr std::chrono::milliseconds embedded_start_deadline{30'000};

/// Lines of the shell's history, and bytes of one line.
inline constexpr int shell_history_lines = 1000;
inline constexpr size_t max_shell_line_bytes = size_t{64} << 10;

/// How long the completion of a line may wait for a node, to connect and for each answer: who
/// types must not wait. Then nothing is offered, and the node is left alone for a while.
inline constexpr std::chrono::milliseconds completion_deadline{500};
inline constexpr std::chrono::milliseconds completion_pause{5'000};

/// How long names that a node has given are offered again without asking, and how many are kept of
/// a kind.
inline constexpr std::chrono::milliseconds completion_memory{2'000};
inline constexpr size_t max_completions = 2'000;

/// Seconds between two runs of a command that the shell watches, and at most.
inline constexpr int64_t watch_seconds = 2;
inline constexpr int64_t max_watch_seconds = 86'400;

/// Threads that a client's actor system runs; its work is to wait.
inline constexpr size_t client_threads = 2;

}  // namespace stip::defaults
