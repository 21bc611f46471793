#include "tests/support/simulation/storage_part.hpp"

#include <algorithm>

#include "libstip/core/defaults.hpp"
#include "libstip/core/packed.hpp"

namespace stip::sim {

namespace {

constexpr int64_t redial_interval_ms = 1'000;
const std::string fresh_name = "caught-up";

class host_clock final : public clock {
 public:
  explicit host_clock(const host& on) : host_(&on) {}
  int64_t wall_ms() const override { return host_->wall_ms(); }
  int64_t steady_ms() const override { return host_->now_ms(); }

 private:
  const host* host_;
};

}  // namespace

storage_part::storage_part(host& on, const membership_part& membership, copies_setup& setup)
    : host_(&on),
      membership_(&membership),
      setup_(&setup),
      self_(membership.machine().self().id),
      incarnation_(membership.machine().self().incarnation),
      time_(std::make_unique<host_clock>(on)),
      versions_(std::make_unique<version_clock>(self_, *time_)),
      store_(&on.files().object<stored_album>("album")),
      writer_(std::make_unique<node_writer>(on, *store_, setup.broken)),
      calls_(std::make_unique<node_calls>(
          on, membership.machine().self().address(), incarnation_,
          [this](word what, std::string_view body, node_calls::reply answer) {
            handle(what, body, std::move(answer));
          })) {
  const bool fresh =
      on.files().read(fresh_name) == nullptr && setup.broken != bug::lost_disk_unnoticed;
  behind_ = catch_up{fresh};
  node_lanes::services s;
  s.on = host_;
  s.calls = calls_.get();
  s.writer = writer_.get();
  s.versions = versions_.get();
  s.self = self_;
  s.incarnation = incarnation_;
  lanes_ = std::make_unique<node_lanes>(s);
  if (setup.trace) writer_->trace = [this](const std::string& line) { trace(line); };
  writer_->took = [this](const image_key& key, bool is_deletion) {
    const auto nodes = replicas(*view_->ring, setup_->of, key.geocode);
    const bool is_stray = std::find(nodes.begin(), nodes.end(), self_) == nodes.end();
    if (is_deletion || is_stray) settling_.took();
    if (is_stray && std::all_of(nodes.begin(), nodes.end(),
                                [this](uint64_t node) { return view_->is_reachable(node); }))
      schedule_.strays_came(host_->now_ms());
  };
}

storage_part::~storage_part() = default;

// -- what runs ------------------------------------------------------------------

void storage_part::begin(std::function<void(coroutine&)> body) {
  const auto owner = next_owner_++;
  coroutines_.emplace(owner, std::make_unique<coroutine>(setup_->stacks, std::move(body)));
  ready_.push_back(owner);
}

void storage_part::wake(uint64_t owner) {
  ready_.push_back(owner);
}

void storage_part::run_ready() {
  while (!ready_.empty()) {
    for (const auto owner : std::exchange(ready_, {})) {
      const auto at = coroutines_.find(owner);
      if (at == coroutines_.end()) continue;
      running_ = owner;
      at->second->resume();
      if (at->second->is_done()) coroutines_.erase(owner);
    }
  }
}

result<std::string> storage_part::call(coroutine& c, uint64_t node, word what,
                                       std::string_view body, std::chrono::milliseconds deadline) {
  const auto* p = view_->find(node);
  if (p == nullptr || !p->is_reachable)
    return fail(ec::unavailable, "ask a node", "it cannot be reached");
  auto answer = std::make_shared<std::optional<result<std::string>>>();
  calls_->ask(p->address, what, body, deadline.count(),
              [this, answer, owner = running_](result<std::string> outcome) {
                *answer = std::move(outcome);
                wake(owner);
              });
  while (!*answer) c.wait();
  return std::move(**answer);
}

void storage_part::sleep(coroutine& c, int64_t ms) {
  const auto until = host_->now_ms() + ms;
  sleeping_.emplace(until, running_);
  while (host_->now_ms() < until) c.wait();
}

std::vector<std::pair<uint64_t, result<std::string>>> storage_part::gather(
    coroutine& c, word what, std::string_view body, std::chrono::milliseconds deadline) {
  using answers = std::vector<std::pair<uint64_t, result<std::string>>>;
  auto came = std::make_shared<answers>();
  size_t asked = 0;
  for (const auto& p : view_->peers) {
    if (!p.is_reachable) continue;
    ++asked;
    calls_->ask(p.address, what, body, deadline.count(),
                [this, came, id = p.id, owner = running_](result<std::string> outcome) {
                  came->emplace_back(id, std::move(outcome));
                  wake(owner);
                });
  }
  while (came->size() < asked) c.wait();
  return std::move(*came);
}

// -- copies on their way ----------------------------------------------------------

std::shared_ptr<storage_part::outgoing> storage_part::send_copies(size_t spare_nodes) {
  return std::make_shared<outgoing>(outgoing{running_, write_answers{spare_nodes}});
}

void storage_part::ship(const std::shared_ptr<outgoing>& out, uint64_t node,
                        const chip_parts& content) {
  if (!out->answers.takes(node)) return;
  out->answers.sent();
  lanes_->ship(node, content, [this, out, node](const result<void>& outcome) {
    out->answers.answered(node, outcome);
    if (out->answers.is_settled()) wake(out->owner);
  });
}

result<void> storage_part::settle(coroutine& c, const std::shared_ptr<outgoing>& out) {
  while (!out->answers.is_settled()) c.wait();
  if (setup_->broken != bug::copies_of_the_gone)
    out->answers.drop_gone([this](uint64_t node) { return view_->find(node) != nullptr; });
  return out->answers.outcome();
}

// -- what happens -----------------------------------------------------------------

int64_t storage_part::due_ms() const {
  auto due = std::min({calls_->due_ms(), lanes_->due_ms(), writer_->due_ms(), redial_ms_});
  if (!view_->is_forming) {
    if (!in_round_ && view_->peers.size() > 1) due = std::min(due, schedule_.due_ms());
    due = std::min(due, behind_.due_ms());
  }
  if (!sleeping_.empty()) due = std::min(due, sleeping_.begin()->first);
  return due;
}

void storage_part::tick() {
  const auto now = host_->now_ms();
  calls_->tick();
  writer_->tick();
  lanes_->tick();
  if (now >= redial_ms_) {
    redial_ms_ = INT64_MAX;
    seen_changes_ = {UINT64_MAX, UINT64_MAX};
  }
  if (!view_->is_forming && !in_round_ && view_->peers.size() > 1 && now >= schedule_.due_ms())
    begin_round();
  catch_up_with_others();
  while (!sleeping_.empty() && sleeping_.begin()->first <= now) {
    wake(sleeping_.begin()->second);
    sleeping_.erase(sleeping_.begin());
  }
}

void storage_part::look_around() {
  take_view();
  run_ready();
}

void storage_part::take_view() {
  const std::pair now{membership_->changes(), host_->link_changes()};
  if (now == seen_changes_) return;
  seen_changes_ = now;
  const auto before = std::exchange(view_, look_at(*host_, *membership_, *setup_));
  bool came = false;
  for (const auto& p : view_->peers) {
    came |= p.is_reachable && !before->is_reachable(p.id);
    if (p.is_reachable || p.is_down) continue;
    host_->dial(p.address);
    redial_ms_ = std::min(redial_ms_, host_->now_ms() + redial_interval_ms);
  }
  if (setup_->trace) {
    std::string line = view_->is_forming ? "forming" : "sees";
    for (const auto& p : view_->peers)
      line += " " + std::to_string(p.id) + (p.is_reachable ? "+" : p.is_down ? "-" : "?");
    trace(line);
  }
  const bool other_ring = before->ring->version() != view_->ring->version();
  if (other_ring) *stop_round_ = true;
  if (other_ring || came) schedule_.cluster_changed(host_->now_ms());
  lanes_->view_changed(view_);
  if (other_ring && setup_->broken == bug::dropped_before_confirmed) drop_what_is_not_owned();
  if (view_->is_forming) return;
  std::vector<catch_up::other> others;
  for (const auto& p : view_->peers)
    if (!p.is_self) others.push_back({p.id, p.incarnation, p.is_down, p.is_reachable});
  const auto copies = copies_of(*view_->ring, setup_->of);
  const bool any = setup_->of.replication < 2 || setup_->broken == bug::caught_up_too_soon;
  behind_.view_changed(std::move(others), any ? SIZE_MAX : copies_to_confirm(copies));
  catch_up_with_others();
}

void storage_part::handle(word what, std::string_view body, node_calls::reply answer) {
  switch (what) {
    case word::deliver:
      return lanes_->deliver(body, std::move(answer));
    case word::holds: {
      packed_reader in{"holds", body};
      const auto scene = in.hash();
      const auto facts = decode_facts(in.text(body.size()));
      std::vector<image_key> keys;
      if (facts)
        for (const auto& fact : *facts) keys.push_back(fact.key);
      const auto held = holds(keys, scene);
      return answer(std::string(held->begin(), held->end()));
    }
    case word::differ:
      return answer_differ(body, answer);
    case word::lacks:
      return answer_lacks(body, answer);
    case word::repair:
      return answer_repair(body, std::move(answer));
    case word::find:
      if (has_caught_up()) return answer_search(answer);
      return answer(fail(ec::unavailable, "query", "the node catches up with the others"));
    case word::erase: {
      auto tombstones = decode_tombstones(body);
      if (!tombstones) return answer(fail(tombstones.error()));
      // Of those alone that are shown here.
      std::erase_if(*tombstones, [this](const put_tombstone& t) {
        const auto* i = store_->find(t.key);
        return i == nullptr || i->state.image() == nullptr;
      });
      return writer_->erase(std::move(*tombstones), [answer](const result<uint64_t>& done) {
        answer(done ? result<std::string>{} : fail(done.error()));
      });
    }
    case word::hide: {
      packed_reader in{"hide", body};
      if (auto same = check_same_ring(in.u64()); !same) return answer(fail(same.error()));
      auto tombstones = decode_tombstones(in.text(body.size()));
      if (!tombstones) return answer(fail(tombstones.error()));
      for (const auto& t : *tombstones)
        if (auto seen = versions_->observe(t.when); !seen) return answer(fail(seen.error()));
      return writer_->erase(std::move(*tombstones), [answer](const result<uint64_t>& done) {
        answer(done ? result<std::string>{} : fail(done.error()));
      });
    }
    case word::hidden:
      return answer_hidden(answer);
    case word::hides:
      return answer_hides(body, answer);
  }
}

bool storage_part::has_caught_up() const {
  return setup_->of.replication < 2 || behind_.is_done() || setup_->broken == bug::no_catching_up;
}

void storage_part::answer_hides(std::string_view body, const node_calls::reply& answer) {
  const auto rows = decode_facts(body);
  if (!rows) return answer(fail(rows.error()));
  // The simulator does all of this at one moment; a node says it after it has looked.
  auto out = word_of_node();
  for (const auto& row : *rows) {
    const auto* i = store_->find(row.key);
    out.push_back(char(i == nullptr
                           ? row_word::unknown
                           : word_of_row(row.hidden, i->state.tombstone(), i->state.written())));
  }
  answer(out);
}

std::string storage_part::word_of_node() const {
  packed_writer out;
  out.flag(settling_.is_settled(view_->ring->version()));
  out.i64(dropped_ms_ == INT64_MIN ? INT64_MAX : host_->now_ms() - dropped_ms_);
  return out.take();
}

void storage_part::answer_hidden(const node_calls::reply& answer) {
  if (!has_caught_up())
    return answer(fail(ec::unavailable, "query", "the node catches up with the others"));
  std::vector<put_tombstone> tombstones;
  if (!settling_.is_settled(view_->ring->version()))
    for (const auto& [geocode, held] : store_->cells())
      for (const auto& [text, i] : held)
        if (i.state.tombstone()) tombstones.push_back({i.key, *i.state.tombstone()});
  answer(word_of_node() + stip::encode(tombstones));
}

void storage_part::answer_search(const node_calls::reply& answer) {
  packed_writer out;
  for (const auto& [geocode, held] : store_->cells())
    for (const auto& [text, i] : held) {
      const auto* set = i.state.image();
      if (set == nullptr) continue;
      uint64_t pixels = 0;
      // What a reader would get, not what is said of it.
      for (const auto& [index, chip] : *set) pixels += hash64(store_->bytes(chip.record));
      out.text(text).stamp(*i.state.written()).u64(pixels);
    }
  answer(word_of_node() + out.take());
}

result<void> storage_part::check_same_ring(uint64_t version) const {
  if (view_->ring->version() == version) return {};
  return fail(ec::conflict, "compare copies", "the two nodes know different rings");
}

}  // namespace stip::sim
