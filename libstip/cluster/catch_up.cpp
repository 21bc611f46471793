#include "libstip/cluster/catch_up.hpp"

#include <algorithm>

namespace stip {

bool catch_up::needs(const helper& h) const {
  return h.what == outcome::failed || (fresh_ && h.what != outcome::whole);
}

/// No round leaves nothing over while somebody is away: another one would bring no more.
bool catch_up::may_ask(const other& o, const helper& h) const {
  if (!o.is_reachable || o.is_down || h.waiting || !needs(h)) return false;
  return h.what == outcome::failed ||
         std::all_of(others_.begin(), others_.end(), [](const other& p) { return p.is_reachable; });
}

void catch_up::view_changed(std::vector<other> others, size_t to_confirm) {
  others_ = std::move(others);
  to_confirm_ = to_confirm;
  for (const auto& o : others_) {
    auto& h = helpers_[o.id];
    if (h.incarnation != o.incarnation) h = {o.incarnation, false, outcome::failed, 0, 0};
    // Nobody says anything of a question whose link has gone.
    if (!o.is_reachable) h.waiting = false;
  }
  std::erase_if(helpers_, [this](const auto& entry) {
    return std::none_of(others_.begin(), others_.end(),
                        [&](const other& o) { return o.id == entry.first; });
  });
  look_for_partition();
  look_whether_done();
}

/// A minority may have missed what the others have confirmed: when it sees them again, it catches
/// up as after a start.
void catch_up::look_for_partition() {
  const auto there = 1 + std::count_if(others_.begin(), others_.end(),
                                       [](const other& o) { return o.is_reachable; });
  const bool few = static_cast<size_t>(there) * 2 < others_.size() + 1;
  if (!few && cut_off_) begin_again();
  cut_off_ = few;
}

void catch_up::begin_again() {
  done_ = false;
  for (auto& [id, h] : helpers_) h.what = outcome::failed;
}

std::vector<uint64_t> catch_up::ask(int64_t now_ms) {
  std::vector<uint64_t> out;
  if (done_) return out;
  for (const auto& o : others_) {
    auto& h = helpers_[o.id];
    if (now_ms < h.again_ms || !may_ask(o, h)) continue;
    h.waiting = true;
    out.push_back(o.id);
  }
  return out;
}

int64_t catch_up::due_ms() const {
  auto due = INT64_MAX;
  if (done_) return due;
  for (const auto& o : others_)
    if (const auto h = helpers_.find(o.id); h != helpers_.end() && may_ask(o, h->second))
      due = std::min(due, h->second.again_ms);
  return due;
}

void catch_up::answered(int64_t now_ms, uint64_t id, uint64_t incarnation, outcome what) {
  const auto at = helpers_.find(id);
  if (at == helpers_.end() || at->second.incarnation != incarnation) return;
  auto& h = at->second;
  h.waiting = false;
  h.what = std::max(h.what, what);
  // Mostly it has not seen yet that this node is there again.
  h.gap_ms = std::clamp<int64_t>(2 * h.gap_ms, defaults::tick_interval.count(),
                                 defaults::repair_retry.count());
  h.again_ms = now_ms + h.gap_ms;
  look_whether_done();
}

void catch_up::look_whether_done() {
  if (done_ || cut_off_) return;
  size_t unheard = 0;
  for (const auto& o : others_) {
    if (!needs(helpers_[o.id])) continue;
    ++unheard;
    if (!o.is_down || fresh_) return;
  }
  if (unheard >= to_confirm_) return;
  done_ = true;
  fresh_ = false;
}

}  // namespace stip
