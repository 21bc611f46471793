#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libstip/catalog/album.hpp"
#include "libstip/core/clock.hpp"
#include "libstip/core/error.hpp"
#include "libstip/core/hash.hpp"

namespace stip {

/// What a user decides of a new album.
struct album_request {
  std::string name;
  geocode_algorithm algorithm = geocode_algorithm::geohash;
  int32_t dht_key_length = 0;
  uint32_t replication = 1;
  replica_placement placement = replica_placement::ring;

  bool operator==(const album_request&) const = default;
};

/// A live album with the name that users see: its own, or NAME~ID where an album of that name was
/// created before it (in another part of a divided cluster).
struct listed_album {
  stip::album album;
  std::string shown;

  bool operator==(const listed_album&) const = default;
};

/// The albums of the cluster as one node knows them: replicated state as a plain state machine.
///
/// Every node has one. What changes an album gives its new state, which the caller saves and
/// spreads; other nodes `merge` it. States merge in any order and any number of times to the same
/// directory: of two states of one album the newer `changed` wins, but a deleted album stays
/// deleted. Albums are told apart by their uid; deleted ones are remembered. Versions come from
/// the caller's version_clock.
class album_directory {
 public:
  /// Takes over what another node or the disk knows. True: something is new here (save it, and
  /// spread it). A state that check(album) refuses changes nothing.
  bool merge(const album& state);

  /// Errors: invalid_argument; already_exists when a live album has the name; limit_exceeded at
  /// defaults::max_albums live albums.
  result<album> create(const album_request& request, const version& now);

  /// Errors: not_found. Closing a closed album (opening an open one) gives its state unchanged.
  result<album> close(std::string_view name, const version& now);
  result<album> open(std::string_view name, const version& now);
  result<album> erase(std::string_view name, const version& now);

  /// The live album of that name: as shown, or NAME~ID with 8 or more digits of its uid, also
  /// where NAME alone would do. Errors: not_found, with the names there are.
  result<album> find(std::string_view name) const;

  /// The album of that uid, a deleted one too.
  std::optional<album> find(const hash128& uid) const;

  /// The live albums, sorted by their shown names.
  std::vector<listed_album> list() const;

  /// The live albums that are not shown by their own names, sorted as list().
  std::vector<listed_album> conflicts() const;

  /// Every state, deleted albums included, sorted by uid: what is saved and spread.
  std::vector<album> states() const;

  /// Equal for equal directories; nodes compare digests and exchange states() when they differ.
  hash128 digest() const;

 private:
  result<album> change(std::string_view name, const version& now, bool album::*member, bool value);
  void put(const album& state);
  std::string shown_name(const album& a) const;

  std::map<hash128, album> albums_;
  /// The live albums of each name, the first created first.
  std::map<std::string, std::set<std::pair<version, hash128>>, std::less<>> live_;
};

}  // namespace stip
