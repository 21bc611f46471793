#include <algorithm>

#include "libstip/core/defaults.hpp"
#include "libstip/core/packed.hpp"
#include "tests/support/simulation/storage_part.hpp"

// Repair of the copies on a node of the simulator: what actors/repair.cpp is to CAF.

namespace stip::sim {

namespace {

constexpr size_t max_text = size_t{1} << 30;

/// Digests are mostly 0: those that are not, with their slices.
void append(packed_writer& out, const std::vector<uint64_t>& digests) {
  size_t count = 0;
  for (const auto d : digests) count += d != 0;
  out.varint(count);
  for (uint32_t i = 0; i < digests.size(); ++i)
    if (digests[i] != 0) out.u32(i).u64(digests[i]);
}

std::vector<uint64_t> read_digests(packed_reader& in) {
  std::vector<uint64_t> out(ring_slices, 0);
  for (auto left = in.count(ring_slices, 12); left > 0; --left) {
    const auto slice = in.u32() % ring_slices;
    out[slice] = in.u64();
  }
  return out;
}

std::string encode(const repair_outcome& o) {
  packed_writer out;
  out.flag(o.stopped).u64(o.kept).varint(o.failed_nodes.size());
  for (const auto node : o.failed_nodes) out.u64(node);
  out.varint(o.promised_nodes.size());
  for (const auto node : o.promised_nodes) out.u64(node);
  return out.take();
}

repair_outcome decode_outcome(std::string_view bytes) {
  packed_reader in{"outcome", bytes};
  repair_outcome out;
  out.stopped = in.flag();
  out.kept = in.u64();
  out.failed_nodes.resize(in.count(max_text, 8));
  for (auto& node : out.failed_nodes) node = in.u64();
  out.promised_nodes.resize(in.count(max_text, 8));
  for (auto& node : out.promised_nodes) node = in.u64();
  return out;
}

}  // namespace

// -- what other nodes ask -----------------------------------------------------------

void storage_part::answer_differ(std::string_view body, const node_calls::reply& answer) {
  packed_reader in{"differ", body};
  const auto asker = in.u64();
  if (auto same = check_same_ring(in.u64()); !same) return answer(fail(same.error()));
  const auto theirs = read_digests(in);
  const auto differing = differing_slices(*store_, setup_->of, *view_->ring, self_, asker, theirs);
  if (!differing) return answer(fail(differing.error()));
  packed_writer out;
  out.varint(differing->size());
  for (const auto slice : *differing) out.u32(slice);
  answer(out.take());
}

void storage_part::answer_lacks(std::string_view body, const node_calls::reply& answer) {
  packed_reader in{"lacks", body};
  const auto asker = in.u64();
  const bool to_push = in.flag();
  const auto ring_version = in.u64();
  if (auto same = check_same_ring(ring_version); !same) return answer(fail(same.error()));
  if (dropping_ != 0 && dropping_ != ring_version)
    return answer(fail(ec::unavailable, "say what is here", "images are being dropped just now"));
  const auto facts = decode_facts(in.text(max_text));
  if (!facts) return answer(fail(facts.error()));
  auto lacking = store_->lacks(*facts);
  for (size_t i = 0; i < facts->size() && to_push; ++i)
    (*lacking)[i] = (*lacking)[i] && claims_.claim(asker, digest_of((*facts)[i]), host_->now_ms());
  answer(std::string(lacking->begin(), lacking->end()));
}

void storage_part::answer_repair(std::string_view body, node_calls::reply answer) {
  packed_reader in{"repair", body};
  if (!view_->is_reachable(in.u64()))
    return answer(fail(ec::unavailable, "bring a node what it missed", "it cannot be reached"));
  waiting_for_next_.push_back(
      [answer = std::move(answer)](const repair_outcome& o) { answer(encode(o)); });
  if (!in_round_) begin_round();
}

// -- rounds -------------------------------------------------------------------------

void storage_part::begin_round() {
  in_round_ = true;
  schedule_.round_began();
  stop_round_ = std::make_shared<bool>(false);
  waiting_ = std::exchange(waiting_for_next_, {});
  begin([this, seen = settling_.round_began(), ring = view_->ring->version()](coroutine& c) {
    const auto outcome = run_round(c);
    trace("round: facts " + std::to_string(outcome.facts) + " forgotten " +
          std::to_string(outcome.forgotten) + " kept " + std::to_string(outcome.kept) +
          " failed nodes " + std::to_string(outcome.failed_nodes.size()) +
          (outcome.stopped ? " stopped" : ""));
    if (outcome.is_whole()) settling_.whole_round_ended(seen, ring);
    end_round(outcome);
  });
}

void storage_part::end_round(const repair_outcome& outcome) {
  in_round_ = false;
  ++rounds_;
  schedule_.round_ended(host_->now_ms(), outcome.is_unfinished());
  for (const auto& tell : std::exchange(waiting_, {})) tell(outcome);
  if (!waiting_for_next_.empty()) begin_round();
}

repair_outcome storage_part::run_round(coroutine& c) {
  const auto view = view_;
  const auto stop = stop_round_;
  const bool drops_hints = setup_->broken == bug::dropped_hint;
  auto out = send_copies(0);
  repair_services services;
  services.reachable = [&](uint64_t node) { return drops_hints || view->is_reachable(node); };
  services.differing = [&](uint64_t node,
                           const std::vector<uint64_t>& digests) -> result<std::vector<uint32_t>> {
    packed_writer question;
    question.u64(self_).u64(view->ring->version());
    append(question, digests);
    const auto bytes =
        call(c, node, word::differ, question.bytes(), defaults::repair_question_deadline);
    if (!bytes && drops_hints) return std::vector<uint32_t>{};
    if (!bytes) return stip::fail(bytes.error());
    packed_reader in{"slices", *bytes};
    std::vector<uint32_t> slices(in.count(ring_slices, 4));
    for (auto& slice : slices) slice = in.u32();
    if (setup_->broken == bug::skipped_slices)
      std::erase_if(slices, [](uint32_t slice) { return slice % 2 == 0; });
    return slices;
  };
  const auto ask_lacks = [&](uint64_t node, const std::vector<replica_fact>& facts,
                             bool to_push) -> result<std::vector<bool>> {
    packed_writer question;
    question.u64(self_).flag(to_push).u64(view->ring->version()).text(stip::encode(facts));
    auto bytes = call(c, node, word::lacks, question.bytes(), defaults::repair_question_deadline);
    if (!bytes && drops_hints) return std::vector<bool>(facts.size(), false);
    if (!bytes) return fail(bytes.error());
    return std::vector<bool>(bytes->begin(), bytes->end());
  };
  services.wants = [&](uint64_t node, const std::vector<replica_fact>& facts) {
    return ask_lacks(node, facts, true);
  };
  services.lacks = [&](uint64_t node, const std::vector<replica_fact>& facts) {
    return ask_lacks(node, facts, false);
  };
  services.ship = [&](uint64_t node, const chip_parts& parts, uint64_t) -> result<void> {
    ship(out, node, parts);
    return {};
  };
  services.settle = [&]() -> result<void> {
    auto settled = settle(c, out);
    out = send_copies(0);
    return settled;
  };
  services.forget = [&](const std::vector<replica_fact>& facts) -> result<uint64_t> {
    auto done = std::make_shared<std::optional<result<uint64_t>>>();
    if (*stop) return fail(ec::stopped, "drop images", "the ring has changed");
    dropping_ = view->ring->version();
    writer_->forget(facts, [this, done, owner = running_](result<uint64_t> outcome) {
      dropping_ = 0;
      dropped_ms_ = host_->now_ms();
      *done = std::move(outcome);
      wake(owner);
    });
    while (!*done) c.wait();
    return std::move(**done);
  };
  services.unique = [&] { return hash64(to_string(versions_->next())) + ++uploads_; };
  services.stopped = [&] { return *stop; };
  auto outcome = stip::repair(*store_, setup_->of, *view->ring, self_, services);
  (void)settle(c, out);
  if (setup_->broken == bug::failed_round_counts) return {};
  if (outcome) return std::move(*outcome);
  repair_outcome failed;
  failed.stopped = true;
  if (outcome.error().code != ec::stopped) failed.problems.push_back(to_string(outcome.error()));
  return failed;
}

void storage_part::drop_what_is_not_owned() {
  store_->remove_cells([this](const std::string& geocode) {
    const auto nodes = replicas(*view_->ring, setup_->of, geocode);
    return std::find(nodes.begin(), nodes.end(), self_) == nodes.end();
  });
}

// -- catching up ----------------------------------------------------------------------

void storage_part::catch_up_with_others() {
  if (view_->is_forming) return;
  for (const auto id : behind_.ask(host_->now_ms())) {
    const auto* p = view_->find(id);
    packed_writer question;
    question.u64(self_);
    calls_->ask(p->address, word::repair, question.bytes(), defaults::repair_deadline.count(),
                [this, id, incarnation = p->incarnation](const result<std::string>& answer) {
                  auto what = catch_up::outcome::failed;
                  if (answer) {
                    const auto o = decode_outcome(*answer);
                    what = o.is_whole()           ? catch_up::outcome::whole
                           : o.has_brought(self_) ? catch_up::outcome::brought
                                                  : catch_up::outcome::failed;
                  }
                  behind_.answered(host_->now_ms(), id, incarnation, what);
                  catch_up_with_others();
                });
  }
  if (!behind_.is_done() || host_->files().read("caught-up") != nullptr) return;
  trace("has caught up for the first time");
  host_->files().write("caught-up", "1");
  host_->files().sync();
}

}  // namespace stip::sim
