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

/// Adds nodes of `order` that are not among the chosen ones, until there are `count`: first those
/// on racks that none of the chosen stands on.
void choose(const ring& ring, const std::vector<uint64_t>& order, size_t count,
            std::vector<uint64_t>& chosen) {
  const auto on_new_rack = [&](uint64_t node) {
    return std::none_of(chosen.begin(), chosen.end(),
                        [&](uint64_t other) { return ring.rack_of(other) == ring.rack_of(node); });
  };
  for (const bool any_rack : {false, true})
    for (const auto node : order) {
      if (chosen.size() >= count) return;
      if (!contains(chosen, node) && (any_rack || on_new_rack(node))) chosen.push_back(node);
    }
}

}  // namespace

size_t copies_of(const ring& ring, const album& a) {
  return std::min<size_t>(std::max(1u, a.replication), ring.owners());
}

std::vector<uint64_t> holders(const ring& ring, const album& a, std::string_view geocode,
                              size_t count) {
  const auto key = dht_key(geocode, a.dht_key_length);
  const bool by_parent = a.placement == replica_placement::parent && key.size() > 1 && count > 1;
  if (!by_parent) return ring.replicas(ring_token(key), count);
  const auto order = ring.replicas(ring_token(key), ring.owners());
  if (order.empty()) return order;
  std::vector<uint64_t> chosen{order.front()};
  choose(ring, ring.replicas(ring_token(key.substr(0, key.size() - 1)), ring.owners()), 2, chosen);
  choose(ring, order, count, chosen);
  return chosen;
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
  auto others = holders(ring, a, geocode, ring.owners());
  std::erase_if(others, [&](uint64_t node) { return !reachable(node); });
  choose(ring, others, copies, targets);
  if (!targets.empty() && targets.size() >= copies_to_confirm(copies)) return targets;
  std::string names;
  for (const auto node : away) names += (names.empty() ? "" : ", ") + node_name(node);
  return fail(ec::unavailable, "place chips of album " + a.name,
              std::to_string(targets.size()) + " nodes can be reached, " +
                  std::to_string(copies_to_confirm(copies)) + " copies are needed; away: " + names,
              "start these nodes again, then store the input again");
}

size_t spare_nodes(const ring& ring, const album& a, const is_reachable& reachable) {
  const auto& nodes = ring.nodes();
  const auto there =
      static_cast<size_t>(std::count_if(nodes.begin(), nodes.end(), [&](const ring_node& node) {
        return !node.tokens.empty() && reachable(node.id);
      }));
  const auto copies = copies_of(ring, a);
  const auto needed = copies_to_confirm(copies);
  return std::max(std::min(copies, there), needed) - needed;
}

bool knows_all(const ring& ring, const album& a, const is_reachable& answered) {
  const auto& nodes = ring.nodes();
  const auto away = std::count_if(nodes.begin(), nodes.end(),
                                  [&](const ring_node& node) { return !answered(node.id); });
  return away == 0 || static_cast<size_t>(away) < copies_to_confirm(copies_of(ring, a));
}

bool covers(const ring& ring, const album& a, size_t needed, const is_reachable& answered) {
  const auto copies = copies_of(ring, a);
  needed = std::min(needed, copies);
  const auto is_away = [&](const ring_node& node) { return !answered(node.id); };
  const auto away = std::count_if(ring.nodes().begin(), ring.nodes().end(), is_away);
  // Of any N nodes at least so many have answered; more need not be looked at.
  if (static_cast<size_t>(away) + needed <= copies) return true;
  // What a draining node has is in no range.
  if (std::any_of(ring.nodes().begin(), ring.nodes().end(),
                  [&](const ring_node& node) { return node.tokens.empty() && is_away(node); }))
    return false;
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
