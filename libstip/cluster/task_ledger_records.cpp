#include <algorithm>
#include <utility>

#include "libstip/cluster/member.hpp"
#include "libstip/cluster/task_ledger.hpp"

// What a ledger remembers, for how long, and over restarts.

namespace stip {

// -- what is known --------------------------------------------------------------------

namespace {

std::string name_of(const part_key& key) {
  return key.id + "@" + node_name(key.origin);
}

task_part without_inputs(const task_part& part) {
  auto out = part;
  out.inputs = nullptr;
  return out;
}

}  // namespace

std::vector<task_part> task_ledger::parts() const {
  std::vector<task_part> out;
  out.reserve(parts_.size());
  for (const auto& [key, h] : parts_) out.push_back(without_inputs(h.part));
  return out;
}

std::vector<task_part> task_ledger::parts(const std::string& id) const {
  std::vector<task_part> out;
  for (auto at = parts_.lower_bound({id, 0}); at != parts_.end() && at->first.id == id; ++at)
    out.push_back(without_inputs(at->second.part));
  return out;
}

std::optional<task_record> task_ledger::find(const std::string& id) const {
  auto merged = merge_parts(parts(id));
  if (merged.empty()) return {};
  return std::move(merged.front());
}

const task_part* task_ledger::find_part(const part_key& key) const {
  const auto found = parts_.find(key);
  return found == parts_.end() ? nullptr : &found->second.part;
}

size_t task_ledger::running() const {
  return static_cast<size_t>(std::count_if(parts_.begin(), parts_.end(), [&](const auto& entry) {
    return entry.second.part.running() && entry.second.part.owner == node_;
  }));
}

bool task_ledger::is_copied(const std::string& id) const {
  for (auto at = parts_.lower_bound({id, 0}); at != parts_.end() && at->first.id == id; ++at) {
    const auto& h = at->second;
    if (!h.serves || !h.part.running()) continue;
    const auto to = addressees_of(h.part);
    const bool someone = std::any_of(to.begin(), to.end(), [&](uint64_t node) {
      const auto found = h.addressees.find(node);
      return found != h.addressees.end() && found->second.known.began == h.part.task.began &&
             found->second.known.owner != 0;
    });
    if (!to.empty() && !someone) return false;
  }
  return true;
}

// -- keeping --------------------------------------------------------------------------

task_ledger::held& task_ledger::place(task_moment now, const part_key& key) {
  erased_.erase(name_of(key));
  auto& h = parts_[key];
  h = {};
  h.heard_ms = h.saved_ms = now.steady_ms;
  h.unsaved = true;
  return h;
}

task_ledger::held& task_ledger::put(task_moment now, task_part part) {
  auto& h = place(now, part.key());
  h.part = std::move(part);
  return h;
}

bool task_ledger::make_room() {
  if (parts_.size() < options_.max_parts) return true;
  // Half of the history, so that this is not done again at once.
  forget_ended(false, options_.max_ended / 2);
  forget_ended(true, options_.max_ended / 2);
  return parts_.size() < options_.max_parts;
}

void task_ledger::forget_ended(bool own, size_t most) {
  std::vector<std::pair<int64_t, part_key>> ended;
  for (const auto& [key, h] : parts_)
    if (!h.part.running() && (h.part.owner == node_) == own)
      ended.emplace_back(h.part.task.ended_ms, key);
  if (ended.size() <= most) return;
  const auto beyond = ended.begin() + static_cast<ptrdiff_t>(ended.size() - most);
  std::nth_element(ended.begin(), beyond - 1, ended.end());
  for (auto at = ended.begin(); at != beyond; ++at) forget(parts_.find(at->second));
}

void task_ledger::forget(parts_map::iterator at) {
  erased_.insert(name_of(at->first));
  parts_.erase(at);
}

void task_ledger::forget_older(const std::string& id, const version& began) {
  auto at = parts_.lower_bound({id, 0});
  while (at != parts_.end() && at->first.id == id) {
    const auto here = at++;
    if (!(here->second.part.task.began < began)) continue;
    leave_off(here->second);
    forget(here);
  }
}

void task_ledger::restore(task_moment now, task_part part) {
  if (const auto* known = find_held(part.key()); known != nullptr && !supersedes(part, known->part))
    return;
  if (!part.whole()) return;
  if (!options_.resumes) part.work.clear();
  auto& h = put(now, std::move(part));
  h.unsaved = false;
  if (const auto* v = verdicts_.on(h.part.task.id, h.part.task.began)) return apply(now, *v);
  if (!h.part.running()) return;
  if (h.part.owner == node_) {
    if (!h.part.movable()) go_on(now, h);
  } else {
    // It was perhaps about to be handed to its owner.
    h.serves = h.part.revision == 0;
  }
}

void task_ledger::restore(task_moment now, const std::vector<task_verdict>& verdicts) {
  for (const auto& v : verdicts) learn(now, v);
  verdicts_unsaved_ = false;
}

std::vector<task_change> task_ledger::take_changes(task_moment now, bool all) {
  std::vector<task_change> out;
  for (auto& [key, h] : parts_) {
    if (!h.unsaved) continue;
    const bool due = now.steady_ms - h.saved_ms >= defaults::task_save_interval.count();
    if (!all && !h.urgent && !due) continue;
    out.push_back({name_of(key), encode(h.part, carry::everything, SIZE_MAX)});
    h.unsaved = h.urgent = false;
    h.saved_ms = now.steady_ms;
  }
  for (const auto& name : std::exchange(erased_, {})) out.push_back({name, {}});
  return out;
}

std::optional<std::string> task_ledger::take_verdicts() {
  if (!std::exchange(verdicts_unsaved_, false)) return {};
  return encode(verdicts_.all());
}

void task_ledger::put_back(const std::vector<task_change>& changes) {
  std::set<std::string> names;
  for (const auto& change : changes) names.insert(change.name);
  for (auto& [key, h] : parts_)
    if (names.erase(name_of(key)) > 0) h.unsaved = true;
  // What is left is not known any more.
  erased_.merge(names);
}

std::vector<task_effect> task_ledger::take_effects() {
  return std::exchange(effects_, {});
}

}  // namespace stip
