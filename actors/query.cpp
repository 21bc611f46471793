#include "actors/query.hpp"

#include <algorithm>
#include <caf/all.hpp>
#include <span>

#include "actors/ask.hpp"
#include "actors/errors.hpp"
#include "actors/executor.hpp"
#include "actors/gather.hpp"
#include "libstip/cluster/replication.hpp"

namespace stip {

namespace {

using self_pointer = query_actor::stateful_pointer<query_state>;

// -- this node ------------------------------------------------------------------

size_t row_limit(const find_request& request) {
  return request.limit == 0 ? defaults::max_page_rows
                            : std::min<size_t>(request.limit, defaults::max_page_rows);
}

result<query_answer> find_here(const album_view& view, const find_request& request) {
  STIP_TRY(check(request.match, view.definition.algorithm));
  const auto after = request.has_after ? std::optional{request.after} : std::nullopt;
  auto page = view.index().page(request.match, request.order, row_limit(request), after,
                                node_name(view.context->self.id));
  query_answer answer;
  answer.rows = std::move(page.rows);
  answer.more = page.more;
  return answer;
}

bool looks_at_few(const album_view& view, const find_request& request) {
  return check(request.match, view.definition.algorithm).has_value() &&
         view.index().candidates(request.match) <= defaults::short_query_rows;
}

result<query_answer> extents_here(const album_view& view, const ring& ring,
                                  const find_request& request) {
  STIP_TRY(check(request.match, view.definition.algorithm));
  const auto& asked = request.counted_among;
  cell_predicate counts_here;
  if (asked.size() > 1)
    counts_here = [&, self = view.context->self.id](std::string_view geocode) {
      for (const auto node : holders(ring, view.definition, geocode, ring.owners()))
        if (std::binary_search(asked.begin(), asked.end(), node)) return node == self;
      return false;
    };
  query_answer answer;
  answer.rows = encode_rows(view.index().extents(request.match, counts_here));
  return answer;
}

result<image_manifest> manifest_here(const album_view& view, const std::string& key_text) {
  STIP_ASSIGN(const auto key, parse_image_key(key_text));
  STIP_ASSIGN(const auto chips, view.store->chips(key));
  image_manifest out;
  out.node = node_name(view.context->self.id);
  for (const auto& record : chips) {
    out.chips.push_back(encode(record.chip));
    out.bytes += record.bytes();
  }
  if (!chips.empty()) {
    STIP_ASSIGN(out.scene, view.store->scene(chips.front().chip.scene));
  }
  return out;
}

/// A page of blocks from where the chip's blocks lie now.
result<block_page> read_page(const album_view& view, const image_key& key,
                             const read_request& request) {
  STIP_ASSIGN(const auto chips, view.store->chips(key));
  for (const auto& record : chips) {
    if (record.chip.subdataset_index != request.subdataset) continue;
    if (record.chip.content != request.content)
      return fail(ec::conflict, "read " + request.key + "/" + record.chip.subdataset,
                  "it has other pixels than those that were asked for", "read the image again");
    block_page page;
    const std::span all{record.blocks};
    if (request.first_block >= all.size()) return block_page{{}, {}, request.first_block};
    const auto first = request.first_block;
    const auto end =
        request.end_block <= first ? all.size() : std::min<uint64_t>(request.end_block, all.size());
    uint64_t size = 0;
    auto block = first;
    for (; block < end && size < defaults::max_message_bytes; ++block) {
      if (all[block].bytes == 0) continue;
      size += all[block].bytes;
      page.blocks.push_back(static_cast<uint32_t>(block));
    }
    std::vector<std::byte> bytes;
    bytes.reserve(size);
    STIP_TRY(view.store->read(all.subspan(first, block - first), bytes));
    page.records.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    page.next_block = block;
    return page;
  }
  return fail(ec::not_found, "read " + request.key,
              "it has no subdataset number " + std::to_string(request.subdataset), {});
}

result<block_page> read_here(const album_view& view, const read_request& request) {
  STIP_ASSIGN(const auto key, parse_image_key(request.key));
  // A compaction may move the blocks, or the file go, between looking up and reading.
  for (int attempt = 1;; ++attempt) {
    auto page = read_page(view, key, request);
    if (page || page.error().code != ec::not_found || attempt == defaults::read_attempts)
      return page;
  }
}

result<std::vector<bool>> holds_here(const album_view& view, const std::vector<std::string>& texts,
                                     const std::string& scene_text) {
  // What it has may have been deleted while it was away: it takes everything again.
  if (view.definition.replication > 1 && !*view.context->caught_up)
    return std::vector<bool>(texts.size(), false);
  STIP_ASSIGN(const auto scene, parse_hash128(scene_text));
  std::vector<image_key> keys;
  for (const auto& text : texts) {
    STIP_ASSIGN(auto key, parse_image_key(text));
    keys.push_back(std::move(key));
  }
  return view.store->holds(keys, scene);
}

error closed_error(const std::string& album) {
  return {ec::unavailable, "query album " + album, "it is closed",
          "open it first (stip album open " + album + ")"};
}

/// What would take less time than waking a thread for it.
using is_short = std::function<bool(const album_view&)>;

/// Keeps a query until the node has caught up; it is told whether that came in time.
void hold(self_pointer self, std::function<void(bool)> resume) {
  auto& state = self->state;
  if (state.held.size() >= defaults::max_queued_jobs) return resume(false);
  if (state.held.empty()) self->delayed_send(self, defaults::tick_interval, atom::tick_v);
  const auto until = state.context->time->steady_ms() + defaults::request_deadline.count();
  state.held.push_back({until, std::move(resume)});
}

void resume_held(self_pointer self) {
  auto& state = self->state;
  const auto now = state.context->time->steady_ms();
  const bool caught_up = *state.context->caught_up;
  for (auto& query : std::exchange(state.held, {}))
    if (caught_up || now >= query.until_ms)
      query.resume(caught_up);
    else
      state.held.push_back(std::move(query));
  if (!state.held.empty()) self->delayed_send(self, defaults::tick_interval, atom::tick_v);
}

/// Runs `work` on the album's view on the readers' pool and answers with what it returns; at once,
/// when it is short.
template <class T, class Work>
void answer_with(self_pointer self, const std::string& album, bool closed_too, Work work,
                 is_short at_once, caf::typed_response_promise<T> promise) {
  auto run = [self, album, closed_too, work, at_once, promise](const album_view_ptr& view) mutable {
    if (view->closed && !closed_too) return (void)promise.deliver(to_caf(closed_error(album)));
    // It may still show what was deleted or replaced while it was away; others know better.
    if (!closed_too && view->definition.replication > 1 && !*view->context->caught_up)
      return hold(self, [self, album, closed_too, work, at_once, promise](bool caught_up) mutable {
        if (caught_up) return answer_with<T>(self, album, closed_too, work, at_once, promise);
        promise.deliver(to_caf({ec::unavailable, "query album " + album,
                                "the node catches up with the others", "try again in a moment"}));
      });
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

/// Asks every node, and hands what comes to `merge`. Nodes that do not answer are no problem as
/// long as enough replicas of each range did; counts are then asked for once more without them.
template <class Atom, class Merge>
void ask_all(self_pointer self, Atom what, find_request request, const album& definition,
             Merge merge, caf::typed_response_promise<query_answer> promise, bool again = false) {
  constexpr bool is_count = std::is_same_v<Atom, atom::extents>;
  if (is_count && definition.replication > 1 && !again)
    request.counted_among = reachable_nodes(*self->state.view);
  gather<query_answer>(
      *self->state.view,
      [self, what, request](const peer& p) {
        return ask(self, p.handles.query, defaults::local_query_deadline, atom::here_v, what,
                   request);
      },
      [self, what, request, definition, merge, promise, again, view = self->state.view](
          std::vector<std::pair<member, query_answer>> answers,
          std::vector<std::string> problems) mutable {
        if (answers.empty())
          return (void)promise.deliver(
              to_caf({ec::unavailable,
                      "ask the nodes",
                      problems.empty() ? "there are none" : problems.front(),
                      {}}));
        std::vector<uint64_t> answered;
        for (const auto& [who, answer] : answers) answered.push_back(who.info.id);
        std::sort(answered.begin(), answered.end());
        const bool complete =
            covered(*view, definition, replicas_to_ask(copies_of(view->ring, definition)), answers);
        if (!request.counted_among.empty() && complete && answered != request.counted_among &&
            !again) {
          request.counted_among = answered;
          return ask_all(self, what, std::move(request), definition, merge, promise, true);
        }
        if (complete) problems.clear();
        auto merged = merge(std::move(answers), std::move(problems));
        if (merged)
          promise.deliver(std::move(*merged));
        else
          promise.deliver(to_caf(merged.error()));
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
            ask_all(self, what, request, definition, merge, promise);
          },
          [promise](caf::error& err) mutable { promise.deliver(std::move(err)); });
  return promise;
}

/// Asks one node after the other until one has the image.
template <class T, class Send>
void ask_in_turn(self_pointer self, std::vector<peer> order, size_t next, error last, Send send,
                 caf::typed_response_promise<T> promise) {
  if (next == order.size()) return (void)promise.deliver(to_caf(last));
  const auto p = order[next];
  send(p).then([promise](T& answer) mutable { promise.deliver(std::move(answer)); },
               [self, order = std::move(order), next, last = std::move(last), send,
                promise](caf::error& err) mutable {
                 auto why = from_caf(err, last.what);
                 // That this node lacks it says nothing of a replica that cannot be asked.
                 if (why.code != ec::not_found || last.code == ec::not_found) last = std::move(why);
                 ask_in_turn(self, std::move(order), next + 1, std::move(last), send, promise);
               });
}

/// Asks the nodes that hold images of that cell, replicas first, until one has this image.
template <class T, class Send>
caf::result<T> from_holders(self_pointer self, const std::string& album,
                            const std::string& key_text, Send send) {
  auto key = parse_image_key(key_text);
  if (!key) return to_caf(key.error());
  auto promise = self->make_response_promise<T>();
  ask(self, self->state.albums, defaults::request_deadline, atom::get_v, album)
      .then(
          [self, send, promise, geocode = key->geocode,
           key_text](const stip::album& definition) mutable {
            const auto& view = *self->state.view;
            std::vector<peer> order;
            const auto copies = copies_of(view.ring, definition);
            size_t place = 0, replicas_there = 0;
            for (const auto id : holders(view.ring, definition, geocode, view.ring.owners())) {
              const auto* p = view.find(id);
              const bool there = p != nullptr && p->reachable;
              if (place++ < copies && there) ++replicas_there;
              if (there) order.push_back(*p);
            }
            error last{ec::unavailable, "read image " + key_text,
                       "no node that holds it can be reached", "look at `stip node list`"};
            if (replicas_there >= replicas_to_ask(copies) && !order.empty())
              last.code = ec::not_found;
            // A node that leaves the ring has images until others have them.
            for (const auto& p : view.peers)
              if (p.reachable && p.member.info.tokens.empty()) order.push_back(p);
            ask_in_turn<T>(self, std::move(order), 0, std::move(last), send, promise);
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
            [request](const album_view& v) { return find_here(v, request); },
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
      [self](atom::here, atom::holds, const std::string& album,
             const std::vector<std::string>& keys, const std::string& scene) {
        return with_view<std::vector<bool>>(self, album, true, [keys, scene](const album_view& v) {
          return holds_here(v, keys, scene);
        });
      },
      [self](atom::update, const std::string& uid, const album_view_ptr& view) {
        if (view)
          self->state.open[uid] = view;
        else
          self->state.open.erase(uid);
      },
      [self](atom::peers, cluster_view_ptr& view) { self->state.view = std::move(view); },
      [self](atom::tick) { resume_held(self); },
  };
}

}  // namespace stip
