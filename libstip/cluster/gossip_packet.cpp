#include "libstip/cluster/gossip_packet.hpp"

#include "libstip/core/defaults.hpp"
#include "libstip/core/packed.hpp"

namespace stip {

namespace {

constexpr uint8_t gossip_packet_form = 1;

/// Bytes of a key: at least and at most. Id, incarnation, refutation, state, description.
constexpr size_t min_key_bytes = 8 + 1 + 1 + 1 + 4;
constexpr size_t max_key_bytes = 8 + 10 + 5 + 1 + 4;
constexpr size_t length_bytes = 3;
constexpr size_t max_address_bytes = 2 * defaults::max_member_text_bytes;
constexpr size_t max_description_bytes =
    defaults::max_tokens_per_node * sizeof(uint64_t) + 8 * defaults::max_member_text_bytes;

using kind = gossip_packet::kind;

void put(packed_writer& out, const fact_key& key) {
  out.u64(key.id).varint(key.incarnation).varint(key.refutation);
  out.u8(static_cast<uint8_t>(key.state)).u32(key.description);
}

fact_key get_key(packed_reader& in) {
  fact_key key;
  key.id = in.u64();
  key.incarnation = in.varint();
  key.refutation = static_cast<uint32_t>(in.varint(UINT32_MAX));
  const auto state = in.u8();
  in.expect(state <= static_cast<uint8_t>(fact_state::removed), "a state is not known");
  in.expect(!in.ok() || key.id != 0, "a node has no id");
  key.state = in.ok() ? static_cast<fact_state>(state) : fact_state::joining;
  key.description = in.u32();
  return key;
}

bool has_number(kind what) {
  return what == kind::ping || what == kind::ack || what == kind::ask;
}
bool has_facts(kind what) {
  return has_number(what) || what == kind::news || what == kind::facts;
}

}  // namespace

size_t wire_bytes(const gossip_fact& fact) {
  return max_key_bytes + length_bytes + fact.description.size();
}

std::string encode(const gossip_packet& packet) {
  packed_writer out;
  out.u8(gossip_packet_form).u8(static_cast<uint8_t>(packet.what));
  out.u64(packet.cluster).u32(packet.protocol);
  put(out, packet.sender);
  out.text(packet.address).flag(packet.formed).u64(packet.target);
  if (has_number(packet.what)) out.u64(packet.number).u64(packet.about);
  if (packet.what == kind::sync) out.u64(packet.view);
  if (has_facts(packet.what)) {
    out.varint(packet.facts.size());
    for (const auto& fact : packet.facts) {
      put(out, fact.key);
      out.text(fact.description);
    }
  }
  if (packet.what == kind::digest) {
    out.varint(packet.keys.size());
    for (const auto& key : packet.keys) put(out, key);
  }
  if (packet.what == kind::want) {
    out.varint(packet.ids.size());
    for (const auto id : packet.ids) out.u64(id);
  }
  return out.take();
}

result<gossip_packet> decode_gossip_packet(std::string_view bytes) {
  packed_reader in{"gossip packet", bytes};
  in.expect(bytes.size() <= defaults::max_gossip_packet_bytes, "it is too long");
  in.expect_version(gossip_packet_form);
  gossip_packet packet;
  const auto what = in.u8();
  in.expect(what >= static_cast<uint8_t>(kind::ping) && what <= static_cast<uint8_t>(kind::facts),
            "its kind is not known");
  if (!in.ok()) {
    STIP_TRY(in.finish());
  }
  packet.what = static_cast<kind>(what);
  packet.cluster = in.u64();
  packet.protocol = in.u32();
  packet.sender = get_key(in);
  packet.address = in.text(max_address_bytes);
  packet.formed = in.flag();
  packet.target = in.u64();
  if (has_number(packet.what)) {
    packet.number = in.u64();
    packet.about = in.u64();
  }
  if (packet.what == kind::sync) packet.view = in.u64();
  if (has_facts(packet.what)) {
    packet.facts.resize(in.count(defaults::max_members, min_key_bytes + 1));
    for (auto& fact : packet.facts) {
      fact.key = get_key(in);
      fact.description = in.text(max_description_bytes);
    }
  }
  if (packet.what == kind::digest) {
    packet.keys.resize(in.count(defaults::max_members, min_key_bytes));
    uint64_t last = 0;
    for (auto& key : packet.keys) {
      key = get_key(in);
      in.expect(!in.ok() || key.id > last, "the keys are not in order");
      last = key.id;
    }
  }
  if (packet.what == kind::want) {
    packet.ids.resize(in.count(defaults::max_members, sizeof(uint64_t)));
    for (auto& id : packet.ids) id = in.u64();
  }
  STIP_TRY(in.finish());
  return packet;
}

}  // namespace stip
