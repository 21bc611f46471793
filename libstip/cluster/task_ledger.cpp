#include "libstip/cluster/task_ledger.hpp"

#include <algorithm>
#include <utility>

#include "libstip/cluster/member.hpp"
#include "libstip/core/hash.hpp"
#include "libstip/core/packed.hpp"

// What a node does with its own work. Who goes on with that of others stands in
// task_ledger_nodes.cpp, what ledgers say to each other in task_ledger_letters.cpp, and what a
// ledger remembers in task_ledger_records.cpp.

namespace stip {

namespace {

/// Hexadecimal digits of a generated id: 40 bits, short to type, and two of a thousand tasks of a
/// cluster meet once in two million histories.
constexpr size_t generated_id_digits = 10;

uint64_t pending(const task_part& part) {
  return static_cast<uint64_t>(std::count(part.settled.begin(), part.settled.end(), false));
}

bool fits_a_list(const std::vector<std::string>& inputs) {
  size_t bytes = 0;
  for (const auto& input : inputs) bytes += input.size();
  return !inputs.empty() && inputs.size() <= defaults::max_listed_inputs &&
         bytes <= defaults::max_listed_bytes;
}

}  // namespace

task_ledger::task_ledger(uint64_t node, options o) : node_(node), options_(o) {}

// -- beginning ------------------------------------------------------------------------

std::string task_ledger::new_id(int64_t wall_ms) {
  for (;;) {
    packed_writer seed;
    seed.u64(node_).i64(wall_ms).u64(++counter_);
    const auto digits = to_string(hash128_of(seed.bytes())).substr(0, generated_id_digits);
    if (auto id = "t-" + digits; parts(id).empty()) return id;
  }
}

std::optional<version> task_ledger::latest(const std::string& id) const {
  auto out = verdicts_.latest(id);
  for (auto at = parts_.lower_bound({id, 0}); at != parts_.end() && at->first.id == id; ++at)
    out = std::max(out, std::optional{at->second.part.task.began});
  return out;
}

result<task_ledger::started> task_ledger::start(task_moment now, task_wish wish) {
  auto& wanted = wish.task;
  if (wanted.id.empty())
    wanted.id = new_id(now.wall_ms);
  else
    STIP_TRY(check_task_id(wanted.id));
  const auto what = "start task " + wanted.id;
  if (auto known = find(wanted.id); known && known->running()) {
    if (known->kind != wanted.kind || known->album != wanted.album)
      return fail(
          ec::conflict, what,
          "a task of that id is running: " + known->kind + " of album '" + known->album + "'",
          "choose another id, or wait for it");
    return started{std::move(*known), true};
  }
  if (running() >= options_.max_running)
    return fail(ec::limit_exceeded, what,
                std::to_string(running()) + " tasks are running on this node already",
                "wait for one of them, or stop one");
  if (const auto before = latest(wanted.id); before && !(*before < wanted.began))
    return fail(ec::conflict, what, "a task of that id began later, by its node's clock",
                "set the clocks of the nodes, or choose another id");
  if (wish.work.size() > defaults::max_task_work_bytes)
    return fail(ec::limit_exceeded, what, "its description is too long", "make it shorter");
  forget_older(wanted.id, wanted.began);

  task_part part;
  part.task.id = wanted.id;
  part.task.kind = std::move(wanted.kind);
  part.task.album = std::move(wanted.album);
  part.task.total = wanted.total;
  part.task.began = wanted.began;
  part.task.started_ms = now.wall_ms;
  part.work = std::move(wish.work);
  part.own_files = wish.own_files;
  auto give = [&](uint64_t node) {
    part.task.node = part.owner = node;
    // What nobody has worked on yet has revision 0.
    part.revision = node == node_ ? 1 : 0;
    auto& h = put(now, part);
    h.serves = h.urgent = true;
    if (node != node_) {
      h.part.keepers = {node_};
    } else {
      choose_keepers(h);
      work_on(h);
    }
    serve(now, h);
  };
  if (!make_room())
    return fail(ec::limit_exceeded, what, "too many tasks are running in the cluster",
                "wait for one of them, or stop one");
  give(node_);
  for (const auto node : wish.others)
    if (node != node_ && make_room()) give(node);
  return started{*find(wanted.id), false};
}

// -- reports --------------------------------------------------------------------------

task_ledger::held* task_ledger::find_held(const part_key& key) {
  const auto found = parts_.find(key);
  return found == parts_.end() ? nullptr : &found->second;
}

task_ledger::held* task_ledger::working(const part_run& run) {
  auto* h = find_held(run.key);
  return h != nullptr && h->now == phase::working && h->part.running() && h->part.run() == run
             ? h
             : nullptr;
}

void task_ledger::touch(held& h, bool urgent) {
  ++h.part.revision;
  h.unsaved = true;
  h.urgent |= urgent;
}

bool task_ledger::list_inputs(task_moment now, const part_run& run, const task_inputs& inputs) {
  auto* h = working(run);
  if (h == nullptr) return false;
  auto& part = h->part;
  if (part.listed || !inputs) return true;
  part.task.total = inputs->size();
  keep_total(part.task);
  if (fits_a_list(*inputs)) {
    part.listed = true;
    part.inputs = inputs;
    part.inputs_hash = hash_of(*inputs);
    part.settled.assign(inputs->size(), false);
  }
  touch(*h, true);
  h->hurries = true;
  serve(now, *h);
  return true;
}

bool task_ledger::settle_input(task_moment now, const part_run& run, const input_outcome& o) {
  auto* h = working(run);
  if (h == nullptr) return false;
  auto& part = h->part;
  if (o.what == input_outcome::kind::unreachable) return true;
  if (part.listed) {
    if (o.index >= part.settled.size() || part.settled[o.index]) return true;
    part.settled[o.index] = true;
  }
  if (o.what == input_outcome::kind::done) {
    add(part.task.completed, 1);
  } else {
    add(part.task.skipped, 1);
    add_error(part.task, {o.input, node_, o.reason});
  }
  add(part.task.bytes, o.bytes);
  keep_total(part.task);
  touch(*h, false);
  serve(now, *h);
  return true;
}

bool task_ledger::add_bytes(const part_run& run, uint64_t bytes) {
  auto* h = working(run);
  if (h == nullptr) return false;
  add(h->part.task.bytes, bytes);
  touch(*h, false);
  return true;
}

bool task_ledger::end_work(task_moment now, const part_run& run, const work_end& how) {
  auto* h = working(run);
  if (h == nullptr) return false;
  auto& part = h->part;
  h->now = phase::idle;
  const bool at_home = part.task.node == node_;
  if (how.unreachable && !at_home) {
    hand_on(now, *h);
  } else if (!how.reason.empty()) {
    add_last_error(part.task, {"", node_, how.reason});
    end(now, *h, task_state::failed);
  } else if (how.may_be_idle && part.task.total == 0) {
    end(now, *h, task_state::done);
  } else if (pending(part) == 0) {
    finish(now, *h);
  } else if (at_home) {
    conclude(now, *h);
  } else {
    hand_on(now, *h);
  }
  return true;
}

bool task_ledger::update(task_moment now, const task_record& news) {
  auto* h = find_held({news.id, node_});
  if (h == nullptr || !h->part.running() || h->part.owner != node_) return false;
  auto& task = h->part.task;
  add(task.completed, news.completed);
  add(task.skipped, news.skipped);
  add(task.bytes, news.bytes);
  for (const auto& err : news.errors) add_error(task, err);
  add(task.dropped_errors, news.dropped_errors);
  task.total = std::max(task.total, news.total);
  keep_total(task);
  if (news.state == task_state::done) {
    const bool idle = task.total == 0 && task.errors.empty();
    end(now, *h, task.completed > 0 || idle ? task_state::done : task_state::failed);
  } else if (news.state != task_state::running) {
    end(now, *h, news.state);
  } else {
    touch(*h, false);
    serve(now, *h);
  }
  return true;
}

// -- ending ---------------------------------------------------------------------------

void task_ledger::finish(task_moment now, held& h) {
  auto& task = h.part.task;
  if (task.total == 0 && task.errors.empty()) add_error(task, {"", node_, "no input was found"});
  end(now, h, task.completed > 0 ? task_state::done : task_state::failed);
}

void task_ledger::end(task_moment now, held& h, task_state state) {
  h.now = phase::idle;
  h.part.task.state = state;
  h.part.task.ended_ms = std::max(now.wall_ms, h.part.task.started_ms);
  h.serves = true;
  touch(h, true);
  serve(now, h);
}

void task_ledger::hand_on(task_moment now, held& h) {
  auto& part = h.part;
  if (std::find(part.tried.begin(), part.tried.end(), node_) == part.tried.end())
    part.tried.push_back(node_);
  std::vector<uint64_t> others = live_others();
  std::erase_if(others, [&](uint64_t node) {
    return std::find(part.tried.begin(), part.tried.end(), node) != part.tried.end();
  });
  if (others.empty() || part.tried.size() >= defaults::max_task_attempts) return conclude(now, h);
  // Where it was given, the inputs are.
  const auto origin = std::find(others.begin(), others.end(), part.task.node);
  ++part.epoch;
  part.owner = origin == others.end() ? others.front() : *origin;
  part.keepers = {node_};
  part.revision = 0;
  h.now = phase::idle;
  h.unsaved = h.urgent = h.serves = true;
  h.addressees.clear();
  serve(now, h);
}

/// Gives up what is left of the inputs.
void task_ledger::conclude(task_moment now, held& h) {
  auto& part = h.part;
  auto& task = part.task;
  std::string reason = "its worker ended before it was done";
  if (task.node != node_) {
    reason = "node " + node_name(task.node) + " that had it is gone";
    if (!part.listed && part.own_files) reason += ", and its list of inputs with it";
    for (size_t i = 0; i < part.tried.size(); ++i) {
      reason += i == 0 ? "; not found on " : ", ";
      reason += node_name(part.tried[i]);
    }
  }
  if (part.listed) {
    for (size_t i = 0; i < part.settled.size(); ++i) {
      if (part.settled[i]) continue;
      part.settled[i] = true;
      add(task.skipped, 1);
      add_error(task, {part.inputs ? (*part.inputs)[i] : "", task.node, reason});
    }
  } else {
    auto through = task.completed;
    add(through, task.skipped);
    const auto left = task.total > through ? task.total - through : 1;
    add(task.skipped, left);
    add_last_error(task, {"", task.node, reason});
    add(task.dropped_errors, left - 1);
  }
  keep_total(task);
  finish(now, h);
}

// -- what users decide ----------------------------------------------------------------

void task_ledger::decide(task_moment now, const std::vector<task_verdict>& verdicts) {
  std::vector<task_verdict> news;
  for (const auto& v : verdicts)
    if (learn(now, v)) news.push_back(v);
  if (news.empty()) return;
  for (const auto node : live_others())
    send(node, {task_letter::verdicts{task_letter::verdicts::step::yours, 0, news}});
}

bool task_ledger::learn(task_moment now, const task_verdict& verdict) {
  if (!verdicts_.learn(verdict, now.wall_ms)) return false;
  verdicts_unsaved_ = true;
  apply(now, verdict);
  return true;
}

void task_ledger::apply(task_moment now, const task_verdict& verdict) {
  auto at = parts_.lower_bound({verdict.id, 0});
  while (at != parts_.end() && at->first.id == verdict.id) {
    const auto here = at++;
    auto& h = here->second;
    if (h.part.task.began > verdict.began) continue;
    if (verdict.what == task_verdict::kind::cleared) {
      leave_off(h);
      forget(here);
    } else if (h.part.running()) {
      const bool worked = h.now == phase::working;
      leave_off(h);
      if (h.part.owner == node_) {
        // Before a restart it may have told others more than it knows now.
        if (!worked) ++h.part.epoch;
        end(now, h, task_state::stopped);
        continue;
      }
      // Its owner says the same when it hears of it; it may never.
      h.part.task.state = task_state::stopped;
      h.part.task.ended_ms = std::max(verdict.at_ms, h.part.task.started_ms);
      h.unsaved = h.urgent = true;
    }
  }
}

}  // namespace stip
