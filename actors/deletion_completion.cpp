#include "actors/deletion_completion.hpp"

#include <caf/all.hpp>
#include <utility>

#include "actors/ask.hpp"
#include "actors/errors.hpp"
#include "actors/gather.hpp"
#include "libstip/cluster/search_rules.hpp"
#include "libstip/cluster/write_answers.hpp"

namespace stip {

void bring_tombstones(albums_pointer self, const deletion_target& what,
                      const cluster_view_ptr& view, const deletion_plan& plan, size_t spare,
                      std::function<void(result<void>)> then) {
  struct progress {
    write_answers holders, others{SIZE_MAX};
    std::function<void(result<void>)> then;
  };
  auto state = std::make_shared<progress>(
      progress{write_answers{spare}, write_answers{SIZE_MAX}, std::move(then)});
  // One besides, so that all are sent before the end.
  state->others.sent();
  const auto finish_one = [state](bool is_holder, uint64_t node, const result<void>& outcome) {
    (is_holder ? state->holders : state->others).answered(node, outcome);
    if (state->holders.is_settled() && state->others.is_settled())
      std::exchange(state->then, nullptr)(state->holders.outcome());
  };
  for (const auto* nodes : {&plan.to_holders, &plan.to_others})
    for (const auto& [node, tombstones] : *nodes) {
      const bool is_holder = nodes == &plan.to_holders;
      (is_holder ? state->holders : state->others).sent();
      ask(self, view->find(node)->handles.albums, defaults::erase_deadline, atom::here_v,
          atom::hide_v, what.name, view->ring.version(), encode(tombstones))
          .then([finish_one, is_holder, node](uint64_t) { finish_one(is_holder, node, {}); },
                [finish_one, is_holder, node, text = what.text()](caf::error& err) {
                  auto why = from_caf(err, text);
                  why.what += " on node " + node_name(node);
                  finish_one(is_holder, node, fail(std::move(why)));
                });
    }
  finish_one(false, 0, {});
}

namespace {

/// One round of questions to all nodes.
struct completion {
  deletion_target what;
  cluster_view_ptr view;
  int64_t began_ms = 0;
  int attempt = 1;
  size_t waiting = 1;
  /// Who has told all that it has.
  std::vector<std::pair<member, bool>> told;
  bool moved = false;
  result<void> outcome;
  std::function<void(result<void>)> then;
};
using completion_ptr = std::shared_ptr<completion>;

void ask_nodes(albums_pointer self, const completion_ptr& c);

void finish_one(albums_pointer self, const completion_ptr& c) {
  if (--c->waiting > 0) return;
  if (c->outcome && !all_known(*c->view, c->what.of, c->told))
    c->outcome = fail(ec::unavailable, c->what.text(),
                      "nodes do not answer that may know of earlier deletions",
                      "delete again when all nodes are up");
  if (c->outcome && c->moved) {
    if (c->attempt < defaults::search_attempts) {
      ++c->attempt;
      return ask_nodes(self, c);
    }
    c->outcome = fail(ec::unavailable, c->what.text(), "images are moving from one node to another",
                      "delete again in a moment");
  }
  std::exchange(c->then, nullptr)(c->outcome);
}

void ask_node(albums_pointer self, const completion_ptr& c, const peer& p, std::string from) {
  ask(self, p.handles.query, defaults::local_query_deadline, atom::here_v, atom::hidden_v,
      hidden_request{c->what.name, c->what.match, c->what.own, std::move(from)})
      .then(
          [self, c, p](const hidden_page& page) {
            const auto node = p.member.info.id;
            c->moved |= has_moved({{node, page.is_settled, page.dropped_ms_ago}},
                                  self->state.context->time->steady_ms() - c->began_ms);
            const auto go_on = [self, c, p, next = page.next](const result<void>& outcome) {
              if (!outcome) c->outcome = outcome;
              if (c->outcome && !next.empty()) return ask_node(self, c, p, next);
              c->told.emplace_back(p.member, true);
              finish_one(self, c);
            };
            const auto tombstones = decode_tombstones(page.tombstones);
            if (!tombstones) return go_on(fail(tombstones.error()));
            const auto reachable = reachable_in(c->view);
            const auto plan =
                plan_completion(c->view->ring, c->what.of, node, *tombstones, reachable);
            if (!plan) return go_on(fail(plan.error()));
            bring_tombstones(self, c->what, c->view, *plan,
                             spare_nodes(c->view->ring, c->what.of, reachable), go_on);
          },
          [self, c](caf::error&) { finish_one(self, c); });
}

void ask_nodes(albums_pointer self, const completion_ptr& c) {
  c->view = self->state.view;
  c->began_ms = self->state.context->time->steady_ms();
  c->told.clear();
  c->moved = false;
  c->waiting = 1;
  for (const auto& p : c->view->peers) {
    if (!p.reachable) continue;
    ++c->waiting;
    ask_node(self, c, p, {});
  }
  finish_one(self, c);
}

}  // namespace

void complete_deletions(albums_pointer self, const deletion_target& what,
                        std::function<void(result<void>)> then) {
  // What one node has is confirmed.
  if (copies_to_confirm(copies_of(self->state.view->ring, what.of)) < 2) return then({});
  auto c = std::make_shared<completion>();
  c->what = what;
  c->then = std::move(then);
  ask_nodes(self, c);
}

}  // namespace stip
