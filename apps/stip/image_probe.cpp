#include <algorithm>
#include <set>

#include "apps/stip/image.hpp"
#include "apps/stip/objects.hpp"
#include "apps/stip/session.hpp"
#include "libstip/core/defaults.hpp"
#include "libstip/format/format.hpp"
#include "libstip/format/inputs.hpp"
#include "libstip/format/probe.hpp"
#include "libstip/format/reader_pool.hpp"
#include "libstip/raster/cut.hpp"

namespace stip::cli {

namespace {

struct probe_request {
  std::string format;
  scene_options options;
  /// 0: the cut is not planned.
  int precision = 0;
  geocode_algorithm algorithm = geocode_algorithm::geohash;
};

result<probe_request> wanted_probe(const arguments& given) {
  probe_request out;
  out.format = given.text("input-format", "auto");
  if (out.format != "auto") {
    if (auto known = find_format(out.format); !known) {
      auto err = std::move(known).error();
      err.code = ec::invalid_argument;
      return fail(std::move(err));
    }
  }
  STIP_ASSIGN(out.algorithm, parse_geocode_algorithm(given.text("algorithm", "geohash")));
  if (given.has("precision")) {
    STIP_ASSIGN(const auto precision,
                given.number("precision", 0, 1, max_precision(out.algorithm)));
    out.precision = static_cast<int>(precision);
  }
  if (given.has("platform")) out.options.platform = given.text("platform");
  if (given.has("tile")) out.options.tile = given.text("tile");
  if (given.has("subdataset")) out.options.subdataset = given.text("subdataset");
  if (given.has("timestamp")) {
    STIP_ASSIGN(out.options.timestamp, parse_time(given.text("timestamp")));
  }
  return out;
}

/// The cells and the bytes that storing would make of a scene: at most, since cells without data
/// are not stored and blocks are compressed.
result<void> add_plan(const scene& source, const probe_request& request, json& object) {
  const auto& description = source.description();
  std::vector<source_tiling> tilings;
  for (size_t i = 0; i < description.subdatasets.size(); ++i) tilings.push_back(source.tiling(i));
  cut_options options;
  options.algorithm = request.algorithm;
  options.precision = request.precision;
  STIP_ASSIGN(const auto plan, plan_cut(description, tilings, options));
  std::set<std::string> cells;
  uint64_t bytes = 0;
  for (const auto& chip : plan->chips()) {
    const auto& part = description.subdatasets[chip.subdataset];
    cells.insert(chip.geocode);
    bytes += uint64_t{chip.width} * chip.height * part.bands.size() * size_of(part.type);
  }
  object["algorithm"] = std::string{to_string(request.algorithm)};
  object["precision"] = request.precision;
  object["cells"] = cells.size();
  object["chips"] = plan->chips().size();
  object["estimated_bytes"] = bytes;
  return {};
}

/// The scene as `image show` has it, and how its pixels tell that they hold no data.
json probe_object(const scene_description& description) {
  auto object = scene_object(description);
  const auto report = probe(description);
  for (size_t i = 0; i < report.subdatasets.size(); ++i) {
    const auto& part = report.subdatasets[i];
    json nodata = json::array();
    for (const auto& band : part.bands)
      nodata.push_back(band.nodata.empty() ? json{} : json(band.nodata));
    auto& out = object["subdatasets"][i];
    out["validity"] = part.validity;
    out["nodata"] = std::move(nodata);
    out["raw_bytes"] = part.raw_bytes;
  }
  return object;
}

/// One object for each scene of a file.
result<std::vector<json>> probe_file(const std::string& file, const probe_request& request,
                                     reader_pool& readers) {
  STIP_ASSIGN(const auto input, input_name(file));
  STIP_ASSIGN(const auto scenes, open_scenes(request.format, input, request.options, readers));
  std::vector<json> out;
  for (const auto& source : scenes) {
    auto object = probe_object(source->description());
    if (request.precision > 0) STIP_TRY(add_plan(*source, request, object));
    out.push_back(std::move(object));
  }
  return out;
}

std::vector<column> probe_columns(const probe_request& request) {
  std::vector<column> columns = {
      {"input", "INPUT"}, {"format", "FORMAT"},       {"platform", "PLATFORM"},
      {"tile", "TILE"},   {"timestamp", "TIMESTAMP"}, {"subdatasets", "SUBDATASETS", shown_as::ids},
  };
  if (request.precision > 0) {
    columns.push_back({"cells", "CELLS", shown_as::number});
    columns.push_back({"chips", "CHIPS", shown_as::number});
    columns.push_back({"estimated_bytes", "AT MOST", shown_as::bytes});
  }
  return columns;
}

result<int> run_probe(context& with, const arguments& given) {
  STIP_ASSIGN(const auto request, wanted_probe(given));
  size_t opened = 0;
  listing rows{with.out(), probe_columns(request)};
  std::vector<error> failures;
  reader_pool readers;
  for (const auto& file : given.words) {
    auto found = probe_file(file, request, readers);
    if (!found) {
      failures.push_back(std::move(found).error());
      continue;
    }
    ++opened;
    for (const auto& object : *found) rows.add(object);
  }
  rows.finish();
  for (const auto& err : failures) with.out().complain(err);
  return opened > 0 ? done : failed;
}

}  // namespace

verb image_probe_verb() {
  verb v;
  v.name = "probe";
  v.summary = "shows what files would become, without storing; needs no node";
  v.takes = {{"FILE", "files of this machine", argument::times::at_least_once}};
  v.options = {{"precision", 'l', "PRECISION", "plan the cut too: cells, chips and bytes at most"},
               {"algorithm", '\0', "ALGORITHM", "geohash or quadtile (geohash)"},
               {"input-format", '\0', "FORMAT", "a format's name (auto)"}};
  for (const auto& o : scene_option_table()) v.options.push_back(o);
  v.example = "stip image probe /data/L7_ETMs.tif -l 5 --platform Landsat7 --timestamp 2000-01-01";
  v.run = run_probe;
  return v;
}

}  // namespace stip::cli
