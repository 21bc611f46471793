#include "libstip/analysis/sun.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace stip {

namespace {

constexpr double radians_per_degree = std::numbers::pi / 180;
constexpr double day_seconds = 86'400;
constexpr double year_days = 365.2422;
constexpr double minutes_per_degree = 4;

double floor_modulo(double value, double divisor) {
  return value - divisor * std::floor(value / divisor);
}

}  // namespace

sun_angles sun_over(epoch_seconds time, double longitude, double latitude) {
  const auto days = static_cast<double>(time) / day_seconds;
  // 1970 began with the year's angle at 0; after whole years it is there again within a day, which
  // is 0.4 degrees of declination at most.
  const auto year_angle = 2 * std::numbers::pi * floor_modulo(days, year_days) / year_days;
  const auto one = year_angle, two = 2 * year_angle, three = 3 * year_angle;
  const auto equation_of_time =
      229.18 * (0.000075 + 0.001868 * std::cos(one) - 0.032077 * std::sin(one) -
                0.014615 * std::cos(two) - 0.040849 * std::sin(two));
  const auto declination = 0.006918 - 0.399912 * std::cos(one) + 0.070257 * std::sin(one) -
                           0.006758 * std::cos(two) + 0.000907 * std::sin(two) -
                           0.002697 * std::cos(three) + 0.00148 * std::sin(three);
  const auto minutes = floor_modulo(static_cast<double>(time), day_seconds) / 60;
  const auto solar_minutes = minutes + equation_of_time + minutes_per_degree * longitude;
  const auto hour_angle = (solar_minutes / minutes_per_degree - 180) * radians_per_degree;
  const auto place = latitude * radians_per_degree;
  const auto sine = std::sin(place) * std::sin(declination) +
                    std::cos(place) * std::cos(declination) * std::cos(hour_angle);
  const auto east = -std::cos(declination) * std::sin(hour_angle);
  const auto north = std::cos(place) * std::sin(declination) -
                     std::sin(place) * std::cos(declination) * std::cos(hour_angle);
  return {std::asin(std::clamp(sine, -1.0, 1.0)) / radians_per_degree,
          floor_modulo(std::atan2(east, north) / radians_per_degree, 360)};
}

epoch_seconds landsat_overpass(epoch_seconds day, double longitude, double latitude) {
  constexpr double node_hours = 10.2, inclination = 98.2, hour_degrees = 15, hour_seconds = 3'600;
  // The ground track lies east of the node's meridian while it comes down from the north.
  const auto rise = std::tan((180 - inclination) * radians_per_degree);
  const auto ahead =
      std::asin(std::clamp(std::tan(latitude * radians_per_degree) / rise, -1.0, 1.0));
  const auto local = node_hours + ahead / radians_per_degree / hour_degrees;
  const auto utc = floor_modulo(local - longitude / hour_degrees, 24);
  return day + static_cast<epoch_seconds>(utc * hour_seconds);
}

}  // namespace stip
