#include "apps/stip/image.hpp"
#include "apps/stip/transform_verb.hpp"

// Split and merge: images of cells of another size.

namespace stip::cli {

namespace {

result<int> run(context& with, const arguments& given, std::string_view kind) {
  STIP_ASSIGN(auto wanted, wanted_transform(given, kind));
  STIP_ASSIGN(wanted.precision, wanted_precision(given, "image " + wanted.kind));
  take_options(given, {transform_option::bound}, {}, wanted);
  return run_transform(with, given, wanted);
}

}  // namespace

verb image_split_verb() {
  auto v = transform_verb("split", "longer geocodes out of shorter",
                          "stip image split olinda -l 6 -s raw");
  v.options.insert(v.options.begin(), precision_option());
  v.options.push_back({"bound", 'b', "BOUND", "only cells within this geocode"});
  v.run = [](context& with, const arguments& given) { return run(with, given, "split"); };
  return v;
}

verb image_merge_verb() {
  auto v = transform_verb("merge", "shorter geocodes out of longer",
                          "stip image merge olinda -l 4 -s raw");
  v.options.insert(v.options.begin(), precision_option());
  v.run = [](context& with, const arguments& given) { return run(with, given, "merge"); };
  return v;
}

}  // namespace stip::cli
