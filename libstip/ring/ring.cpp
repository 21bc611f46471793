#include "libstip/ring/ring.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <unordered_map>

#include "libstip/core/hash.hpp"

namespace stip {

namespace {

/// Bits of a token; shares are parts of 2^token_bits.
constexpr int token_bits = 64;

void put_little_endian(uint64_t word, std::byte* out) {
  for (size_t i = 0; i < sizeof word; ++i) out[i] = static_cast<std::byte>(word >> (8 * i));
}

std::string hex(uint64_t value) {
  std::string out(16, '0');
  for (size_t i = out.size(); i-- > 0; value >>= 4) out[i] = "0123456789abcdef"[value & 15];
  return out;
}

}  // namespace

uint64_t ring_token(std::string_view dht_key) {
  return hash64(dht_key);
}

std::vector<uint64_t> derive_tokens(uint64_t node_id, size_t count) {
  std::set<uint64_t> tokens;
  std::array<std::byte, 2 * sizeof(uint64_t)> seed;
  put_little_endian(node_id, seed.data());
  for (uint64_t i = 0; tokens.size() < count; ++i) {
    put_little_endian(i, seed.data() + sizeof(uint64_t));
    tokens.insert(hash64(std::span<const std::byte>(seed)));
  }
  return {tokens.begin(), tokens.end()};
}

result<ring> ring::make(std::vector<ring_node> nodes, uint64_t version) {
  ring out;
  out.version_ = version;
  std::sort(nodes.begin(), nodes.end(),
            [](const ring_node& a, const ring_node& b) { return a.id < b.id; });
  std::unordered_map<std::string_view, uint32_t> rack_numbers;
  std::vector<bool> rack_owns;
  for (uint32_t i = 0; i < nodes.size(); ++i) {
    auto& node = nodes[i];
    if (i > 0 && nodes[i - 1].id == node.id)
      return fail(ec::conflict, "build the ring", "two nodes have the id " + hex(node.id),
                  "give each node a data directory of its own");
    std::sort(node.tokens.begin(), node.tokens.end());
    node.tokens.erase(std::unique(node.tokens.begin(), node.tokens.end()), node.tokens.end());
    const auto rack =
        rack_numbers.try_emplace(node.rack, static_cast<uint32_t>(rack_numbers.size()))
            .first->second;
    rack_owns.resize(rack_numbers.size());
    out.racks_.push_back(rack);
    if (!node.tokens.empty()) {
      rack_owns[rack] = true;
      ++out.owner_count_;
    }
    for (const auto token : node.tokens) out.points_.push_back({token, i});
  }
  out.rack_count_ = static_cast<size_t>(std::count(rack_owns.begin(), rack_owns.end(), true));
  std::sort(out.points_.begin(), out.points_.end(),
            [](const point& a, const point& b) { return a.token < b.token; });

  // Arcs are summed modulo 2^64: a node that owns points and has the sum 0 owns everything.
  std::vector<uint64_t> arcs(nodes.size());
  for (size_t i = 0; i < out.points_.size(); ++i) {
    const auto& before = out.points_[i > 0 ? i - 1 : out.points_.size() - 1];
    const auto& here = out.points_[i];
    if (i > 0 && before.token == here.token)
      return fail(ec::conflict, "build the ring",
                  "the nodes " + hex(nodes[before.node].id) + " and " + hex(nodes[here.node].id) +
                      " both have the token " + std::to_string(here.token),
                  "configure another token for one of them");
    arcs[here.node] += here.token - before.token;
  }
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].tokens.empty())
      out.shares_.push_back(0);
    else
      out.shares_.push_back(arcs[i] == 0 ? 1
                                         : std::ldexp(static_cast<double>(arcs[i]), -token_bits));
  }
  out.nodes_ = std::move(nodes);
  return out;
}

std::vector<uint64_t> ring::replicas(uint64_t token, size_t count) const {
  count = std::min(count, owner_count_);
  if (count == 0) return {};
  const auto distinct = std::min(count, rack_count_);
  std::vector<uint32_t> chosen;
  std::vector<uint32_t> passed_over;
  std::vector<uint32_t> racks;
  const auto holds = [](const std::vector<uint32_t>& v, uint32_t x) {
    return std::find(v.begin(), v.end(), x) != v.end();
  };
  auto at = std::lower_bound(points_.begin(), points_.end(), token,
                             [](const point& p, uint64_t t) { return p.token < t; });
  // Ends at the latest after one turn: by then every owner and every rack was met.
  while (chosen.size() < distinct || chosen.size() + passed_over.size() < count) {
    if (at == points_.end()) at = points_.begin();
    const auto node = (at++)->node;
    if (holds(chosen, node) || holds(passed_over, node)) continue;
    if (holds(racks, racks_[node])) {
      // More than `count` of them are never needed.
      if (passed_over.size() < count) passed_over.push_back(node);
      continue;
    }
    chosen.push_back(node);
    racks.push_back(racks_[node]);
    if (chosen.size() == count) break;
  }
  for (size_t i = 0; chosen.size() < count; ++i) chosen.push_back(passed_over[i]);
  std::vector<uint64_t> ids;
  ids.reserve(chosen.size());
  for (const auto node : chosen) ids.push_back(nodes_[node].id);
  return ids;
}

const ring_node* ring::find(uint64_t node_id) const {
  const auto at = std::lower_bound(nodes_.begin(), nodes_.end(), node_id,
                                   [](const ring_node& n, uint64_t id) { return n.id < id; });
  return at == nodes_.end() || at->id != node_id ? nullptr : &*at;
}

std::string_view ring::rack_of(uint64_t node_id) const {
  const auto* node = find(node_id);
  return node == nullptr ? std::string_view{} : node->rack;
}

double ring::share(uint64_t node_id) const {
  const auto* node = find(node_id);
  return node == nullptr ? 0 : shares_[static_cast<size_t>(node - nodes_.data())];
}

}  // namespace stip
