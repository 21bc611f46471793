#include "actors/query.hpp"

#include <algorithm>
#include <caf/all.hpp>

#include "actors/album_answers.hpp"
#include "actors/ask.hpp"
#include "actors/errors.hpp"
#include "actors/executor.hpp"
#include "actors/gather.hpp"
#include "actors/index_answers.hpp"
#include "actors/second_look.hpp"
#include "libstip/cluster/replication.hpp"

namespace stip {

namespace {

using self_pointer = query_actor::stateful_pointer<query_state>;

// -- this node ------------------------------------------------------------------

error closed_error(const std::string& album) {
  return {ec::unavailable, "query album " + album, "it is closed",
          "open it first (stip album open " + album + ")"};
}

/// What would take less time than waking a thread for it.
using is_short = std::function<bool(const album_view&)>;

/// Runs `work` on the album's view on the readers' pool and answers with what it returns; at once,
/// when it is short.
template <class T, class Work>
void answer_with(self_pointer self, const std::string& album, bool closed_too, Work work,
                 is_short at_once, caf::typed_response_promise<T> promise) {
  auto run = [self, album, closed_too, work, at_once, promise](const album_view_ptr& view) mutable {
    if (view->closed && !closed_too) return (void)promise.deliver(to_caf(closed_error(album)));
    // It may still show what was deleted or replaced while it was away; others know better.
    if (!closed_too && view->definition.replication > 1 && !*view->context->caught_up)
      return (void)promise.deliver(
          to_caf({ec::unavailable, "query album " + album, "the node catches up with the others",
                  "try again in a moment"}));
    if (at_once && at_once(*view)) {
      auto answer = work(*view);
      if (answer)
        promise.deliver(std::move(*answer));
      else
        promise.deliver(to_caf(answer.error()));
      return;
    }
    run_blocking(
        self, self->state.context->readers, defaults::longest_job,
        [view, work]() -> result<T> { return work(*view); },
        [promise](result<T> answer) mutable {
          if (answer)
            promise.deliver(std::move(*answer));
          else
            promise.deliver(to_caf(answer.error()));
        });
  };
  auto give_up = [promise](caf::error& err) mutable { promise.deliver(std::move(err)); };
  ask(self, self->state.albums, defaults::request_deadline, atom::get_v, album)
      .then(
          [self, album, run, promise, give_up](const stip::album& definition) mutable {
            const auto uid = to_string(definition.uid);
            if (auto found = self->state.open.find(uid); found != self->state.open.end())
              return run(found->second);
            // An album that was created a moment ago may still be opening: albums answers when it
            // is open, and has sent us its view before.
            ask(self, self->state.albums, defaults::commit_deadline, atom::album_of_v, definition)
                .then(
                    [self, album, uid, run, promise](const storage_actor&) mutable {
                      auto found = self->state.open.find(uid);
                      if (found == self->state.open.end())
                        promise.deliver(to_caf({ec::unavailable, "query album " + album,
                                                "it cannot be opened", "look at the node's log"}));
                      else
                        run(found->second);
                    },
                    give_up);
          },
          give_up);
}

template <class T, class Work>
caf::result<T> with_view(self_pointer self, const std::string& album, bool closed_too, Work work,
                         is_short at_once = {}) {
  auto promise = self->make_response_promise<T>();
  answer_with<T>(self, album, closed_too, work, at_once, promise);
  return promise;
}

// -- the cluster ------------------------------------------------------------------

result<query_answer> merge_found(std::vector<std::pair<member, query_answer>> answers,
                                 std::vector<std::string> problems, const find_request& request) {
  query_answer merged;
  if (answers.size() == 1) {
    merged = std::move(answers.front().second);
  } else {
    std::vector<rows_page> pages;
    for (auto& [who, answer] : answers) pages.push_back({std::move(answer.rows), answer.more});
    STIP_ASSIGN(auto page, merge_pages(std::move(pages), request.order, row_limit(request)));
    merged.rows = std::move(page.rows);
    merged.more = page.more;
  }
  merged.problems = std::move(problems);
  return merged;
}

result<query_answer> merge_extents(std::vector<std::pair<member, query_answer>> answers,
                                   std::vector<std::string> problems) {
  std::vector<std::vector<extent_row>> pages;
  for (auto& [who, answer] : answers) {
    STIP_ASSIGN(auto rows, decode_extent_rows(answer.rows));
    pages.push_back(std::move(rows));
  }
  query_answer merged;
  merged.rows = encode_rows(merge_rows(std::move(pages)));
  merged.problems = std::move(problems);
  return merged;
}

std::vector<uint64_t> reachable_nodes(const cluster_view& view) {
  std::vector<uint64_t> ids;
  for (const auto& p : view.peers)
    if (p.reachable) ids.push_back(p.member.info.id);
  return ids;
}

/// When a query that cannot be answered yet is given up.
int64_t patience_until(self_pointer self) {
  return self->state.context->time->steady_ms() + defaults::request_deadline.count();
}

/// Runs it again in a moment, as nodes that catch up may answer then; false when it is too late.
bool postpone(self_pointer self, int64_t until_ms, std::function<void()> query) {
  auto& postponed = self->state.postponed;
  if (self->state.context->time->steady_ms() >= until_ms ||
      postponed.size() >= defaults::max_queued_jobs)
    return false;
  if (postponed.empty()) self->delayed_send(self, defaults::tick_interval, atom::tick_v);
  postponed.push_back(std::move(query));
  return true;
}

/// Asks every node, and hands what comes to `merge`. Nodes that do not answer are no problem as
/// long as enough replicas of each range did; counts are then asked for once more without them.
/// Where too few did and more may soon, it asks again.
template <class Atom, class Merge>
void ask_all(self_pointer self, Atom what, find_request request, const album& definition,
             Merge merge, int64_t until_ms, caf::typed_response_promise<query_answer> promise,
             int attempt = 1) {
  constexpr bool is_count = std::is_same_v<Atom, atom::extents>;
  if (is_count && definition.replication > 1 && attempt == 1)
    request.counted_among = reachable_nodes(*self->state.view);
  gather<query_answer>(
      *self->state.view,
      [self, what, request](const peer& p) {
        return ask(self, p.handles.query, defaults::local_query_deadline, atom::here_v, what,
                   request);
      },
      [self, what, request, definition, merge, until_ms, promise, attempt,
       began_ms = self->state.context->time->steady_ms(),
       view = self->state.view](std::vector<std::pair<member, query_answer>> answers,
                                std::vector<std::string> problems) mutable {
        const bool complete = all_known(*view, definition, answers);
        // A node that has just begun knows nobody yet, not even itself.
        const bool early = view->peers.empty();
        if (!complete && (early || !all_reachable_answered(*view, answers)) &&
            postpone(self, until_ms, [self, what, request, definition, merge, until_ms, promise] {
              ask_all(self, what, request, definition, merge, until_ms, promise);
            }))
          return;
        if (answers.empty())
          return (void)promise.deliver(
              to_caf({ec::unavailable,
                      "ask the nodes",
                      problems.empty() ? "there are none" : problems.front(),
                      {}}));
        std::vector<uint64_t> answered;
        for (const auto& [who, answer] : answers) answered.push_back(who.info.id);
        std::sort(answered.begin(), answered.end());
        if (!request.counted_among.empty() && complete && answered != request.counted_among &&
            attempt == 1) {
          request.counted_among = answered;
          return ask_all(self, what, std::move(request), definition, merge, until_ms, promise,
                         attempt + 1);
        }
        if (complete) problems.clear();
        auto words = words_of(answers);
        auto merged = merge(std::move(answers), std::move(problems));
        if (!merged) return (void)promise.deliver(to_caf(merged.error()));
        if (is_count || view->peers.size() < 2) return (void)promise.deliver(std::move(*merged));
        look_twice(
            self, view, definition, std::move(words), std::move(*merged),
            [self, what, request, definition, merge, until_ms, promise, attempt,
             began_ms](result<looked_twice> page) mutable {
              if (!page) return (void)promise.deliver(to_caf(page.error()));
              const auto took_ms = self->state.context->time->steady_ms() - began_ms;
              if (page->replaced || has_moved(page->words, took_ms)) {
                if (attempt < defaults::search_attempts)
                  return ask_all(self, what, std::move(request), definition, merge, until_ms,
                                 promise, attempt + 1);
                page->answer.problems.push_back("images are moving from one node to another");
              }
              if (page->go_on_after && page->answer.problems.empty()) {
                request.has_after = true;
                request.after = *page->go_on_after;
                return ask_all(self, what, std::move(request), definition, merge, until_ms,
                               promise);
              }
              promise.deliver(std::move(page->answer));
            });
      });
}

/// Checks the request against the album's definition, asks every node, and merges what comes.
template <class Atom, class Merge>
caf::result<query_answer> over_cluster(self_pointer self, Atom what, const find_request& request,
                                       Merge merge) {
  auto promise = self->make_response_promise<query_answer>();
  ask(self, self->state.albums, defaults::request_deadline, atom::get_v, request.album)
      .then(
          [self, what, request, merge, promise](const stip::album& definition) mutable {
            if (definition.closed)
              return (void)promise.deliver(to_caf(closed_error(request.album)));
            if (auto fine = check(request.match, definition.algorithm); !fine)
              return (void)promise.deliver(to_caf(fine.error()));
            ask_all(self, what, request, definition, merge, patience_until(self), promise);
          },
          [promise](caf::error& err) mutable { promise.deliver(std::move(err)); });
  return promise;
}

/// How far the nodes that may have an image were asked.
struct turns {
  std::vector<peer> order;
  size_t next = 0;
  /// What to say when none has it.
  error last;
  /// One of them will be able to answer in a moment.
  bool soon = false;
};

/// Asks one node after the other until one has the image; `give_up` gets the turns when none has.
template <class T, class Send, class GiveUp>
void ask_in_turn(self_pointer self, turns at, Send send, GiveUp give_up,
                 caf::typed_response_promise<T> promise) {
  if (at.next == at.order.size()) return give_up(std::move(at));
  const auto p = at.order[at.next++];
  send(p).then([promise](T& answer) mutable { promise.deliver(std::move(answer)); },
               [self, at = std::move(at), send, give_up, promise](caf::error& err) mutable {
                 auto why = from_caf(err, at.last.what);
                 at.soon |= why.code == ec::unavailable;
                 // That this node lacks it says nothing of a replica that cannot be asked.
                 if (why.code != ec::not_found || at.last.code == ec::not_found)
                   at.last = std::move(why);
                 ask_in_turn(self, std::move(at), send, give_up, promise);
               });
}

/// Asks the nodes that hold images of that cell, replicas first, until one has this image; once
/// more when those that may have it cannot say so yet.
template <class T, class Send>
void ask_holders(self_pointer self, const album& definition, const image_key& key, Send send,
                 int64_t until_ms, caf::typed_response_promise<T> promise) {
  const auto& view = *self->state.view;
  turns at;
  const auto copies = copies_of(view.ring, definition);
  size_t place = 0, replicas_there = 0;
  for (const auto id : holders(view.ring, definition, key.geocode, view.ring.owners())) {
    const auto* p = view.find(id);
    const bool there = p != nullptr && p->reachable;
    if (place++ < copies && there) ++replicas_there;
    if (there) at.order.push_back(*p);
  }
  at.last = {ec::unavailable, "read image " + to_string(key),
             "no node that holds it can be reached", "look at `stip node list`"};
  // A node that leaves the ring has images until others have them.
  for (const auto& p : view.peers) {
    if (!p.member.info.tokens.empty()) continue;
    if (p.reachable)
      at.order.push_back(p);
    else if (replicas_there > 0)
      --replicas_there;
  }
  if (replicas_there >= replicas_to_ask(copies) && !at.order.empty()) at.last.code = ec::not_found;
  auto give_up = [self, definition, key, send, until_ms, promise](turns asked) mutable {
    const auto again = [self, definition, key, send, until_ms, promise] {
      ask_holders<T>(self, definition, key, send, until_ms, promise);
    };
    if (!asked.soon || !postpone(self, until_ms, again)) promise.deliver(to_caf(asked.last));
  };
  ask_in_turn<T>(self, std::move(at), send, std::move(give_up), promise);
}

template <class T, class Send>
caf::result<T> from_holders(self_pointer self, const std::string& album,
                            const std::string& key_text, Send send) {
  auto key = parse_image_key(key_text);
  if (!key) return to_caf(key.error());
  auto promise = self->make_response_promise<T>();
  ask(self, self->state.albums, defaults::request_deadline, atom::get_v, album)
      .then(
          [self, send, promise, key = std::move(*key)](const stip::album& definition) mutable {
            ask_holders<T>(self, definition, key, send, patience_until(self), promise);
          },
          [promise](caf::error& err) mutable { promise.deliver(std::move(err)); });
  return promise;
}

}  // namespace

query_actor::behavior_type query_behavior(self_pointer self, context_ptr context,
                                          albums_actor albums) {
  self->state.context = std::move(context);
  self->state.albums = std::move(albums);
  self->state.view = std::make_shared<cluster_view>();
  return {
      [self](atom::find, const find_request& request) {
        return over_cluster(self, atom::find_v, request, [request](auto answers, auto problems) {
          return merge_found(std::move(answers), std::move(problems), request);
        });
      },
      [self](atom::here, atom::find, const find_request& request) {
        return with_view<query_answer>(
            self, request.album, false,
            [request, ring = self->state.view->ring.version()](const album_view& v) {
              return find_here(v, ring, request);
            },
            [request](const album_view& v) { return looks_at_few(v, request); });
      },
      [self](atom::extents, const find_request& request) {
        return over_cluster(self, atom::extents_v, request, merge_extents);
      },
      [self](atom::here, atom::extents, const find_request& request) {
        return with_view<query_answer>(
            self, request.album, false,
            [request, view = self->state.view](const album_view& v) {
              return extents_here(v, view->ring, request);
            },
            [request](const album_view& v) { return looks_at_few(v, request); });
      },
      [self](atom::manifest, const std::string& album, const std::string& key) {
        return from_holders<image_manifest>(self, album, key, [self, album, key](const peer& p) {
          return ask(self, p.handles.query, defaults::local_query_deadline, atom::here_v,
                     atom::manifest_v, album, key);
        });
      },
      [self](atom::here, atom::manifest, const std::string& album, const std::string& key) {
        return with_view<image_manifest>(
            self, album, false, [key](const album_view& v) { return manifest_here(v, key); });
      },
      [self](atom::read, const read_request& request) {
        return from_holders<block_page>(
            self, request.album, request.key, [self, request](const peer& p) {
              return ask(self, p.handles.query, defaults::local_query_deadline, atom::here_v,
                         atom::read_v, request);
            });
      },
      [self](atom::here, atom::read, const read_request& request) {
        return with_view<block_page>(self, request.album, false, [request](const album_view& v) {
          return read_here(v, request);
        });
      },
      [self](atom::measure, const measure_request& request) {
        return from_holders<measured_index>(self, request.album, request.key,
                                            [self, request](const peer& p) {
                                              return ask(self, p.handles.query, measure_deadline,
                                                         atom::here_v, atom::measure_v, request);
                                            });
      },
      [self](atom::here, atom::measure, const measure_request& request) {
        return with_view<measured_index>(
            self, request.album, false,
            [request](const album_view& v) { return measure_here(v, request); });
      },
      [self](atom::here, atom::holds, const std::string& album,
             const std::vector<std::string>& keys, const std::string& scene) {
        return with_view<std::vector<bool>>(self, album, true, [keys, scene](const album_view& v) {
          return holds_here(v, keys, scene);
        });
      },
      [self](atom::here, atom::hides, const std::string& album, const std::string& rows) {
        return with_view<row_words>(self, album, false,
                                    [rows](const album_view& v) { return hides_here(v, rows); });
      },
      [self](atom::here, atom::hidden, const hidden_request& request) {
        return with_view<hidden_page>(
            self, request.album, false,
            [request, ring = self->state.view->ring.version()](const album_view& v) {
              return hidden_here(v, ring, request);
            });
      },
      [self](atom::update, const std::string& uid, const album_view_ptr& view) {
        if (view)
          self->state.open[uid] = view;
        else
          self->state.open.erase(uid);
      },
      [self](atom::peers, cluster_view_ptr& view) { self->state.view = std::move(view); },
      [self](atom::tick) {
        for (auto& query : std::exchange(self->state.postponed, {})) query();
      },
  };
}

}  // namespace stip
