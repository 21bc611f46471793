#include "libstip/cluster/replication.hpp"

#include <algorithm>
#include <string>

#include "libstip/cluster/member.hpp"
#include "libstip/core/defaults.hpp"

namespace stip {

namespace {

bool contains(const std::vector<uint64_t>& nodes, uint64_t node) {
  return std::find(nodes.begin(), nodes.end(), node) != nodes.end();
}

/// The node of `order` that is to be second after `first`.
uint64_t second_of(const ring& ring, uint64_t first, const std::vector<uint64_t>& order) {
  uint64_t other = 0;
  for (const auto node : order) {
    if (node == first) continue;
    if (ring.rack_of(node) != ring.rack_of(first)) return node;
    if (other == 0) other = node;
  }
  return other;
}

}  // namespace

size_t copies_of(const ring& ring, const album& a) {
  return std::min<size_t>(std::max(1u, a.replication), ring.owners());
}

std::vector<uint64_t> holders(const ring& ring, const album& a, std::string_view geocode,
                              size_t count) {
  const auto key = dht_key(geocode, a.dht_key_length);
  auto order = ring.replicas(ring_token(key), count);
  if (a.placement != replica_placement::parent || order.size() < 2 || key.size() < 2) return order;
  const auto parent_token = ring_token(key.substr(0, key.size() - 1));
  const auto second = second_of(ring, order.front(), ring.replicas(parent_token, ring.owners()));
  const auto wanted = order.size();
  std::erase(order, second);
  order.insert(order.begin() + 1, second);
  order.resize(wanted);
  return order;
}

std::vector<uint64_t> replicas(const ring& ring, const album& a, std::string_view geocode) {
  return holders(ring, a, geocode, copies_of(ring, a));
}

result<std::vector<uint64_t>> write_targets(const ring& ring, const album& a,
                                            std::string_view geocode,
                                            const is_reachable& reachable) {
  const auto copies = copies_of(ring, a);
  auto targets = holders(ring, a, geocode, copies);
  std::vector<uint64_t> away;
  for (const auto node : targets)
    if (!reachable(node)) away.push_back(node);
  if (away.empty()) return targets;
  std::erase_if(targets, [&](uint64_t node) { return contains(away, node); });
  for (const auto node : holders(ring, a, geocode, ring.owners())) {
    if (targets.size() == copies) break;
    if (!contains(targets, node) && reachable(node)) targets.push_back(node);
  }
  if (!targets.empty() && targets.size() >= copies_to_confirm(copies)) return targets;
  std::string names;
  for (const auto node : away) names += (names.empty() ? "" : ", ") + node_name(node);
  return fail(ec::unavailable, "place chips of album " + a.name,
              std::to_string(targets.size()) + " nodes can be reached, " +
                  std::to_string(copies_to_confirm(copies)) + " copies are needed; away: " + names,
              "start these nodes again, then store the input again");
}

bool covers(const ring& ring, const album& a, size_t needed, const is_reachable& answered) {
  const auto copies = copies_of(ring, a);
  needed = std::min(needed, copies);
  const auto is_away = [&](const ring_node& node) {
    return !node.tokens.empty() && !answered(node.id);
  };
  const auto away = std::count_if(ring.nodes().begin(), ring.nodes().end(), is_away);
  // Of any N nodes at least so many have answered; more need not be looked at.
  if (static_cast<size_t>(away) + needed <= copies) return true;
  // The second replica follows another token: too many pairs of ranges to look at each.
  if (a.placement == replica_placement::parent) return false;
  for (const auto& node : ring.nodes())
    for (const auto token : node.tokens) {
      const auto of_range = ring.replicas(token, copies);
      const auto there = std::count_if(of_range.begin(), of_range.end(), answered);
      if (static_cast<size_t>(there) < needed) return false;
    }
  return true;
}

}  // namespace stip
