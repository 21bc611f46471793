#define CAF_SUITE cluster.place_images
#include "libstip/cluster/place_images.hpp"

#include <caf/test/unit_test.hpp>
#include <map>
#include <set>

using namespace stip;

namespace {

using nodes = std::vector<uint64_t>;

image_key key_of(const std::string& geocode) {
  return {"sensor", geocode, "raw", "scene", 1'600'000'000};
}

/// Geocodes that each node holds.
using shelves = std::map<uint64_t, std::set<std::string>>;

result<std::vector<nodes>> place(const std::vector<std::string>& geocodes, const shelves& held) {
  std::vector<image_key> keys;
  for (const auto& geocode : geocodes) keys.push_back(key_of(geocode));
  return place_images(
      keys, hash128{1, 2},
      [](std::string_view) -> result<nodes> {
        return nodes{1, 2, 3};
      },
      [&held](uint64_t node, const std::vector<image_key>& asked,
              const hash128& scene) -> result<std::vector<bool>> {
        CAF_CHECK(scene == (hash128{1, 2}));
        std::vector<bool> out;
        for (const auto& key : asked) {
          const auto found = held.find(node);
          out.push_back(found != held.end() && found->second.contains(key.geocode));
        }
        return out;
      });
}

}  // namespace

CAF_TEST(an image goes to all of its nodes or to none) {
  const shelves held{{1, {"a", "b"}}, {2, {"a", "b"}}, {3, {"a"}}};
  const auto placed = place({"a", "b", "c"}, held);
  CAF_REQUIRE(placed.has_value());
  CAF_REQUIRE_EQUAL(placed->size(), 3u);
  CAF_CHECK((*placed)[0].empty());
  // What the first two hold may be hidden soon, and would be no copy then.
  CAF_CHECK((*placed)[1] == (nodes{1, 2, 3}));
  CAF_CHECK((*placed)[2] == (nodes{1, 2, 3}));
}

CAF_TEST(what cannot be placed or asked is an error) {
  const std::vector<image_key> keys{key_of("a")};
  const auto nowhere = place_images(
      keys, {}, [](std::string_view) -> result<nodes> { return fail(ec::unavailable, "a", "b"); },
      [](uint64_t, const std::vector<image_key>&, const hash128&) -> result<std::vector<bool>> {
        return std::vector<bool>{};
      });
  CAF_REQUIRE(!nowhere);
  const auto silent = place_images(
      keys, {}, [](std::string_view) -> result<nodes> { return nodes{1}; },
      [](uint64_t, const std::vector<image_key>&, const hash128&) -> result<std::vector<bool>> {
        return fail(ec::timeout, "a", "b");
      });
  CAF_REQUIRE(!silent);
  CAF_CHECK(silent.error().code == ec::timeout);
}
