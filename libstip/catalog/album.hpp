#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "libstip/core/clock.hpp"
#include "libstip/core/error.hpp"
#include "libstip/core/hash.hpp"
#include "libstip/geo/geocode.hpp"

namespace stip {

enum class replica_placement : uint8_t { ring = 0, parent = 1 };

/// A named, cluster-wide collection of images. The unique id names directories and messages; the
/// name is what users type.
struct album {
  hash128 uid;
  /// 1 to defaults::max_album_name_bytes of [A-Za-z0-9._-], not beginning with '.' or '-'.
  std::string name;
  geocode_algorithm algorithm = geocode_algorithm::geohash;
  /// DHT key length n: n > 0 keeps the first n characters of a geocode, n < 0 drops the last -n,
  /// 0 keeps all; never shorter than one character.
  int32_t dht_key_length = 0;
  uint32_t replication = 1;
  replica_placement placement = replica_placement::ring;
  /// A closed album takes stores and refuses queries.
  bool closed = false;
  bool deleted = false;
  /// When it was created, and when its state last changed: the newest state wins everywhere.
  version created;
  version changed;

  bool operator==(const album&) const = default;
};

/// Checks name and numbers. Errors: invalid_argument.
result<void> check(const album& a);

/// The part of a geocode that decides its owner (DESIGN: "the DHT key").
std::string_view dht_key(std::string_view geocode, int32_t dht_key_length);

/// The packed form (core/packed.hpp), for LMDB and messages. Decoding checks the album too.
/// Errors: malformed.
std::string encode(const album& a);
result<album> decode_album(std::string_view bytes);

}  // namespace stip
