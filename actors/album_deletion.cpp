#include "actors/album_deletion.hpp"

#include <caf/all.hpp>
#include <utility>

#include "actors/ask.hpp"
#include "actors/deletion_completion.hpp"
#include "actors/errors.hpp"
#include "libstip/cluster/deletion.hpp"

namespace stip {

namespace {

/// One deletion, page by page.
struct deletion {
  deletion_target what;
  version when;
  std::optional<image_facts> after;
  uint64_t deleted = 0;
  caf::typed_response_promise<uint64_t> promise;

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

void finish(albums_pointer self, const deletion_ptr& d) {
  complete_deletions(self, d->what, [d](const result<void>& outcome) {
    if (!outcome) return d->give_up(outcome.error());
    d->promise.deliver(d->deleted);
  });
}

void take_page(albums_pointer self, const deletion_ptr& d, const query_answer& answer) {
  if (!answer.problems.empty())
    return d->give_up({ec::unavailable, d->what.text(), answer.problems.front(),
                       "delete again when all nodes are up"});
  const auto rows = decode_image_rows(answer.rows);
  if (!rows) return d->give_up(rows.error());
  if (rows->empty()) return finish(self, d);
  const auto view = self->state.view;
  const auto reachable = reachable_in(view);
  auto when = d->when;
  const auto images = images_of(self, *rows, when);
  if (!images) return d->give_up(images.error());
  const auto plan = plan_deletion(view->ring, d->what.of, *images, when, reachable);
  if (!plan) return d->give_up(plan.error());
  bring_tombstones(self, d->what, view, *plan, spare_nodes(view->ring, d->what.of, reachable),
                   [self, d, when, last = rows->back().facts(), count = rows->size(),
                    more = answer.more](const result<void>& outcome) {
                     if (!outcome) return d->give_up(outcome.error());
                     d->what.own.push_back(when);
                     d->deleted += count;
                     d->after = last;
                     if (more) return delete_page(self, d);
                     finish(self, d);
                   });
}

void delete_page(albums_pointer self, const deletion_ptr& d) {
  find_request request;
  request.album = d->what.name;
  request.match = d->what.match;
  request.has_after = d->after.has_value();
  if (d->after) request.after = *d->after;
  ask(self, self->state.query, defaults::query_deadline, atom::find_v, request)
      .then([self, d](const query_answer& answer) { take_page(self, d, answer); },
            [d](caf::error& err) { d->give_up(from_caf(err, d->what.text())); });
}

}  // namespace

void delete_images(albums_pointer self, const album& a, const std::string& name,
                   const filter& match, const version& when,
                   caf::typed_response_promise<uint64_t> promise) {
  if (auto fine = check(match, a.algorithm); !fine)
    return (void)promise.deliver(to_caf(fine.error()));
  delete_page(self, std::make_shared<deletion>(
                        deletion{{a, name, match, {}}, when, {}, 0, std::move(promise)}));
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
