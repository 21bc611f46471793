#include <fstream>
#include <limits>

#include "apps/stip/image.hpp"
#include "apps/stip/objects.hpp"
#include "apps/stip/session.hpp"
#include "libstip/analysis/extent_map.hpp"
#include "libstip/core/defaults.hpp"
#include "libstip/raster/new_file.hpp"

namespace stip::cli {

namespace {

/// The request of a filter, with its first page.
result<find_request> wanted_images(const arguments& given) {
  find_request out;
  out.album = given.words[0];
  STIP_ASSIGN(out.match, given.filter());
  STIP_ASSIGN(out.order, given.order());
  return out;
}

/// The facts that --after stands for. Orders by a coverage need more than the key says.
result<image_facts> facts_of(const client& node, const find_request& request,
                             const std::string& text) {
  image_facts facts;
  STIP_ASSIGN(facts.key, parse_image_key(text));
  const bool by_coverage =
      request.order == sort_field::pixel_coverage || request.order == sort_field::cloud_coverage;
  if (!by_coverage) return facts;
  STIP_ASSIGN(const auto row, node.find_one(request.album, facts.key));
  return row.facts();
}

result<int> list(context& with, const arguments& given) {
  STIP_ASSIGN(auto request, wanted_images(given));
  STIP_ASSIGN(const auto wanted, given.number("limit", std::numeric_limits<int64_t>::max(), 1,
                                              std::numeric_limits<int64_t>::max()));
  if (given.has("after")) STIP_TRY(parse_image_key(given.text("after")));
  STIP_ASSIGN(auto* node, with.connect(access::read));
  if (given.has("after")) {
    STIP_ASSIGN(request.after, facts_of(*node, request, given.text("after")));
    request.has_after = true;
  }
  std::vector<std::string> problems;
  std::optional<listing> rows;
  auto left = static_cast<uint64_t>(wanted);
  for (bool more = true; more && left > 0 && with.out().good();) {
    request.limit = std::min<uint64_t>(left, defaults::max_page_rows);
    STIP_ASSIGN(const auto page, node->find(request));
    // Not before the first answer: what fails as a whole prints nothing.
    if (!rows) rows.emplace(with.out(), image_columns());
    for (const auto& row : page.rows) rows->add(image_object(request.album, row));
    rows->flush();
    problems.insert(problems.end(), page.problems.begin(), page.problems.end());
    left -= std::min<uint64_t>(left, page.rows.size());
    more = page.more;
    if (!more) break;
    request.after = page.rows.back().facts();
    request.has_after = true;
  }
  if (rows) rows->finish();
  return with.report(problems);
}

/// Pixels across of a map that is a PNG.
constexpr int64_t map_pixels = 1600;

/// Draws the cells with their counts.
result<void> draw_map(const std::string& path, const std::string& title,
                      const std::vector<extent_row>& extents, geocode_algorithm algorithm) {
  STIP_ASSIGN(const auto cells, mapped_cells(extents, algorithm));
  STIP_ASSIGN(auto file, new_file::beside(path));
  if (path.ends_with(".png")) {
    STIP_TRY(write_png(file.name(), map_picture(cells, map_pixels)));
  } else {
    std::ofstream out{file.name(), std::ios::binary};
    out << map_html(title, cells);
    out.close();
    if (!out) return fail(ec::io_error, "write " + path, "the system refused it");
  }
  return file.commit();
}

result<int> search(context& with, const arguments& given) {
  STIP_ASSIGN(const auto request, wanted_images(given));
  const auto map = given.text("map");
  if (given.has("map") && !map.ends_with(".html") && !map.ends_with(".png"))
    return fail(ec::invalid_argument, "--map " + map, "it is neither a .html nor a .png",
                "choose the form by the file's ending");
  STIP_ASSIGN(auto* node, with.connect(access::read));
  STIP_ASSIGN(const auto page, node->extents(request));
  if (given.has("map")) {
    STIP_ASSIGN(const auto of, node->get_album(request.album));
    STIP_TRY(draw_map(map, "Images of album " + request.album, page.rows, of.algorithm));
  }
  listing rows{with.out(), extent_columns()};
  for (const auto& row : page.rows) rows.add(extent_object(row));
  rows.finish();
  if (given.has("map")) with.out().note("the map is " + map);
  return with.report(page.problems);
}

}  // namespace

verb image_list_verb() {
  verb v;
  v.name = "list";
  v.summary = "lists images, in one order over the whole cluster";
  v.takes = {{"ALBUM", "the album's name"}};
  v.options = {{"limit", '\0', "N", "the first N only"},
               {"after", '\0', "KEY", "go on after this image"}};
  v.filtered = true;
  v.example = "stip image list olinda -p 'Landsat*' -g 7nkh -r -a 2000-01-01 --limit 10";
  v.run = list;
  return v;
}

verb image_search_verb() {
  verb v;
  v.name = "search";
  v.summary = "counts images by geocode, platform, precision and source";
  v.takes = {{"ALBUM", "the album's name"}};
  v.options = {{"map", '\0', "FILE", "draw a map of the counts: a .html with tooltips, or a .png"}};
  v.filtered = true;
  v.example = "stip image search olinda -g 7nk -r";
  v.run = search;
  return v;
}

}  // namespace stip::cli
