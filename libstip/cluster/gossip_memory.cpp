#include "libstip/cluster/gossip_memory.hpp"

#include "libstip/core/defaults.hpp"
#include "libstip/core/packed.hpp"

namespace stip {

namespace {

/// Form 1 was written by protocol 2: an address, whether it was configured, and the member.
constexpr uint8_t peer_list_form = 1;
constexpr uint8_t memory_form = 2;

constexpr size_t max_info_bytes =
    defaults::max_tokens_per_node * sizeof(uint64_t) + 8 * defaults::max_member_text_bytes;
constexpr size_t max_address_bytes = 2 * defaults::max_member_text_bytes;
constexpr size_t min_known_bytes = 2;

}  // namespace

std::string encode(const gossip_memory& memory) {
  packed_writer out;
  out.u8(memory_form).flag(memory.formed).varint(memory.members.size());
  for (const auto& m : memory.members) out.flag(m.removed).text(m.description);
  return out.take();
}

result<gossip_memory> decode_gossip_memory(std::string_view bytes) {
  packed_reader in{"what is known of the cluster", bytes};
  const auto form = in.u8();
  in.expect(form == peer_list_form || form == memory_form, "its version is not known");
  gossip_memory out;
  if (form == memory_form) out.formed = in.flag();
  out.members.resize(in.count(defaults::max_members, min_known_bytes));
  for (auto& m : out.members) {
    if (form == peer_list_form) {
      in.text(max_address_bytes);
      in.flag();
    } else {
      m.removed = in.flag();
    }
    m.description = in.text(max_info_bytes);
  }
  STIP_TRY(in.finish());
  return out;
}

}  // namespace stip
