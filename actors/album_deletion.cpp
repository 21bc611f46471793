#include "actors/album_deletion.hpp"

#include <caf/all.hpp>
#include <utility>

#include "actors/ask.hpp"
#include "actors/errors.hpp"
#include "libstip/cluster/deletion.hpp"
#include "libstip/cluster/write_answers.hpp"

namespace stip {

namespace {

/// One deletion, page by page.
struct deletion {
  album of;
  /// The album as the user calls it.
  std::string name;
  filter match;
  version when;
  std::optional<image_facts> after;
  uint64_t deleted = 0;
  caf::typed_response_promise<uint64_t> promise;

  std::string what() const { return "delete images of album " + name; }
  void give_up(error why) {
    if (deleted > 0) why.why += " (" + std::to_string(deleted) + " were deleted)";
    promise.deliver(to_caf(why));
  }
};
using deletion_ptr = std::shared_ptr<deletion>;

void delete_page(albums_pointer self, const deletion_ptr& d);

/// What is listed, with the nodes that show it; the version that hides all of it goes to `d.when`
/// unless it was given. Error: conflict (a clock is ahead).
result<std::vector<shown_image>> images_of(albums_pointer self, const std::vector<image_row>& rows,
                                           version& when) {
  std::vector<shown_image> out;
  auto& versions = *self->state.context->versions;
  for (const auto& row : rows) {
    shown_image image{row.key, {}};
    for (const auto& node : row.nodes) {
      STIP_ASSIGN(const auto id, parse_node_name(node));
      image.nodes.push_back(id);
    }
    if (when == version{}) STIP_TRY(versions.observe(row.written));
    out.push_back(std::move(image));
  }
  if (when == version{}) when = versions.next();
  return out;
}

/// Brings the tombstones of a page to their nodes, then `then`.
void bring(albums_pointer self, const deletion_ptr& d, const cluster_view_ptr& view,
           const deletion_plan& plan, size_t spare, std::function<void(result<void>)> then) {
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
          atom::hide_v, d->name, view->ring.version(), encode(tombstones))
          .then([finish_one, is_holder, node](uint64_t) { finish_one(is_holder, node, {}); },
                [finish_one, is_holder, node, what = d->what()](caf::error& err) {
                  auto why = from_caf(err, what);
                  why.what += " on node " + node_name(node);
                  finish_one(is_holder, node, fail(std::move(why)));
                });
    }
  finish_one(false, 0, {});
}

void take_page(albums_pointer self, const deletion_ptr& d, const query_answer& answer) {
  if (!answer.problems.empty())
    return d->give_up({ec::unavailable, d->what(), answer.problems.front(),
                       "delete again when all nodes are up"});
  const auto rows = decode_image_rows(answer.rows);
  if (!rows) return d->give_up(rows.error());
  if (rows->empty()) return (void)d->promise.deliver(d->deleted);
  const auto view = self->state.view;
  const is_reachable reachable = [view](uint64_t node) {
    const auto* p = view->find(node);
    return p != nullptr && p->reachable;
  };
  auto when = d->when;
  const auto images = images_of(self, *rows, when);
  if (!images) return d->give_up(images.error());
  const auto plan = plan_deletion(view->ring, d->of, *images, when, reachable);
  if (!plan) return d->give_up(plan.error());
  bring(self, d, view, *plan, spare_nodes(view->ring, d->of, reachable),
        [self, d, last = rows->back().facts(), count = rows->size(),
         more = answer.more](const result<void>& outcome) {
          if (!outcome) return d->give_up(outcome.error());
          d->deleted += count;
          d->after = last;
          if (more) return delete_page(self, d);
          d->promise.deliver(d->deleted);
        });
}

void delete_page(albums_pointer self, const deletion_ptr& d) {
  find_request request;
  request.album = d->name;
  request.match = d->match;
  request.has_after = d->after.has_value();
  if (d->after) request.after = *d->after;
  ask(self, self->state.query, defaults::query_deadline, atom::find_v, request)
      .then([self, d](const query_answer& answer) { take_page(self, d, answer); },
            [d](caf::error& err) { d->give_up(from_caf(err, d->what())); });
}

}  // namespace

void delete_images(albums_pointer self, const album& a, const std::string& name,
                   const filter& match, const version& when,
                   caf::typed_response_promise<uint64_t> promise) {
  if (auto fine = check(match, a.algorithm); !fine)
    return (void)promise.deliver(to_caf(fine.error()));
  delete_page(
      self, std::make_shared<deletion>(deletion{a, name, match, when, {}, 0, std::move(promise)}));
}

result<void> check_tombstones(albums_pointer self, uint64_t ring_version,
                              const std::string& tombstones) {
  if (self->state.view->ring.version() != ring_version)
    return fail(ec::conflict, "delete images", "the two nodes know different rings",
                "wait until `stip node list` shows the same nodes everywhere");
  STIP_ASSIGN(const auto decoded, decode_tombstones(tombstones));
  for (const auto& t : decoded) STIP_TRY(self->state.context->versions->observe(t.when));
  return {};
}

}  // namespace stip
