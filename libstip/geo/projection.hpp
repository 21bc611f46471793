#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "libstip/core/error.hpp"

namespace stip {

/// What is asked of a coordinate reference system without projecting anything.
struct crs_traits {
  /// Coordinates are longitude and latitude.
  bool geographic = false;
  /// x and x + period are one meridian; 360 degrees in the CRS's unit for geographic systems, the
  /// width of the world for EPSG:3857, 0 where x does not repeat.
  double period = 0;
  /// Metres of one unit of x on the ground, at the equator for geographic systems.
  double unit_metres = 1;
};

/// Reads a CRS (WKT, PROJ string or authority code such as "EPSG:32632"; never a file or URL).
/// ec::invalid_argument when it is none.
result<crs_traits> describe_crs(const std::string& crs);

/// Whether both name the same CRS, whatever the order of their axes; false when one is none.
bool same_crs(const std::string& a, const std::string& b);

/// Transforms points from one CRS to another and back. Coordinates are x, y or lon, lat in this
/// order, whatever the CRS's own axis order, in the units of the CRS. Never throws, reports
/// through flags, keeps scratch memory: one object per thread, see clone().
///
///     STIP_ASSIGN(auto to_degrees, coordinate_transform::make("EPSG:32632", "EPSG:4326"));
///     to_degrees.forward(x, y, ok);  // in place
class coordinate_transform {
 public:
  /// ec::invalid_argument when a CRS cannot be read, ec::unsupported when PROJ knows no way.
  static result<coordinate_transform> make(const std::string& source, const std::string& target);

  coordinate_transform(coordinate_transform&&) noexcept;
  coordinate_transform& operator=(coordinate_transform&&) noexcept;
  ~coordinate_transform();

  /// An independent transformation, for another thread.
  result<coordinate_transform> clone() const;

  /// Source to target, in place. The three spans have one length. ok[i] is 1 when point i has a
  /// finite image; the coordinates of the others are unspecified.
  void forward(std::span<double> x, std::span<double> y, std::span<uint8_t> ok);

  /// Target to source, in place.
  void inverse(std::span<double> x, std::span<double> y, std::span<uint8_t> ok);

  /// forward, and ok only for points that inverse brings back to within `tolerance` (units of the
  /// source CRS, along each axis; whole periods are no difference, and near the poles of a
  /// geographic source a degree of longitude counts by its length). PROJ gives images without an
  /// error for points off the globe, of sinusoidal tiles for example; this finds them.
  void forward_checked(std::span<double> x, std::span<double> y, std::span<uint8_t> ok,
                       double tolerance);

  /// inverse, checked in the same way; `tolerance` in units of the target CRS.
  void inverse_checked(std::span<double> x, std::span<double> y, std::span<uint8_t> ok,
                       double tolerance);

  const crs_traits& source() const noexcept;
  const crs_traits& target() const noexcept;

  /// Points that went through PROJ so far, there or back.
  uint64_t transformed_points() const noexcept;

 private:
  struct state;
  explicit coordinate_transform(std::unique_ptr<state> made) noexcept;
  std::unique_ptr<state> state_;
};

}  // namespace stip
