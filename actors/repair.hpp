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
#include "libstip/cluster/push_claims.hpp"

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
  int64_t due_ms = 0;
  /// What other nodes are bringing to this one.
  std::shared_ptr<push_claims> claims = std::make_shared<push_claims>();
  /// How long it rests after a round with problems; twice as long each time.
  int64_t retry_ms = 0;
  /// Nothing was left to hand over after the latest round.
  bool handed_over = false;
  bool stopped_by_user = false;
  /// The ring has changed since copies were where they belong.
  bool moving = false;
  round_report_ptr report;
  int64_t told_ms = 0;

  /// A node that is asked to bring what this one missed.
  struct helper {
    uint64_t incarnation = 0;
    bool waiting = false;
    bool answered = false;
    int64_t again_ms = 0;
  };
  std::map<uint64_t, helper> helpers;
  /// This node reached so few that the others may have confirmed things without it.
  bool cut_off = false;
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
