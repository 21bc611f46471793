#include "actors/round_report.hpp"

#include <caf/all.hpp>

#include "actors/ask.hpp"
#include "actors/errors.hpp"
#include "actors/repair.hpp"

namespace stip {

namespace {

void send_news(repair_pointer self, round_report& round) {
  auto& news = round.news;
  const bool worth_it = news.completed + news.total + news.bytes > 0 || !news.errors.empty();
  if (!worth_it && !round.ended) return;
  news.id = round.task;
  // Of a round that could push nothing the tasks make a failure.
  news.state = round.ended ? task_state::done : task_state::running;
  // The total is that of the whole round.
  const auto total = news.total;
  self->send(self->state.tasks, atom::update_v, std::exchange(news, {}));
  news.total = total;
}

void begin_task(repair_pointer self, const round_report_ptr& round) {
  round->begins = true;
  task_record wanted;
  wanted.kind = round->kind;
  wanted.total = round->news.total;
  wanted.node = self->state.context->self.id;
  ask(self, self->state.tasks, defaults::request_deadline, atom::start_v, wanted)
      .then(
          [self, round](const task_record& started) {
            round->task = started.id;
            send_news(self, *round);
          },
          [self](caf::error& err) {
            self->state.context->log->warn("{}", to_string(from_caf(err, "tell of a repair")));
          });
}

}  // namespace

void tell_round(repair_pointer self, const round_report_ptr& round) {
  if (!round || !self->state.tasks) return;
  const auto more = round->counter->take();
  round->news.total += more.found;
  round->news.completed += more.pushed;
  round->news.bytes += more.bytes;
  round->found_any = round->found_any || more.found > 0;
  if (!round->task.empty()) return send_news(self, *round);
  if (round->found_any && !round->begins) begin_task(self, round);
}

void end_report(repair_pointer self, const round_report_ptr& round,
                const std::vector<std::string>& problems) {
  if (!round) return;
  round->ended = true;
  for (const auto& problem : problems)
    add_error(round->news, {{}, self->state.context->self.id, problem});
  tell_round(self, round);
}

}  // namespace stip
