#define CAF_SUITE analysis.sun
#include "libstip/analysis/sun.hpp"

#include <caf/test/unit_test.hpp>
#include <cmath>

using namespace stip;

namespace {

epoch_seconds at(const char* text) {
  const auto time = parse_time(text);
  CAF_REQUIRE(time.has_value());
  return *time;
}

}  // namespace

CAF_TEST(the sun stands where the metadata of a real scene has it) {
  // LC08_L2SP_001070_20190114: its MTL, and the middle of its corners.
  const auto sun = sun_over(at("2019-01-14T14:34:30Z"), -67.67, -14.46);
  CAF_MESSAGE("elevation " << sun.elevation << " azimuth " << sun.azimuth);
  CAF_CHECK(std::abs(sun.elevation - 59.50) < 0.5);
  CAF_CHECK(std::abs(sun.azimuth - 107.51) < 0.5);
}

CAF_TEST(at noon of an equinox the sun is over the equator and at midnight below it) {
  CAF_CHECK(sun_over(at("2020-03-20T12:07:00Z"), 0, 0).elevation > 89);
  CAF_CHECK(sun_over(at("2020-03-20T00:07:00Z"), 0, 0).elevation < -89);
  CAF_CHECK(sun_over(at("2020-06-21T12:00:00Z"), 0, 80).elevation > 32);
  CAF_CHECK(sun_over(at("2020-12-21T12:00:00Z"), 0, 80).elevation < -12);
  const auto morning = sun_over(at("2020-03-20T07:00:00Z"), 0, 0);
  CAF_CHECK(std::abs(morning.azimuth - 90) < 1);
  // South of the sun it stands in the north.
  const auto south = sun_over(at("2020-03-20T12:07:00Z"), 0, -40);
  CAF_CHECK(south.azimuth < 2 || south.azimuth > 358);
}

CAF_TEST(Landsat passes in the morning of every place) {
  const auto day = at("2018-07-10");
  // LC08_L1TP_013032 passes New York at 15:34.
  const auto here = landsat_overpass(day, -73.3, 40.3);
  CAF_CHECK(std::abs(double(here - at("2018-07-10T15:34:00Z"))) < 900);
  for (double longitude = -180; longitude <= 180; longitude += 15)
    for (double latitude = -80; latitude <= 80; latitude += 10) {
      const auto time = landsat_overpass(day, longitude, latitude);
      CAF_CHECK(time >= day && time < day + 86'400);
    }
}
