#include "apps/stip/image.hpp"
#include "apps/stip/objects.hpp"
#include "apps/stip/session.hpp"
#include "libstip/raster/writers.hpp"

namespace stip::cli {

namespace {

/// The subdataset that a picture shows: the first that holds measurements.
size_t pictured(const image_details& details) {
  for (size_t i = 0; i < details.chips.size(); ++i)
    if (!details.chips[i].quality) return i;
  return 0;
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
  STIP_ASSIGN(auto* node, with.connect(access::read));
  STIP_ASSIGN(const auto row, node->find_one(album, key));
  STIP_ASSIGN(const auto details, node->details(album, key));
  if (given.has("png")) {
    STIP_ASSIGN(const auto chip, node->chip(album, row, details, pictured(details)));
    STIP_TRY(write_image(given.text("png"), image_format::png, chip));
  }
  auto image = image_object(album, row);
  image["scene"] = scene_object(details.scene);
  image["clouds"] = clouds_object(details);
  if (given.has("png")) image["png"] = given.text("png");
  if (!with.out().is_table()) {
    with.out().object(image, image_columns());
    return done;
  }
  print_tables(with.out(), image);
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
  v.options = {{"png", '\0', "FILE", "write its picture"}};
  v.example = "stip image show olinda Landsat7/7nkh2/raw/L7_ETMs/20000101T000000Z --png 7nkh2.png";
  v.run = show;
  return v;
}

}  // namespace stip::cli
