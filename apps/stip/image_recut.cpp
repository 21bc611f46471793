#include "apps/stip/follow.hpp"
#include "apps/stip/image.hpp"
#include "apps/stip/objects.hpp"
#include "apps/stip/session.hpp"

// Split and merge: images of cells of another size.

namespace stip::cli {

namespace {

constexpr int64_t max_threads = 1024;

result<transform_request> wanted_transform(const arguments& given, const std::string& kind) {
  transform_request out;
  out.kind = kind;
  out.album = given.words[0];
  if (!given.has("precision"))
    return fail(ec::invalid_argument, "image " + kind, "-l PRECISION is missing",
                "give the length of the geocodes, e.g. -l 5");
  STIP_ASSIGN(const auto precision, given.number("precision", 0, 1, 29));
  STIP_ASSIGN(const auto threads, given.number("threads", 0, 1, max_threads));
  out.precision = static_cast<int32_t>(precision);
  out.threads = static_cast<uint32_t>(threads);
  out.bound = given.text("bound");
  out.task = given.text("task");
  if (given.has("task")) STIP_TRY(check_task_id(out.task));
  STIP_ASSIGN(out.match, given.filter());
  return out;
}

result<int> run(context& with, const arguments& given, const std::string& kind) {
  STIP_ASSIGN(const auto wanted, wanted_transform(given, kind));
  const bool detached = given.has("detach");
  if (detached && with.global().embedded)
    return fail(ec::invalid_argument, "image " + kind + " --detach",
                "the embedded node ends with this command", "leave out --detach");
  STIP_ASSIGN(auto* node, with.connect(access::write));
  STIP_ASSIGN(const auto target, node->get_album(wanted.album));
  STIP_TRY(check_precision(target.algorithm, wanted.precision));
  STIP_TRY(check(wanted.match, target.algorithm));
  if (!wanted.bound.empty()) STIP_TRY(check_geocode(target.algorithm, wanted.bound));
  STIP_ASSIGN(auto task, node->transform(wanted));
  announce(with, task);
  if (!detached) return follow(with, *node, std::move(task));
  if (!with.out().is_table()) with.out().object(task_object(task, now_ms()), task_columns());
  return done;
}

verb recut_verb(std::string_view name, std::string_view summary, std::string_view example,
                result<int> (*what)(context&, const arguments&)) {
  verb v;
  v.name = name;
  v.summary = summary;
  v.takes = {{"ALBUM", "the album's name"}};
  v.options = {
      {"precision", 'l', "PRECISION", "length of the geocodes: geohash 1-12, quadtile 1-29"},
      {"threads", 't', "THREADS", "threads on a node (as many as it has cores)"},
      {"task", 'd', "TASK", "a task id of your choice; one that runs is joined"},
      {"detach", '\0', "", "do not wait for the end"}};
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
