#include "apps/stip/command.hpp"
#include "apps/stip/objects.hpp"
#include "apps/stip/session.hpp"

namespace stip::cli {

namespace {

result<album> wanted_album(const arguments& given) {
  album out;
  out.name = given.words[0];
  STIP_ASSIGN(out.algorithm, parse_geocode_algorithm(given.words[1]));
  const auto longest = max_precision(out.algorithm);
  STIP_ASSIGN(const auto key_length, given.number("key_length", 0, -longest, longest));
  out.dht_key_length = static_cast<int32_t>(key_length);
  STIP_ASSIGN(const auto replication,
              given.number("replication", 1, 1, int64_t{defaults::max_replication}));
  out.replication = static_cast<uint32_t>(replication);
  const auto placement = given.text("replica-placement", "ring");
  if (placement != "ring" && placement != "parent")
    return fail(ec::invalid_argument, "--replica-placement " + placement,
                "there is no such placement", "use ring or parent");
  out.placement = placement == "ring" ? replica_placement::ring : replica_placement::parent;
  STIP_TRY(check(out));
  // The node that is asked knows how many there are.
  if (!given.has("replication")) out.replication = 0;
  return out;
}

result<int> create(context& with, const arguments& given) {
  STIP_ASSIGN(const auto wanted, wanted_album(given));
  STIP_ASSIGN(auto* node, with.connect(access::write));
  STIP_ASSIGN(const auto made, node->create_album(wanted));
  with.out().object(album_object(made), album_columns());
  return done;
}

result<int> list(context& with, const arguments&) {
  STIP_ASSIGN(auto* node, with.connect(access::read));
  STIP_ASSIGN(const auto albums, node->albums());
  listing rows{with.out(), album_columns()};
  for (const auto& a : albums) rows.add(album_object(a));
  rows.finish();
  return done;
}

result<int> show(context& with, const arguments& given) {
  STIP_ASSIGN(auto* node, with.connect(access::read));
  STIP_ASSIGN(const auto status, node->status_of(given.words[0]));
  auto columns = album_columns();
  columns.push_back({"images", "IMAGES", shown_as::number});
  columns.push_back({"chips", "CHIPS", shown_as::number});
  columns.push_back({"bytes", "BYTES", shown_as::bytes});
  columns.push_back({"disk_bytes", "ON DISK", shown_as::bytes});
  columns.push_back({"lost_chips", "LOST CHIPS", shown_as::number});
  columns.push_back({"damaged_chips", "DAMAGED CHIPS", shown_as::number});
  with.out().object(album_object(status), columns);
  return with.report(status.problems);
}

result<int> print_changed(context& with, const result<album>& changed) {
  if (!changed) return fail(changed.error());
  with.out().object(album_object(*changed), album_columns());
  return done;
}

result<int> open(context& with, const arguments& given) {
  STIP_ASSIGN(auto* node, with.connect(access::write));
  return print_changed(with, node->open_album(given.words[0]));
}

result<int> close(context& with, const arguments& given) {
  STIP_ASSIGN(auto* node, with.connect(access::write));
  return print_changed(with, node->close_album(given.words[0]));
}

result<int> remove(context& with, const arguments& given) {
  const auto& name = given.words[0];
  STIP_ASSIGN(const auto agreed, with.agreed(given, "delete album " + name));
  if (!agreed) return failed;
  STIP_ASSIGN(auto* node, with.connect(access::write));
  STIP_ASSIGN(const auto gone, node->remove_album(name));
  if (with.out().is_table())
    with.out().note("album " + gone.name + " is deleted");
  else
    with.out().object({{"id", gone.name}, {"state", "deleted"}}, {{"id", ""}, {"state", ""}});
  return done;
}

const argument id_argument = {"ID", "the album's name"};

}  // namespace

noun album_noun() {
  return {
      "album",
      "collections of images",
      {
          {"create",
           "creates an album",
           {id_argument, {"ALGORITHM", "geohash or quadtile"}},
           {{"key_length", 'd', "KEYLEN",
             "characters of a code that decide its node: the first KEYLEN, all but the last "
             "-KEYLEN, or all (0)"},
            {"replication", '\0', "N", "copies of each chip (2 where there are two nodes or more)"},
            {"replica-placement", '\0', "PLACEMENT", "ring or parent (ring)"}},
           false,
           "stip album create olinda geohash -d 3",
           create},
          {"list", "lists the albums", {}, {}, false, "stip album list", list},
          {"show",
           "shows one album and what it holds",
           {id_argument},
           {},
           false,
           "stip album show olinda",
           show},
          {"open",
           "opens a closed album on all nodes",
           {id_argument},
           {},
           false,
           "stip album open olinda",
           open},
          {"close",
           "closes an album: it takes no memory, still accepts stores, refuses queries",
           {id_argument},
           {},
           false,
           "stip album close olinda",
           close},
          {"delete",
           "deletes an album with all its images",
           {id_argument},
           {{"yes", '\0', "", "do not ask"}},
           false,
           "stip album delete olinda --yes",
           remove},
      },
      "stip album create olinda geohash",
  };
}

}  // namespace stip::cli
