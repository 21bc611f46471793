#pragma once

#include "tests/support/scenes/product.hpp"

// The plans that the list of families names, one file a provider.

namespace stip::scenes {

result<product> plan_sentinel2_l1c(const recipe& r, const std::string& folder);
result<product> plan_sentinel2_l2a(const recipe& r, const std::string& folder);
result<product> plan_landsat_l1tp(const recipe& r, const std::string& folder);
result<product> plan_landsat_l2sp(const recipe& r, const std::string& folder);
result<product> plan_mcd43a4(const recipe& r, const std::string& folder);
result<product> plan_mod11a1(const recipe& r, const std::string& folder);
result<product> plan_mod09ga(const recipe& r, const std::string& folder);
result<product> plan_vnp21(const recipe& r, const std::string& folder);
result<product> plan_vnp09(const recipe& r, const std::string& folder);
result<product> plan_gridmet(const recipe& r, const std::string& folder);
result<product> plan_naip(const recipe& r, const std::string& folder);
result<product> plan_nlcd(const recipe& r, const std::string& folder);

}  // namespace stip::scenes
