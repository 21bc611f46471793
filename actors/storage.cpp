#include "actors/storage.hpp"

#include <algorithm>
#include <caf/all.hpp>
#include <span>
#include <utility>

#include "actors/errors.hpp"

namespace stip {

result<album_view_ptr> open_album_view(const context_ptr& context, const album& definition) {
  store_options options;
  options.mode = context->settings.mode;
  options.free_bytes_watermark = context->settings.free_bytes_watermark;
  STIP_ASSIGN(auto store, context->directory->open_album(definition, options));
  for (const auto& key : store->lost_chips())
    context->log->error("album {}: chip {} has lost its bytes", definition.name, key);
  image_index index{definition.algorithm};
  if (!definition.closed) {
    STIP_ASSIGN(index, build_index(*store));
  }
  auto view = std::make_shared<album_view>(context, definition, std::move(store), std::move(index));
  view->closed = definition.closed;
  return view;
}

storage_status status_of(const album_view& view) {
  const auto s = view.store->statistics();
  return {s.images, s.chips, s.live_bytes, s.segment_bytes, s.lost_chips, 0};
}

result<image_index> build_index(const album_store& store) {
  STIP_ASSIGN(auto columns, store.scan_columns());
  return image_index{std::move(columns)};
}

namespace {

void merge_levels(storage_pointer self);

void apply_changes(album_view& view, const std::vector<index_change>& changes) {
  if (!changes.empty() && !view.closed) view.set_index(view.index().with(changes));
}

/// Parts of chips in one commit, give or take a message: LMDB keeps the memory of the pages of its
/// largest transaction for good, and thousands of small chips dirty thousands.
constexpr size_t max_parts_per_commit = 1024;

void write_puts(storage_pointer self) {
  auto group = std::make_shared<std::deque<storage_state::waiting_put>>();
  auto& puts = self->state.puts;
  for (size_t parts = 0; !puts.empty() && parts < max_parts_per_commit; puts.pop_front()) {
    parts += puts.front().content->content.parts.size();
    group->push_back(std::move(puts.front()));
  }
  auto work = [group, writer = self->state.writer, view = self->state.view]() {
    std::vector<const chip_parts*> messages;
    messages.reserve(group->size());
    for (const auto& put : *group) {
      messages.push_back(&put.content->content);
      if (put.content->has_strays || !put.content->content.tombstones.empty()) view->copies.took();
    }
    auto written = writer->write(messages);
    // On the writer's thread: nobody else changes the index, and merging a large delta must not
    // hold up an actor.
    apply_changes(*view, written.changes);
    return result<chip_writer::written>{std::move(written)};
  };
  write(self, std::move(work), [self, group](result<chip_writer::written> written) {
    merge_levels(self);
    if (written) note_change(self);
    for (size_t i = 0; i < group->size(); ++i) {
      auto& promise = (*group)[i].promise;
      if (!written) {
        promise.deliver(to_caf(written.error()));
      } else if (auto& outcome = written->outcomes[i]; !outcome) {
        promise.deliver(to_caf(outcome.error()));
      } else {
        parcel_answer answer;
        for (const auto chip : outcome->chips) answer.chips.push_back(static_cast<uint8_t>(chip));
        promise.deliver(std::move(answer));
      }
    }
  });
}

/// Merges large levels of the index beside the commits, and takes the outcome in between two of
/// them: whoever lists or writes waits for neither.
void merge_levels(storage_pointer self) {
  if (self->state.merging || self->state.ended) return;
  auto due = self->state.view->index().pending_merge();
  if (!due) return;
  self->state.merging = true;
  auto merge = std::make_shared<index_merge>(std::move(*due));
  run_blocking(
      self, self->state.context->readers, defaults::longest_job,
      [merge]() -> result<bool> {
        merge->run();
        return true;
      },
      [self, merge](result<bool> done) {
        self->state.merging = false;
        if (!done || self->state.ended) return;
        write_in_turn(
            self,
            [view = self->state.view, merge]() -> result<bool> {
              view->set_index(view->index().adopt(*merge));
              return true;
            },
            [self](result<bool> adopted) {
              if (adopted) merge_levels(self);
            });
      });
}

/// Takes tombstones in, in commits of bounded size; how many images they hid.
result<uint64_t> hide_images(album_view& view, std::span<const put_tombstone> tombstones) {
  uint64_t hidden = 0;
  view.copies.took();
  while (!tombstones.empty()) {
    const auto count = std::min(tombstones.size(), defaults::max_erased_per_commit);
    commit_request request;
    request.tombstones.assign(tombstones.begin(), tombstones.begin() + ptrdiff_t(count));
    STIP_ASSIGN(const auto done, view.store->commit(request));
    apply_changes(view, done.changes);
    for (const auto& change : done.changes) hidden += change.what == index_change::kind::erase;
    tombstones = tombstones.subspan(count);
  }
  return hidden;
}

/// Nobody waits for an answer that will not come.
void give_up_all(storage_pointer self) {
  auto& state = self->state;
  state.ended = true;
  const error why{ec::unavailable,
                  "write to album " + state.view->definition.name,
                  "it was deleted, or the node stops",
                  {}};
  if (auto give_up = std::exchange(state.give_up_writing, nullptr)) give_up(why);
  for (auto& put : std::exchange(state.puts, {})) put.promise.deliver(to_caf(why));
  for (auto& other : std::exchange(state.others, {})) other.give_up(why);
}

}  // namespace

void start_next(storage_pointer self) {
  auto& state = self->state;
  if (state.writing || state.ended) return;
  if (!state.others.empty()) {
    const auto next = std::move(state.others.front());
    state.others.pop_front();
    next.run();
  } else if (!state.puts.empty()) {
    write_puts(self);
  }
}

storage_actor::behavior_type storage_behavior(storage_pointer self, context_ptr context,
                                              album_view_ptr view) {
  self->state.context = std::move(context);
  self->state.view = std::move(view);
  self->state.writer =
      std::make_shared<chip_writer>(*self->state.view->store, *self->state.context->time);
  self->set_exit_handler([self](caf::exit_msg& exit) {
    give_up_all(self);
    self->quit(std::move(exit.reason));
  });
  note_change(self);
  return {
      [self](atom::put, parcel& content) -> caf::result<parcel_answer> {
        auto promise = self->make_response_promise<parcel_answer>();
        self->state.puts.push_back({std::make_shared<parcel>(std::move(content)), promise});
        start_next(self);
        return promise;
      },
      [self](atom::hide, const std::string& bytes) -> caf::result<uint64_t> {
        auto tombstones = decode_tombstones(bytes);
        if (!tombstones) return to_caf(tombstones.error());
        auto promise = self->make_response_promise<uint64_t>();
        write_in_turn(
            self,
            [view = self->state.view, tombstones = std::move(*tombstones)]() -> result<uint64_t> {
              if (view->closed)
                return fail(ec::unavailable, "delete images of album " + view->definition.name,
                            "it is closed", "open it first (stip album open)");
              return hide_images(*view, tombstones);
            },
            [self, promise](result<uint64_t> hidden) mutable {
              merge_levels(self);
              if (!hidden) return (void)promise.deliver(to_caf(hidden.error()));
              note_change(self);
              promise.deliver(*hidden);
            });
        return promise;
      },
      [self](atom::forget, const std::string& bytes) -> caf::result<uint64_t> {
        auto facts = decode_facts(bytes);
        if (!facts) return to_caf(facts.error());
        auto promise = self->make_response_promise<uint64_t>();
        write_in_turn(
            self,
            [view = self->state.view, facts = std::move(*facts)]() -> result<uint64_t> {
              const auto* time = view->context->time;
              view->copies.dropped(time->steady_ms());
              STIP_ASSIGN(const auto done, view->store->forget(facts));
              apply_changes(*view, done.changes);
              view->copies.dropped(time->steady_ms());
              return uint64_t{done.changes.size()};
            },
            [self, promise](result<uint64_t> forgotten) mutable {
              merge_levels(self);
              if (!forgotten) return (void)promise.deliver(to_caf(forgotten.error()));
              note_change(self);
              promise.deliver(*forgotten);
            });
        return promise;
      },
      [self](atom::open) -> caf::result<bool> {
        auto promise = self->make_response_promise<bool>();
        write_in_turn(
            self,
            [view = self->state.view]() -> result<bool> {
              if (!view->closed) return true;
              STIP_ASSIGN(auto index, build_index(*view->store));
              view->set_index(std::move(index));
              view->closed = false;
              return true;
            },
            [promise](result<bool> opened) mutable {
              if (opened)
                promise.deliver(true);
              else
                promise.deliver(to_caf(opened.error()));
            });
        return promise;
      },
      [self](atom::close) -> caf::result<bool> {
        auto promise = self->make_response_promise<bool>();
        // In turn: an opening that waits for a commit must not come after it, nor may that commit
        // fill the index again.
        self->state.others.push_back(
            {[self, promise]() mutable {
               auto& view = *self->state.view;
               view.closed = true;
               view.set_index(image_index{view.definition.algorithm});
               promise.deliver(true);
               start_next(self);
             },
             [promise](const error& why) mutable { promise.deliver(to_caf(why)); }});
        start_next(self);
        return promise;
      },
      [self](atom::status) {
        auto status = status_of(*self->state.view);
        if (const auto& scrub = self->state.maintenance.scrub)
          status.damaged_chips = std::max(scrub->damaged, scrub->damaged_before);
        return status;
      },
      [self](atom::tick) { maintain(self); },
  };
}

}  // namespace stip
