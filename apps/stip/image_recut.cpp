#include "actors/transform_work.hpp"
#include "apps/stip/cell_work.hpp"
#include "apps/stip/image.hpp"

// Split and merge: images of cells of another size.

namespace stip::cli {

namespace {

result<transform_request> wanted_transform(const arguments& given, const std::string& kind) {
  transform_request out;
  out.kind = kind;
  out.album = given.words[0];
  STIP_ASSIGN(auto work, wanted_cell_work(given, "image " + kind));
  out.precision = work.precision;
  out.threads = work.threads;
  out.task = std::move(work.task);
  out.bound = given.text("bound");
  STIP_ASSIGN(out.match, given.filter());
  return out;
}

result<int> run(context& with, const arguments& given, const std::string& kind) {
  STIP_ASSIGN(const auto wanted, wanted_transform(given, kind));
  STIP_TRY(check_detach(with, given, "image " + kind));
  STIP_ASSIGN(auto* node, with.connect(access::write));
  STIP_ASSIGN(const auto target, node->get_album(wanted.album));
  STIP_TRY(check(wanted, target.algorithm));
  STIP_ASSIGN(auto task, node->transform(wanted));
  return follow_or_leave(with, given, *node, std::move(task));
}

verb recut_verb(std::string_view name, std::string_view summary, std::string_view example,
                result<int> (*what)(context&, const arguments&)) {
  verb v;
  v.name = name;
  v.summary = summary;
  v.takes = {{"ALBUM", "the album's name"}};
  v.options = cell_work_options();
  v.filtered = true;
  v.example = example;
  v.run = what;
  return v;
}

}  // namespace

verb image_split_verb() {
  auto v =
      recut_verb("split", "longer geocodes out of shorter", "stip image split olinda -l 6 -s raw",
                 [](context& with, const arguments& given) { return run(with, given, "split"); });
  v.options.push_back({"bound", 'b', "BOUND", "only cells within this geocode"});
  return v;
}

verb image_merge_verb() {
  return recut_verb(
      "merge", "shorter geocodes out of longer", "stip image merge olinda -l 4 -s raw",
      [](context& with, const arguments& given) { return run(with, given, "merge"); });
}

}  // namespace stip::cli
