#include "apps/stip/follow.hpp"
#include "apps/stip/image.hpp"
#include "apps/stip/objects.hpp"
#include "apps/stip/session.hpp"
#include "libstip/core/time.hpp"
#include "libstip/format/format.hpp"
#include "libstip/format/inputs.hpp"

namespace stip::cli {

namespace {

constexpr int64_t max_threads = 1024;

/// Everything that can be refused without asking a node.
result<store_request> wanted_store(const arguments& given) {
  store_request out;
  out.album = given.words[0];
  out.glob = given.words[1];
  out.format = given.words[2];
  if (out.glob.empty())
    return fail(ec::invalid_argument, "image store", "GLOB is empty", "name a file or a pattern");
  STIP_TRY(input_name(out.glob));
  if (out.format != "auto") {
    if (auto known = find_format(out.format); !known) {
      auto err = std::move(known).error();
      err.code = ec::invalid_argument;
      return fail(std::move(err));
    }
  }
  if (!given.has("precision"))
    return fail(ec::invalid_argument, "image store", "-l PRECISION is missing",
                "give the length of the geocodes, e.g. -l 5");
  STIP_ASSIGN(const auto precision, given.number("precision", 0, 1, 29));
  STIP_ASSIGN(const auto threads, given.number("threads", 0, 1, max_threads));
  out.precision = static_cast<int32_t>(precision);
  out.threads = static_cast<uint32_t>(threads);
  out.task = given.text("task");
  if (given.has("task")) STIP_TRY(check_task_id(out.task));
  out.all_nodes = given.has("all-nodes");
  out.platform = given.text("platform");
  out.timestamp = given.text("timestamp");
  if (given.has("timestamp")) STIP_TRY(parse_time(out.timestamp));
  out.tile = given.text("tile");
  out.subdataset = given.text("subdataset");
  for (const auto* name : {"platform", "tile", "subdataset"})
    if (given.has(name)) STIP_TRY(check_name(name, given.text(name)));
  return out;
}

result<int> store(context& with, const arguments& given) {
  STIP_ASSIGN(const auto wanted, wanted_store(given));
  const bool detached = given.has("detach");
  if (detached && with.global().embedded)
    return fail(ec::invalid_argument, "image store --detach",
                "the embedded node ends with this command", "leave out --detach");
  STIP_ASSIGN(auto* node, with.connect(access::write));
  STIP_ASSIGN(const auto target, node->get_album(wanted.album));
  STIP_TRY(check_precision(target.algorithm, wanted.precision));
  STIP_ASSIGN(auto task, node->store(wanted));
  announce(with, task);
  if (!detached) return follow(with, *node, std::move(task));
  if (!with.out().is_table()) with.out().object(task_object(task, now_ms()), task_columns());
  return done;
}

}  // namespace

std::vector<option> scene_option_table() {
  return {
      {"platform", '\0', "NAME", "the platform, where the file does not say"},
      {"timestamp", '\0', "TIME", "when it was taken: epoch seconds or ISO 8601, likewise"},
      {"tile", '\0', "NAME", "the name of the scene, likewise"},
      {"subdataset", '\0', "NAME", "the name of the subdataset, likewise"},
  };
}

verb image_store_verb() {
  verb v;
  v.name = "store";
  v.summary = "cuts scenes into chips and stores them on the nodes that own their cells";
  v.takes = {{"ALBUM", "the album's name"},
             {"GLOB",
              "files or patterns, as the node that is asked sees them; s3://, https:// "
              "and /vsi names too"},
             {"FORMAT", "auto, or a format's name, e.g. generic"}};
  v.options = {
      {"precision", 'l', "PRECISION", "length of the geocodes: geohash 1-12, quadtile 1-29"},
      {"threads", 't', "THREADS", "threads on a node (as many as it has cores)"},
      {"task", 'd', "TASK", "a task id of your choice; one that runs is joined"},
      {"detach", '\0', "", "do not wait for the end"},
      {"all-nodes", '\0', "", "resolve GLOB on every node"},
      {"upload", '\0', "", "resolve GLOB on this machine", availability::not_yet},
      {"cloud", '\0', "", "compute cloud coverage on the way", availability::not_yet}};
  for (const auto& o : scene_option_table()) v.options.push_back(o);
  v.example =
      "stip image store olinda '/data/*.tif' generic -l 5 --platform Landsat7 --timestamp "
      "2000-01-01";
  v.run = store;
  return v;
}

}  // namespace stip::cli
