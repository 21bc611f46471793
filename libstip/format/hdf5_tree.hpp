#pragma once

#include <gdal.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "libstip/core/error.hpp"
#include "libstip/raster/gdal_dataset.hpp"

namespace stip {

/// An attribute of a HDF5 file: as text, and as numbers where it has them.
struct hdf5_attribute {
  std::string text;
  std::vector<double> numbers;
};
using hdf5_attributes = std::map<std::string, hdf5_attribute>;

/// The groups, arrays and attributes of a HDF5 file, NetCDF-4 included, as they stand in it. Only
/// in reader processes. Texts are cleaned and bounded.
class hdf5_tree {
 public:
  /// Errors: malformed, unsupported.
  static result<hdf5_tree> open(const std::string& input);

  /// Attributes of a group ("/HDFEOS/ADDITIONAL/FILE_ATTRIBUTES", "/") or an array; empty when
  /// there is none of that name.
  hdf5_attributes of_group(const std::string& path) const;
  hdf5_attributes of_array(const std::string& path) const;

  /// The whole of an array of one text, not cleaned; empty when there is none, or it is longer than
  /// max_odl_bytes.
  std::string text_of(const std::string& path) const;

  /// Shape of an array; empty when there is none.
  std::vector<uint64_t> shape_of(const std::string& path) const;

  /// Names of the arrays in a group.
  std::vector<std::string> arrays_in(const std::string& group) const;

  /// GDAL's name of an array as a raster dataset.
  static std::string raster_name(const std::string& input, const std::string& path);

 private:
  struct group_release {
    void operator()(GDALGroupH group) const { GDALGroupRelease(group); }
  };
  using group_ptr = std::unique_ptr<std::remove_pointer_t<GDALGroupH>, group_release>;
  struct array_release {
    void operator()(GDALMDArrayH array) const { GDALMDArrayRelease(array); }
  };
  using array_ptr = std::unique_ptr<std::remove_pointer_t<GDALMDArrayH>, array_release>;

  group_ptr group_at(const std::string& path) const;
  array_ptr array_at(const std::string& path) const;

  gdal_dataset dataset_;
  group_ptr root_;
};

}  // namespace stip
