#include <unistd.h>

#include <iostream>

#include "apps/stip/human.hpp"
#include "apps/stip/image.hpp"
#include "apps/stip/image_picture.hpp"
#include "apps/stip/mosaic_images.hpp"
#include "apps/stip/objects.hpp"
#include "apps/stip/session.hpp"
#include "apps/stip/terminal.hpp"
#include "libstip/analysis/mosaic.hpp"
#include "libstip/core/defaults.hpp"

namespace stip::cli {

namespace {

constexpr auto erase_line = "\r\033[K";

/// Scenes that were left out, of which the reason is told.
constexpr size_t max_told_refusals = 20;

/// The area that --corners or --bbox means; the filter loses its box.
result<lon_lat_box> area_of(const arguments& given, filter& match) {
  const auto refuse = [](std::string why) {
    return fail(ec::invalid_argument, "image mosaic", std::move(why),
                "give --corners LON,LAT LON,LAT or --bbox W,S,E,N");
  };
  if (given.has("corners") == match.bbox.has_value())
    return refuse(match.bbox ? "--corners and --bbox are given" : "the area is missing");
  if (match.bbox) {
    const auto box = *match.bbox;
    match.bbox.reset();
    return box;
  }
  const auto text = given.text("corners");
  const auto blank = text.find(' ');
  if (blank == std::string::npos) return refuse("--corners has one corner only");
  STIP_ASSIGN(const auto first, numbers_of("corners", text.substr(0, blank)));
  STIP_ASSIGN(const auto second, numbers_of("corners", text.substr(blank + 1)));
  if (first.size() != 2 || second.size() != 2)
    return refuse("a corner of --corners is not a longitude and a latitude");
  return lon_lat_box{first[0], std::min(first[1], second[1]), second[0],
                     std::max(first[1], second[1])};
}

result<mosaic_request> request_of(const arguments& given, filter& match) {
  mosaic_request out;
  STIP_ASSIGN(out.area, area_of(given, match));
  out.bands = names_of(given.text("bands"));
  if (given.has("expression")) {
    STIP_ASSIGN(out.expression, define_index(given.text("expression")));
  }
  STIP_ASSIGN(out.pick, parse_mosaic_pick(given.text("pick", "first")));
  out.crs = given.text("crs");
  if (given.has("res")) {
    STIP_ASSIGN(const auto res, numbers_of("res", given.text("res")));
    if (res.size() != 1 || !(res[0] > 0))
      return fail(ec::invalid_argument, "--res " + given.text("res"),
                  "it is not one number above 0");
    out.resolution = res[0];
  }
  if (given.has("resampling")) {
    STIP_ASSIGN(out.kernel, parse_resampling(given.text("resampling")));
  }
  STIP_ASSIGN(out.blend, given.number("blend", 0, 0, max_mosaic_blend));
  STIP_TRY(check(out));
  return out;
}

/// How a PNG is painted. `percentile LOW,HIGH` or `MIN,MAX`.
result<picture_style> style_of(const arguments& given) {
  picture_style out;
  out.colours = given.text("colors");
  if (given.has("colors")) STIP_TRY(colour_map_named(out.colours));
  if (given.has("stretch")) {
    constexpr std::string_view percentile = "percentile ";
    auto text = given.text("stretch");
    const bool shares = text.starts_with(percentile);
    if (shares) text.erase(0, percentile.size());
    STIP_ASSIGN(const auto two, numbers_of("stretch", text));
    if (two.size() != 2)
      return fail(ec::invalid_argument, "--stretch " + given.text("stretch"),
                  "it is not two numbers", "give `percentile LOW,HIGH` or MIN,MAX");
    if (shares) {
      out.stretch.low_share = two[0] / 100;
      out.stretch.high_share = two[1] / 100;
    } else {
      out.stretch.range = {two[0], two[1]};
    }
  }
  STIP_TRY(check(out.stretch));
  return out;
}

/// What the picture takes, for people, before it is begun.
std::string estimate_of(const mosaic_plan& plan) {
  const auto& p = plan.picture;
  const auto raw = plan.pixels() * p.bands.size() * size_of(p.type);
  return "picture of " + std::to_string(p.grid.width) + " x " + std::to_string(p.grid.height) +
         " pixels, " + std::to_string(p.bands.size()) + (p.bands.size() == 1 ? " band" : " bands") +
         " of " + std::string{to_string(p.type)} + " (" + human_bytes(raw) +
         " before compression); reads " + human_bytes(plan.bytes) + " of " +
         std::to_string(plan.images) + (plan.images == 1 ? " image of " : " images of ") +
         std::to_string(plan.scenes.size()) + (plan.scenes.size() == 1 ? " scene" : " scenes");
}

json picture_object(const std::string& album, const std::string& path, const mosaic_plan& plan,
                    uint64_t bytes) {
  const auto& p = plan.picture;
  json bands = json::array();
  for (const auto& band : p.bands) bands.push_back(band.name);
  return {{"album", album},
          {"file", path},
          {"width", p.grid.width},
          {"height", p.grid.height},
          {"bands", bands},
          {"dtype", std::string{to_string(p.type)}},
          {"pick", std::string{to_string(plan.pick)}},
          {"images", plan.images},
          {"scenes", plan.scenes.size()},
          {"skipped", plan.refused.size()},
          {"bytes", bytes}};
}

/// Shows how far the picture is, where somebody looks.
class picture_progress {
 public:
  explicit picture_progress(const context& with, bool quiet)
      : shown_(::isatty(STDERR_FILENO) != 0 && !quiet) {
    (void)with;
    task_.kind = "mosaic";
    task_.started_ms = now_ms();
  }
  ~picture_progress() {
    if (shown_) std::cerr << erase_line << std::flush;
  }
  void tell(uint64_t done, uint64_t total, uint64_t bytes) {
    const auto now = now_ms();
    if (!shown_ || now - told_ms_ < defaults::progress_interval.count()) return;
    told_ms_ = now;
    task_.completed = done;
    task_.total = total;
    task_.bytes = bytes;
    const auto columns = size_of_terminal().columns - 1;
    std::cerr << erase_line << cut_to_width(progress_line(task_, now, columns), columns)
              << std::flush;
  }

 private:
  bool shown_;
  task_record task_;
  int64_t told_ms_ = 0;
};

result<int> mosaic(context& with, const arguments& given) {
  STIP_ASSIGN(auto match, given.filter());
  STIP_ASSIGN(auto request, request_of(given, match));
  STIP_ASSIGN(const auto limit, given.number("limit-pixels", default_mosaic_pixels, 1,
                                             std::numeric_limits<int64_t>::max()));
  if (!given.has("to"))
    return fail(ec::invalid_argument, "image mosaic", "--to FILE is missing",
                "say where to write, e.g. --to mosaic.tif");
  const auto& album = given.words[0];
  const auto path = given.text("to");
  const bool png = path.ends_with(".png");
  if (!png && !path.ends_with(".tif") && !path.ends_with(".tiff"))
    return fail(ec::invalid_argument, "--to " + path, "it is neither a .tif nor a .png",
                "choose the form by the file's ending");
  STIP_ASSIGN(const auto style, style_of(given));
  if (!png && (given.has("stretch") || given.has("colors")))
    return fail(ec::invalid_argument, "--to " + path, "a GeoTIFF keeps its numbers",
                "leave out --stretch and --colors, or write a .png");
  request.natural_colours = png && !request.expression;
  STIP_ASSIGN(auto* node, with.connect(access::read));
  interrupt_watch watch{interrupt_watch::second::ends};
  STIP_ASSIGN(const auto planned,
              plan_mosaic(*node, album, match, request, static_cast<double>(limit)));
  const auto& plan = planned.plan;
  for (size_t i = 0; i < std::min(plan.refused.size(), max_told_refusals); ++i)
    with.out().complain("skipped " + plan.refused[i].key.tile + " of " +
                        to_iso8601(plan.refused[i].key.timestamp) + ": " + plan.refused[i].why.why);
  if (plan.refused.size() > max_told_refusals)
    with.out().complain(std::to_string(plan.refused.size() - max_told_refusals) +
                        " more scenes are skipped");
  if (!with.out().quiet()) std::cerr << estimate_of(plan) << std::endl;
  client_blocks blocks{*node, album};
  result<mosaic_outcome> painted;
  {
    picture_progress progress{with, with.out().quiet()};
    mosaic_options options;
    options.stopped = [&] { return watch.interrupted(); };
    options.progress = [&](uint64_t done, uint64_t total, uint64_t bytes) {
      progress.tell(done, total, bytes);
    };
    painted = png ? paint_mosaic_png(plan, blocks, path, style, options)
                  : paint_mosaic(plan, blocks, path, options);
  }
  STIP_TRY(painted);
  if (painted->painted_parts == 0) with.out().complain("no pixel of the picture holds data");
  if (with.out().is_table())
    with.out().note("the picture is " + path + ", " + human_bytes(painted->written_bytes));
  else
    with.out().object(picture_object(album, path, plan, painted->written_bytes), {{"album", ""},
                                                                                  {"file", ""},
                                                                                  {"width", ""},
                                                                                  {"height", ""},
                                                                                  {"bands", ""},
                                                                                  {"dtype", ""},
                                                                                  {"pick", ""},
                                                                                  {"images", ""},
                                                                                  {"scenes", ""},
                                                                                  {"skipped", ""},
                                                                                  {"bytes", ""}});
  return with.report(planned.problems);
}

}  // namespace

verb image_mosaic_verb() {
  verb v;
  v.name = "mosaic";
  v.summary = "paints one picture of an area out of all images that match";
  v.takes = {{"ALBUM", "the album's name"}};
  v.options = {
      {"corners", '\0', "LON,LAT LON,LAT",
       "two corners, the western one first; W > E crosses the antimeridian (or --bbox)"},
      {"to", '\0', "FILE", "a .tif (cloud optimized GeoTIFF) or a .png"},
      {"bands", '\0', "NAME,...", "bands by name or role (those of the first subdataset)"},
      {"expression", '\0', "E",
       "an index or band arithmetic instead of bands: ndvi, '(B08-B04)/2'"},
      {"pick", '\0', "RULE", "first, latest, least-cloud, median or mean (first)"},
      {"crs", '\0', "CRS", "of the picture (that of the images if they have one, else EPSG:4326)"},
      {"res", '\0', "R", "units of the CRS that a pixel spans (the finest of the bands)"},
      {"resampling", '\0', "KERNEL",
       "nearest, bilinear, cubic or average (bilinear; classes: nearest)"},
      {"blend", '\0', "N", "pixels over which images of different dates pass into each other"},
      {"stretch", '\0', "percentile LOW,HIGH|MIN,MAX",
       "of a PNG: the values in black and in full brightness (percentile 2,98)"},
      {"colors", '\0', "MAP", "of a PNG of one band: gray, viridis, magma, inferno, ndvi or water"},
      {"limit-pixels", '\0', "N", "pixels of the picture at most (4000000000)"}};
  v.filtered = true;
  v.example = "stip image mosaic olinda --corners -34.9,-8.1 -34.8,-7.9 --to olinda.tif";
  v.run = mosaic;
  return v;
}

}  // namespace stip::cli
