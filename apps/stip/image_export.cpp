#include <filesystem>
#include <mutex>

#include "apps/stip/human.hpp"
#include "apps/stip/image.hpp"
#include "apps/stip/objects.hpp"
#include "apps/stip/session.hpp"
#include "libstip/core/defaults.hpp"
#include "libstip/raster/writers.hpp"

namespace stip::cli {

namespace {

namespace fs = std::filesystem;

/// A chip's file name: its key with `~` for `/`, and the format's extension.
std::string file_name(const image_key& key, const std::string& subdataset, image_format as) {
  // A subdataset is encoded as the parts of a key are: as the first part of one.
  auto encoded = to_string(image_key{subdataset, "0", "0", "0", 0});
  encoded.resize(encoded.find('/'));
  return to_file_name(key) + "~" + encoded + std::string{extension(as)};
}

/// What has been written so far; the threads of an export share it.
struct tally {
  std::mutex mutex;
  uint64_t images = 0;
  uint64_t files = 0;
  uint64_t bytes = 0;
  std::vector<error> failures;
  uint64_t failed = 0;
  /// A disk that is full or gone: the rest would fail likewise.
  bool hopeless = false;

  bool failed_with(error err) {
    const std::lock_guard lock{mutex};
    hopeless |= err.code == ec::no_space;
    ++failed;
    if (failures.size() < defaults::max_task_errors) failures.push_back(std::move(err));
    return !hopeless;
  }
};

/// Writes one chip; false when going on is useless.
bool write_chip(const fs::path& directory, image_format as, pulled_chip chip, tally& all) {
  if (!chip.pixels) return all.failed_with(std::move(chip.pixels).error());
  const auto path = directory / file_name(chip.image.key, chip.subdataset, as);
  if (auto written = write_image(path.string(), as, *chip.pixels); !written)
    return all.failed_with(std::move(written).error());
  std::error_code unknown;
  const auto bytes = fs::file_size(path, unknown);
  const std::lock_guard lock{all.mutex};
  ++all.files;
  if (!unknown) all.bytes += bytes;
  return true;
}

result<void> make_directory(const std::string& path) {
  std::error_code bad;
  fs::create_directories(path, bad);
  if (bad) return fail(system_error("make directory " + path, bad.value()));
  return {};
}

result<int> export_images(context& with, const arguments& given) {
  find_request request;
  request.album = given.words[0];
  STIP_ASSIGN(request.match, given.filter());
  STIP_ASSIGN(request.order, given.order());
  if (!given.has("to"))
    return fail(ec::invalid_argument, "image export", "--to DIR is missing", "say where to write");
  STIP_ASSIGN(const auto as, parse_image_format(given.text("as", "cog")));
  STIP_ASSIGN(auto* node, with.connect(access::read));
  const auto directory = given.text("to");
  STIP_TRY(make_directory(directory));
  tally all;
  std::vector<std::string> problems;
  for (bool more = true; more && !all.hopeless;) {
    STIP_ASSIGN(const auto page, node->find(request));
    node->chips_of(request.album, page.rows, [&](pulled_chip chip) {
      return write_chip(directory, as, std::move(chip), all);
    });
    all.images += page.rows.size();
    problems.insert(problems.end(), page.problems.begin(), page.problems.end());
    more = page.more;
    if (!more) break;
    request.after = page.rows.back().facts();
    request.has_after = true;
  }
  for (const auto& err : all.failures) with.out().complain(err);
  if (with.out().is_table())
    with.out().note("exported " + std::to_string(all.files) + " chips of " +
                    std::to_string(all.images) + " images, " + human_bytes(all.bytes) + ", to " +
                    directory +
                    (all.failed > 0 ? "; " + std::to_string(all.failed) + " failed" : ""));
  else
    with.out().object({{"album", request.album},
                       {"directory", directory},
                       {"as", std::string{to_string(as)}},
                       {"images", all.images},
                       {"files", all.files},
                       {"bytes", all.bytes},
                       {"failed", all.failed}},
                      {{"album", ""},
                       {"directory", ""},
                       {"as", ""},
                       {"images", ""},
                       {"files", ""},
                       {"bytes", ""},
                       {"failed", ""}});
  const auto status = with.report(problems);
  if (all.failed > 0) return failed;
  if (all.images == 0 && status == done)
    return fail(ec::not_found, "export images of album " + request.album, "no image matches",
                "see `stip image list " + request.album + "`");
  return status;
}

}  // namespace

verb image_export_verb() {
  verb v;
  v.name = "export";
  v.summary = "writes one file for each chip, named by its key";
  v.takes = {{"ALBUM", "the album's name"}};
  v.options = {{"to", '\0', "DIR", "the directory; it is made where it is missing"},
               {"as", '\0', "FORMAT", "cog, png or npy (cog)"}};
  v.filtered = true;
  v.example = "stip image export olinda -g 7nkh2 --to chips --as cog";
  v.run = export_images;
  return v;
}

}  // namespace stip::cli
