#pragma once

// The whole protocol on one page: what travels between actors and nodes, and who answers what.
// Message types are added at the end of their block; a change of meaning raises
// stip::protocol_version (libstip/cluster/member.hpp).

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <caf/actor_system_config.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/error.hpp>
#include <caf/meta/type_name.hpp>
#include <caf/result.hpp>
#include <caf/type_id.hpp>
#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "libstip/catalog/album.hpp"
#include "libstip/catalog/filter.hpp"
#include "libstip/cluster/member.hpp"
#include "libstip/cluster/task_part.hpp"
#include "libstip/core/error.hpp"
#include "libstip/store/chip_writer.hpp"

namespace stip {

struct album_status;
struct block_page;
struct find_request;
struct hidden_page;
struct hidden_request;
struct image_manifest;
struct join_request;
struct measure_request;
struct measured_index;
struct node_handles;
struct node_status;
struct parcel;
struct parcel_answer;
struct placement;
struct query_answer;
struct read_request;
struct repair_outcome;
struct row_words;
struct storage_status;
struct store_request;
struct transform_request;
struct upload_chunk;
struct upload_input;
struct upload_request;

// What stays within a node: pointers that are shared, never written to a socket.
struct album_view;
struct cluster_view;
struct node_context;
struct part_news;
struct shipment;
struct task_wish;
struct upload_work;
using album_view_ptr = std::shared_ptr<album_view>;
using cluster_view_ptr = std::shared_ptr<const cluster_view>;
using context_ptr = std::shared_ptr<const node_context>;
using part_news_ptr = std::shared_ptr<const part_news>;
using task_part_ptr = std::shared_ptr<const task_part>;
using task_wish_ptr = std::shared_ptr<const task_wish>;
using upload_work_ptr = std::shared_ptr<const upload_work>;
using shipment_ptr = std::shared_ptr<shipment>;
using job = std::shared_ptr<std::function<void()>>;

}  // namespace stip

// -- messages -----------------------------------------------------------------

CAF_BEGIN_TYPE_ID_BLOCK(stip_messages, caf::first_custom_type_id)
CAF_ADD_TYPE_ID(stip_messages, (stip::album))
CAF_ADD_TYPE_ID(stip_messages, (std::vector<stip::album>))
CAF_ADD_TYPE_ID(stip_messages, (stip::album_status))
CAF_ADD_TYPE_ID(stip_messages, (stip::block_page))
CAF_ADD_TYPE_ID(stip_messages, (stip::filter))
CAF_ADD_TYPE_ID(stip_messages, (stip::find_request))
CAF_ADD_TYPE_ID(stip_messages, (stip::image_manifest))
CAF_ADD_TYPE_ID(stip_messages, (stip::member))
CAF_ADD_TYPE_ID(stip_messages, (stip::member_info))
CAF_ADD_TYPE_ID(stip_messages, (stip::node_handles))
CAF_ADD_TYPE_ID(stip_messages, (stip::node_status))
CAF_ADD_TYPE_ID(stip_messages, (std::vector<stip::node_status>))
CAF_ADD_TYPE_ID(stip_messages, (stip::parcel))
CAF_ADD_TYPE_ID(stip_messages, (stip::parcel_answer))
CAF_ADD_TYPE_ID(stip_messages, (stip::placement))
CAF_ADD_TYPE_ID(stip_messages, (stip::query_answer))
CAF_ADD_TYPE_ID(stip_messages, (stip::read_request))
CAF_ADD_TYPE_ID(stip_messages, (stip::storage_status))
CAF_ADD_TYPE_ID(stip_messages, (stip::store_request))
CAF_ADD_TYPE_ID(stip_messages, (stip::task_record))
CAF_ADD_TYPE_ID(stip_messages, (std::vector<stip::task_record>))
CAF_ADD_TYPE_ID(stip_messages, (stip::version))
CAF_ADD_TYPE_ID(stip_messages, (std::vector<std::string>))
CAF_ADD_TYPE_ID(stip_messages, (std::vector<bool>))
CAF_ADD_TYPE_ID(stip_messages, (stip::repair_outcome))
CAF_ADD_TYPE_ID(stip_messages, (std::vector<uint32_t>))
CAF_ADD_TYPE_ID(stip_messages, (std::vector<uint64_t>))
CAF_ADD_TYPE_ID(stip_messages, (std::vector<stip::member>))
CAF_ADD_TYPE_ID(stip_messages, (stip::task_part))
CAF_ADD_TYPE_ID(stip_messages, (std::vector<stip::task_part>))
CAF_ADD_TYPE_ID(stip_messages, (stip::hidden_page))
CAF_ADD_TYPE_ID(stip_messages, (stip::hidden_request))
CAF_ADD_TYPE_ID(stip_messages, (stip::row_words))
CAF_ADD_TYPE_ID(stip_messages, (stip::upload_chunk))
CAF_ADD_TYPE_ID(stip_messages, (stip::upload_input))
CAF_ADD_TYPE_ID(stip_messages, (stip::upload_request))
CAF_ADD_TYPE_ID(stip_messages, (stip::transform_request))
CAF_ADD_TYPE_ID(stip_messages, (stip::measure_request))
CAF_ADD_TYPE_ID(stip_messages, (stip::measured_index))
CAF_END_TYPE_ID_BLOCK(stip_messages)

CAF_BEGIN_TYPE_ID_BLOCK(stip_atoms, caf::id_block::stip_messages::end)
CAF_ADD_ATOM(stip_atoms, stip::atom, album_of, "album_of")
CAF_ADD_ATOM(stip_atoms, stip::atom, clear, "clear")
CAF_ADD_ATOM(stip_atoms, stip::atom, close, "close")
CAF_ADD_ATOM(stip_atoms, stip::atom, create, "create")
CAF_ADD_ATOM(stip_atoms, stip::atom, deliver, "deliver")
CAF_ADD_ATOM(stip_atoms, stip::atom, differ, "differ")
CAF_ADD_ATOM(stip_atoms, stip::atom, erase, "erase")
CAF_ADD_ATOM(stip_atoms, stip::atom, exchange, "exchange")
CAF_ADD_ATOM(stip_atoms, stip::atom, extents, "extents")
CAF_ADD_ATOM(stip_atoms, stip::atom, find, "find")
CAF_ADD_ATOM(stip_atoms, stip::atom, forget, "forget")
CAF_ADD_ATOM(stip_atoms, stip::atom, get, "get")
CAF_ADD_ATOM(stip_atoms, stip::atom, gossip, "gossip")
CAF_ADD_ATOM(stip_atoms, stip::atom, hello, "hello")
CAF_ADD_ATOM(stip_atoms, stip::atom, here, "here")
CAF_ADD_ATOM(stip_atoms, stip::atom, holds, "holds")
CAF_ADD_ATOM(stip_atoms, stip::atom, lacks, "lacks")
CAF_ADD_ATOM(stip_atoms, stip::atom, leave, "leave")
CAF_ADD_ATOM(stip_atoms, stip::atom, list, "list")
CAF_ADD_ATOM(stip_atoms, stip::atom, locate, "locate")
CAF_ADD_ATOM(stip_atoms, stip::atom, manifest, "manifest")
CAF_ADD_ATOM(stip_atoms, stip::atom, open, "open")
CAF_ADD_ATOM(stip_atoms, stip::atom, peers, "peers")
CAF_ADD_ATOM(stip_atoms, stip::atom, push, "push")
CAF_ADD_ATOM(stip_atoms, stip::atom, put, "put")
CAF_ADD_ATOM(stip_atoms, stip::atom, read, "read")
CAF_ADD_ATOM(stip_atoms, stip::atom, remove, "remove")
CAF_ADD_ATOM(stip_atoms, stip::atom, repair, "repair")
CAF_ADD_ATOM(stip_atoms, stip::atom, run, "run")
CAF_ADD_ATOM(stip_atoms, stip::atom, start, "start")
CAF_ADD_ATOM(stip_atoms, stip::atom, status, "status")
CAF_ADD_ATOM(stip_atoms, stip::atom, stop, "stop")
CAF_ADD_ATOM(stip_atoms, stip::atom, store, "store")
CAF_ADD_ATOM(stip_atoms, stip::atom, tick, "tick")
CAF_ADD_ATOM(stip_atoms, stip::atom, update, "update")
CAF_ADD_ATOM(stip_atoms, stip::atom, drain, "drain")
CAF_ADD_ATOM(stip_atoms, stip::atom, hide, "hide")
CAF_ADD_ATOM(stip_atoms, stip::atom, hides, "hides")
CAF_ADD_ATOM(stip_atoms, stip::atom, hidden, "hidden")
CAF_ADD_ATOM(stip_atoms, stip::atom, upload, "upload")
CAF_ADD_ATOM(stip_atoms, stip::atom, transform, "transform")
CAF_ADD_ATOM(stip_atoms, stip::atom, measure, "measure")
CAF_END_TYPE_ID_BLOCK(stip_atoms)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(stip::album_view_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(stip::cluster_view_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(stip::context_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(stip::part_news_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(stip::shipment_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(stip::task_part_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(stip::task_wish_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(stip::upload_work_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(stip::job)

// At once after the types: CAF's error code trait must be there before the first make_error.
CAF_ERROR_CODE_ENUM(stip::ec, "stip")

namespace stip {

// -- interfaces ---------------------------------------------------------------

template <class... Ts>
using takes = caf::replies_to<Ts...>;

/// Runs blocking work away from CAF's scheduler (executor.hpp); answers when it is done.
using executor_actor = caf::typed_actor<takes<atom::run, job>::with<bool>>;

/// One album's chips on this node.
using storage_actor = caf::typed_actor<
    /// Chips of one message; the answer comes when they are durable.
    takes<atom::put, parcel>::with<parcel_answer>,
    /// Takes tombstones (encoded) in; answers how many images they hid.
    takes<atom::hide, std::string>::with<uint64_t>,
    /// Drops images that their replicas have (encoded facts); answers how many.
    takes<atom::forget, std::string>::with<uint64_t>,
    takes<atom::open>::with<bool>,   // build the index
    takes<atom::close>::with<bool>,  // drop it
    takes<atom::status>::with<storage_status>,
    caf::reacts_to<atom::tick>>;  // compaction or scrub may be due

/// Answers filters and reads chips, beside the writer.
using query_actor = caf::typed_actor<
    takes<atom::find, find_request>::with<query_answer>,  // image rows of the cluster
    takes<atom::here, atom::find, find_request>::with<query_answer>,
    takes<atom::extents, find_request>::with<query_answer>,  // extent rows of the cluster
    takes<atom::here, atom::extents, find_request>::with<query_answer>,
    takes<atom::manifest, std::string, std::string>::with<image_manifest>,  // album, key
    takes<atom::here, atom::manifest, std::string, std::string>::with<image_manifest>,
    takes<atom::read, read_request>::with<block_page>,
    takes<atom::here, atom::read, read_request>::with<block_page>,
    /// An index of an image, as numbers; who has its pixels computes them.
    takes<atom::measure, measure_request>::with<measured_index>,
    takes<atom::here, atom::measure, measure_request>::with<measured_index>,
    /// Which of these keys (of this node) are stored from the scene of this id.
    takes<atom::here, atom::holds, std::string, std::vector<std::string>,
          std::string>::with<std::vector<bool>>,
    /// What speaks here against rows that others show: their keys and versions as encoded
    /// tombstones.
    takes<atom::here, atom::hides, std::string, std::string>::with<row_words>,
    /// Tombstones of this node that may be on too few others.
    takes<atom::here, atom::hidden, hidden_request>::with<hidden_page>,
    /// The storage of the album with this uid has opened (null: it is gone).
    caf::reacts_to<atom::update, std::string, album_view_ptr>,
    caf::reacts_to<atom::peers, cluster_view_ptr>, caf::reacts_to<atom::tick>>;

/// Copies of albums: equal, and where they belong.
using repair_actor = caf::typed_actor<
    /// The slices in which the digests of what this node and the asker share differ from the
    /// asker's. Asker, version of its ring, ring_slices digests.
    takes<atom::differ, album, uint64_t, uint64_t,
          std::vector<uint64_t>>::with<std::vector<uint32_t>>,
    /// Which of these facts (encoded) this node lacks. Asker, version of its ring, whether it is
    /// about to bring them: then without those that another node is bringing.
    takes<atom::lacks, album, uint64_t, uint64_t, std::string, bool>::with<std::vector<bool>>,
    takes<atom::here, atom::repair, uint64_t>::with<repair_outcome>,  // a round of this node
    takes<atom::repair, uint64_t>::with<repair_outcome>,              // of that node; 0: of all
    caf::reacts_to<atom::repair>,  // something came that belongs elsewhere: a round is due soon
    caf::reacts_to<atom::stop, std::string>,  // ends the round that this task tells of
    caf::reacts_to<atom::update, std::string, album_view_ptr>,  // as query_actor
    caf::reacts_to<atom::peers, cluster_view_ptr>, caf::reacts_to<atom::tick>>;

/// Albums on every node, and the storage actor of each.
using albums_actor = caf::typed_actor<
    takes<atom::create, album>::with<album>,      // uid and versions are filled in
    takes<atom::get, std::string>::with<album>,   // by name
    takes<atom::list>::with<std::vector<album>>,  // live ones, by name
    takes<atom::open, std::string>::with<album>, takes<atom::close, std::string>::with<album>,
    takes<atom::remove, std::string>::with<album>,
    takes<atom::exchange, std::vector<album>>::with<std::vector<album>>,  // merge, give all of ours
    takes<atom::erase, std::string, filter, version>::with<uint64_t>,     // on every node
    /// Takes tombstones (encoded) in; version of the asker's ring. Answers when they are durable.
    takes<atom::here, atom::hide, std::string, uint64_t, std::string>::with<uint64_t>,
    takes<atom::album_of, album>::with<storage_actor>,     // the album's storage; merges it first
    takes<atom::status, std::string>::with<album_status>,  // over all nodes
    takes<atom::here, atom::status, std::string>::with<storage_status>,
    takes<atom::here, atom::status>::with<storage_status>,  // of all albums on this node
    /// Opens what was open, and tells both of it.
    caf::reacts_to<atom::start, query_actor, repair_actor>,
    caf::reacts_to<atom::peers, cluster_view_ptr>, caf::reacts_to<atom::tick>>;

/// Who is in the cluster.
using membership_actor =
    caf::typed_actor<takes<atom::hello, member_info>::with<member_info>,  // between nodes; may
                                                                          // refuse
                     caf::reacts_to<atom::gossip, std::string>,  // a gossip_packet of a peer
                     takes<atom::list>::with<std::vector<member>>,
                     caf::reacts_to<atom::leave, uint64_t>,  // a peer of protocol 2 stops now
                     takes<atom::stop>::with<bool>,          // tell the peers that we leave
                     /// This node says that of itself from now on, with a newer incarnation.
                     takes<atom::update, member_info>::with<bool>,
                     takes<atom::remove>::with<bool>,  // tell the peers that we are gone for good
                     caf::reacts_to<atom::tick>>;

/// Where geocodes live.
using ring_actor = caf::typed_actor<
    /// The replicas of a geocode, as the album says: key length, copies, their placement.
    takes<atom::locate, std::string, album>::with<placement>,
    caf::reacts_to<atom::peers, cluster_view_ptr>>;

/// Brings chips to their owners.
using transfer_actor =
    caf::typed_actor<takes<atom::deliver, parcel>::with<parcel_answer>,  // from a peer (or
                                                                         // ourselves)
                     caf::reacts_to<atom::push, shipment_ptr>,  // from a loader of this node
                     caf::reacts_to<atom::peers, cluster_view_ptr>, caf::reacts_to<atom::tick>>;

/// Files of clients' machines, until they are stored. Clients reach it through the loader.
using uploads_actor = caf::typed_actor<
    /// A client is about to send an input: whether it may now; if not, it asks again.
    takes<atom::upload, upload_input>::with<bool>,
    takes<atom::upload, upload_chunk>::with<bool>,  // answers when it is written
    caf::reacts_to<atom::start, upload_work_ptr>,   // take in the inputs of this task
    caf::reacts_to<atom::stop, std::string>,        // end that part_run
    caf::reacts_to<atom::tick>>;

/// Store tasks of this node, and those that derive images from stored ones.
using loader_actor =
    caf::typed_actor<takes<atom::store, store_request>::with<task_record>,  // the task as it has
                                                                            // begun
                     /// The same of files that the asker sends then; the task's `node` is 0 where
                     /// another client's was joined.
                     takes<atom::upload, upload_request>::with<task_record>,
                     takes<atom::upload, upload_input>::with<bool>,  // as uploads_actor
                     takes<atom::upload, upload_chunk>::with<bool>,
                     takes<atom::transform, transform_request>::with<task_record>,
                     caf::reacts_to<atom::start, task_part_ptr>,  // work on what this part has left
                     caf::reacts_to<atom::tick, task_part_ptr>,   // try again to begin with it
                     caf::reacts_to<atom::stop, std::string>,     // end that part_run
                     caf::reacts_to<atom::peers, cluster_view_ptr>>;

/// Tasks of this node, and of the cluster when asked by a user.
using tasks_actor = caf::typed_actor<
    /// Answers when the task is on the disk and known to another node; its `node` is 0 where a
    /// running task of that id was joined.
    takes<atom::start, task_record>::with<task_record>,
    takes<atom::start, task_wish_ptr>::with<task_record>,
    caf::reacts_to<atom::update, task_record>,    // what happened since the last update
    caf::reacts_to<atom::update, part_news_ptr>,  // the same, of a part that can go on elsewhere
    takes<atom::list>::with<std::vector<task_record>>,              // of the cluster, once per task
    takes<atom::here, atom::list>::with<std::vector<task_record>>,  // what this node works on
    /// Parts that this node works on, and its copies of those whose owner is none of these nodes.
    takes<atom::here, atom::list, std::vector<uint64_t>>::with<std::vector<task_part>>,
    takes<atom::get, std::string>::with<task_record>,
    takes<atom::here, atom::get, std::string>::with<std::vector<task_part>>,  // what it knows of it
    takes<atom::stop, std::string>::with<task_record>, takes<atom::clear>::with<uint64_t>,
    caf::reacts_to<atom::exchange, uint64_t, std::string>,  // a task_letter of that node
    takes<atom::put>::with<bool>,  // the node stops: write down all that is known
    caf::reacts_to<atom::peers, cluster_view_ptr>, caf::reacts_to<atom::tick>>;

/// The life of a node; the one actor that is published.
using node_actor =
    caf::typed_actor<takes<atom::get>::with<node_handles>,
                     takes<atom::status>::with<node_status>,             // of this node
                     takes<atom::list>::with<std::vector<node_status>>,  // of the cluster
                     takes<atom::stop, uint64_t>::with<bool>,            // that node, cleanly
                     takes<atom::drain, uint64_t>::with<task_record>,    // that node
                     /// Goes on with the drain that an earlier run began; its task.
                     caf::reacts_to<atom::drain, std::string>,
                     caf::reacts_to<atom::tick>,                              // while it drains
                     caf::reacts_to<atom::start, node_handles, context_ptr>,  // the node is
                                                                              // complete
                     caf::reacts_to<atom::peers, cluster_view_ptr>>;

/// What a node gives to those who dial it.
struct node_handles {
  member_info info;
  membership_actor membership;
  ring_actor ring;
  albums_actor albums;
  query_actor query;
  transfer_actor transfer;
  loader_actor loader;
  tasks_actor tasks;
  node_actor node;
  repair_actor repair;
};

}  // namespace stip

CAF_BEGIN_TYPE_ID_BLOCK(stip_actors, caf::id_block::stip_atoms::end)
CAF_ADD_TYPE_ID(stip_actors, (stip::storage_actor))
CAF_ADD_TYPE_ID(stip_actors, (stip::albums_actor))
CAF_ADD_TYPE_ID(stip_actors, (stip::query_actor))
CAF_ADD_TYPE_ID(stip_actors, (stip::membership_actor))
CAF_ADD_TYPE_ID(stip_actors, (stip::ring_actor))
CAF_ADD_TYPE_ID(stip_actors, (stip::transfer_actor))
CAF_ADD_TYPE_ID(stip_actors, (stip::loader_actor))
CAF_ADD_TYPE_ID(stip_actors, (stip::tasks_actor))
CAF_ADD_TYPE_ID(stip_actors, (stip::node_actor))
CAF_ADD_TYPE_ID(stip_actors, (stip::repair_actor))
CAF_ADD_TYPE_ID(stip_actors, (stip::uploads_actor))
CAF_END_TYPE_ID_BLOCK(stip_actors)

#include "actors/messages.hpp"
