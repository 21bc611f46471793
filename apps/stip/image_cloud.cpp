#include "apps/stip/image.hpp"
#include "apps/stip/transform_verb.hpp"

// Cloud coverage of stored images.

namespace stip::cli {

namespace {

result<int> run(context& with, const arguments& given) {
  STIP_ASSIGN(auto wanted, wanted_transform(given, "cloud"));
  wanted.options[std::string(transform_option::method)] = given.text("method", "auto");
  if (given.words.size() > 1) wanted.options[std::string(transform_option::model)] = given.words[1];
  take_options(given, {}, {transform_option::force}, wanted);
  return run_transform(with, given, wanted);
}

}  // namespace

verb image_cloud_verb() {
  auto v = transform_verb("cloud", "computes and records cloud coverage",
                          "stip image cloud olinda -p 'Sentinel-2*' --method qa");
  v.takes.push_back({"FILE",
                     "with --method model: a tree model in LightGBM's text form, as every node "
                     "sees it",
                     argument::times::at_most_once});
  v.options.push_back(
      {"method", '\0', "METHOD", "qa, spectral, model FILE, or auto: the best that an image has"});
  v.options.push_back({"force", '\0', "", "also where it is known already"});
  v.run = run;
  return v;
}

}  // namespace stip::cli
