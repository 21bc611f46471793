#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "libstip/core/error.hpp"
#include "libstip/core/time.hpp"

// What the metadata of a Sentinel-2 product says: the product's own (MTD_MSIL1C.xml, MTD_MSIL2A.xml
// and their older names), the granule's (MTD_TL.xml), and the JSON of the AWS layout
// (tileInfo.json, productInfo.json). Sentinel-2 Products Specification Document, issue 14.9.

namespace stip::sentinel2 {

/// B01 ... B08, B8A, B09 ... B12: the order of the metadata's band ids.
inline constexpr size_t band_ids = 13;

/// What is known of one granule: the halves of a product's metadata put together.
struct metadata {
  /// "1C" or "2A"; empty when unknown.
  std::string level;
  /// "S2A"
  std::string spacecraft;
  /// "02.14"
  std::string baseline;
  /// Name of the product without ".SAFE", of the granule, of the datastrip, of the datatake.
  std::string product;
  std::string granule;
  std::string datastrip;
  std::string datatake;
  /// "31TDH"
  std::string mgrs;
  std::string relative_orbit;
  std::string orbit_direction;
  std::optional<epoch_seconds> datatake_start;
  std::optional<epoch_seconds> sensing;
  std::optional<epoch_seconds> generated;
  /// Percent.
  std::optional<double> cloud_cover;
  /// Degrees.
  std::optional<double> sun_zenith;
  std::optional<double> sun_azimuth;
  /// Mean over the bands, degrees.
  std::optional<double> view_zenith;
  std::optional<double> view_azimuth;
  /// value = (DN + offset) / quantification
  std::optional<double> quantification;
  std::optional<double> aerosol_quantification;
  std::optional<double> water_quantification;
  /// Whether there is a list of offsets; offsets that it leaves out are unknown then.
  bool lists_offsets = false;
  std::array<std::optional<double>, band_ids> offsets;
  /// Central wavelengths in nm.
  std::array<std::optional<double>, band_ids> wavelengths;
  /// Rows and columns by resolution in m, as the granule's metadata has them.
  std::map<int, std::pair<int64_t, int64_t>> sizes;
};

/// The kind of metadata that a text is, by its root element.
enum class document : uint8_t { none, product, granule };
document document_of(std::string_view beginning);

/// Reads a metadata text into `out`, over what is there. Errors: malformed, unsupported for another
/// product's metadata.
result<void> read_xml(const std::string& text, const std::string& what, metadata& out);

/// Reads tileInfo.json or productInfo.json into `out`, where that says nothing yet.
/// Errors: malformed.
result<void> read_json(const std::string& text, const std::string& what, metadata& out);

/// What the name of a product, granule or datastrip says, into `out` where that says nothing yet:
/// level, spacecraft, baseline, tile, orbit, datatake's start.
void read_name(std::string_view name, metadata& out);

/// The offset of a band: 0 where the baseline is older than offsets (04.00); nullopt when nothing
/// says it.
std::optional<double> offset_of(const metadata& of, size_t band_id);

}  // namespace stip::sentinel2
