#include <algorithm>
#include <caf/all.hpp>
#include <utility>

#include "actors/errors.hpp"
#include "actors/storage.hpp"
#include "libstip/store/segment.hpp"

// Compaction and scrub of one album. The work is in steps on a pool of its own, paced over all
// albums of the node; of the writer's line it takes short turns only.

namespace stip {

namespace {

struct paced_turn {
  compaction_turn turn = compaction_turn::done;
  uint64_t cost = 0;
};

/// Does `next` after so long.
void schedule(storage_pointer self, std::chrono::milliseconds rest, std::function<void()> next) {
  auto& m = self->state.maintenance;
  rest = std::min(rest, defaults::longest_maintenance_rest);
  m.next = std::move(next);
  m.due_ms = self->state.context->time->steady_ms() + rest.count();
  self->delayed_send(self, rest, atom::tick_v);
}

void look_after(storage_pointer self);

/// What was under way is through; what changed meanwhile is looked at in a while.
void rest_until(storage_pointer self, std::chrono::milliseconds rest) {
  auto& m = self->state.maintenance;
  m.busy = false;
  self->state.view->in_maintenance = false;
  if (std::exchange(m.changed, false)) rest = std::min(rest, defaults::maintenance_delay);
  schedule(self, rest, [self] { look_after(self); });
}

void give_up(storage_pointer self, const char* what, const error& why) {
  self->state.context->log->warn("album {}: {}: {}", self->state.view->definition.name, what,
                                 to_string(why));
  rest_until(self, defaults::maintenance_retry);
}

std::chrono::milliseconds rest_after(storage_pointer self, uint64_t bytes) {
  const auto& c = *self->state.context;
  return std::chrono::milliseconds{c.maintenance_pace->rest_ms(bytes, c.time->steady_ms())};
}

// -- compaction -------------------------------------------------------------------

void log_compaction(storage_pointer self, const compaction_report& done) {
  const auto& log = self->state.context->log;
  const auto& name = self->state.view->definition.name;
  if (done.chips_unreadable > 0)
    log->error("album {}: {} chips cannot be read; their segments are kept", name,
               done.chips_unreadable);
  if (done.segments_removed > 0 || done.scenes_dropped > 0 || done.tombstones_dropped > 0)
    log->info(
        "album {} is compacted: {} bytes freed, {} segments removed, {} chips moved, {} scene "
        "records and {} tombstones dropped",
        name, done.bytes_freed, done.segments_removed, done.chips_moved, done.scenes_dropped,
        done.tombstones_dropped);
}

void end_compaction(storage_pointer self, std::optional<error> why) {
  write_in_turn(
      self,
      [view = self->state.view]() -> result<compaction_report> {
        return view->store->end_compaction();
      },
      [self, why](result<compaction_report> done) {
        if (done) log_compaction(self, *done);
        if (why) return give_up(self, "it is not compacted", *why);
        // There may be more than one compaction takes on.
        self->state.maintenance.changed = true;
        rest_until(self, defaults::maintenance_delay);
      });
}

void compact_on(storage_pointer self);

void publish(storage_pointer self, std::chrono::milliseconds rest) {
  write_in_turn(
      self, [view = self->state.view] { return view->store->publish_compaction(); },
      [self, rest](result<compaction_turn> turn) {
        if (!turn) return end_compaction(self, turn.error());
        schedule(self, rest, [self] { compact_on(self); });
      });
}

void compact_on(storage_pointer self) {
  run_blocking(
      self, self->state.context->maintenance, defaults::longest_job,
      [view = self->state.view]() -> result<paced_turn> {
        paced_turn done;
        STIP_ASSIGN(done.turn, view->store->compact(done.cost));
        return done;
      },
      [self](result<paced_turn> done) {
        if (self->state.ended) return;
        if (!done) return end_compaction(self, done.error());
        const auto rest = rest_after(self, done->cost);
        switch (done->turn) {
          case compaction_turn::step:
            return schedule(self, rest, [self] { compact_on(self); });
          case compaction_turn::publish:
            return publish(self, rest);
          case compaction_turn::done:
            return end_compaction(self, std::nullopt);
        }
      });
}

// -- scrub ------------------------------------------------------------------------

void keep_scrub(storage_pointer self) {
  auto& m = self->state.maintenance;
  m.scrub_kept_ms = self->state.context->time->steady_ms();
  write_in_turn(
      self, [view = self->state.view, state = *m.scrub] { return view->store->keep(state); },
      [self](result<void> kept) {
        if (!kept)
          self->state.context->log->warn("album {}: {}", self->state.view->definition.name,
                                         to_string(kept.error()));
      });
}

void log_findings(storage_pointer self, const scrub_step& done) {
  const auto& log = self->state.context->log;
  const auto& name = self->state.view->definition.name;
  size_t told = 0;
  for (const auto& finding : done.damaged) {
    if (++told > defaults::max_scrub_findings) {
      log->error("album {}: {} more chips are damaged", name, done.damaged.size() - told + 1);
      break;
    }
    log->error("album {}: chip {} is damaged in segment {} at byte {}: {}", name, finding.chip,
               segment_name(finding.segment), finding.offset, finding.why);
  }
}

/// Lets replicas bring what is damaged with the next round of repair.
void mend(storage_pointer self, std::vector<scrub_finding> damaged) {
  const auto& view = self->state.view;
  if (damaged.empty() || view->definition.replication <= 1) return;
  write_in_turn(
      self,
      [view, damaged = std::move(damaged)]() -> result<void> {
        view->store->note_damage(damaged);
        return {};
      },
      [](const result<void>&) {});
}

void scrub_on(storage_pointer self) {
  run_blocking(
      self, self->state.context->maintenance, defaults::longest_job,
      [view = self->state.view, from = *self->state.maintenance.scrub] {
        return view->store->scrub(from, defaults::maintenance_step_bytes);
      },
      [self](result<scrub_step> done) {
        auto& state = self->state;
        auto& m = state.maintenance;
        if (state.ended) return;
        if (!done) return give_up(self, "it is not scrubbed", done.error());
        log_findings(self, *done);
        mend(self, std::move(done->damaged));
        m.scrub = done->state;
        const auto now = state.context->time->steady_ms();
        if (done->finished) {
          m.scrub->ended_ms = std::max(m.scrub->began_ms + 1, state.context->time->wall_ms());
          m.scrub->damaged_before = m.scrub->damaged;
          state.context->log->info("album {} is scrubbed: {} chips, {} damaged",
                                   state.view->definition.name, m.scrub->chips, m.scrub->damaged);
        }
        if (done->finished || now - m.scrub_kept_ms >= defaults::scrub_save_interval.count())
          keep_scrub(self);
        schedule(self, rest_after(self, done->bytes), [self, finished = done->finished] {
          // A compaction that has become due goes first.
          if (finished || self->state.maintenance.changed) return look_after(self);
          scrub_on(self);
        });
      });
}

/// Goes on with the scrub, begins one, or waits until it is time for the next.
void scrub_when_due(storage_pointer self) {
  auto& state = self->state;
  auto& m = state.maintenance;
  if (!m.scrub) {
    run_blocking(
        self, state.context->maintenance, defaults::longest_job,
        [view = state.view] { return view->store->scrub_position(); },
        [self](result<scrub_state> kept) {
          if (self->state.ended) return;
          if (!kept) return give_up(self, "it is not scrubbed", kept.error());
          self->state.maintenance.scrub = *kept;
          scrub_when_due(self);
        });
    return;
  }
  const auto now = state.context->time->wall_ms();
  auto& s = *m.scrub;
  if (s.began_ms > s.ended_ms) return scrub_on(self);
  if (s.ended_ms == 0) {
    // What was just written can wait: the first pass comes as long after the first opening as the
    // others come after each other.
    s.ended_ms = now;
    keep_scrub(self);
  }
  const auto due = s.ended_ms + defaults::scrub_interval.count();
  // A clock that was set back must not put it off for years.
  if (now < due && s.ended_ms <= now + defaults::scrub_interval.count())
    return rest_until(self, std::chrono::milliseconds{due - now});
  scrub_state fresh;
  fresh.damaged_before = s.damaged_before;
  fresh.ended_ms = std::min(s.ended_ms, now - 1);
  fresh.began_ms = now;
  s = fresh;
  scrub_on(self);
}

// -- both -------------------------------------------------------------------------

void look_after(storage_pointer self) {
  auto& state = self->state;
  state.maintenance.busy = true;
  state.view->in_maintenance = true;
  state.maintenance.changed = false;
  compaction_options options;
  // With copies on other nodes, one that was away could bring back what the tombstone hides.
  if (state.view->definition.replication <= 1)
    options.drop_tombstones_before_ms =
        state.context->time->wall_ms() - defaults::tombstone_grace.count();
  write_in_turn(
      self,
      [view = state.view, writer = state.writer, options] {
        return view->store->begin_compaction(options, writer->segments_in_use());
      },
      [self](result<bool> begun) {
        if (!begun) return give_up(self, "it is not compacted", begun.error());
        if (*begun)
          compact_on(self);
        else
          scrub_when_due(self);
      });
}

bool is_wanted(storage_pointer self) {
  const auto& settings = self->state.context->settings;
  return settings.mode == open_mode::read_write && settings.maintenance_rate > 0;
}

}  // namespace

void note_change(storage_pointer self) {
  auto& m = self->state.maintenance;
  if (!is_wanted(self)) return;
  m.changed = true;
  const auto soon = self->state.context->time->steady_ms() + defaults::maintenance_delay.count();
  if (!m.busy && (!m.due_ms || *m.due_ms > soon)) rest_until(self, defaults::maintenance_delay);
}

void maintain(storage_pointer self) {
  auto& m = self->state.maintenance;
  // Ticks that were overtaken by an earlier one come for nothing.
  if (self->state.ended || !m.due_ms || self->state.context->time->steady_ms() < *m.due_ms) return;
  m.due_ms.reset();
  if (auto next = std::exchange(m.next, nullptr)) next();
}

}  // namespace stip
