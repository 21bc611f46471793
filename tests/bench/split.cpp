#include <algorithm>
#include <chrono>
#include <filesystem>
#include <thread>

#include "libstip/catalog/stored_image.hpp"
#include "tests/bench/bench_node.hpp"
#include "tests/bench/child_process.hpp"
#include "tests/bench/harness.hpp"
#include "tests/bench/synthetic_scene.hpp"

// Pieces out of an image: `image split` on one processor against gdal_translate, which cuts the
// windows of the same pieces out of the exported image, one after the other, into LZW GeoTIFFs, as
// the earlier system kept them.

using namespace stip;
using namespace stip::bench;

namespace {

constexpr int64_t edge = 2048;
constexpr int parent_precision = 4;
constexpr int piece_precision = 6;
/// Windows that gdal_translate cuts in a round; each takes a process of its own.
constexpr size_t sampled = 24;
constexpr auto split_deadline_s = 600;

/// All images of that source.
std::vector<image_row> rows_of(const client& node, const std::string& source) {
  find_request request;
  request.album = "bench";
  request.match.source = source;
  std::vector<image_row> out;
  while (true) {
    auto page = value_or_give_up(node.find(request));
    for (auto& row : page.rows) out.push_back(std::move(row));
    if (!page.more) return out;
    request.has_after = true;
    request.after = out.back().facts();
  }
}

/// A piece's window, as gdal_translate wants it of the exported parent.
struct window {
  std::string parent;
  std::vector<std::string> words;
};

}  // namespace

STIP_BENCH(split, "pieces out of an image, against gdal_translate for each") {
  const synthetic_scene scene{edge, edge};
  bench_node running{1};
  running.create_album("bench");
  const auto& node = running.node();
  running.store(scene_request(synthetic_scene_file(scene, "DEFLATE"), parent_precision, 1));
  transform_request request;
  request.kind = "split";
  request.album = "bench";
  request.match.source = "raw";
  request.precision = piece_precision;
  request.threads = 1;
  const auto split = [&] {
    auto task = value_or_give_up(node.transform(request));
    for (int i = 0; task.running() && i < split_deadline_s * 100; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds{10});
      task = value_or_give_up(node.get_task(task.id));
    }
    if (task.state != task_state::done || task.skipped > 0) give_up("the split failed");
  };
  split();
  const auto pieces = rows_of(node, "split");
  if (pieces.size() < sampled) give_up("there are too few pieces");

  // The parents as files, and where the pieces lie in them.
  test::scratch_directory files;
  const auto stip = std::filesystem::path(test::stipd_binary()).replace_filename("stip").string();
  const auto port = std::to_string(value_or_give_up(node.members()).front().info.port);
  run_child({stip, "-q", "-p", port, "image", "export", "bench", "-s", "raw", "--to",
             files / "parents", "--as", "cog"});
  std::vector<window> windows;
  double bytes = 0;
  for (size_t i = 0; i < sampled; ++i) {
    const auto& key = pieces[i * pieces.size() / sampled].key;
    auto of = key;
    of.geocode.resize(parent_precision);
    of.source = "raw";
    const auto piece = value_or_give_up(node.details("bench", key)).chips.front();
    const auto parent = value_or_give_up(node.details("bench", of)).chips.front();
    const auto text = [](auto number) { return std::to_string(number); };
    windows.push_back({files / ("parents/" + to_file_name(of) + "~" + parent.subdataset + ".tif"),
                       {text(piece.column - parent.column), text(piece.row - parent.row),
                        text(piece.width), text(piece.height)}});
    bytes += double(piece.width) * piece.height * piece.bands * size_of(piece.type);
  }
  report("pieces", double(pieces.size()), "");
  report("bytes of a piece", bytes / sampled, "");

  comparison c{"pieces of geohash " + std::to_string(piece_precision), "pieces", options};
  c.add(
      "image split",
      [&] {
        const auto before = running.cpu_seconds();
        split();
        return work{double(pieces.size()), running.cpu_seconds() - before};
      },
      [&] {
        filter match;
        match.source = "split";
        value_or_give_up(node.erase("bench", match));
      });
  c.add("gdal_translate", [&] {
    use_processors(1);
    for (const auto& [parent, w] : windows)
      run_child({"gdal_translate", "-q", "-srcwin", w[0], w[1], w[2], w[3], "-co", "COMPRESS=LZW",
                 "-co", "TILED=YES", parent, files / "piece.tif"});
    use_processors(0);
    return work{double(sampled)};
  });
  c.run();
  c.ratio("image split", "gdal_translate", goal::at_least, 10);
}
