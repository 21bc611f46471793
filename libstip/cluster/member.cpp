#include "libstip/cluster/member.hpp"

#include <algorithm>
#include <charconv>

#include "libstip/core/defaults.hpp"
#include "libstip/core/packed.hpp"
#include "libstip/ring/ring.hpp"

namespace stip {

namespace {

/// Form 1 had the tokens as a list always.
constexpr uint8_t listed_tokens_form = 1;
constexpr uint8_t member_info_form = 2;
constexpr size_t node_name_digits = 16;
constexpr int hexadecimal = 16;

}  // namespace

std::string_view to_string(member_state state) {
  switch (state) {
    case member_state::joining:
      return "joining";
    case member_state::up:
      return "up";
    case member_state::suspect:
      return "suspect";
    case member_state::down:
      return "down";
    case member_state::leaving:
    case member_state::draining:
      return "leaving";
  }
  return "unknown";
}

std::string node_name(uint64_t id) {
  std::string out(node_name_digits, '0');
  for (size_t i = out.size(); i-- > 0; id >>= 4) out[i] = "0123456789abcdef"[id & 15];
  return out;
}

result<uint64_t> parse_node_name(std::string_view text) {
  uint64_t id = 0;
  const auto* end = text.data() + text.size();
  const auto [at, problem] = std::from_chars(text.data(), end, id, hexadecimal);
  if (text.size() != node_name_digits || problem != std::errc() || at != end)
    return fail(ec::invalid_argument, "read node id '" + std::string(text) + "'",
                "it is not 16 hexadecimal digits", "see `stip node list` for the ids");
  return id;
}

std::string encode(const member_info& info) {
  packed_writer out;
  out.u8(member_info_form).u64(info.id).u64(info.incarnation).text(info.cluster);
  out.text(info.host).u16(info.port).text(info.rack).text(info.software).u32(info.protocol);
  const bool derived = info.tokens.size() <= defaults::max_tokens_per_node &&
                       info.tokens == derive_tokens(info.id, info.tokens.size());
  out.flag(derived).varint(info.tokens.size());
  if (!derived)
    for (const auto token : info.tokens) out.u64(token);
  return out.take();
}

result<member_info> decode_member_info(std::string_view bytes) {
  packed_reader in{"member info", bytes};
  const auto form = in.u8();
  in.expect(form == listed_tokens_form || form == member_info_form, "its version is not known");
  member_info info;
  info.id = in.u64();
  info.incarnation = in.u64();
  info.cluster = in.text(defaults::max_member_text_bytes);
  info.host = in.text(defaults::max_member_text_bytes);
  info.port = in.u16();
  info.rack = in.text(defaults::max_member_text_bytes);
  info.software = in.text(defaults::max_member_text_bytes);
  info.protocol = in.u32();
  const bool derived = form == member_info_form && in.flag();
  if (derived) {
    const auto count = in.varint(defaults::max_tokens_per_node);
    STIP_TRY(in.finish());
    info.tokens = derive_tokens(info.id, count);
    return info;
  }
  info.tokens.resize(in.count(defaults::max_tokens_per_node, sizeof(uint64_t)));
  for (auto& token : info.tokens) token = in.u64();
  in.expect(std::is_sorted(info.tokens.begin(), info.tokens.end(), std::less_equal<>()),
            "the tokens are not in order");
  STIP_TRY(in.finish());
  return info;
}

}  // namespace stip
