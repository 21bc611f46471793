#define CAF_SUITE analysis.plane_fit
#include "libstip/analysis/plane_fit.hpp"

#include <caf/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "tests/support/libstip/code_of.hpp"

using namespace stip;
using namespace stip::test;

CAF_TEST(finer pixels are averaged without holes and coarser ones repeated) {
  constexpr auto none = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> from = {1, 3, none, none, 5, 7, none, 2};
  std::vector<float> to(2);
  CAF_REQUIRE(fit_plane(from, {4, 2}, {2, 1}, to).has_value());
  CAF_CHECK(to == (std::vector<float>{4, 2}));
  std::vector<float> wide(8);
  CAF_REQUIRE(fit_plane(to, {2, 1}, {4, 2}, wide).has_value());
  CAF_CHECK(wide == (std::vector<float>{4, 4, 2, 2, 4, 4, 2, 2}));
  const std::vector<float> holes(4, none);
  std::vector<float> hole(1);
  CAF_REQUIRE(fit_plane(holes, {2, 2}, {1, 1}, hole).has_value());
  CAF_CHECK(std::isnan(hole[0]));
  // 60 m to 20 m along one side, 10 m to 20 m along the other.
  std::vector<float> mixed(3);
  CAF_REQUIRE(fit_plane(std::vector<float>{2, 4}, {1, 2}, {3, 1}, mixed).has_value());
  CAF_CHECK(mixed == (std::vector<float>{3, 3, 3}));
}

CAF_TEST(classes come from the pixel that holds the centre) {
  const std::vector<uint8_t> from = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  std::vector<uint8_t> to(1);
  CAF_REQUIRE(fit_classes(from, {3, 3}, {1, 1}, to).has_value());
  CAF_CHECK_EQUAL(int(to[0]), 5);
  std::vector<uint8_t> same(9);
  CAF_REQUIRE(fit_classes(from, {3, 3}, {3, 3}, same).has_value());
  CAF_CHECK(same == from);
}

CAF_TEST(sizes that do not nest are refused) {
  const std::vector<float> from(6);
  std::vector<float> to(4);
  CAF_CHECK(code_of(fit_plane(from, {3, 2}, {2, 2}, to)) == ec::invalid_argument);
  CAF_CHECK(code_of(fit_plane(from, {3, 1}, {2, 2}, to)) == ec::invalid_argument);
  CAF_CHECK(code_of(fit_plane({}, {0, 0}, {2, 2}, to)) == ec::invalid_argument);
}
