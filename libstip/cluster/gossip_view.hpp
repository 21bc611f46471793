#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "libstip/cluster/gossip_fact.hpp"
#include "libstip/cluster/gossip_packet.hpp"

namespace stip {

/// The newest fact that a node knows of every member, itself included, and of those that were
/// removed. Two views that know the same facts are the same, in whatever order they came.
class gossip_view {
 public:
  struct record {
    fact_key key;
    description_ptr description;
  };
  enum class outcome : uint8_t {
    /// Nothing that was not known.
    stale,
    learned,
    /// The fact is new, and its description has to be asked for.
    wanted,
  };

  explicit gossip_view(description_ptr self);

  uint64_t self_id() const { return self_; }
  const record& self() const { return records_.at(self_); }
  /// Sorted by id.
  const std::map<uint64_t, record>& records() const { return records_; }
  const record* find(uint64_t id) const;
  /// The member (not removed) that says it is dialled there; null: none. When several say so, one
  /// of them.
  const record* at_address(const std::string& address) const;
  std::vector<uint64_t> all_at(const std::string& address) const;
  /// Sum of the fingerprints of all facts.
  uint64_t fingerprint() const { return fingerprint_; }
  /// Members that may answer, this node included.
  size_t live() const { return live_; }

  /// Takes a fact of another node in, if it supersedes what is known. Errors: malformed (the
  /// description is not what the key says), incompatible, conflict (identity, tokens),
  /// limit_exceeded. What was refused once is stale until a member is removed.
  result<outcome> learn(const gossip_fact& fact);
  /// Replaces the fact of a known node as it is; for what this node itself decides.
  void set(const fact_key& key);
  void set(const fact_key& key, description_ptr description) { put({key, std::move(description)}); }

  /// Whether a node of this description could become a member: compatible, an id and an address of
  /// its own, no token of another's. Errors as above, with what to do.
  result<void> check(const member_description& peer) const;

 private:
  result<void> check_identity(const member_info& peer) const;
  result<void> check_address(const member_info& peer) const;
  result<void> check_tokens(const member_description& peer) const;
  result<void> make_room(const member_info& peer) const;
  void put(record next);
  /// Counts a record in, or out.
  void account(const record& r, bool in);
  void forget_removed();

  uint64_t self_;
  std::map<uint64_t, record> records_;
  /// The same, to find them faster.
  std::unordered_map<uint64_t, record*> index_;
  /// Members (not removed) by address; for a moment two may have one.
  std::unordered_multimap<std::string, uint64_t> by_address_;
  /// Members with tokens of their configuration.
  std::set<uint64_t> explicit_tokens_;
  /// Fingerprints of refused facts.
  std::set<uint64_t> refused_;
  uint64_t fingerprint_ = 0;
  size_t live_ = 0;
  size_t removed_ = 0;
};

}  // namespace stip
