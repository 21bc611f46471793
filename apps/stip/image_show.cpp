#include <unistd.h>

#include <cstdlib>

#include "apps/stip/image.hpp"
#include "apps/stip/image_picture.hpp"
#include "apps/stip/objects.hpp"
#include "apps/stip/session.hpp"
#include "apps/stip/terminal_picture.hpp"
#include "libstip/catalog/image_footprint.hpp"
#include "libstip/raster/new_file.hpp"
#include "libstip/raster/picture.hpp"

namespace stip::cli {

namespace {

/// Pictures of more pixels, all bands together, are not shown unasked.
constexpr uint64_t max_unasked_pixels = uint64_t{32} << 20;
constexpr int64_t max_picture_edge = 65'535;

/// How a thumbnail is shown: as the terminal can, where somebody looks; as asked for in any case.
terminal_graphics thumbnail_of(context& with, const arguments& given,
                               const image_details& details) {
  const auto known = graphics_of([](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>{value};
  });
  if (given.has("thumbnail"))
    return known == terminal_graphics::none ? terminal_graphics::blocks : known;
  const bool watched = ::isatty(STDOUT_FILENO) != 0 && !with.out().quiet();
  return watched && painted_pixels(details) <= max_unasked_pixels ? known : terminal_graphics::none;
}

std::vector<column> columns_of_one() {
  return {
      {"key", "KEY"},
      {"album", "ALBUM"},
      {"platform", "PLATFORM"},
      {"geocode", "GEOCODE"},
      {"source", "SOURCE"},
      {"tile", "TILE"},
      {"timestamp", "TIMESTAMP"},
      {"pixel_coverage", "PIXELS", shown_as::share},
      {"cloud_coverage", "CLOUD", shown_as::share},
      {"bytes", "BYTES", shown_as::bytes},
      {"nodes", "NODES", shown_as::ids},
  };
}

void print_tables(output& out, const json& image) {
  out.object(image, columns_of_one());
  out.stream() << "\n";
  listing parts{out,
                {{"id", "SUBDATASET"},
                 {"dtype", "TYPE"},
                 {"width", "WIDTH", shown_as::number},
                 {"height", "HEIGHT", shown_as::number},
                 {"pixel_coverage", "PIXELS", shown_as::share},
                 {"bytes", "BYTES", shown_as::bytes},
                 {"bands", "BANDS", shown_as::ids}}};
  for (const auto& part : image["subdatasets"]) parts.add(part);
  parts.finish();
  out.stream() << "\n";
  if (!image["clouds"].is_null()) {
    out.object(image["clouds"], {{"method", "METHOD"},
                                 {"cloud", "CLOUD", shown_as::share},
                                 {"shadow", "SHADOW", shown_as::share},
                                 {"cirrus", "CIRRUS", shown_as::share},
                                 {"snow", "SNOW", shown_as::share},
                                 {"dilated", "DILATED", shown_as::share}});
    out.stream() << "\n";
  }
  out.object(image["scene"], {{"input", "INPUT"},
                              {"input_bytes", "INPUT BYTES", shown_as::bytes},
                              {"input_checksum", "CHECKSUM"},
                              {"format", "FORMAT"}});
}

result<int> show(context& with, const arguments& given) {
  const auto& album = given.words[0];
  STIP_ASSIGN(const auto key, parse_image_key(given.words[1]));
  STIP_ASSIGN(const auto size, given.number("size", max_picture_edge, 1, max_picture_edge));
  STIP_ASSIGN(auto* node, with.connect(access::read));
  STIP_ASSIGN(const auto row, node->find_one(album, key));
  STIP_ASSIGN(const auto details, node->details(album, key));
  const auto shown =
      with.out().is_table() ? thumbnail_of(with, given, details) : terminal_graphics::none;
  std::string thumbnail;
  if (given.has("png") || shown != terminal_graphics::none) {
    STIP_ASSIGN(const auto made,
                paint_image(*node, album, row, details, names_of(given.text("bands"))));
    if (given.has("png")) {
      STIP_ASSIGN(auto file, new_file::beside(given.text("png")));
      STIP_TRY(write_png(file.name(), given.has("size") ? shrink(made, size) : made));
      STIP_TRY(file.commit());
    }
    STIP_ASSIGN(thumbnail, terminal_picture(made, shown));
  }
  auto image = image_object(album, row);
  image["scene"] = scene_object(details.scene);
  image["clouds"] = clouds_object(details);
  if (given.has("png")) image["png"] = given.text("png");
  if (!with.out().is_table()) {
    STIP_ASSIGN(const auto definition, node->get_album(album));
    STIP_ASSIGN(const auto outline, footprint_of(details, definition.algorithm));
    image["footprint"] = outline ? json(outline->to_wkt()) : json(nullptr);
    with.out().object(image, image_columns());
    return done;
  }
  print_tables(with.out(), image);
  if (!thumbnail.empty()) with.out().stream() << "\n" << thumbnail;
  if (given.has("png")) with.out().note("\nthe picture is " + given.text("png"));
  return done;
}

}  // namespace

verb image_show_verb() {
  verb v;
  v.name = "show";
  v.summary = "shows everything that is known of one image; its picture";
  v.takes = {{"ALBUM", "the album's name"},
             {"KEY", "the image's key, as `stip image list` shows it"}};
  v.options = {
      {"png", '\0', "FILE", "write its picture: natural colours, stretched, or its colour table"},
      {"bands", '\0', "NAME,...", "of the picture: one band, or red, green and blue"},
      {"size", '\0', "N", "pixels along the picture's longer edge at most"},
      {"thumbnail", '\0', "", "show it here, as coloured text where the terminal has no pictures"}};
  v.example = "stip image show olinda Landsat7/7nkh2/raw/L7_ETMs/20000101T000000Z --png 7nkh2.png";
  v.run = show;
  return v;
}

}  // namespace stip::cli
