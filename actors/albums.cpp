#include "actors/albums.hpp"

#include <algorithm>
#include <caf/all.hpp>
#include <utility>

#include "actors/album_deletion.hpp"
#include "actors/album_storages.hpp"
#include "actors/ask.hpp"
#include "actors/errors.hpp"
#include "actors/executor.hpp"
#include "actors/gather.hpp"
#include "libstip/cluster/replication.hpp"

namespace stip {

namespace {

/// Keeps a changed definition on the disk, then `then`.
template <class Then>
void save(albums_pointer self, const album& changed, Then then) {
  if (self->state.context->settings.mode == open_mode::read_only) return then(result<void>{});
  run_blocking(
      self, self->state.context->writers, defaults::commit_deadline,
      [context = self->state.context, changed] { return context->directory->save(changed); }, then);
}

void log_state(albums_pointer self, const album& a) {
  self->state.context->log->info("album {} is {}", a.name,
                                 a.deleted  ? "deleted"
                                 : a.closed ? "closed"
                                            : "open");
}

/// Takes in what a peer knows; what is news here is saved and acted on, then `then`.
void merge(albums_pointer self, const std::vector<album>& theirs,
           const std::function<void()>& then) {
  auto left = std::make_shared<size_t>(1);
  const std::function<void()> finish_one = [left, then] {
    if (--*left == 0) then();
  };
  for (const auto& a : theirs) {
    if (auto fine = check(a); !fine) {
      self->state.context->log->error("{}", to_string(fine.error()));
      continue;
    }
    if (auto fine = self->state.context->versions->observe(a.changed); !fine) {
      self->state.context->log->error("album {}: {}", a.name, to_string(fine.error()));
      continue;
    }
    if (!self->state.directory.merge(a)) continue;
    ++*left;
    save(self, a, [self, a, finish_one](result<void> saved) {
      if (!saved) {
        self->state.context->log->error("{}", to_string(saved.error()));
        return finish_one();
      }
      // Newer news may have come while this was being written.
      const auto now = self->state.directory.find(a.uid).value_or(a);
      log_state(self, now);
      apply_change(self, now, finish_one);
    });
  }
  finish_one();
}

void start_change(albums_pointer self) {
  auto& state = self->state;
  if (state.changing || state.changes.empty()) return;
  state.changing = true;
  const auto next = std::move(state.changes.front());
  state.changes.pop_front();
  next();
}

void end_change(albums_pointer self) {
  self->state.changing = false;
  start_change(self);
}

/// Saves what `change` makes of the directory, takes it in, tells every peer, and answers when they
/// know. What cannot be saved has not happened.
void make_change(albums_pointer self, const std::function<result<album>(album_directory&)>& change,
                 caf::typed_response_promise<album> promise) {
  auto after = self->state.directory;
  auto changed = change(after);
  if (!changed) {
    promise.deliver(to_caf(changed.error()));
    return end_change(self);
  }
  auto tell_peers = [self, changed = *changed, promise]() mutable {
    gather<std::vector<album>>(
        *self->state.view,
        [self, changed](const peer& p) {
          return ask(self, p.handles.albums, defaults::request_deadline, atom::exchange_v,
                     std::vector<album>{changed});
        },
        [self, changed, promise](auto, const std::vector<std::string>& problems) mutable {
          // Those that are away learn it when they are back.
          for (const auto& problem : problems)
            self->state.context->log->warn("album {}: {}", changed.name, problem);
          promise.deliver(std::move(changed));
        });
  };
  save(self, *changed, [self, changed = *changed, promise, tell_peers](result<void> saved) mutable {
    if (!saved) {
      promise.deliver(to_caf(saved.error()));
      return end_change(self);
    }
    self->state.directory.merge(changed);
    // Newer news may have come while this was being written.
    const auto now = self->state.directory.find(changed.uid).value_or(changed);
    log_state(self, now);
    apply_change(self, now, tell_peers);
    end_change(self);
  });
}

/// The same when the changes before it are through.
void publish_change(albums_pointer self, std::function<result<album>(album_directory&)> change,
                    caf::typed_response_promise<album> promise) {
  self->state.changes.push_back(
      [self, change = std::move(change), promise] { make_change(self, change, promise); });
  start_change(self);
}

result<album> create(albums_pointer self, album_directory& directory, const album& wanted) {
  // Those that have not answered yet are nodes as well.
  const auto& view = *self->state.view;
  const auto nodes = view.peers.size() + view.missing.size();
  const auto by_default = std::min<size_t>(defaults::replication, std::max<size_t>(1, nodes));
  const album_request request{
      wanted.name, wanted.algorithm, wanted.dht_key_length,
      wanted.replication == 0 ? static_cast<uint32_t>(by_default) : wanted.replication,
      wanted.placement};
  return directory.create(request, self->state.context->versions->next());
}

/// Finds the album of that name, asking the other nodes when this one does not know it: news of its
/// creation is on the way when this node looked away for a moment while it was told.
template <class Then>
void find_anywhere(albums_pointer self, const std::string& name, Then then) {
  auto known = self->state.directory.find(name);
  if (known) return then(std::move(known));
  gather<std::vector<album>>(
      *self->state.view,
      // Who waits for this has request_deadline itself, and wants to hear which album is unknown.
      [self](const peer& p) {
        return ask(self, p.handles.albums, defaults::album_lookup_deadline, atom::exchange_v,
                   std::vector<album>{});
      },
      [self, name, then](auto answers, const std::vector<std::string>&) mutable {
        std::vector<album> news;
        for (auto& [who, states] : answers)
          news.insert(news.end(), std::make_move_iterator(states.begin()),
                      std::make_move_iterator(states.end()));
        merge(self, news, [self, name, then]() mutable { then(self->state.directory.find(name)); });
      });
}

/// Answers with what `act(album, promise)` delivers for the album of that name, or that there is
/// none.
template <class T, class Act>
caf::result<T> with_album(albums_pointer self, const std::string& name, Act act) {
  auto promise = self->make_response_promise<T>();
  find_anywhere(self, name, [promise, act](result<album> found) mutable {
    if (!found) return (void)promise.deliver(to_caf(found.error()));
    act(*found, promise);
  });
  return promise;
}

result<void> check_writable(albums_pointer self) {
  if (self->state.context->settings.mode == open_mode::read_write) return {};
  return fail(ec::forbidden, "change an album", "the directory is open for reading only");
}

/// Opens, closes or deletes: `change` is the member of album_directory that does it.
caf::result<album> change_album(albums_pointer self, const std::string& name,
                                result<album> (album_directory::*change)(std::string_view,
                                                                         const version&)) {
  if (auto fine = check_writable(self); !fine) return to_caf(fine.error());
  return with_album<album>(
      self, name, [self, name, change](const album&, caf::typed_response_promise<album> promise) {
        publish_change(
            self,
            [self, name, change](album_directory& directory) {
              return (directory.*change)(name, self->state.context->versions->next());
            },
            std::move(promise));
      });
}

/// Runs an operation on the storage of the named album, opening it if need be.
template <class T, class... Ts>
caf::result<T> on_storage(albums_pointer self, const std::string& name, const Ts&... message) {
  return with_album<T>(
      self, name,
      [self, message...](const album& found, caf::typed_response_promise<T> promise) mutable {
        auto give_up = [promise](caf::error& err) mutable { promise.deliver(std::move(err)); };
        ask(self, albums_actor{self}, defaults::commit_deadline, atom::album_of_v, found)
            .then(
                [self, promise, give_up, message...](const storage_actor& storage) mutable {
                  ask(self, storage, defaults::erase_deadline, message...)
                      .then([promise](T& answer) mutable { promise.deliver(std::move(answer)); },
                            give_up);
                },
                give_up);
      });
}

storage_status operator+(storage_status a, const storage_status& b) {
  return {a.images + b.images,         a.chips + b.chips,
          a.live_bytes + b.live_bytes, a.disk_bytes + b.disk_bytes,
          a.lost_chips + b.lost_chips, a.damaged_chips + b.damaged_chips};
}

/// The images that match, each once however many copies there are, to `then`.
template <class Then>
void count_images(albums_pointer self, const std::string& name, const filter& match, Then then) {
  find_request request;
  request.album = name;
  request.match = match;
  ask(self, self->state.query, defaults::query_deadline, atom::extents_v, request)
      .then(
          [then](const query_answer& answer) mutable {
            const auto rows = decode_extent_rows(answer.rows);
            if (!rows) return then(result<uint64_t>{fail(rows.error())});
            uint64_t images = 0;
            for (const auto& row : *rows) images += row.count;
            then(result<uint64_t>{images});
          },
          [then](caf::error& err) mutable {
            then(result<uint64_t>{fail(from_caf(err, "count images"))});
          });
}

/// What all nodes hold of the album; images are counted once, everything else as often as it is
/// stored.
void add_up_status(albums_pointer self, const album& a, const std::string& name,
                   caf::typed_response_promise<album_status> promise) {
  gather<storage_status>(
      *self->state.view,
      [self, name](const peer& p) {
        return ask(self, p.handles.albums, defaults::request_deadline, atom::here_v, atom::status_v,
                   name);
      },
      [self, promise, a, name, view = self->state.view](auto answers, auto problems) mutable {
        album_status out{a, {}, std::move(problems)};
        for (const auto& [who, status] : answers) out.total = out.total + status;
        if (all_known(*view, a, answers)) out.problems.clear();
        if (a.replication == 1 || a.closed) return (void)promise.deliver(std::move(out));
        count_images(self, name, {}, [promise, out](result<uint64_t> images) mutable {
          if (images)
            out.total.images = *images;
          else
            out.problems.push_back(to_string(images.error()));
          promise.deliver(std::move(out));
        });
      });
}

void exchange_with_a_peer(albums_pointer self) {
  auto& state = self->state;
  std::vector<const peer*> others;
  for (const auto& p : state.view->peers)
    if (!p.self && p.reachable) others.push_back(&p);
  if (others.empty()) return;
  const auto& p = *others[state.next_peer++ % others.size()];
  ask(self, p.handles.albums, defaults::request_deadline, atom::exchange_v,
      state.directory.states())
      .then([self](const std::vector<album>& theirs) { merge(self, theirs, [] {}); },
            [](caf::error&) { /* the next round asks again; membership tells who is away */ });
}

}  // namespace

albums_actor::behavior_type albums_behavior(albums_pointer self, context_ptr context,
                                            std::vector<album> kept) {
  auto& state = self->state;
  state.context = std::move(context);
  state.view = std::make_shared<cluster_view>();
  for (const auto& a : kept) {
    state.directory.merge(a);
    // What this run writes is newer than what the last one did, though the clock was set back.
    if (auto seen = state.context->versions->observe(a.changed); !seen)
      state.context->log->warn("album {}: {}", a.name, to_string(seen.error()));
  }
  self->delayed_send(self, defaults::album_exchange_interval, atom::tick_v);
  return {
      [self](atom::create, const album& wanted) -> caf::result<album> {
        if (auto fine = check_writable(self); !fine) return to_caf(fine.error());
        auto promise = self->make_response_promise<album>();
        publish_change(
            self,
            [self, wanted](album_directory& directory) { return create(self, directory, wanted); },
            promise);
        return promise;
      },
      [self](atom::get, const std::string& name) {
        return with_album<album>(
            self, name, [](const album& found, caf::typed_response_promise<album> promise) {
              promise.deliver(found);
            });
      },
      [self](atom::list) {
        std::vector<album> out;
        for (auto& listed : self->state.directory.list()) {
          out.push_back(std::move(listed.album));
          out.back().name = std::move(listed.shown);
        }
        return out;
      },
      [self](atom::open, const std::string& name) {
        return change_album(self, name, &album_directory::open);
      },
      [self](atom::close, const std::string& name) {
        return change_album(self, name, &album_directory::close);
      },
      [self](atom::remove, const std::string& name) {
        return change_album(self, name, &album_directory::erase);
      },
      [self](atom::exchange, const std::vector<album>& theirs) -> caf::result<std::vector<album>> {
        auto promise = self->make_response_promise<std::vector<album>>();
        merge(self, theirs,
              [self, promise]() mutable { promise.deliver(self->state.directory.states()); });
        return promise;
      },
      [self](atom::erase, const std::string& name, const filter& match, const version& when) {
        return with_album<uint64_t>(
            self, name,
            [self, name, match, when](const album& found,
                                      caf::typed_response_promise<uint64_t> promise) {
              delete_images(self, found, name, match, when, std::move(promise));
            });
      },
      [self](atom::here, atom::hide, const std::string& name, uint64_t ring_version,
             const std::string& tombstones) -> caf::result<uint64_t> {
        if (auto fine = check_tombstones(self, ring_version, tombstones); !fine)
          return to_caf(fine.error());
        return on_storage<uint64_t>(self, name, atom::hide_v, tombstones);
      },
      [self](atom::album_of, const album& target) -> caf::result<storage_actor> {
        auto& state = self->state;
        auto known = state.directory.find(target.uid);
        // A batch that carries an album that we missed brings it along.
        if (!known) {
          if (auto fine = check(target); !fine) return to_caf(fine.error());
          merge(self, {target}, [] {});
          known = state.directory.find(target.uid);
        }
        if (!known || known->deleted)
          return to_caf(
              {ec::not_found, "open album " + target.name, "it was deleted", "create it again"});
        auto promise = self->make_response_promise<storage_actor>();
        open_storage(self, *known, promise);
        return promise;
      },
      [self](atom::status, const std::string& name) {
        return with_album<album_status>(
            self, name,
            [self, name](const album& found, caf::typed_response_promise<album_status> promise) {
              add_up_status(self, found, name, std::move(promise));
            });
      },
      [self](atom::here, atom::status, const std::string& name) {
        return on_storage<storage_status>(self, name, atom::status_v);
      },
      [self](atom::here, atom::status) {
        storage_status sum;
        for (const auto& [uid, entry] : self->state.open)
          if (entry.view) sum = sum + status_of(*entry.view);
        return sum;
      },
      [self](atom::start, const query_actor& query, const repair_actor& repair) {
        auto& state = self->state;
        state.query = query;
        state.repair = repair;
        for (const auto& a : state.directory.states()) {
          if (!a.deleted && !a.closed) open_storage(self, a, std::nullopt);
          if (a.deleted) remove_files(self, a);
        }
      },
      [self](atom::peers, cluster_view_ptr& view) { self->state.view = std::move(view); },
      [self](atom::tick) {
        exchange_with_a_peer(self);
        open_postponed(self);
        close_idle(self);
        self->delayed_send(self, defaults::album_exchange_interval, atom::tick_v);
      },
  };
}

}  // namespace stip
