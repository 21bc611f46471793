#pragma once

#include <atomic>
#include <caf/typed_event_based_actor.hpp>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actors/album_view.hpp"
#include "actors/context.hpp"
#include "actors/round_report.hpp"
#include "libstip/cluster/catch_up.hpp"
#include "libstip/cluster/push_claims.hpp"
#include "libstip/cluster/repair.hpp"
#include "libstip/cluster/repair_schedule.hpp"

namespace stip {

struct repair_state {
  static inline const char* name = "repair";

  context_ptr context;
  albums_actor albums;
  transfer_actor transfer;
  /// This node's own, from the view.
  tasks_actor tasks;
  cluster_view_ptr view;
  /// Open albums, by uid.
  std::map<std::string, album_view_ptr> open;

  /// Albums that this round is still to look at; nothing: no round is under way.
  std::deque<album> left;
  bool running = false;
  repair_outcome outcome;
  /// Set when the ring changes or the node ends: what a thread is doing for the round is over then.
  std::shared_ptr<std::atomic<bool>> stop_round;
  /// Who waits for the round that is under way, and for the one after it.
  std::vector<caf::typed_response_promise<repair_outcome>> waiting, waiting_for_next;
  /// What other nodes are bringing to this one.
  std::shared_ptr<push_claims> claims = std::make_shared<push_claims>();
  /// Nothing was left to hand over after the latest round.
  bool handed_over = false;
  bool stopped_by_user = false;
  /// The ring has changed since copies were where they belong.
  bool moving = false;
  round_report_ptr report;
  int64_t told_ms = 0;

  /// The ring by which images are being dropped just now; 0: none are. Who knows another one must
  /// not rely on what is still here.
  std::shared_ptr<std::atomic<uint64_t>> dropping = std::make_shared<std::atomic<uint64_t>>(0);
  repair_schedule schedule;
  catch_up behind;
};

/// Keeps the copies of albums equal and brings images to where they belong: a round over all albums
/// soon after the cluster has changed or images came that belong elsewhere, now and then besides,
/// and when asked to. A round that has something to push is a task of its node. Answers what other
/// nodes want to know for theirs. A node that was started again is caught up when the nodes that
/// live have brought it what it missed; until then it answers no queries of albums with copies
/// elsewhere (node_context::caught_up).
repair_actor::behavior_type repair_behavior(repair_pointer self, context_ptr context,
                                            albums_actor albums, transfer_actor transfer);

}  // namespace stip
