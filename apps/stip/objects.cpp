#include "apps/stip/objects.hpp"

#include "apps/stip/human.hpp"
#include "libstip/core/time.hpp"
#include "libstip/raster/nodata.hpp"

namespace stip::cli {

namespace {

constexpr int64_t ms_per_second = 1000;

json time_or_null(int64_t milliseconds) {
  if (milliseconds == 0) return nullptr;
  return to_iso8601(milliseconds / ms_per_second);
}

json seconds_or_null(int64_t milliseconds) {
  if (milliseconds < 0) return nullptr;
  return double(milliseconds) / ms_per_second;
}

json node_or_null(uint64_t id) {
  if (id == 0) return nullptr;
  return node_name(id);
}

json object_of(const std::map<std::string, std::string>& properties) {
  json out = json::object();
  for (const auto& [name, value] : properties) out[name] = value;
  return out;
}

json subdataset_object(const subdataset_row& part) {
  return {
      {"id", part.id},       {"bands", part.bands},   {"dtype", std::string{to_string(part.type)}},
      {"width", part.width}, {"height", part.height}, {"pixel_coverage", part.pixel_coverage},
      {"bytes", part.bytes}};
}

json scene_part_object(const subdataset_description& part) {
  json bands = json::array(), details = json::array();
  for (const auto& band : part.bands) {
    bands.push_back(band.name);
    details.push_back(
        {{"name", band.name},
         {"scale", band.scale},
         {"offset", band.offset},
         {"unit", band.unit},
         {"nodata", band.nodata ? json(nodata_text(part.type, *band.nodata)) : json{}},
         {"properties", object_of(band.properties)}});
  }
  return {{"id", part.id},
          {"bands", std::move(bands)},
          {"band_details", std::move(details)},
          {"dtype", std::string{to_string(part.type)}},
          {"width", part.grid.width},
          {"height", part.grid.height},
          {"quality", part.quality},
          {"transform", part.grid.transform},
          {"crs", part.grid.crs_wkt}};
}

}  // namespace

int64_t now_ms() {
  return system_clock().wall_ms();
}

json node_object(const node_status& node) {
  const auto& info = node.node.info;
  json out = {{"id", node_name(info.id)},
              {"address", info.address()},
              {"state", std::string{to_string(node.node.state)}},
              {"share", node.share},
              {"images", node.images},
              {"bytes", node.bytes},
              {"load", node.load},
              {"version", info.software},
              {"incarnation", info.incarnation},
              {"image_share", node.image_share < 0 ? json{} : json(node.image_share)},
              {"down_seconds", seconds_or_null(node.down_ms)},
              {"removed_in_seconds", seconds_or_null(node.removed_in_ms)}};
  // What a node that is away holds is not known.
  if (node.node.state == member_state::down)
    for (const auto* member : {"images", "bytes", "load"}) out[member] = nullptr;
  return out;
}

json album_object(const album& a) {
  return {{"id", a.name},
          {"algorithm", std::string{to_string(a.algorithm)}},
          {"key_length", a.dht_key_length},
          {"replication", a.replication},
          {"replica_placement", a.placement == replica_placement::ring ? "ring" : "parent"},
          {"state", a.closed ? "closed" : "open"},
          {"uid", to_string(a.uid)}};
}

json album_object(const album_status& status) {
  auto out = album_object(status.definition);
  out["images"] = status.total.images;
  out["chips"] = status.total.chips;
  out["bytes"] = status.total.live_bytes;
  out["disk_bytes"] = status.total.disk_bytes;
  out["lost_chips"] = status.total.lost_chips;
  out["damaged_chips"] = status.total.damaged_chips;
  return out;
}

json task_object(const task_record& task, int64_t now) {
  json errors = json::array();
  for (const auto& err : task.errors)
    errors.push_back(
        {{"input", err.input}, {"node", node_or_null(err.node)}, {"reason", err.reason}});
  json parts = json::array();
  for (const auto& share : task.shares)
    parts.push_back({{"node", node_or_null(share.node)},
                     {"origin", node_or_null(share.origin)},
                     {"state", std::string{to_string(share.state)}},
                     {"completed", share.completed},
                     {"skipped", share.skipped},
                     {"total", share.total}});
  json left = nullptr;
  if (const auto ms = time_left_ms(task, now)) left = double(*ms) / ms_per_second;
  return {{"id", task.id},
          {"kind", task.kind},
          {"album", task.album},
          {"state", std::string{to_string(task.state)}},
          {"completed", task.completed},
          {"skipped", task.skipped},
          {"total", task.total},
          {"started", time_or_null(task.started_ms)},
          {"ended", time_or_null(task.ended_ms)},
          {"errors", std::move(errors)},
          {"errors_left_out", task.dropped_errors},
          {"bytes", task.bytes},
          {"bytes_per_second", bytes_per_second(task, now)},
          {"seconds_left", std::move(left)},
          {"parts", std::move(parts)}};
}

json image_object(const std::string& album, const image_row& image) {
  json parts = json::array();
  uint64_t bytes = 0;
  for (const auto& part : image.subdatasets) {
    parts.push_back(subdataset_object(part));
    bytes += part.bytes;
  }
  json cloud = nullptr;
  if (image.cloud_coverage) cloud = *image.cloud_coverage;
  return {{"album", album},
          {"key", to_string(image.key)},
          {"platform", image.key.platform},
          {"geocode", image.key.geocode},
          {"source", image.key.source},
          {"tile", image.key.tile},
          {"timestamp", to_iso8601(image.key.timestamp)},
          {"cloud_coverage", std::move(cloud)},
          {"pixel_coverage", image.pixel_coverage},
          {"properties", object_of(image.properties)},
          {"subdatasets", std::move(parts)},
          {"nodes", image.nodes},
          {"bytes", bytes}};
}

json extent_object(const extent_row& extent) {
  return {{"geocode", extent.geocode},
          {"count", extent.count},
          {"platform", extent.platform},
          {"precision", extent.precision},
          {"source", extent.source}};
}

json placement_object(const placement& place) {
  json nodes = json::array();
  for (const auto& node : place.nodes)
    nodes.push_back({{"role", nodes.empty() ? "owner" : "replica"},
                     {"id", node_name(node.info.id)},
                     {"address", node.info.address()},
                     {"state", std::string{to_string(node.state)}}});
  // A token has more bits than JSON's numbers are sure to keep.
  return {{"geocode", place.geocode},
          {"dht_key", place.dht_key},
          {"token", std::to_string(place.token)},
          {"nodes", std::move(nodes)}};
}

json scene_object(const scene_description& scene) {
  json parts = json::array();
  for (const auto& part : scene.subdatasets) parts.push_back(scene_part_object(part));
  json start = nullptr, end = nullptr;
  if (scene.start) start = to_iso8601(*scene.start);
  if (scene.end) end = to_iso8601(*scene.end);
  return {{"format", scene.format},
          {"platform", scene.platform},
          {"tile", scene.tile},
          {"timestamp", to_iso8601(scene.timestamp)},
          {"start", std::move(start)},
          {"end", std::move(end)},
          {"input", scene.input},
          {"input_bytes", scene.input_bytes},
          {"input_checksum", to_string(scene.input_checksum)},
          {"footprint", scene.footprint},
          {"properties", object_of(scene.properties)},
          {"subdatasets", std::move(parts)}};
}

json clouds_object(const stored_image& image) {
  const auto* mask = image.mask();
  if (mask == nullptr) return nullptr;
  json out = object_of(image.mask_scene->properties);
  if (const auto& s = mask->clouds->shares)
    out.update({{"cloud", s->cloud},
                {"shadow", s->shadow},
                {"cirrus", s->cirrus},
                {"dilated", s->dilated},
                {"snow", s->snow}});
  return out;
}

const std::vector<column>& node_columns() {
  static const std::vector<column> columns = {
      {"id", "ID"},
      {"address", "ADDRESS"},
      {"state", "STATE"},
      {"share", "SHARE", shown_as::share},
      {"images", "IMAGES", shown_as::number},
      {"bytes", "BYTES", shown_as::bytes},
      {"load", "LOAD", shown_as::number},
      {"version", "VERSION"},
      {"image_share", "IMAGE SHARE", shown_as::share},
      {"down_seconds", "", shown_as::seconds},
      {"removed_in_seconds", "", shown_as::seconds},
  };
  return columns;
}

const std::vector<column>& album_columns() {
  static const std::vector<column> columns = {
      {"id", "ALBUM"},
      {"algorithm", "ALGORITHM"},
      {"key_length", "KEYLEN", shown_as::number},
      {"replication", "REPLICATION", shown_as::number},
      {"replica_placement", "PLACEMENT"},
      {"state", "STATE"},
      {"uid", ""},
  };
  return columns;
}

const std::vector<column>& task_columns() {
  static const std::vector<column> columns = {
      {"id", "ID"},
      {"kind", "KIND"},
      {"album", "ALBUM"},
      {"state", "STATE"},
      {"completed", "DONE", shown_as::number},
      {"skipped", "SKIPPED", shown_as::number},
      {"total", "TOTAL", shown_as::number},
      {"bytes_per_second", "BYTES/S", shown_as::bytes},
      {"seconds_left", "LEFT", shown_as::seconds},
      {"started", "STARTED"},
      {"ended", "ENDED"},
      {"bytes", ""},
  };
  return columns;
}

const std::vector<column>& image_columns() {
  // The key says platform, geocode, source, tile and time.
  static const std::vector<column> columns = {
      {"key", "KEY"},
      {"pixel_coverage", "PIXELS", shown_as::share},
      {"cloud_coverage", "CLOUD", shown_as::share},
      {"subdatasets", "SUBDATASETS", shown_as::ids},
      {"bytes", "BYTES", shown_as::bytes},
      {"nodes", "NODES", shown_as::ids},
      {"album", ""},
      {"platform", ""},
      {"geocode", ""},
      {"source", ""},
      {"tile", ""},
      {"timestamp", ""},
  };
  return columns;
}

const std::vector<column>& extent_columns() {
  static const std::vector<column> columns = {
      {"geocode", "GEOCODE"},   {"count", "COUNT", shown_as::number},
      {"platform", "PLATFORM"}, {"precision", "PRECISION", shown_as::number},
      {"source", "SOURCE"},
  };
  return columns;
}

}  // namespace stip::cli
