#include "apps/stip/follow.hpp"

#include <poll.h>
#include <unistd.h>

#include <iostream>
#include <thread>

#include "apps/stip/human.hpp"
#include "apps/stip/objects.hpp"
#include "apps/stip/terminal.hpp"
#include "libstip/core/defaults.hpp"

namespace stip::cli {

namespace {

constexpr auto erase_line = "\r\033[K";

enum class wish : uint8_t { go_on, stop, leave };

/// What the user wants after Ctrl-C.
wish ask_user(const interrupt_watch& watch, const std::string& id, bool may_leave) {
  std::cerr << "\nstip: task " << id << ": (s)top it" << (may_leave ? ", (l)eave it running" : "")
            << ", or go on waiting (Enter)? " << std::flush;
  char answer = '\n';
  const auto got = ::read(STDIN_FILENO, &answer, 1);
  if (watch.again() || got <= 0) return wish::stop;
  char rest = answer;
  while (rest != '\n' && ::read(STDIN_FILENO, &rest, 1) == 1) {
  }
  if (answer == 's' || answer == 'S') return wish::stop;
  if (may_leave && (answer == 'l' || answer == 'L')) return wish::leave;
  return wish::go_on;
}

/// Keeps asking for the task; now and then a node may not answer. When it is gone, another one is
/// asked: the task goes on without it.
class poller {
 public:
  poller(context& with, const client& node) : with_(with), node_(node) { with.way().note_others(); }

  result<void> update(task_record& task) {
    auto now = node_.get_task(task.id);
    if (now) {
      failures_ = 0;
      task = std::move(*now);
      return {};
    }
    if (now.error().code == ec::not_found || ++failures_ >= defaults::task_poll_failures) {
      if (now.error().code != ec::not_found && moves_++ < defaults::task_poll_failures) {
        if (const auto other = with_.way().move_on()) {
          failures_ = 0;
          with_.out().complain(now.error().what + ": " + now.error().why + "; asking the node at " +
                               *other + " now");
          return {};
        }
      }
      auto err = std::move(now).error();
      err.what = "wait for task " + task.id + ": " + err.what;
      if (err.code != ec::not_found)
        err.advice = "the task may go on: ask another node with `stip -i HOST -p PORT task wait " +
                     task.id + "`";
      return fail(std::move(err));
    }
    return {};
  }

 private:
  context& with_;
  const client& node_;
  int failures_ = 0;
  int moves_ = 0;
};

/// False: the user leaves the task running.
result<bool> wait_watched(context& with, const client& node, task_record& task,
                          const own_part& own) {
  interrupt_watch watch{interrupt_watch::second::counts};
  poller look{with, node};
  bool stopping = false;
  while (task.running()) {
    const auto columns = size_of_terminal().columns - 1;
    const auto line = progress_line(task, now_ms(), columns) + own.line();
    std::cerr << erase_line << cut_to_width(line, columns) << std::flush;
    ::poll(nullptr, 0, static_cast<int>(defaults::progress_interval.count()));
    if (watch.interrupted() && !stopping) {
      const bool may_leave = !with.global().embedded && own.may_leave();
      const auto wanted = ask_user(watch, task.id, may_leave);
      watch.forget();
      if (wanted == wish::leave) return false;
      if (wanted == wish::stop) {
        own.stop();
        STIP_ASSIGN(task, node.stop_task(task.id));
        stopping = true;
      }
    }
    STIP_TRY(look.update(task));
  }
  std::cerr << erase_line << std::flush;
  return true;
}

result<void> wait_silently(context& with, const client& node, task_record& task) {
  poller look{with, node};
  auto pause = defaults::first_task_poll;
  while (task.running()) {
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, defaults::max_task_poll);
    STIP_TRY(look.update(task));
  }
  return {};
}

void tell_skipped(context& with, const task_record& task) {
  for (const auto& err : task.errors) {
    const auto where = err.node == 0 ? std::string{} : " (node " + node_name(err.node) + ")";
    if (err.input.empty())
      with.out().complain(task.kind + ": " + err.reason + where);
    else
      with.out().complain("skipped " + err.input + ": " + err.reason + where);
  }
  if (task.dropped_errors > 0)
    with.out().complain(std::to_string(task.dropped_errors) + " more reasons are not kept");
}

}  // namespace

int status_of(const task_record& task) {
  if (task.running()) return done;
  return task.state == task_state::done && task.completed > 0 ? done : failed;
}

void announce(context& with, const task_record& task) {
  // The id is an answer, not a remark: it is there with -q too.
  if (with.out().is_table()) with.out().stream() << "task " << task.id << std::endl;
}

result<int> follow(context& with, const client& node, task_record task, const own_part& own) {
  const bool watched =
      ::isatty(STDERR_FILENO) != 0 && ::isatty(STDIN_FILENO) != 0 && !with.out().quiet();
  if (watched) {
    STIP_ASSIGN(const auto ended, wait_watched(with, node, task, own));
    if (!ended) {
      if (with.out().is_table())
        with.out().note("task " + task.id + " goes on; see `stip task wait " + task.id + "`");
      else
        with.out().object(task_object(task, now_ms()), task_columns());
      return done;
    }
  } else {
    STIP_TRY(wait_silently(with, node, task));
  }
  if (with.out().is_table())
    with.out().note(std::string{to_string(task.state)} + ": " + outcome_line(task));
  else
    with.out().object(task_object(task, now_ms()), task_columns());
  tell_skipped(with, task);
  return status_of(task);
}

}  // namespace stip::cli
