#include "libstip/catalog/album.hpp"

#include <algorithm>

#include "libstip/core/defaults.hpp"
#include "libstip/core/packed.hpp"

namespace stip {

namespace {

constexpr uint8_t album_version = 1;

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

}  // namespace

result<void> check(const album& a) {
  const auto bad = [&](std::string why, std::string advice) {
    return fail(ec::invalid_argument, "accept album '" + a.name.substr(0, 80) + "'", std::move(why),
                std::move(advice));
  };
  if (a.name.empty() || a.name.size() > defaults::max_album_name_bytes)
    return bad("its name has " + std::to_string(a.name.size()) + " characters",
               "give it 1 to " + std::to_string(defaults::max_album_name_bytes) + " characters");
  if (!std::all_of(a.name.begin(), a.name.end(), is_name_character) || a.name.front() == '.' ||
      a.name.front() == '-')
    return bad("its name has a character that is not allowed there",
               "use letters, digits, '.', '_' and '-', beginning with a letter, a digit or '_'");
  if (a.algorithm != geocode_algorithm::geohash && a.algorithm != geocode_algorithm::quadtile)
    return bad("its geocode algorithm is unknown", "use geohash or quadtile");
  const int longest = max_precision(a.algorithm);
  if (a.dht_key_length < -longest || a.dht_key_length > longest)
    return bad("its DHT key length is " + std::to_string(a.dht_key_length),
               "give -" + std::to_string(longest) + " to " + std::to_string(longest));
  if (a.replication == 0 || a.replication > defaults::max_replication)
    return bad("its replication is " + std::to_string(a.replication),
               "give 1 to " + std::to_string(defaults::max_replication));
  if (a.placement != replica_placement::ring && a.placement != replica_placement::parent)
    return bad("its replica placement is unknown", "use ring or parent");
  return {};
}

std::string_view dht_key(std::string_view geocode, int32_t dht_key_length) {
  const auto size = static_cast<int64_t>(geocode.size());
  int64_t kept = size;
  if (dht_key_length > 0) kept = std::min<int64_t>(size, dht_key_length);
  if (dht_key_length < 0) kept = size + dht_key_length;
  return geocode.substr(0, static_cast<size_t>(std::max<int64_t>(kept, 1)));
}

std::string encode(const album& a) {
  return packed_writer{}
      .u8(album_version)
      .hash(a.uid)
      .text(a.name)
      .u8(static_cast<uint8_t>(a.algorithm))
      .signed_varint(a.dht_key_length)
      .varint(a.replication)
      .u8(static_cast<uint8_t>(a.placement))
      .flag(a.closed)
      .flag(a.deleted)
      .stamp(a.created)
      .stamp(a.changed)
      .take();
}

result<album> decode_album(std::string_view bytes) {
  packed_reader in{"album", bytes};
  in.expect_version(album_version);
  album a;
  a.uid = in.hash();
  a.name = in.text(defaults::max_album_name_bytes);
  a.algorithm = static_cast<geocode_algorithm>(in.u8());
  const auto length = in.signed_varint();
  in.expect(length >= INT32_MIN && length <= INT32_MAX, "the DHT key length is out of range");
  a.dht_key_length = static_cast<int32_t>(length);
  a.replication = static_cast<uint32_t>(in.varint(defaults::max_replication));
  a.placement = static_cast<replica_placement>(in.u8());
  a.closed = in.flag();
  a.deleted = in.flag();
  a.created = in.stamp();
  a.changed = in.stamp();
  STIP_TRY(in.finish());
  if (auto valid = check(a); !valid)
    return fail(ec::malformed, "read album", valid.error().what + ": " + valid.error().why);
  return a;
}

}  // namespace stip
