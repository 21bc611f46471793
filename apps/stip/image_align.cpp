#include "apps/stip/image.hpp"
#include "apps/stip/transform_verb.hpp"

// Images resampled to the grids of their cells.

namespace stip::cli {

namespace {

result<int> run(context& with, const arguments& given) {
  STIP_ASSIGN(auto wanted, wanted_transform(given, "align"));
  take_options(given, {transform_option::size, transform_option::resampling}, {}, wanted);
  return run_transform(with, given, wanted);
}

}  // namespace

verb image_align_verb() {
  auto v = transform_verb("align", "images resampled to the cell's own grid",
                          "stip image align olinda --size 256 -s raw");
  v.options.push_back({"size", '\0', "N", "pixels to each side of a cell"});
  v.options.push_back({"resampling", '\0', "KERNEL",
                       "nearest, bilinear (the default), cubic or average; classes and masks take "
                       "the nearest"});
  v.run = run;
  return v;
}

}  // namespace stip::cli
