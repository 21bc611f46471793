#pragma once

#include <map>
#include <optional>
#include <string>

#include "libstip/core/error.hpp"
#include "libstip/core/time.hpp"
#include "libstip/format/format.hpp"
#include "libstip/raster/scene.hpp"

// What the products of NASA's Earth Observing System (MODIS, VIIRS) say of themselves, in their
// metadata and in their names: SHORTNAME.AYYYYDDD[.HHMM][.hXXvYY].CCC.YYYYDDDHHMMSS.

namespace stip {

/// Metadata of a granule by name; of items that are numbered (".1") the first counts.
using eos_metadata = std::map<std::string, std::string>;

struct eos_identity {
  std::string short_name;
  /// "6", "61", "1".
  std::string collection;
  /// "A2016145", of a swath "A2019336.0000".
  std::string acquired;
  /// "h18v04"; empty for swaths and global grids.
  std::string hv;
  bool near_real_time = false;
  std::optional<epoch_seconds> generated;
  /// The granule's own time where it has one, else the day of the name.
  std::optional<epoch_seconds> begin;
  std::optional<epoch_seconds> end;
  std::string spacecraft;
  std::string instrument;
  std::string day_night;
};

/// `name` is that of the file. What neither says is empty.
eos_identity identify_eos(const eos_metadata& metadata, const std::string& name);

/// Sets platform (the short name, unless set), tile, times and properties of the description: what
/// the identity says, and `series` and `rank`, by which a reprocessed granule replaces an older
/// one. The options count more. Errors: invalid_argument for what nothing says, with the option
/// that gives it.
result<void> describe_eos(const eos_identity& identity, const std::string& input,
                          const scene_options& options, scene_description& description);

/// A date "2016-05-24" and a time of the day, "11:55:00.000000" or empty, as one instant.
std::optional<epoch_seconds> eos_time(const std::string& date, const std::string& time);

}  // namespace stip
