#include "libstip/store/replica_facts.hpp"

#include <algorithm>
#include <utility>

#include "libstip/core/defaults.hpp"
#include "libstip/core/packed.hpp"

namespace stip {

namespace {

constexpr uint8_t form_version = 1;
/// A tombstone with texts of no bytes: no fact is shorter.
constexpr size_t least_fact_bytes = 33;
/// Longer than any packed description: five names, numbers of fixed lengths and an outline.
constexpr size_t max_description_bytes =
    5 * (defaults::max_name_bytes + 2) + 256 + 2 * max_outline_corners * sizeof(uint32_t);

void append_chip(packed_writer& out, const chip_description& chip) {
  out.flag(true).text(encode(chip));
}

void append_tombstone(packed_writer& out, const image_key& key, const version& when) {
  out.flag(false).text(key.platform).text(key.geocode).text(key.source).text(key.tile);
  out.i64(key.timestamp).stamp(when);
}

void append(packed_writer& out, const replica_fact& fact) {
  if (fact.chip)
    append_chip(out, *fact.chip);
  else
    append_tombstone(out, fact.key, fact.hidden);
}

packed_writer begin(size_t count) {
  packed_writer out;
  out.u8(form_version).varint(count);
  return out;
}

}  // namespace

uint64_t digest_of(const replica_fact& fact) {
  packed_writer out;
  if (fact.chip && fact.chip->token != 0) {
    auto chip = *fact.chip;
    chip.token = 0;
    append_chip(out, chip);
  } else {
    append(out, fact);
  }
  return hash64(out.bytes());
}

std::string encode(const std::vector<replica_fact>& facts) {
  auto out = begin(facts.size());
  for (const auto& fact : facts) append(out, fact);
  return out.take();
}

result<std::vector<replica_fact>> decode_facts(std::string_view bytes) {
  packed_reader in{"facts", bytes};
  in.expect_version(form_version);
  const auto count = in.count(defaults::max_facts, least_fact_bytes);
  std::vector<replica_fact> facts;
  for (size_t i = 0; i < count && in.ok(); ++i) {
    if (in.flag()) {
      const auto description = in.text(max_description_bytes);
      if (!in.ok()) break;
      STIP_ASSIGN(auto chip, decode_chip_description(description));
      facts.push_back(replica_fact::of(std::move(chip)));
      continue;
    }
    auto& fact = facts.emplace_back();
    for (auto* part : {&fact.key.platform, &fact.key.geocode, &fact.key.source, &fact.key.tile})
      *part = in.text(defaults::max_name_bytes);
    fact.key.timestamp = in.i64();
    fact.hidden = in.stamp();
    if (!in.ok()) break;
    STIP_TRY(check(fact.key));
  }
  STIP_TRY(in.finish());
  return facts;
}

std::string encode(const std::vector<put_tombstone>& tombstones) {
  auto out = begin(tombstones.size());
  for (const auto& [key, when] : tombstones) append_tombstone(out, key, when);
  return out.take();
}

result<std::vector<put_tombstone>> decode_tombstones(std::string_view bytes) {
  STIP_ASSIGN(auto facts, decode_facts(bytes));
  std::vector<put_tombstone> tombstones;
  tombstones.reserve(facts.size());
  for (auto& fact : facts) {
    if (fact.chip) return fail(ec::malformed, "read tombstones", "there is a chip among them");
    tombstones.push_back({std::move(fact.key), fact.hidden});
  }
  return tombstones;
}

}  // namespace stip
