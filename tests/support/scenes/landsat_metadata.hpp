#pragma once

#include <string>
#include <vector>

namespace stip::scenes {

/// A file of the product: the key of its name, as FILE_NAME_BAND_4, its data type, and the name.
struct landsat_file {
  std::string key;
  std::string type;
  std::string name;
};

/// What an MTL file is written from.
struct landsat_facts {
  /// Level 2 (L2SP) or level 1 (L1TP).
  bool level2 = false;
  std::string id;
  /// Acquisition and processing: YYYY-MM-DD.
  std::string acquired, processed;
  std::vector<landsat_file> files;
  long long lines = 0, samples = 0;
  /// Centres of the corner pixels: x and y of the upper left, in metres.
  double left = 0, top = 0;
  int zone = 31, path = 198, row = 30;
  double cloud_cover = 0;
  /// Longitude, latitude of UL, UR, LR, LL.
  std::vector<std::pair<double, double>> corners;
};

/// As text (ODL) and as XML: one content.
std::string landsat_text(const landsat_facts& f);
std::string landsat_xml(const landsat_facts& f);

/// K1 and K2 of bands 10 and 11, as in the files.
inline constexpr double landsat_k1[2] = {774.8853, 480.8883};
inline constexpr double landsat_k2[2] = {1321.0789, 1201.1442};
/// Degrees above the horizon.
inline constexpr double landsat_sun = 59.49769288;

}  // namespace stip::scenes
