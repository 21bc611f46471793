#pragma once

#include <caf/test/unit_test.hpp>
#include <string>

#include "libstip/raster/gdal_dataset.hpp"
#include "tests/support/cluster/transform_fixture.hpp"
#include "tests/support/scenes/product.hpp"

namespace stip::test {

/// Tasks over a small Landsat product with a quality band: included behind CAF_SUITE.
struct landsat_fixture : transform_fixture {
  static constexpr int64_t scene_edge = 400;
  static constexpr int precision = 5;

  static std::string write_product(const std::string& folder) {
    prepare_gdal();
    scenes::recipe r;
    r.family = "landsat-l2sp";
    r.size = scene_edge;
    r.clouds = 0.4;
    const auto made = scenes::make(r, folder);
    if (!made) CAF_FAIL(to_string(made.error()));
    return made->path;
  }

  void store_product(test_cluster& nodes, const std::string& product, bool cloud = false) {
    auto request = sample_request("a", product, precision);
    request.cloud = cloud;
    const auto stored = nodes.store(0, request);
    if (!stored) CAF_FAIL(to_string(stored.error()));
    for (const auto& err : stored->errors) CAF_MESSAGE(err.reason);
    CAF_REQUIRE(stored->state == task_state::done);
    CAF_REQUIRE(stored->errors.empty());
  }
};

}  // namespace stip::test
