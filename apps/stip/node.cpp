#include "apps/stip/command.hpp"
#include "apps/stip/follow.hpp"
#include "apps/stip/objects.hpp"
#include "apps/stip/session.hpp"

namespace stip::cli {

namespace {

/// Hexadecimal digits of a node's id.
constexpr size_t id_digits = 16;

result<int> list(context& with, const arguments&) {
  STIP_ASSIGN(auto* node, with.connect(access::read));
  STIP_ASSIGN(const auto nodes, node->nodes());
  listing rows{with.out(), node_columns()};
  for (const auto& n : nodes) rows.add(node_object(n));
  rows.finish();
  return done;
}

/// The first digits of an id; what can be wrong with them is told before a node is asked.
result<std::string> read_id(const arguments& given) {
  const auto& id = given.words[0];
  if (id.empty() || id.size() > id_digits ||
      id.find_first_not_of("0123456789abcdef") != std::string::npos)
    return fail(ec::invalid_argument, "find node '" + id + "'", "it is no node id",
                "give its first hexadecimal digits, as `stip node list` shows them");
  return id;
}

/// The node of that id or of the one id that begins so.
result<node_status> find_node(const client& node, const std::string& id) {
  const auto what = "find node " + id;
  STIP_ASSIGN(const auto nodes, node.nodes());
  std::vector<node_status> found;
  for (const auto& n : nodes)
    if (node_name(n.node.info.id).starts_with(id)) found.push_back(n);
  if (found.empty())
    return fail(ec::not_found, what, "no node has this id", "see `stip node list`");
  if (found.size() > 1)
    return fail(ec::invalid_argument, what,
                std::to_string(found.size()) + " nodes have ids that begin so", "give more digits");
  return found.front();
}

result<int> show(context& with, const arguments& given) {
  STIP_ASSIGN(const auto wanted, read_id(given));
  STIP_ASSIGN(auto* node, with.connect(access::read));
  STIP_ASSIGN(const auto found, find_node(*node, wanted));
  with.out().object(node_object(found), node_columns());
  return done;
}

result<int> locate(context& with, const arguments& given) {
  const auto& geocode = given.words[0];
  if (!check_geocode(geocode_algorithm::geohash, geocode) &&
      !check_geocode(geocode_algorithm::quadtile, geocode))
    return fail(ec::invalid_argument, "locate '" + geocode + "'",
                "it is neither a geohash nor a quadtile", "give a geocode, e.g. 7nkh2");
  STIP_ASSIGN(auto* node, with.connect(access::read));
  // Without an album the code is not cut, and its owner alone is told.
  album target;
  if (given.has("album")) {
    STIP_ASSIGN(target, node->get_album(given.text("album")));
    STIP_TRY(check_geocode(target.algorithm, geocode));
  }
  STIP_ASSIGN(const auto place, node->locate(geocode, target));
  const auto answer = placement_object(place);
  if (with.out().format() == output_format::json) {
    with.out().object(answer, {});
    return done;
  }
  listing rows{with.out(),
               {{"role", "ROLE"}, {"id", "NODE"}, {"address", "ADDRESS"}, {"state", "STATE"}}};
  for (const auto& n : answer["nodes"]) rows.add(n);
  rows.finish();
  return done;
}

result<int> stop(context& with, const arguments& given) {
  STIP_ASSIGN(const auto wanted, read_id(given));
  STIP_ASSIGN(auto* node, with.connect(access::write));
  STIP_ASSIGN(const auto found, find_node(*node, wanted));
  STIP_TRY(node->stop_node(found.node.info.id));
  const auto id = node_name(found.node.info.id);
  if (with.out().is_table())
    with.out().note("node " + id + " stops");
  else
    with.out().object({{"id", id}, {"state", "leaving"}}, {{"id", ""}, {"state", ""}});
  return done;
}

/// What fewer nodes mean for the copies that albums ask for.
void tell_of_copies(context& with, const client& node, const node_status& drained) {
  const auto nodes = node.nodes();
  const auto albums = node.albums();
  if (!nodes || !albums) return;
  uint32_t left = 0;
  for (const auto& n : *nodes)
    left += n.node.info.id != drained.node.info.id && !n.node.info.tokens.empty();
  for (const auto& a : *albums)
    if (a.replication > left)
      with.out().note("album " + a.name + " asks for " + std::to_string(a.replication) +
                      " copies; " + std::to_string(left) + (left == 1 ? " is" : " are") +
                      " left then");
}

result<int> drain(context& with, const arguments& given) {
  STIP_ASSIGN(const auto wanted, read_id(given));
  STIP_ASSIGN(auto* node, with.connect(access::write));
  STIP_ASSIGN(const auto found, find_node(*node, wanted));
  STIP_ASSIGN(auto task, node->drain_node(found.node.info.id));
  announce(with, task);
  tell_of_copies(with, *node, found);
  if (given.has("detach")) {
    if (!with.out().is_table()) with.out().object(task_object(task, now_ms()), task_columns());
    return done;
  }
  return follow(with, *node, std::move(task));
}

result<int> repair(context& with, const arguments& given) {
  uint64_t id = 0;
  STIP_ASSIGN(auto* node, with.connect(access::write));
  if (!given.words.empty()) {
    STIP_ASSIGN(const auto wanted, read_id(given));
    STIP_ASSIGN(const auto found, find_node(*node, wanted));
    id = found.node.info.id;
  }
  STIP_ASSIGN(const auto outcome, node->repair(id));
  with.out().object({{"facts", outcome.facts},
                     {"bytes", outcome.bytes},
                     {"forgotten", outcome.forgotten},
                     {"kept", outcome.kept}},
                    {{"facts", "COPIED", shown_as::number},
                     {"bytes", "BYTES", shown_as::bytes},
                     {"forgotten", "MOVED AWAY", shown_as::number},
                     {"kept", "STILL TO MOVE", shown_as::number}});
  return with.report(outcome.problems);
}

const argument id_argument = {"ID", "a node's id, or its first digits where they are unique"};

}  // namespace

noun node_noun() {
  return {
      "node",
      "the nodes of the cluster",
      {
          {"list",
           "lists the nodes: state, share of the ring, what they hold, load",
           {},
           {},
           false,
           "stip node list",
           list},
          {"show", "shows one node", {id_argument}, {}, false, "stip node show 5f0c", show},
          {"locate",
           "shows the owner of a geocode and its replicas",
           {{"GEOCODE", "a geohash or quadtile; without an album it is not cut"}},
           {{"album", '\0', "ALBUM", "cut the code and count replicas as this album does"}},
           false,
           "stip node locate 7nkh2 --album olinda",
           locate},
          {"stop", "stops a node cleanly", {id_argument}, {}, false, "stip node stop 5f0c", stop},
          {"drain",
           "hands everything over, then leaves",
           {id_argument},
           {{"detach", '\0', "", "return as soon as the task has begun"}},
           false,
           "stip node drain 5f0c",
           drain},
          {"repair",
           "compares replicas and moves what differs",
           {{"ID", "a node's id; without it, all nodes", argument::times::at_most_once}},
           {},
           false,
           "stip node repair",
           repair},
      },
      "stip node list",
  };
}

}  // namespace stip::cli
