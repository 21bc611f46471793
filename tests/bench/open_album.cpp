#include <memory>

#include "libstip/catalog/index.hpp"
#include "tests/bench/harness.hpp"
#include "tests/bench/synthetic_album.hpp"
#include "tests/support/libstip/scratch_directory.hpp"

using namespace stip;
using namespace stip::bench;

STIP_BENCH(open_album, "opening an album of a million images, the files in the page cache") {
  const test::scratch_directory scratch;
  const uint64_t images =
      options.arguments.empty() ? 1'000'000 : std::stoull(options.arguments.front());
  const auto open = [&] {
    return value_or_give_up(
        album_store::open(scratch / "album", geocode_algorithm::geohash, {}, posix_file_system()));
  };
  synthetic_album(images).fill(*open());
  const auto before = anonymous_bytes();
  uint64_t grown = 0;
  comparison c{"opening an album", "albums", options};
  c.add("store and index", [&] {
    const auto store = open();
    const image_index index{value_or_give_up(store->scan_columns())};
    if (index.size() != images) give_up("images are missing");
    grown = anonymous_bytes() - before;
    return work{1, 0};
  });
  c.run();
  std::vector<double> seconds;
  for (const auto& m : c.of("store and index")) seconds.push_back(m.wall_s);
  report("opening " + std::to_string(images) + " images, median", median(seconds), "s",
         goal::at_most, 1);
  report("memory of this process for it", double(grown) / double(images), "bytes an image");
}
