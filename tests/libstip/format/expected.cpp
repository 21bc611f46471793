#define CAF_SUITE format.expected
#include <fnmatch.h>

#include <caf/test/unit_test.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "libstip/format/naming.hpp"
#include "libstip/format/reader_pool.hpp"
#include "tests/support/libstip/isolated_file.hpp"
#include "tests/support/libstip/product_file.hpp"

// tests/data/expected.json names every sample file and what becomes of it.

using namespace stip;
using namespace stip::test;

namespace {

using json = nlohmann::json;
namespace fs = std::filesystem;

json expectations() {
  return json::parse(read_file(STIP_TEST_DATA "/expected.json"), nullptr, false);
}

/// Everything below a folder by its relative name, folders included, sorted.
std::vector<std::string> names_below(const std::string& root) {
  std::vector<std::string> out;
  for (const auto& entry : fs::recursive_directory_iterator(root))
    out.push_back(fs::relative(entry.path(), root).string());
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<std::string> matching(const std::vector<std::string>& names,
                                  const std::string& pattern) {
  std::vector<std::string> out;
  for (const auto& name : names)
    if (::fnmatch(pattern.c_str(), name.c_str(), FNM_PATHNAME) == 0) out.push_back(name);
  return out;
}

scene_options options_of(const json& entry) {
  scene_options out;
  const auto given = entry.value("options", json::object());
  if (given.contains("platform")) out.platform = given["platform"].get<std::string>();
  if (given.contains("timestamp"))
    out.timestamp = *parse_time(given["timestamp"].get<std::string>());
  return out;
}

/// Why the input is refused; empty when it is not.
std::string refusal(const std::string& input, const scene_options& options, reader_pool& readers) {
  const auto scenes = open_scenes("auto", input, options, readers);
  return scenes ? "" : to_string(scenes.error());
}

/// What the scene is, in the form of an entry's `load`.
json found_of(const scene& s, const json& like) {
  const auto& d = s.description();
  json out = {{"format", d.format}, {"platform", d.platform}, {"time", to_iso8601(d.timestamp)}};
  if (like.contains("tile")) out["tile"] = d.tile;
  if (like.contains("bands") && like["bands"].is_number()) {
    size_t count = 0;
    for (const auto& one : d.subdatasets) count += one.bands.size();
    out["bands"] = count;
  } else {
    out["bands"] = bands_of(s);
  }
  return out;
}

void check_load(const json& entry, const std::string& input, size_t place, reader_pool& readers) {
  auto expected = entry["load"];
  if (expected["time"].is_array()) expected["time"] = json(expected["time"].at(place));
  const auto s = only_scene(readers, input, options_of(entry));
  CAF_REQUIRE(s != nullptr);
  const auto wanted = expected.dump();
  const auto found = found_of(*s, expected).dump();
  CAF_CHECK_EQUAL(found, wanted);
  CAF_CHECK(s->description().footprint.starts_with("MULTIPOLYGON ((("));
  if (!expected.contains("tile")) CAF_CHECK_EQUAL(s->description().tile, tile_of(input));
  const auto read = read_all(*s);
  if (entry.contains("reading"))
    CAF_CHECK(has(read, entry["reading"].get<std::string>()));
  else
    CAF_CHECK_EQUAL(read, "");
}

}  // namespace

CAF_TEST(every sample file becomes what is expected of it) {
  const auto data = shared_data();
  if (!data) {
    CAF_MESSAGE("skipped: STIP_SHARED_DATA is not there");
    return;
  }
  const auto all = expectations();
  CAF_REQUIRE(all.is_object());
  const auto names = names_below(*data);
  reader_pool readers;
  size_t loaded = 0, refused = 0;
  for (const auto& entry : all["entries"]) {
    const auto pattern = entry["inputs"].get<std::string>();
    CAF_MESSAGE(pattern);
    const auto inputs = matching(names, pattern);
    const auto count = entry["count"].get<size_t>();
    CAF_CHECK_EQUAL(inputs.size(), count);
    CAF_CHECK(entry.contains("load") || entry.contains("refuse"));
    for (size_t i = 0; i < inputs.size(); ++i) {
      const auto input = *data + "/" + inputs[i];
      if (entry.contains("without")) {
        const auto why = refusal(input, {}, readers);
        CAF_CHECK(has(why, entry["without"].get<std::string>()));
      }
      if (entry.contains("load")) {
        check_load(entry, input, i, readers);
        ++loaded;
      } else {
        const auto why = refusal(input, options_of(entry), readers);
        CAF_CHECK(has(why, entry["refuse"].get<std::string>()));
        ++refused;
      }
    }
  }
  CAF_CHECK(loaded > 100);
  CAF_CHECK(refused > 6);
}

CAF_TEST(every sample file is named or lies in a product that is) {
  const auto data = shared_data();
  if (!data) {
    CAF_MESSAGE("skipped: STIP_SHARED_DATA is not there");
    return;
  }
  const auto all = expectations();
  CAF_REQUIRE(all.is_object());
  const auto names = names_below(*data);
  std::set<std::string> named;
  for (const auto& entry : all["entries"])
    // A folder that is refused says nothing of what is in it.
    for (const auto& input : matching(names, entry["inputs"].get<std::string>()))
      if (!entry.contains("refuse") || fs::is_regular_file(*data + "/" + input))
        named.insert(input);
  for (const auto& name : names) {
    if (!fs::is_regular_file(*data + "/" + name)) continue;
    bool covered = false;
    for (fs::path part = name; !part.empty() && !covered; part = part.parent_path())
      covered = named.contains(part.string());
    if (!covered) CAF_CHECK_EQUAL(name, "named in expected.json");
  }
  CAF_CHECK(named.size() > 100);
}
