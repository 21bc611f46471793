#include "libstip/cluster/album_directory.hpp"

#include <algorithm>

#include "libstip/core/defaults.hpp"
#include "libstip/core/packed.hpp"

namespace stip {

namespace {

/// Digits of the uid in NAME~ID; more where they do not tell apart.
constexpr size_t least_id_digits = 8;

/// Names that an error lists at most.
constexpr size_t most_names_in_error = 10;

/// The next version of the same node.
version after(version v) {
  if (v.logical < UINT32_MAX)
    ++v.logical;
  else if (v.wall_ms < INT64_MAX)
    v = {v.wall_ms + 1, 0, v.node};
  return v;
}

/// Does state `a` win over `b` of the same album? A total order, so that merging is a maximum and
/// the outcome does not depend on the order of merges.
bool wins(const album& a, const album& b) {
  if (a.deleted != b.deleted) return a.deleted;
  if (a.changed != b.changed) return b.changed < a.changed;
  return encode(b) < encode(a);
}

}  // namespace

void album_directory::put(const album& state) {
  const auto known = albums_.find(state.uid);
  if (known != albums_.end() && !known->second.deleted) {
    const auto& old = known->second;
    const auto named = live_.find(old.name);
    named->second.erase({old.created, old.uid});
    if (named->second.empty()) live_.erase(named);
  }
  if (!state.deleted) live_[state.name].emplace(state.created, state.uid);
  albums_.insert_or_assign(state.uid, state);
}

bool album_directory::merge(const album& state) {
  if (!check(state)) return false;
  const auto known = albums_.find(state.uid);
  if (known != albums_.end() && !wins(state, known->second)) return false;
  put(state);
  return true;
}

result<album> album_directory::create(const album_request& request, const version& now) {
  album a;
  // A version is given once in the cluster, so that the uid is unique without a random source.
  a.uid = hash128_of(packed_writer{}.text(request.name).stamp(now).bytes());
  a.name = request.name;
  a.algorithm = request.algorithm;
  a.dht_key_length = request.dht_key_length;
  a.replication = request.replication;
  a.placement = request.placement;
  a.created = a.changed = now;
  STIP_TRY(check(a));
  const auto what = "create album " + a.name;
  if (live_.find(a.name) != live_.end())
    return fail(ec::already_exists, what, "there is an album of that name",
                "choose another name, or delete that album");
  size_t live = 0;
  for (const auto& [name, albums] : live_) live += albums.size();
  if (live >= defaults::max_albums)
    return fail(ec::limit_exceeded, what,
                "there are " + std::to_string(live) + " albums, as many as there can be",
                "delete one");
  if (albums_.find(a.uid) != albums_.end())
    return fail(ec::internal, what, "its version was given before", "try again");
  put(a);
  return a;
}

result<album> album_directory::change(std::string_view name, const version& now,
                                      bool album::*member, bool value) {
  STIP_ASSIGN(auto a, find(name));
  if (a.*member == value) return a;
  a.*member = value;
  // The caller's clock has seen the album, but what is written here must win in any case.
  a.changed = std::max(now, after(albums_.at(a.uid).changed));
  put(a);
  return a;
}

result<album> album_directory::close(std::string_view name, const version& now) {
  return change(name, now, &album::closed, true);
}

result<album> album_directory::open(std::string_view name, const version& now) {
  return change(name, now, &album::closed, false);
}

result<album> album_directory::erase(std::string_view name, const version& now) {
  return change(name, now, &album::deleted, true);
}

result<album> album_directory::find(std::string_view name) const {
  const auto mark = name.find('~');
  if (const auto named = live_.find(name.substr(0, mark)); named != live_.end()) {
    if (mark == std::string_view::npos) return albums_.at(named->second.begin()->second);
    const auto id = name.substr(mark + 1);
    const album* found = nullptr;
    size_t hits = 0;
    for (const auto& [created, uid] : named->second)
      if (id.size() >= least_id_digits && to_string(uid).starts_with(id)) {
        found = &albums_.at(uid);
        ++hits;
      }
    if (hits == 1) return *found;
  }
  std::string names;
  for (const auto& a : list()) {
    if (names.size() > 0) names += ", ";
    if (static_cast<size_t>(std::count(names.begin(), names.end(), ',')) == most_names_in_error) {
      names += "...";
      break;
    }
    names += a.shown;
  }
  return fail(ec::not_found, "find album '" + std::string(name.substr(0, 128)) + "'",
              "no album has that name", names.empty() ? "create it first" : "there are " + names);
}

std::optional<album> album_directory::find(const hash128& uid) const {
  const auto known = albums_.find(uid);
  if (known == albums_.end()) return std::nullopt;
  return known->second;
}

std::string album_directory::shown_name(const album& a) const {
  const auto& same = live_.find(a.name)->second;
  if (same.begin()->second == a.uid) return a.name;
  const auto id = to_string(a.uid);
  size_t digits = least_id_digits;
  for (const auto& [created, uid] : same) {
    if (uid == a.uid) continue;
    const auto other = to_string(uid);
    while (digits < id.size() && std::string_view(other).starts_with(id.substr(0, digits)))
      ++digits;
  }
  return a.name + "~" + id.substr(0, digits);
}

std::vector<listed_album> album_directory::list() const {
  std::vector<listed_album> out;
  for (const auto& [name, same] : live_)
    for (const auto& [created, uid] : same) {
      const auto& a = albums_.at(uid);
      out.push_back({a, shown_name(a)});
    }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.shown < b.shown; });
  return out;
}

std::vector<listed_album> album_directory::conflicts() const {
  auto out = list();
  std::erase_if(out, [](const listed_album& a) { return a.shown == a.album.name; });
  return out;
}

std::vector<album> album_directory::states() const {
  std::vector<album> out;
  out.reserve(albums_.size());
  for (const auto& [uid, a] : albums_) out.push_back(a);
  return out;
}

hash128 album_directory::digest() const {
  hasher digest;
  for (const auto& [uid, a] : albums_) digest.update(encode(a));
  return digest.digest128();
}

}  // namespace stip
