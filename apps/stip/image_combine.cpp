#include "apps/stip/image.hpp"
#include "apps/stip/transform_verb.hpp"

// Fill and coalesce: images out of those of several scenes, or beside those of other platforms.

namespace stip::cli {

namespace {

const option window_option = {"window", 'w', "SECONDS", "how far apart in time (86400: a day)"};

result<int> fill(context& with, const arguments& given) {
  STIP_ASSIGN(auto wanted, wanted_transform(given, "fill"));
  take_options(given, {transform_option::window}, {transform_option::sources}, wanted);
  return run_transform(with, given, wanted);
}

result<int> coalesce(context& with, const arguments& given) {
  STIP_ASSIGN(auto wanted, wanted_transform(given, "coalesce"));
  take_options(given, {transform_option::window}, {transform_option::nearest}, wanted);
  wanted.options[std::string(transform_option::platform)] = given.words[1];
  return run_transform(with, given, wanted);
}

}  // namespace

verb image_fill_verb() {
  auto v = transform_verb("fill", "whole images out of partial ones of neighbouring scenes",
                          "stip image fill olinda -p 'Sentinel-2*' -w 86400");
  v.options.push_back(window_option);
  v.options.push_back({"sources", '\0', "", "keep which input each pixel is of"});
  v.run = fill;
  return v;
}

verb image_coalesce_verb() {
  auto v = transform_verb("coalesce", "images of a platform at the places and times of others",
                          "stip image coalesce olinda MCD43A4 -p 'Landsat8*' -w 86400");
  v.takes.push_back({"PLATFORM", "whose images are cut out or put together"});
  v.options.push_back(window_option);
  v.options.push_back({"nearest", '\0', "", "only the scene that is nearest in time"});
  v.run = coalesce;
  return v;
}

}  // namespace stip::cli
