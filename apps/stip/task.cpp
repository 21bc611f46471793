#include "apps/stip/command.hpp"
#include "apps/stip/follow.hpp"
#include "apps/stip/objects.hpp"
#include "apps/stip/session.hpp"
#include "apps/stip/watch.hpp"

namespace stip::cli {

namespace {

result<void> list_to(output& out, const client& node) {
  STIP_ASSIGN(const auto tasks, node.tasks());
  listing rows{out, task_columns()};
  for (const auto& task : tasks) rows.add(task_object(task, now_ms()));
  rows.finish();
  return {};
}

result<int> list(context& with, const arguments& given) {
  STIP_ASSIGN(auto* node, with.connect(access::read));
  if (given.has("watch"))
    return watch("stip task list", defaults::watch_seconds, with.out(), [&](output& out) {
      const auto listed = list_to(out, *node);
      if (!listed) out.complain(listed.error());
      return listed ? done : failed;
    });
  STIP_TRY(list_to(with.out(), *node));
  return done;
}

result<int> show(context& with, const arguments& given) {
  STIP_ASSIGN(auto* node, with.connect(access::read));
  STIP_ASSIGN(const auto task, node->get_task(given.words[0]));
  const auto object = task_object(task, now_ms());
  with.out().object(object, task_columns());
  if (!with.out().is_table()) return done;
  if (task.shares.size() > 1 ||
      (!task.shares.empty() && task.shares.front().node != task.shares.front().origin)) {
    with.out().stream() << "\n";
    listing parts{with.out(),
                  {{"node", "NODE"},
                   {"origin", "GIVEN TO"},
                   {"state", "STATE"},
                   {"completed", "DONE", shown_as::number},
                   {"skipped", "SKIPPED", shown_as::number},
                   {"total", "TOTAL", shown_as::number}}};
    for (const auto& part : object["parts"]) parts.add(part);
    parts.finish();
  }
  if (task.errors.empty()) return done;
  with.out().stream() << "\n";
  listing errors{with.out(), {{"input", "INPUT"}, {"node", "NODE"}, {"reason", "REASON"}}};
  for (const auto& err : object["errors"]) errors.add(err);
  errors.finish();
  if (task.dropped_errors > 0)
    with.out().note(std::to_string(task.dropped_errors) + " more reasons are not kept");
  return done;
}

result<int> wait(context& with, const arguments& given) {
  STIP_ASSIGN(auto* node, with.connect(access::read));
  STIP_ASSIGN(auto task, node->get_task(given.words[0]));
  return follow(with, *node, std::move(task));
}

result<int> stop(context& with, const arguments& given) {
  STIP_ASSIGN(auto* node, with.connect(access::write));
  STIP_ASSIGN(const auto task, node->stop_task(given.words[0]));
  with.out().object(task_object(task, now_ms()), task_columns());
  return done;
}

result<int> clear(context& with, const arguments&) {
  STIP_ASSIGN(auto* node, with.connect(access::write));
  STIP_ASSIGN(const auto cleared, node->clear_tasks());
  if (with.out().is_table())
    with.out().note(std::to_string(cleared) + " ended tasks are forgotten");
  else
    with.out().object({{"cleared", cleared}}, {{"cleared", ""}});
  return done;
}

const argument id_argument = {"ID", "the task's id"};

}  // namespace

noun task_noun() {
  return {
      "task",
      "work that is under way, and how it ended",
      {
          {"list",
           "lists the tasks of the whole cluster, the latest first",
           {},
           {{"watch", '\0', "", "show them anew every two seconds, until Ctrl-C"}},
           false,
           "stip task list --watch",
           list},
          {"show",
           "shows one task, and each skipped input with its reason",
           {id_argument},
           {},
           false,
           "stip task show t-1",
           show},
          {"wait",
           "waits until a task ends; exits as the command that started it would",
           {id_argument},
           {},
           false,
           "stip task wait t-1",
           wait},
          {"stop",
           "stops a task; what it has stored stays",
           {id_argument},
           {},
           false,
           "stip task stop t-1",
           stop},
          {"clear", "forgets the tasks that have ended", {}, {}, false, "stip task clear", clear},
      },
      "stip task list",
  };
}

}  // namespace stip::cli
