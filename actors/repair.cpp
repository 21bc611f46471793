#include "actors/repair.hpp"

#include <algorithm>
#include <caf/all.hpp>
#include <chrono>
#include <thread>

#include "actors/ask.hpp"
#include "actors/errors.hpp"
#include "actors/executor.hpp"
#include "actors/gather.hpp"
#include "actors/question.hpp"
#include "actors/shipping.hpp"

namespace stip {

namespace {

using self_pointer = repair_pointer;

// -- what other nodes ask ---------------------------------------------------------

result<void> check_same_ring(const cluster_view& view, uint64_t asker, uint64_t version) {
  if (view.ring.version() == version) return {};
  return fail(ec::conflict, "compare copies with node " + node_name(asker),
              "the two nodes know different rings",
              "wait until `stip node list` shows the same nodes everywhere");
}

/// Runs `work` on the album's view on the readers' pool and answers with what it returns.
template <class T, class Work>
caf::result<T> with_view(self_pointer self, const album& a, Work work) {
  auto promise = self->make_response_promise<T>();
  ask(self, self->state.albums, defaults::commit_deadline, atom::album_of_v, a)
      .then(
          [self, a, work, promise](const storage_actor&) mutable {
            const auto found = self->state.open.find(to_string(a.uid));
            if (found == self->state.open.end())
              return (void)promise.deliver(to_caf(
                  {ec::unavailable, "look at album " + a.name, "it is not open yet", "ask again"}));
            run_blocking(
                self, self->state.context->readers, defaults::longest_job,
                [view = found->second, work]() -> result<T> { return work(*view); },
                [promise](result<T> answer) mutable {
                  if (answer)
                    promise.deliver(std::move(*answer));
                  else
                    promise.deliver(to_caf(answer.error()));
                });
          },
          [promise](caf::error& err) mutable { promise.deliver(std::move(err)); });
  return promise;
}

/// Leaves out what another node is bringing already.
void keep_claimed(push_claims& claims, const album_view& view, uint64_t asker,
                  const std::vector<replica_fact>& facts, std::vector<bool>& lacking) {
  const auto of_album = hash64(to_string(view.definition.uid));
  const auto now = view.context->time->steady_ms();
  for (size_t i = 0; i < facts.size(); ++i)
    lacking[i] = lacking[i] && claims.claim(asker, of_album ^ digest_of(facts[i]), now);
}

// -- a round ----------------------------------------------------------------------

/// What a round over one album needs, and what outlives the actor while a thread is at it.
struct album_round {
  caf::actor_system& system;
  context_ptr context;
  transfer_actor transfer;
  storage_actor storage;
  cluster_view_ptr cluster;
  album_view_ptr view;
  std::shared_ptr<std::atomic<bool>> stop;
  std::shared_ptr<progress_counter> progress;
  std::shared_ptr<std::atomic<uint64_t>> dropping;

  result<const peer*> find(uint64_t node) const {
    const auto* p = cluster->find(node);
    if (p != nullptr && p->reachable) return p;
    return fail(ec::unavailable, "compare copies with node " + node_name(node), why_away(p));
  }

  /// Sends a request from this thread, and waits as long as the round goes on.
  template <class T, class Handle, class... Ts>
  result<T> ask_and_wait(const Handle& whom, std::chrono::milliseconds deadline,
                         const std::string& what, const Ts&... message) const {
    return question<T>{system, whom, deadline, what, message...}.wait(
        [this] { return stop->load(); });
  }

  std::unique_ptr<shipping> new_shipping() const {
    return std::make_unique<shipping>(
        context, transfer, view->definition, 0, [stop = stop] { return stop->load(); },
        // Who leaves changes the ring, and that ends the round.
        [](uint64_t) { return true; });
  }

  result<repair_outcome> run() const {
    const auto& a = view->definition;
    const auto self = context->self.id;
    // A failure is that of one node: the next begins anew.
    auto out = new_shipping();
    repair_services services;
    services.reachable = [this](uint64_t node) { return find(node).has_value(); };
    services.differing =
        [&](uint64_t node, const std::vector<uint64_t>& digests) -> result<std::vector<uint32_t>> {
      STIP_ASSIGN(const auto* p, find(node));
      return ask_and_wait<std::vector<uint32_t>>(p->handles.repair, defaults::digest_deadline,
                                                 "compare copies with node " + node_name(node),
                                                 atom::differ_v, a, self, cluster->ring.version(),
                                                 digests);
    };
    const auto ask_lacks = [&](bool to_push) {
      return [&, to_push](uint64_t node,
                          const std::vector<replica_fact>& facts) -> result<std::vector<bool>> {
        STIP_ASSIGN(const auto* p, find(node));
        return ask_and_wait<std::vector<bool>>(
            p->handles.repair, defaults::repair_question_deadline,
            "ask node " + node_name(node) + " what it lacks", atom::lacks_v, a, self,
            cluster->ring.version(), encode(facts), to_push);
      };
    };
    services.wants = ask_lacks(true);
    services.lacks = ask_lacks(false);
    services.ship = [&](uint64_t node, chip_parts parts, uint64_t bytes) -> result<void> {
      STIP_TRY(out->ship(node, std::move(parts), bytes));
      const auto rest = context->maintenance_pace->rest_ms(bytes, context->time->steady_ms());
      std::this_thread::sleep_for(std::chrono::milliseconds{rest});
      return {};
    };
    services.settle = [&]() -> result<void> {
      auto settled = out->settle();
      out = new_shipping();
      return settled;
    };
    services.forget = [&](const std::vector<replica_fact>& facts) -> result<uint64_t> {
      *dropping = cluster->ring.version();
      // From here on others are told; who came before has changed the ring.
      auto dropped =
          stop->load() ? result<uint64_t>{fail(ec::stopped, "drop images", "the ring has changed")}
                       : ask_and_wait<uint64_t>(storage, defaults::commit_deadline,
                                                "drop images that other nodes have now",
                                                atom::forget_v, encode(facts));
      *dropping = 0;
      return dropped;
    };
    services.unique = [&] { return hash64(to_string(context->versions->next())); };
    services.stopped = [&] { return stop->load(); };
    services.tell = [this](const repair_progress& more) { progress->add(more); };
    const auto seen = view->copies.round_began();
    auto outcome = stip::repair(*view->store, a, cluster->ring, self, services);
    if (outcome && outcome->is_whole())
      view->copies.whole_round_ended(seen, cluster->ring.version());
    // What is still under way refers to this round.
    (void)out->settle();
    return outcome;
  }
};

void begin_round(self_pointer self);
void repair_next(self_pointer self);

/// Something is left to do that could be done now.
bool wants_another(const repair_state& state) {
  const auto& o = state.outcome;
  const auto is_there = [](const peer& p) { return p.reachable || p.member.info.tokens.empty(); };
  const auto& peers = state.view->peers;
  // What waits for a node that is away is looked at again when that node comes.
  return o.is_unfinished() || (o.kept > 0 && std::all_of(peers.begin(), peers.end(), is_there));
}

void end_round(self_pointer self) {
  auto& state = self->state;
  state.running = false;
  const auto& o = state.outcome;
  const bool whole = !state.stop_round->load();
  if (!whole)
    state.outcome.problems.push_back(std::exchange(state.stopped_by_user, false)
                                         ? "a user has stopped it; a later round goes on"
                                         : "the ring has changed; the next round goes on");
  state.handed_over = whole && o.kept == 0 && o.problems.empty();
  if (state.handed_over) state.moving = false;
  end_report(self, std::exchange(state.report, nullptr), o.problems);
  if (o.facts > 0 || o.forgotten > 0 || o.kept > 0 || !o.problems.empty())
    state.context->log->info("repair: facts={} bytes={} forgotten={} kept={} problems={}", o.facts,
                             o.bytes, o.forgotten, o.kept, o.problems.size());
  for (const auto& problem : o.problems) state.context->log->warn("repair: {}", problem);
  state.schedule.round_ended(state.context->time->steady_ms(), wants_another(state));
  for (auto& promise : std::exchange(state.waiting, {})) promise.deliver(state.outcome);
  if (!state.waiting_for_next.empty()) begin_round(self);
}

void begin_round(self_pointer self) {
  auto& state = self->state;
  state.running = true;
  state.schedule.round_began();
  state.outcome = {};
  state.stop_round = std::make_shared<std::atomic<bool>>(false);
  state.report = std::make_shared<round_report>();
  state.report->kind = state.moving ? "move" : "repair";
  state.waiting = std::exchange(state.waiting_for_next, {});
  ask(self, state.albums, defaults::request_deadline, atom::list_v)
      .then(
          [self](std::vector<album>& albums) {
            self->state.left = {std::make_move_iterator(albums.begin()),
                                std::make_move_iterator(albums.end())};
            repair_next(self);
          },
          [self](caf::error& err) {
            self->state.outcome.problems.push_back(to_string(from_caf(err, "list the albums")));
            self->state.outcome.stopped = true;
            end_round(self);
          });
}

void repair_next(self_pointer self) {
  auto& state = self->state;
  state.outcome.stopped |= state.stop_round->load();
  if (state.left.empty() || state.stop_round->load()) return end_round(self);
  const auto a = std::move(state.left.front());
  state.left.pop_front();
  ask(self, state.albums, defaults::commit_deadline, atom::album_of_v, a)
      .then(
          [self, a](const storage_actor& storage) {
            auto& state = self->state;
            const auto found = state.open.find(to_string(a.uid));
            if (found == state.open.end()) {
              state.outcome.problems.push_back("album " + a.name + " is just opening or closing");
              return repair_next(self);
            }
            const auto view = found->second;
            view->in_repair = true;
            run_blocking(
                self, state.context->maintenance, defaults::longest_job,
                [work = album_round{self->system(), state.context, state.transfer, storage,
                                    state.view, view, state.stop_round, state.report->counter,
                                    state.dropping}] { return work.run(); },
                [self, view](result<repair_outcome> outcome) {
                  view->in_repair = false;
                  auto& sum = self->state.outcome;
                  if (outcome)
                    sum += *outcome;
                  else if (outcome.error().code != ec::stopped)
                    sum.problems.push_back(to_string(outcome.error()));
                  sum.stopped |= !outcome;
                  repair_next(self);
                });
          },
          [self, a](caf::error& err) {
            const auto why = from_caf(err, "open album " + a.name);
            if (why.code != ec::not_found) {
              self->state.outcome.problems.push_back(to_string(why));
              self->state.outcome.stopped = true;
            }
            repair_next(self);
          });
}

// -- when -------------------------------------------------------------------------

/// This node has taken part with its disk: it is one that was away, when it starts the next time.
void forget_fresh(self_pointer self) {
  run_blocking(
      self, self->state.context->writers, defaults::commit_deadline,
      [context = self->state.context] { return note_caught_up(*context->directory); },
      [self](result<void> noted) {
        if (!noted) self->state.context->log->error("{}", to_string(noted.error()));
      });
}

void look_whether_caught_up(self_pointer self);

/// Asks a node for a round, so that this one gets what it missed.
void ask_helper(self_pointer self, const peer& p) {
  const auto id = p.member.info.id;
  const auto ended = [self, id, incarnation = p.member.info.incarnation](catch_up::outcome what) {
    auto& state = self->state;
    state.behind.answered(state.context->time->steady_ms(), id, incarnation, what);
    look_whether_caught_up(self);
  };
  ask(self, p.handles.repair, defaults::repair_deadline, atom::here_v, atom::repair_v,
      self->state.context->self.id)
      .then(
          [self, ended](const repair_outcome& o) {
            ended(o.is_whole()                                  ? catch_up::outcome::whole
                  : o.has_brought(self->state.context->self.id) ? catch_up::outcome::brought
                                                                : catch_up::outcome::failed);
          },
          [self, id, ended](caf::error& err) {
            self->state.context->log->info(
                "{}", to_string(from_caf(err, "catch up with node " + node_name(id))));
            ended(catch_up::outcome::failed);
          });
}

/// Asks those that live to bring what this node missed while it was away.
void look_whether_caught_up(self_pointer self) {
  auto& state = self->state;
  auto& caught_up = *state.context->caught_up;
  if (!state.view->missing.empty() || state.view->peers.empty()) return;
  // Nobody compares copies with a node that drains: what it missed shows when it hands over.
  if (state.view->drains(state.context->self.id)) {
    if (state.handed_over) caught_up = true;
    return;
  }
  for (const auto id : state.behind.ask(state.context->time->steady_ms()))
    if (const auto* p = state.view->find(id)) ask_helper(self, *p);
  if (state.behind.is_done() == caught_up) return;
  caught_up = state.behind.is_done();
  if (!caught_up) return;
  state.context->log->info("the node has what the others have");
  if (state.context->fresh) forget_fresh(self);
}

/// The least number of copies that confirm a chip, over the albums with copies.
size_t least_confirmed(const repair_state& state) {
  auto least = SIZE_MAX;
  for (const auto& [uid, view] : state.open)
    if (view->definition.replication > 1)
      least = std::min(least, copies_to_confirm(copies_of(state.view->ring, view->definition)));
  return least;
}

void tell_view(self_pointer self) {
  auto& state = self->state;
  if (!state.view->missing.empty() || state.view->peers.empty()) return;
  std::vector<catch_up::other> others;
  for (const auto& p : state.view->peers)
    if (!p.self)
      others.push_back({p.member.info.id, p.member.info.incarnation,
                        p.member.state == member_state::down, p.reachable});
  state.behind.view_changed(std::move(others), least_confirmed(state));
  look_whether_caught_up(self);
}

/// Who is given places on the ring anew, while it runs, has to be brought what is there.
void look_for_return(self_pointer self, const cluster_view& next) {
  auto& state = self->state;
  const auto* before = state.view->find(state.context->self.id);
  const auto* now = next.find(state.context->self.id);
  if (now == nullptr) return;
  state.tasks = now->handles.tasks;
  if (before == nullptr || now->member.info.tokens.empty() ||
      before->member.info.incarnation == now->member.info.incarnation)
    return;
  state.behind.begin_again();
  *state.context->caught_up = false;
}

void take_view(self_pointer self, cluster_view_ptr view) {
  auto& state = self->state;
  look_for_return(self, *view);
  const bool other_ring = view->ring.version() != state.view->ring.version();
  // The first ring that a node knows moves nothing.
  const bool had_ring = !state.view->ring.nodes().empty();
  bool came = false;
  for (const auto& p : view->peers) {
    const auto* before = state.view->find(p.member.info.id);
    came |= p.reachable && (before == nullptr || !before->reachable);
  }
  state.view = std::move(view);
  if (other_ring && had_ring) state.moving = true;
  if (other_ring && state.stop_round) *state.stop_round = true;
  if (other_ring || came) state.schedule.cluster_changed(state.context->time->steady_ms());
  tell_view(self);
}

result<void> check_may_repair(const repair_state& state) {
  if (state.context->settings.mode == open_mode::read_only)
    return fail(ec::forbidden, "repair", "the directory is open for reading only");
  return check_ring(*state.view);
}

bool is_alone(const cluster_view& view) {
  return view.peers.size() < 2;
}

/// The rounds of all nodes, or of one; their sum.
caf::result<repair_outcome> repair_cluster(self_pointer self, uint64_t only) {
  const auto& view = *self->state.view;
  if (only != 0 && view.find(only) == nullptr)
    return to_caf({ec::not_found, "repair node " + node_name(only), "no node has this id",
                   "see `stip node list`"});
  auto promise = self->make_response_promise<repair_outcome>();
  cluster_view asked;
  for (const auto& p : view.peers)
    if (only == 0 || p.member.info.id == only) asked.peers.push_back(p);
  gather<repair_outcome>(
      asked,
      [self](const peer& p) {
        return ask(self, p.handles.repair, defaults::repair_deadline, atom::here_v, atom::repair_v,
                   uint64_t{0});
      },
      [promise](auto answers, auto problems) mutable {
        repair_outcome sum;
        for (const auto& [who, outcome] : answers) sum += outcome;
        sum.problems.insert(sum.problems.end(), problems.begin(), problems.end());
        promise.deliver(std::move(sum));
      });
  return promise;
}

void tell_now_and_then(self_pointer self) {
  auto& state = self->state;
  const auto now = state.context->time->steady_ms();
  if (!state.running || now - state.told_ms < defaults::task_update_interval.count()) return;
  state.told_ms = now;
  tell_round(self, state.report);
}

}  // namespace

repair_actor::behavior_type repair_behavior(self_pointer self, context_ptr context,
                                            albums_actor albums, transfer_actor transfer) {
  self->state.behind = catch_up{context->fresh};
  self->state.context = std::move(context);
  self->state.albums = std::move(albums);
  self->state.transfer = std::move(transfer);
  self->state.view = std::make_shared<cluster_view>();
  self->set_exit_handler([self](caf::exit_msg& exit) {
    if (self->state.stop_round) *self->state.stop_round = true;
    self->quit(std::move(exit.reason));
  });
  self->delayed_send(self, defaults::tick_interval, atom::tick_v);
  return {
      [self](atom::differ, const album& a, uint64_t asker, uint64_t ring_version,
             const std::vector<uint64_t>& digests) -> caf::result<std::vector<uint32_t>> {
        const auto cluster = self->state.view;
        if (auto same = check_same_ring(*cluster, asker, ring_version); !same)
          return to_caf(same.error());
        return with_view<std::vector<uint32_t>>(
            self, a, [cluster, asker, digests](const album_view& view) {
              return differing_slices(*view.store, view.definition, cluster->ring,
                                      view.context->self.id, asker, digests);
            });
      },
      [self](atom::lacks, const album& a, uint64_t asker, uint64_t ring_version,
             const std::string& bytes, bool to_push) -> caf::result<std::vector<bool>> {
        if (auto same = check_same_ring(*self->state.view, asker, ring_version); !same)
          return to_caf(same.error());
        if (const uint64_t by = *self->state.dropping; by != 0 && by != ring_version)
          return to_caf({ec::unavailable, "say what is here", "images are being dropped just now",
                         "ask again"});
        auto facts = decode_facts(bytes);
        if (!facts) return to_caf(facts.error());
        return with_view<std::vector<bool>>(
            self, a,
            [facts = std::move(*facts), asker, to_push,
             claims = self->state.claims](const album_view& view) -> result<std::vector<bool>> {
              STIP_ASSIGN(auto lacking, view.store->lacks(facts));
              if (to_push) keep_claimed(*claims, view, asker, facts, lacking);
              return lacking;
            });
      },
      [self](atom::here, atom::repair, uint64_t asker) -> caf::result<repair_outcome> {
        auto& state = self->state;
        if (auto fine = check_may_repair(state); !fine) return to_caf(fine.error());
        const auto* p = state.view->find(asker);
        if (asker != 0 && (p == nullptr || !p->reachable))
          return to_caf({ec::unavailable, "bring node " + node_name(asker) + " what it missed",
                         why_away(p), "ask again"});
        auto promise = self->make_response_promise<repair_outcome>();
        state.waiting_for_next.push_back(promise);
        if (!state.running) begin_round(self);
        return promise;
      },
      [self](atom::repair, uint64_t only) { return repair_cluster(self, only); },
      [self](atom::repair) {
        auto& state = self->state;
        state.schedule.strays_came(state.context->time->steady_ms());
      },
      [self](atom::stop, const std::string& task) {
        auto& state = self->state;
        if (!state.running || state.report->task != task) return;
        state.stopped_by_user = true;
        *state.stop_round = true;
      },
      [self](atom::update, const std::string& uid, const album_view_ptr& view) {
        if (view)
          self->state.open[uid] = view;
        else
          self->state.open.erase(uid);
        tell_view(self);
      },
      [self](atom::peers, cluster_view_ptr& view) { take_view(self, std::move(view)); },
      [self](atom::tick) {
        auto& state = self->state;
        const bool due = state.context->time->steady_ms() >= state.schedule.due_ms();
        if (!state.running && due && !is_alone(*state.view) && state.view->missing.empty() &&
            state.context->settings.mode == open_mode::read_write)
          begin_round(self);
        look_whether_caught_up(self);
        tell_now_and_then(self);
        self->delayed_send(self, defaults::tick_interval, atom::tick_v);
      },
  };
}

}  // namespace stip
