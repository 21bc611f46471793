#include "actors/context.hpp"

#include "libstip/cluster/upload_spool.hpp"
#include "libstip/core/defaults.hpp"

namespace stip {

node_settings default_settings() {
  node_settings s;
  s.input_roots = {"/", "/vsizip/", "/vsitar/", "/vsigzip/"};
  s.token_count = defaults::tokens_per_node;
  s.memory_limit = defaults::memory_limit;
  s.loader_threads = defaults::loader_threads;
  s.reader_threads = defaults::reader_threads;
  s.free_bytes_watermark = defaults::free_bytes_watermark;
  s.maintenance_rate = defaults::maintenance_rate;
  s.parcel_patience = defaults::parcel_patience;
  s.down_after = defaults::down_after;
  s.upload_space = defaults::upload_space;
  s.upload_patience = defaults::upload_patience;
  s.task_grace = defaults::task_takeover_grace;
  return s;
}

namespace {

/// Where a directory says that it is new: as a value that is there.
constexpr auto catch_up_values = "catch-up";
constexpr auto fresh_value = "fresh";

}  // namespace

result<bool> look_whether_fresh(data_directory& directory) {
  if (directory.mode() == open_mode::read_only) return false;
  if (directory.incarnation() == 1) {
    STIP_TRY(directory.save_value(catch_up_values, fresh_value, "1"));
    return true;
  }
  STIP_ASSIGN(const auto values, directory.values(catch_up_values));
  return !values.empty();
}

result<void> note_caught_up(data_directory& directory) {
  if (directory.mode() == open_mode::read_only) return {};
  return directory.erase_value(catch_up_values, fresh_value);
}

is_reachable reachable_in(const cluster_view_ptr& view) {
  return [view](uint64_t node) {
    const auto* p = view->find(node);
    return p != nullptr && p->reachable;
  };
}

std::string why_away(const peer* p) {
  if (p == nullptr) return "it is no member";
  // A link is given up at the first probe that is missed, a node only after several.
  if (p->member.state == member_state::up) return "it does not answer";
  return "it is " + std::string{to_string(p->member.state)};
}

result<void> check_ring(const cluster_view& view) {
  if (view.missing.empty() && !view.ring.nodes().empty()) return {};
  std::string addresses;
  for (const auto& address : view.missing) addresses += (addresses.empty() ? "" : ", ") + address;
  return fail(ec::unavailable, "place chips",
              addresses.empty() ? "the node has just started"
                                : "these nodes have never answered: " + addresses,
              "start them, or take them out of `peers` in the configuration");
}

}  // namespace stip
