#include "libstip/geo/projection.hpp"

#include <cpl_error.h>
#include <ogr_spatialref.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "libstip/core/defaults.hpp"
#include "libstip/geo/quadtile.hpp"

namespace stip {

namespace {

/// Gives it back to GDAL, which keeps the latest for those who ask for the same CRSs again: PROJ's
/// search for a way between two takes milliseconds.
struct give_back {
  void operator()(OGRCoordinateTransformation* way) const {
    OGRCoordinateTransformation::DestroyCT(way);
  }
};
using transformation = std::unique_ptr<OGRCoordinateTransformation, give_back>;

/// PROJ's words are taken from the error state of the thread; nothing is printed.
struct quiet {
  quiet() { CPLPushErrorHandler(CPLQuietErrorHandler); }
  ~quiet() { CPLPopErrorHandler(); }
  quiet(const quiet&) = delete;
  quiet& operator=(const quiet&) = delete;
};

result<OGRSpatialReference> read_crs(const std::string& text) {
  const auto refuse = [&](std::string why) {
    return fail(ec::invalid_argument, "read coordinate system '" + text.substr(0, 60) + "'",
                std::move(why), "give WKT, a PROJ string or an authority code like EPSG:32632");
  };
  if (text.empty()) return refuse("it is empty");
  if (text.size() > defaults::max_crs_bytes) return refuse("it is too long");
  OGRSpatialReference crs;
  CPLErrorReset();
  const char* const options[] = {"ALLOW_NETWORK_ACCESS=NO", "ALLOW_FILE_ACCESS=NO", nullptr};
  if (crs.SetFromUserInput(text.c_str(), options) != OGRERR_NONE)
    return refuse(*CPLGetLastErrorMsg() ? CPLGetLastErrorMsg() : "no such coordinate system");
  crs.SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
  return crs;
}

bool same(const OGRSpatialReference& a, const OGRSpatialReference& b) {
  const char* const options[] = {"IGNORE_DATA_AXIS_TO_SRS_AXIS_MAPPING=YES",
                                 "CRITERION=EQUIVALENT_EXCEPT_AXIS_ORDER_GEOGCRS", nullptr};
  return a.IsSame(&b, options) != 0;
}

crs_traits traits_of(const OGRSpatialReference& crs) {
  constexpr double metres_of_degree = 111319.49079327358;
  constexpr double degree = std::numbers::pi / 180;
  crs_traits traits;
  traits.geographic = crs.IsGeographic() != 0;
  if (traits.geographic) {
    const double unit = crs.GetAngularUnits() / degree;
    // WKT writes the degree with 13 to 16 digits; a period of 360.00000000000006 would not wrap.
    const bool degrees = !(unit > 0) || std::abs(unit - 1) < 1e-9;
    traits.period = degrees ? 360.0 : 360.0 / unit;
    traits.unit_metres = degrees ? metres_of_degree : metres_of_degree * unit;
    return traits;
  }
  const double metres = crs.GetLinearUnits();
  traits.unit_metres = metres > 0 ? metres : 1;
  OGRSpatialReference mercator;
  if (crs.IsProjected() && mercator.importFromEPSG(3857) == OGRERR_NONE && same(crs, mercator))
    traits.period = 2 * quadtile::half_side;
  return traits;
}

}  // namespace

struct coordinate_transform::state {
  transformation there;
  /// GDAL keeps no inverse for others.
  std::unique_ptr<OGRCoordinateTransformation> back;
  crs_traits source;
  crs_traits target;
  uint64_t points = 0;
  std::vector<int> success;
  std::vector<double> x, y;
  std::vector<uint8_t> ok;

  void run(OGRCoordinateTransformation& way, std::span<double> px, std::span<double> py,
           std::span<uint8_t> flags) {
    const quiet no_output;
    // GDAL counts in int; a chunk also keeps the scratch memory small.
    constexpr size_t chunk = size_t{1} << 16;
    for (size_t begin = 0; begin < px.size(); begin += chunk) {
      const size_t n = std::min(chunk, px.size() - begin);
      success.assign(n, 0);
      for (size_t i = begin; i < begin + n; ++i)
        if (!std::isfinite(px[i]) || !std::isfinite(py[i])) px[i] = py[i] = HUGE_VAL;
      way.Transform(static_cast<int>(n), px.data() + begin, py.data() + begin, nullptr,
                    success.data());
      for (size_t i = 0; i < n; ++i)
        flags[begin + i] =
            success[i] != 0 && std::isfinite(px[begin + i]) && std::isfinite(py[begin + i]);
    }
    points += px.size();
  }

  void run_checked(OGRCoordinateTransformation& way, OGRCoordinateTransformation& return_way,
                   const crs_traits& from, std::span<double> px, std::span<double> py,
                   std::span<uint8_t> flags, double tolerance) {
    const std::vector<double> x0(px.begin(), px.end());
    const std::vector<double> y0(py.begin(), py.end());
    run(way, px, py, flags);
    x.assign(px.begin(), px.end());
    y.assign(py.begin(), py.end());
    ok.assign(px.size(), 0);
    run(return_way, x, y, ok);
    for (size_t i = 0; i < px.size(); ++i) {
      if (!flags[i]) continue;
      double dx = x[i] - x0[i];
      if (from.period > 0) dx = std::remainder(dx, from.period);
      if (from.geographic) dx *= std::cos(y0[i] / from.period * 2 * std::numbers::pi);
      flags[i] = ok[i] && std::abs(dx) <= tolerance && std::abs(y[i] - y0[i]) <= tolerance;
    }
  }
};

result<crs_traits> describe_crs(const std::string& crs) {
  const quiet no_output;
  STIP_ASSIGN(const auto read, read_crs(crs));
  return traits_of(read);
}

bool same_crs(const std::string& a, const std::string& b) {
  const quiet no_output;
  const auto left = read_crs(a);
  const auto right = read_crs(b);
  return left && right && same(*left, *right);
}

result<coordinate_transform> coordinate_transform::make(const std::string& source,
                                                        const std::string& target) {
  const quiet no_output;
  STIP_ASSIGN(const auto from, read_crs(source));
  STIP_ASSIGN(const auto to, read_crs(target));
  auto made = std::make_unique<state>();
  made->there.reset(OGRCreateCoordinateTransformation(&from, &to));
  if (made->there) made->back.reset(made->there->GetInverse());
  if (!made->there || !made->back)
    return fail(ec::unsupported,
                "transform from '" + source.substr(0, 60) + "' to '" + target.substr(0, 60) + "'",
                *CPLGetLastErrorMsg() ? CPLGetLastErrorMsg() : "PROJ knows no way",
                "check the coordinate system of the scene");
  made->there->SetEmitErrors(false);
  made->back->SetEmitErrors(false);
  made->source = traits_of(from);
  made->target = traits_of(to);
  return coordinate_transform(std::move(made));
}

coordinate_transform::coordinate_transform(std::unique_ptr<state> made) noexcept
    : state_(std::move(made)) {}
coordinate_transform::coordinate_transform(coordinate_transform&&) noexcept = default;
coordinate_transform& coordinate_transform::operator=(coordinate_transform&&) noexcept = default;
coordinate_transform::~coordinate_transform() = default;

result<coordinate_transform> coordinate_transform::clone() const {
  const quiet no_output;
  auto copy = std::make_unique<state>();
  copy->there.reset(state_->there->Clone());
  copy->back.reset(state_->back->Clone());
  if (!copy->there || !copy->back)
    return fail(ec::internal, "copy a coordinate transformation", CPLGetLastErrorMsg());
  copy->there->SetEmitErrors(false);
  copy->back->SetEmitErrors(false);
  copy->source = state_->source;
  copy->target = state_->target;
  return coordinate_transform(std::move(copy));
}

void coordinate_transform::forward(std::span<double> x, std::span<double> y,
                                   std::span<uint8_t> ok) {
  state_->run(*state_->there, x, y, ok);
}

void coordinate_transform::inverse(std::span<double> x, std::span<double> y,
                                   std::span<uint8_t> ok) {
  state_->run(*state_->back, x, y, ok);
}

void coordinate_transform::forward_checked(std::span<double> x, std::span<double> y,
                                           std::span<uint8_t> ok, double tolerance) {
  state_->run_checked(*state_->there, *state_->back, state_->source, x, y, ok, tolerance);
}

void coordinate_transform::inverse_checked(std::span<double> x, std::span<double> y,
                                           std::span<uint8_t> ok, double tolerance) {
  state_->run_checked(*state_->back, *state_->there, state_->target, x, y, ok, tolerance);
}

const crs_traits& coordinate_transform::source() const noexcept {
  return state_->source;
}
const crs_traits& coordinate_transform::target() const noexcept {
  return state_->target;
}

uint64_t coordinate_transform::transformed_points() const noexcept {
  return state_->points;
}

}  // namespace stip
