#include "libstip/cluster/repair.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "libstip/cluster/chip_copy.hpp"
#include "libstip/cluster/member.hpp"
#include "libstip/core/defaults.hpp"

namespace stip {

namespace {

constexpr int token_bits = 64;
constexpr int slice_bits = 12;
static_assert(ring_slices == 1u << slice_bits);

bool contains(const std::vector<uint64_t>& nodes, uint64_t node) {
  return std::find(nodes.begin(), nodes.end(), node) != nodes.end();
}

uint32_t slice_at(const album& a, std::string_view geocode) {
  const auto token = ring_token(dht_key(geocode, a.dht_key_length));
  return static_cast<uint32_t>(token >> (token_bits - slice_bits));
}

/// Messages of pixels, as they are before the codec, about which a node is asked at once. Few, so
/// that of two nodes that bring the same the one that is asked later finds much there already.
constexpr uint64_t messages_per_question = 4;

uint64_t pixel_bytes(const chip_description& chip) {
  return uint64_t{chip.width} * chip.height * chip.planes() * size_of(chip.type);
}

/// One round.
class round {
 public:
  round(const replica_store& store, const album& a, const ring& ring, uint64_t self,
        const repair_services& services)
      : store_(store), album_(a), ring_(ring), self_(self), services_(services) {}

  result<repair_outcome> run() {
    for (const auto& node : ring_.nodes()) {
      if (node.id == self_ || node.tokens.empty()) continue;
      if (!services_.reachable(node.id))
        leave_out(node.id);
      else if (owns_something())
        STIP_TRY(note(node.id, compare_with(node.id)));
    }
    STIP_TRY(hand_over());
    return std::move(outcome_);
  }

 private:
  using facts = std::vector<replica_fact>;

  result<void> check_stopped() const {
    if (!services_.stopped()) return {};
    return fail(ec::stopped, "repair album " + album_.name,
                "the node stops, or the ring has changed");
  }

  bool owns_something() const {
    return std::any_of(ring_.nodes().begin(), ring_.nodes().end(), [this](const ring_node& node) {
      return node.id == self_ && !node.tokens.empty();
    });
  }

  void tell(const repair_progress& news) const {
    if (services_.tell) services_.tell(news);
  }

  /// What fails on another node is told and left to the next round; what fails here ends this one.
  result<void> note(uint64_t node, result<void> outcome) {
    if (outcome) return check_stopped();
    // Nothing of what was meant for it goes to the next one, and it is not waited for again.
    message_ = {};
    message_bytes_ = 0;
    leave_out(node);
    (void)services_.settle();
    STIP_TRY(check_stopped());
    add_problem("node " + node_name(node) + ": " + to_string(outcome.error()));
    return {};
  }

  void leave_out(uint64_t node) {
    if (failed_.insert(node).second) outcome_.failed_nodes.push_back(node);
  }

  bool can_ask(uint64_t node) const { return services_.reachable(node) && !failed_.contains(node); }

  void add_problem(std::string line) {
    if (outcome_.problems.size() < defaults::max_repair_problems)
      outcome_.problems.push_back(std::move(line));
  }

  /// Pushes to another replica what it lacks of what both should have.
  result<void> compare_with(uint64_t node) {
    const auto common = common_slices(ring_, album_, self_, node);
    STIP_ASSIGN(const auto digests, store_.digests(common));
    STIP_ASSIGN(const auto differing, services_.differing(node, digests));
    const std::set<uint32_t> wanted{differing.begin(), differing.end()};
    if (wanted.empty()) return {};
    const slice_of slices = [&](std::string_view geocode) {
      const auto slice = common(geocode);
      return slice && wanted.contains(*slice) ? slice : std::nullopt;
    };
    std::string from;
    bool promised = false;
    do {
      STIP_TRY(check_stopped());
      STIP_ASSIGN(auto page, store_.facts(slices, from, defaults::facts_per_question));
      unwanted_.clear();
      STIP_TRY(push(node, page.facts));
      // What another one has promised to bring may not come.
      STIP_ASSIGN(const auto lacking, ask(services_.lacks, node, unwanted_));
      promised |= std::find(lacking.begin(), lacking.end(), true) != lacking.end();
      from = page.next;
    } while (!from.empty());
    if (promised) outcome_.promised_nodes.push_back(node);
    return services_.settle();
  }

  /// Brings what lies here and belongs elsewhere to its replicas.
  result<void> hand_over() {
    const slice_of strays = [this](std::string_view geocode) -> std::optional<uint32_t> {
      const auto nodes = replicas(ring_, album_, geocode);
      // Without an owner it stays: nobody else may have it.
      if (nodes.empty() || contains(nodes, self_)) return {};
      return slice_at(album_, geocode);
    };
    std::string from;
    do {
      STIP_TRY(check_stopped());
      STIP_ASSIGN(auto page, store_.facts(strays, from, defaults::facts_per_question));
      STIP_TRY(hand_over(std::move(page.facts)));
      from = page.next;
    } while (!from.empty());
    return {};
  }

  result<void> hand_over(facts page) {
    outcome_.strays += page.size();
    std::map<uint64_t, facts> of_node;
    std::vector<std::vector<uint64_t>> nodes_of(page.size());
    for (size_t i = 0; i < page.size(); ++i) {
      nodes_of[i] = replicas(ring_, album_, page[i].key.geocode);
      for (const auto node : nodes_of[i]) of_node[node].push_back(page[i]);
    }
    std::set<uint64_t> complete;
    for (const auto& [node, wanted] : of_node) {
      if (!can_ask(node)) continue;
      auto pushed = push_all(node, wanted);
      const bool has_all = pushed && *pushed;
      if (has_all) complete.insert(node);
      STIP_TRY(note(node, pushed ? result<void>{} : fail(pushed.error())));
    }
    facts done;
    for (size_t i = 0; i < page.size(); ++i) {
      if (std::all_of(nodes_of[i].begin(), nodes_of[i].end(),
                      [&](uint64_t node) { return complete.contains(node); }))
        done.push_back(std::move(page[i]));
      else
        ++outcome_.kept;
    }
    if (done.empty()) return {};
    STIP_TRY(check_stopped());
    STIP_ASSIGN(const auto forgotten, services_.forget(done));
    outcome_.forgotten += forgotten;
    return {};
  }

  /// Whether the node has all of these now, on its disk.
  result<bool> push_all(uint64_t node, const facts& wanted) {
    STIP_TRY(push(node, wanted));
    STIP_TRY(services_.settle());
    STIP_ASSIGN(const auto lacking, ask(services_.lacks, node, wanted));
    return std::find(lacking.begin(), lacking.end(), true) == lacking.end();
  }

  template <class Question>
  result<std::vector<bool>> ask(const Question& question, uint64_t node, const facts& page) {
    if (page.empty()) return std::vector<bool>{};
    STIP_ASSIGN(auto answer, question(node, page));
    if (answer.size() == page.size()) return answer;
    return fail(ec::malformed, "ask node " + node_name(node) + " what it lacks",
                "it answered for " + std::to_string(answer.size()) + " facts instead of " +
                    std::to_string(page.size()));
  }

  /// Pushes what the node wants, asking about no more at once than can be brought soon.
  result<void> push(uint64_t node, const facts& page) {
    facts few;
    uint64_t bytes = 0;
    for (const auto& fact : page) {
      few.push_back(fact);
      bytes += fact.chip ? pixel_bytes(*fact.chip) : 0;
      if (bytes < defaults::max_message_bytes * messages_per_question) continue;
      STIP_TRY(push_wanted(node, few));
      few.clear();
      bytes = 0;
    }
    return push_wanted(node, few);
  }

  result<void> push_wanted(uint64_t node, const facts& page) {
    if (page.empty()) return {};
    STIP_ASSIGN(const auto wanted, ask(services_.wants, node, page));
    tell({static_cast<uint64_t>(std::count(wanted.begin(), wanted.end(), true)), 0, 0});
    for (size_t i = 0; i < page.size(); ++i) {
      if (!wanted[i]) unwanted_.push_back(page[i]);
      if (!wanted[i]) continue;
      if (page[i].chip)
        STIP_TRY(push_chip(node, *page[i].chip));
      else
        STIP_TRY(push_tombstone(node, {page[i].key, page[i].hidden}));
    }
    return ship(node);
  }

  result<void> push_tombstone(uint64_t node, put_tombstone tombstone) {
    message_.tombstones.push_back(std::move(tombstone));
    message_bytes_ += sizeof(put_tombstone);
    ++outcome_.facts;
    tell({0, 1, 0});
    return message_bytes_ >= defaults::max_message_bytes ? ship(node) : result<void>{};
  }

  result<void> push_chip(uint64_t node, const chip_description& chip) {
    chip_copy copy{store_, chip, {services_.unique(), 0}};
    while (!copy.done()) {
      STIP_TRY(check_stopped());
      auto part = copy.next();
      // It was replaced or deleted meanwhile: that is another fact, for the next round.
      if (!part && part.error().code == ec::not_found) return {};
      if (!part) {
        // One damaged chip must not keep the others from their nodes.
        add_problem("chip " + to_string(chip.key) + ": " + to_string(part.error()));
        return {};
      }
      const auto bytes = part->records.size();
      if (copy.done()) STIP_TRY(add_scene(chip.scene));
      message_.parts.push_back(std::move(*part));
      message_bytes_ += bytes + sizeof(chip_part);
      outcome_.bytes += bytes;
      tell({0, 0, bytes});
      if (message_bytes_ >= defaults::max_message_bytes) STIP_TRY(ship(node));
    }
    ++outcome_.facts;
    tell({0, 1, 0});
    return {};
  }

  /// The record of its scene goes before the last part of a chip.
  result<void> add_scene(const hash128& id) {
    if (std::any_of(message_.scenes.begin(), message_.scenes.end(),
                    [&](const scene_part& s) { return s.id == id; }))
      return {};
    STIP_ASSIGN(auto json, store_.scene(id));
    message_bytes_ += json.size();
    message_.scenes.push_back({id, std::move(json)});
    return {};
  }

  result<void> ship(uint64_t node) {
    if (message_bytes_ == 0) return {};
    return services_.ship(node, std::exchange(message_, {}), std::exchange(message_bytes_, 0));
  }

  const replica_store& store_;
  const album& album_;
  const ring& ring_;
  const uint64_t self_;
  const repair_services& services_;
  repair_outcome outcome_;
  std::set<uint64_t> failed_;
  /// What the node did not want of the page that is being pushed.
  facts unwanted_;
  chip_parts message_;
  uint64_t message_bytes_ = 0;
};

}  // namespace

repair_outcome& repair_outcome::operator+=(const repair_outcome& other) {
  facts += other.facts;
  bytes += other.bytes;
  forgotten += other.forgotten;
  strays += other.strays;
  kept += other.kept;
  failed_nodes.insert(failed_nodes.end(), other.failed_nodes.begin(), other.failed_nodes.end());
  promised_nodes.insert(promised_nodes.end(), other.promised_nodes.begin(),
                        other.promised_nodes.end());
  problems.insert(problems.end(), other.problems.begin(), other.problems.end());
  stopped |= other.stopped;
  return *this;
}

bool repair_outcome::has_brought(uint64_t node) const {
  return !stopped && !contains(failed_nodes, node) && !contains(promised_nodes, node);
}

slice_of common_slices(const ring& ring, const album& a, uint64_t one, uint64_t other) {
  return [&ring, &a, one, other](std::string_view geocode) -> std::optional<uint32_t> {
    const auto nodes = replicas(ring, a, geocode);
    if (!contains(nodes, one) || !contains(nodes, other)) return {};
    return slice_at(a, geocode);
  };
}

result<std::vector<uint32_t>> differing_slices(const replica_store& store, const album& a,
                                               const ring& ring, uint64_t self, uint64_t asker,
                                               const std::vector<uint64_t>& digests) {
  if (digests.size() != ring_slices)
    return fail(ec::malformed, "compare digests",
                "there are " + std::to_string(digests.size()) + " of them");
  STIP_ASSIGN(const auto ours, store.digests(common_slices(ring, a, self, asker)));
  std::vector<uint32_t> out;
  for (uint32_t i = 0; i < ring_slices; ++i)
    if (ours[i] != digests[i]) out.push_back(i);
  return out;
}

result<repair_outcome> repair(const replica_store& store, const album& a, const ring& ring,
                              uint64_t self, const repair_services& services) {
  return round{store, a, ring, self, services}.run();
}

}  // namespace stip
