#include "actors/upload_sender.hpp"
#include "apps/stip/follow.hpp"
#include "apps/stip/human.hpp"
#include "apps/stip/image.hpp"
#include "apps/stip/session.hpp"
#include "apps/stip/task_options.hpp"
#include "libstip/core/time.hpp"
#include "libstip/format/format.hpp"
#include "libstip/format/inputs.hpp"

namespace stip::cli {

namespace {

/// Files of this machine go to one node, and somebody has to send them.
result<void> check_upload(const arguments& given, const std::string& glob) {
  const auto refuse = [](std::string why, std::string advice) {
    return fail(ec::invalid_argument, "image store --upload", std::move(why), std::move(advice));
  };
  if (given.has("all-nodes"))
    return refuse("the files go to one node, which stores them on the whole cluster",
                  "leave out --all-nodes");
  if (given.has("detach"))
    return refuse("this command sends the files, so it has to stay until all are sent",
                  "leave out --detach");
  if (glob.find("://") != std::string::npos || glob.starts_with("/vsi"))
    return refuse("'" + glob + "' is no file of this machine",
                  "leave out --upload: the node reads it itself");
  return {};
}

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
  STIP_ASSIGN(out.precision, wanted_precision(given, "image store"));
  STIP_ASSIGN(auto work, wanted_task(given));
  out.threads = work.threads;
  out.task = std::move(work.id);
  out.all_nodes = given.has("all-nodes");
  out.cloud = given.has("cloud");
  if (given.has("upload")) STIP_TRY(check_upload(given, out.glob));
  out.platform = given.text("platform");
  out.timestamp = given.text("timestamp");
  if (given.has("timestamp")) STIP_TRY(parse_time(out.timestamp));
  out.tile = given.text("tile");
  out.subdataset = given.text("subdataset");
  for (const auto* name : {"platform", "tile", "subdataset"})
    if (given.has(name)) STIP_TRY(check_name(name, given.text(name)));
  return out;
}

/// What the progress line says of the files on their way.
std::string sending_line(const upload_sender& sender) {
  const auto now = sender.look();
  if (now.over) return {};
  return ", sent " + human_bytes(now.bytes) + " of " + std::to_string(now.sent) + "/" +
         std::to_string(now.inputs) + (now.waits ? " (the node has no room yet)" : "");
}

/// Stores files of this machine.
result<int> send_and_store(context& with, const client& node, const store_request& wanted) {
  auto inputs = resolve_inputs(wanted.glob);
  if (!inputs) {
    auto why = std::move(inputs).error();
    if (why.code == ec::not_found)
      why.advice = "check the path on this machine, and quote the pattern for your shell";
    return fail(std::move(why));
  }
  STIP_ASSIGN(auto task, node.store_files({wanted, inputs->size()}));
  announce(with, task);
  if (task.node == 0) {
    with.out().note("task " + task.id + " runs already; whoever began it sends its files");
    return follow(with, node, std::move(task));
  }
  upload_sender sender{node, task, std::move(*inputs)};
  own_part own;
  own.line = [&] { return sending_line(sender); };
  own.may_leave = [&] { return sender.look().over && !sender.problem(); };
  own.stop = [&] { sender.stop(); };
  auto status = follow(with, node, std::move(task), own);
  if (const auto problem = sender.problem()) with.out().complain(*problem);
  return status;
}

result<int> store(context& with, const arguments& given) {
  STIP_ASSIGN(const auto wanted, wanted_store(given));
  STIP_TRY(check_detach(with, given, "image store"));
  STIP_ASSIGN(auto* node, with.connect(access::write));
  STIP_ASSIGN(const auto target, node->get_album(wanted.album));
  STIP_TRY(check_precision(target.algorithm, wanted.precision));
  // An embedded node sees the files of this machine.
  if (given.has("upload") && !with.global().embedded) return send_and_store(with, *node, wanted);
  STIP_ASSIGN(auto task, node->store(wanted));
  return follow_or_leave(with, given, *node, std::move(task));
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
              "files or patterns, as the node that is asked sees them (with --upload: as this "
              "machine does); s3://, https:// and /vsi names too"},
             {"FORMAT", "auto, or a format's name, e.g. generic"}};
  v.options = task_options();
  v.options.insert(v.options.begin(), precision_option());
  for (const auto& o : std::vector<option>{
           {"all-nodes", '\0', "", "resolve GLOB on every node"},
           {"upload", '\0', "", "resolve GLOB on this machine and send the files to the node"},
           {"cloud", '\0', "", "compute cloud coverage on the way"}})
    v.options.push_back(o);
  for (const auto& o : scene_option_table()) v.options.push_back(o);
  v.example =
      "stip image store olinda '/data/*.tif' generic -l 5 --platform Landsat7 --timestamp "
      "2000-01-01";
  v.run = store;
  return v;
}

}  // namespace stip::cli
