#include "actors/album_storages.hpp"

#include <caf/all.hpp>
#include <utility>

#include "actors/ask.hpp"
#include "actors/errors.hpp"
#include "actors/executor.hpp"
#include "actors/storage.hpp"

namespace stip {

namespace {

/// Those who look at stores know which are open: null, the album is not any more.
void tell_readers(albums_pointer self, const hash128& uid, const album_view_ptr& view) {
  self->send(self->state.query, atom::update_v, to_string(uid), view);
  self->send(self->state.repair, atom::update_v, to_string(uid), view);
}

void answer_waiting(albums_state::opened& entry) {
  for (auto& promise : entry.waiting) promise.deliver(entry.storage);
  entry.waiting.clear();
}

void fail_waiting(albums_state::opened& entry, const error& why) {
  for (auto& promise : entry.waiting) promise.deliver(to_caf(why));
  entry.waiting.clear();
}

}  // namespace

void open_storage(albums_pointer self, const album& definition,
                  std::optional<caf::typed_response_promise<storage_actor>> promise) {
  auto& state = self->state;
  auto [at, fresh] = state.open.try_emplace(definition.uid);
  auto& entry = at->second;
  if (promise) entry.waiting.push_back(std::move(*promise));
  entry.used_ms = state.context->time->steady_ms();
  if (entry.storage) return answer_waiting(entry);
  if (!fresh && entry.opening) return;
  entry.opening = true;
  if (const auto left = state.leaving.find(definition.uid); left != state.leaving.end()) {
    entry.postponed = !left->second.expired();
    if (entry.postponed) return;
    state.leaving.erase(left);
  }
  run_blocking(
      self, state.context->writers, defaults::commit_deadline,
      [context = state.context, definition] { return open_album_view(context, definition); },
      [self, definition](result<album_view_ptr> view) {
        auto& state = self->state;
        const auto now = state.directory.find(definition.uid);
        const auto at = state.open.find(definition.uid);
        if (at == state.open.end()) {
          // It was deleted meanwhile.
          if (view) (*view)->remove_files = true;
          return;
        }
        auto& entry = at->second;
        entry.opening = false;
        if (!view) {
          state.context->log->error("album {}: {}", definition.name, to_string(view.error()));
          fail_waiting(entry, view.error());
          state.open.erase(at);
          return;
        }
        entry.view = std::move(*view);
        entry.storage = self->spawn<caf::linked>(storage_behavior, state.context, entry.view);
        tell_readers(self, definition.uid, entry.view);
        if (now && now->closed && !definition.closed)
          ask(self, entry.storage, defaults::commit_deadline, atom::close_v)
              .then([](bool) {}, [](caf::error&) { /* it never refuses */ });
        answer_waiting(entry);
      });
}

void remove_files(albums_pointer self, const album& a) {
  if (self->state.context->settings.mode == open_mode::read_only) return;
  run_blocking(
      self, self->state.context->writers, defaults::commit_deadline,
      [context = self->state.context, a] { return context->directory->remove_album(a.uid); },
      [self](result<void> removed) {
        if (!removed) self->state.context->log->warn("{}", to_string(removed.error()));
      });
}

void apply_change(albums_pointer self, const album& now, const std::function<void()>& then) {
  auto& state = self->state;
  auto at = state.open.find(now.uid);
  if (now.deleted) {
    tell_readers(self, now.uid, nullptr);
    if (at == state.open.end()) {
      remove_files(self, now);
    } else {
      if (at->second.view) at->second.view->remove_files = true;
      if (at->second.storage) {
        self->unlink_from(at->second.storage);
        self->send_exit(at->second.storage, caf::exit_reason::user_shutdown);
      }
      fail_waiting(at->second, {ec::not_found, "open album " + now.name, "it was deleted", {}});
      state.open.erase(at);
    }
    return then();
  }
  if (now.closed && (at == state.open.end() || !at->second.storage)) return then();
  // The storage tells by itself when it cannot be opened; the change stands all the same.
  ask(self, albums_actor{self}, defaults::commit_deadline, atom::album_of_v, now)
      .then(
          [self, now, then](const storage_actor& storage) {
            auto finished = [then](bool) { then(); };
            auto failed = [then](caf::error&) { then(); };
            if (now.closed)
              ask(self, storage, defaults::commit_deadline, atom::close_v).then(finished, failed);
            else
              ask(self, storage, defaults::commit_deadline, atom::open_v).then(finished, failed);
          },
          [then](caf::error&) { then(); });
}

void close_idle(albums_pointer self) {
  auto& state = self->state;
  const auto now = state.context->time->steady_ms();
  for (auto at = state.open.begin(); at != state.open.end();) {
    auto& [uid, entry] = *at;
    const auto known = state.directory.find(uid);
    if (!known || !known->closed || known->deleted || !entry.storage || !entry.view->closed ||
        entry.view->in_maintenance || entry.view->in_repair || now - entry.used_ms < defaults::idle_album.count()) {
      ++at;
      continue;
    }
    tell_readers(self, uid, nullptr);
    self->unlink_from(entry.storage);
    self->send_exit(entry.storage, caf::exit_reason::user_shutdown);
    state.leaving[uid] = entry.view->files_are_open;
    at = state.open.erase(at);
  }
  std::erase_if(state.leaving, [](const auto& left) { return left.second.expired(); });
}

void open_postponed(albums_pointer self) {
  std::vector<album> again;
  for (auto& [uid, entry] : self->state.open)
    if (std::exchange(entry.postponed, false)) {
      entry.opening = false;
      if (const auto known = self->state.directory.find(uid)) again.push_back(*known);
    }
  for (const auto& a : again) open_storage(self, a, std::nullopt);
}

}  // namespace stip
