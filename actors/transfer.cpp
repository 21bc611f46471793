#include "actors/transfer.hpp"

#include <algorithm>
#include <caf/all.hpp>
#include <vector>

#include "actors/ask.hpp"
#include "actors/errors.hpp"
#include "libstip/cluster/replication.hpp"

namespace stip {

namespace {

using self_pointer = transfer_actor::stateful_pointer<transfer_state>;

/// How much wider the window of a node to itself is. No connection is held up by what is under way
/// there, and all that comes together during a commit goes into the next one: fewer, larger syncs.
constexpr size_t own_window = 8;

delivery_options lane_options(const node_context& context, uint64_t node) {
  delivery_options o;
  if (node == context.self.id) {
    o.window_parcels *= own_window;
    o.window_bytes *= own_window;
  }
  o.answer_timeout_ms = defaults::parcel_deadline.count();
  o.patience_ms = context.settings.parcel_patience.count();
  // Loaders share one budget of bytes (context.transfer_memory), so a lane never has to refuse.
  o.queue_bytes = context.transfer_memory->total() + defaults::max_message_bytes;
  o.queue_parcels = o.queue_bytes / sizeof(parcel);
  return o;
}

void apply(self_pointer self, uint64_t node, const delivery_outbox::effects& effects);

/// Is another attempt worth it? A refusal with a reason is final, a node that is away is not.
bool worth_a_retry(ec code) {
  return code == ec::unavailable || code == ec::timeout || code == ec::conflict;
}

/// The receiver answered for good, or refused for good.
void answered(self_pointer self, uint64_t node, uint64_t number, result<parcel_answer> answer) {
  auto& lane = self->state.lanes.at(node);
  delivery_outbox::effects next;
  if (lane.outbox.answered(self->state.context->time->steady_ms(), number, next))
    if (auto done = lane.under_way.extract(number))
      done.mapped().content->answer(std::move(answer));
  apply(self, node, next);
}

/// What a node says of itself does not tell which one it is.
error name_node(error why, uint64_t node) {
  const auto name = node_name(node);
  if (why.what.find(name) == std::string::npos)
    why.what = "send chips to node " + name + (why.what.empty() ? "" : ": " + why.what);
  return why;
}

/// An attempt came to nothing; one that has been given up already does not count again.
void attempt_failed(self_pointer self, uint64_t node, uint64_t number, int attempt,
                    const error& why) {
  auto& lane = self->state.lanes.at(node);
  const auto at = lane.under_way.find(number);
  if (at == lane.under_way.end() || at->second.attempt != attempt) return;
  if (!worth_a_retry(why.code)) return answered(self, node, number, fail(name_node(why, node)));
  at->second.attempt = 0;
  delivery_outbox::effects next;
  lane.outbox.failed(self->state.context->time->steady_ms(), number, why, next);
  apply(self, node, next);
}

error away(uint64_t node, const peer* p) {
  return {ec::unavailable, "send chips to node " + node_name(node), why_away(p),
          "start it again, then store the input again"};
}

void send_parcel(self_pointer self, uint64_t node, uint64_t number, int attempt) {
  auto& state = self->state;
  const auto* p = state.view->find(node);
  auto& waiting = state.lanes.at(node).under_way.at(number);
  waiting.attempt = attempt;
  if (p == nullptr || !p->reachable)
    return attempt_failed(self, node, number, attempt, away(node, p));
  auto& content = waiting.content->content;
  content.sender = state.context->self.id;
  const auto* own = state.view->find(state.context->self.id);
  content.incarnation = (own != nullptr ? own->member.info : state.context->self).incarnation;
  content.number = number;
  content.ring_version = state.view->ring.version();
  content.sent = state.context->versions->next();
  ask(self, p->handles.transfer, defaults::parcel_deadline, atom::deliver_v, content)
      .then([self, node,
             number](parcel_answer& answer) { answered(self, node, number, std::move(answer)); },
            [self, node, number, attempt](caf::error& err) {
              attempt_failed(self, node, number, attempt,
                             from_caf(err, "send chips to node " + node_name(node)));
            });
}

/// A node that went away will not answer: what is out is tried again at once, not after its
/// deadline.
void give_up_attempts(self_pointer self, uint64_t node, const peer* p) {
  std::vector<std::pair<uint64_t, int>> out;
  for (const auto& [number, waiting] : self->state.lanes.at(node).under_way)
    if (waiting.attempt != 0) out.emplace_back(number, waiting.attempt);
  for (const auto& [number, attempt] : out)
    attempt_failed(self, node, number, attempt, away(node, p));
}

void apply(self_pointer self, uint64_t node, const delivery_outbox::effects& effects) {
  for (const auto& f : effects.failures) {
    auto& lane = self->state.lanes.at(node);
    if (auto lost = lane.under_way.extract(f.parcel))
      lost.mapped().content->answer(fail(name_node(f.why, node)));
  }
  for (const auto& s : effects.sends) send_parcel(self, node, s.parcel, s.attempt);
}

/// Drops what waits or rests and was abandoned by its task.
void drop_abandoned(self_pointer self, uint64_t node, transfer_state::lane& lane) {
  std::vector<uint64_t> abandoned;
  for (const auto& [number, waiting] : lane.under_way)
    if (waiting.attempt == 0 && waiting.content->abandoned && waiting.content->abandoned())
      abandoned.push_back(number);
  delivery_outbox::effects next;
  for (const auto number : abandoned)
    if (lane.outbox.cancel(self->state.context->time->steady_ms(), number, next))
      if (auto dropped = lane.under_way.extract(number))
        dropped.mapped().content->answer(
            fail(ec::stopped, "send chips to node " + node_name(node), "the task has ended"));
  apply(self, node, next);
}

/// Whether a chip of the parcel belongs to other nodes than this one.
bool has_strays(const ring& ring, const parcel& content, uint64_t self) {
  std::string last;
  for (const auto& part : content.content.parts) {
    if (part.description.empty()) continue;
    const auto chip = decode_chip_description(part.description);
    if (!chip || chip->key.geocode == last) continue;
    last = chip->key.geocode;
    const auto nodes = replicas(ring, content.target, last);
    if (std::find(nodes.begin(), nodes.end(), self) == nodes.end()) return true;
  }
  return false;
}

std::string encode_answer(const parcel_answer& answer) {
  return {answer.chips.begin(), answer.chips.end()};
}

/// The cells of the chips that a parcel finishes.
std::vector<std::string> cells_of(const parcel& content) {
  std::vector<std::string> out;
  for (const auto& part : content.content.parts) {
    if (part.description.empty()) continue;
    const auto chip = decode_chip_description(part.description);
    if (chip && (out.empty() || out.back() != chip->key.geocode)) out.push_back(chip->key.geocode);
  }
  return out;
}

/// Whether an image of one of these cells belongs elsewhere, and could be brought there. What waits
/// here for a node that is away is handed over when that one comes.
bool bring_strays(const cluster_view_ptr& view, const album& a,
                  const std::vector<std::string>& cells, uint64_t self) {
  return std::any_of(cells.begin(), cells.end(), [&](const std::string& cell) {
    const auto nodes = replicas(view->ring, a, cell);
    return !nodes.empty() && std::find(nodes.begin(), nodes.end(), self) == nodes.end() &&
           std::all_of(nodes.begin(), nodes.end(), reachable_in(view));
  });
}

/// Counts the parcel among those that are being taken in. False: none are taken in any more.
bool enter(intake& in) {
  ++in.under_way;
  if (!in.closed) return true;
  --in.under_way;
  return false;
}

}  // namespace

transfer_actor::behavior_type transfer_behavior(self_pointer self, context_ptr context,
                                                albums_actor albums) {
  self->state.context = std::move(context);
  self->state.albums = std::move(albums);
  self->state.view = std::make_shared<cluster_view>();
  self->delayed_send(self, defaults::tick_interval, atom::tick_v);
  return {
      [self](atom::deliver, parcel& content) -> caf::result<parcel_answer> {
        auto& state = self->state;
        const auto from = std::pair{content.sender, content.incarnation};
        if (content.ring_version != state.view->ring.version())
          return to_caf({ec::conflict, "take in chips of node " + node_name(content.sender),
                         "the two nodes know different rings",
                         "wait until `stip node list` shows the same nodes everywhere"});
        if (auto fine = state.context->versions->observe(content.sent); !fine)
          return to_caf(fine.error());
        auto& inbox = state.inboxes[from];
        const auto number = content.number;
        switch (inbox.arrived(number)) {
          case delivery_inbox::verdict::repeated: {
            const auto* bytes = inbox.answer(number);
            return parcel_answer{{bytes->begin(), bytes->end()}};
          }
          case delivery_inbox::verdict::under_way:
            return to_caf({ec::unavailable, "take in a parcel",
                           "its first copy is still being written", "ask again"});
          case delivery_inbox::verdict::forgotten:
            return to_caf({ec::limit_exceeded, "take in a parcel", "it was answered long ago", {}});
          case delivery_inbox::verdict::fresh:
            break;
        }
        content.has_strays = has_strays(state.view->ring, content, state.context->self.id);
        if (!enter(*state.context->intake)) {
          inbox.failed(number);
          return to_caf({ec::unavailable, "take in chips", "the node leaves the cluster",
                         "store the input again"});
        }
        auto promise = self->make_response_promise<parcel_answer>();
        auto refuse = [self, from, number, promise](caf::error& err) mutable {
          // Nothing was written: the same parcel may be tried again.
          self->state.inboxes[from].failed(number);
          --self->state.context->intake->under_way;
          promise.deliver(std::move(err));
        };
        const auto cells = cells_of(content);
        ask(self, state.albums, defaults::commit_deadline, atom::album_of_v, content.target)
            .then(
                [self, from, number, promise, refuse, cells,
                 moved = std::make_shared<parcel>(std::move(content))](
                    const storage_actor& storage) mutable {
                  const auto target = moved->target;
                  ask(self, storage, defaults::commit_deadline, atom::put_v, std::move(*moved))
                      .then(
                          [self, from, number, promise, cells,
                           target](parcel_answer& answer) mutable {
                            auto& state = self->state;
                            state.inboxes[from].done(number, encode_answer(answer));
                            --state.context->intake->under_way;
                            promise.deliver(std::move(answer));
                            if (state.repair &&
                                bring_strays(state.view, target, cells, state.context->self.id))
                              self->send(state.repair, atom::repair_v);
                          },
                          refuse);
                },
                refuse);
        return promise;
      },
      [self](atom::push, shipment_ptr& s) {
        auto& state = self->state;
        const auto node = s->node;
        auto& lane = state.lanes
                         .try_emplace(node,
                                      transfer_state::lane{
                                          delivery_outbox{lane_options(*state.context, node)}, {}})
                         .first->second;
        delivery_outbox::effects effects;
        auto number = lane.outbox.offer(state.context->time->steady_ms(), s->bytes, effects);
        if (!number) return s->answer(fail(number.error()));
        lane.under_way.emplace(*number, transfer_state::waiting{std::move(s), 0});
        apply(self, node, effects);
      },
      [self](atom::peers, cluster_view_ptr& view) {
        auto& state = self->state;
        state.view = std::move(view);
        if (const auto* own = state.view->find(state.context->self.id))
          state.repair = own->handles.repair;
        for (const auto& [node, lane] : state.lanes)
          if (const auto* p = state.view->find(node); p == nullptr || !p->reachable)
            give_up_attempts(self, node, p);
        // A sender that was started again never repeats parcels of its earlier life.
        std::erase_if(state.inboxes, [&](const auto& entry) {
          const auto* p = state.view->find(entry.first.first);
          return p != nullptr && p->member.info.incarnation > entry.first.second;
        });
      },
      [self](atom::tick) {
        auto& state = self->state;
        const auto now = state.context->time->steady_ms();
        for (auto& [node, lane] : state.lanes) {
          drop_abandoned(self, node, lane);
          delivery_outbox::effects effects;
          lane.outbox.tick(now, effects);
          apply(self, node, effects);
        }
        self->delayed_send(self, defaults::tick_interval, atom::tick_v);
      },
  };
}

}  // namespace stip
