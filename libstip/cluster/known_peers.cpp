#include "libstip/cluster/known_peers.hpp"

#include "libstip/core/defaults.hpp"
#include "libstip/core/packed.hpp"

namespace stip {

namespace {

constexpr uint8_t known_peers_form = 1;

/// Bytes of an encoded member and of an address at most, and of one known peer at least.
constexpr size_t max_info_bytes =
    defaults::max_tokens_per_node * sizeof(uint64_t) + 8 * defaults::max_member_text_bytes;
constexpr size_t max_address_bytes = 2 * defaults::max_member_text_bytes;
constexpr size_t min_known_peer_bytes = 3;

}  // namespace

std::string encode(const std::vector<known_peer>& peers) {
  packed_writer out;
  out.u8(known_peers_form).varint(peers.size());
  for (const auto& peer : peers)
    out.text(peer.address).flag(peer.configured).text(encode(peer.info));
  return out.take();
}

result<std::vector<known_peer>> decode_known_peers(std::string_view bytes) {
  packed_reader in{"known peers", bytes};
  in.expect_version(known_peers_form);
  std::vector<known_peer> peers(in.count(defaults::max_members, min_known_peer_bytes));
  for (auto& peer : peers) {
    peer.address = in.text(max_address_bytes);
    peer.configured = in.flag();
    const auto info = in.text(max_info_bytes);
    if (!in.ok()) break;
    STIP_ASSIGN(peer.info, decode_member_info(info));
  }
  STIP_TRY(in.finish());
  return peers;
}

}  // namespace stip
