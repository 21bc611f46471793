#pragma once

#include "libstip/core/time.hpp"

// Where the sun stands.

namespace stip {

/// Degrees.
struct sun_angles {
  /// Above the horizon, without refraction; below 0 at night.
  double elevation = 0;
  /// From north by east.
  double azimuth = 0;
};

/// The sun over a place. lon, lat in degrees, EPSG:4326. Within half a degree (NOAA Solar
/// Calculator, "General Solar Position Calculations", after Spencer 1971).
sun_angles sun_over(epoch_seconds time, double longitude, double latitude);

/// When a Landsat satellite passes a place by day, on the date of `day` (its midnight, UTC): for
/// products that tell the date alone. From the local time 10:12 at the descending node and the
/// orbit's inclination of 98.2 degrees (Landsat 8 Data Users Handbook, LSDS-1574, section 1);
/// within a quarter of an hour.
epoch_seconds landsat_overpass(epoch_seconds day, double longitude, double latitude);

}  // namespace stip
