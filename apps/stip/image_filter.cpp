#include "libstip/analysis/image_filter.hpp"
#include "apps/stip/image.hpp"
#include "apps/stip/transform_verb.hpp"

// Image filters over stored images.

namespace stip::cli {

namespace {

result<int> run(context& with, const arguments& given) {
  STIP_ASSIGN(auto wanted, wanted_transform(given, "filter"));
  wanted.options[std::string(transform_option::filter)] = given.words[1];
  STIP_ASSIGN(const auto radius, given.number("radius", 0, 1, max_blur_radius));
  // Wrong usage is told without a node.
  STIP_TRY(parse_image_filter(given.words[1],
                              given.has("radius") ? std::optional(radius) : std::nullopt));
  take_options(given, {transform_option::radius}, {}, wanted);
  return run_transform(with, given, wanted);
}

}  // namespace

verb image_filter_verb() {
  auto v = transform_verb("filter", "an image filter over images, kept as derived images",
                          "stip image filter olinda blur --radius 5 -p 'Sentinel-2*'");
  v.takes.push_back({"FILTER", "grayscale, blur, sharpen, median, edges or equalize"});
  v.options.push_back(
      {"radius", '\0', "N", "of blur (2) and sharpen (1) 1 to 100 pixels, of median (1) 1 to 15"});
  v.run = run;
  return v;
}

}  // namespace stip::cli
