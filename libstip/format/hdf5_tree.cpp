#include "libstip/format/hdf5_tree.hpp"

#include <cpl_string.h>

#include <algorithm>

#include "libstip/core/defaults.hpp"
#include "libstip/format/odl.hpp"
#include "libstip/raster/text.hpp"

namespace stip {

namespace {

/// Numbers of one attribute at most; scales, ranges and fill values have few.
constexpr size_t max_attribute_numbers = 64;

hdf5_attributes attributes_of(GDALAttributeH* list, size_t count) {
  hdf5_attributes out;
  for (size_t i = 0; i < count && out.size() < defaults::max_scene_list; ++i) {
    hdf5_attribute one;
    if (const auto* text = GDALAttributeReadAsString(list[i]))
      one.text = clean_text(text, defaults::max_property_bytes);
    auto* type = GDALAttributeGetDataType(list[i]);
    if (GDALExtendedDataTypeGetClass(type) == GEDTC_NUMERIC) {
      size_t numbers = 0;
      if (auto* values = GDALAttributeReadAsDoubleArray(list[i], &numbers)) {
        one.numbers.assign(values, values + std::min(numbers, max_attribute_numbers));
        CPLFree(values);
      }
    }
    GDALExtendedDataTypeRelease(type);
    out.emplace(clean_text(GDALAttributeGetName(list[i]), defaults::max_name_bytes),
                std::move(one));
  }
  GDALReleaseAttributes(list, count);
  return out;
}

/// "/a/b c/d" as its parts.
std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> out;
  size_t from = 0;
  while (from < path.size()) {
    const auto slash = std::min(path.find('/', from), path.size());
    if (slash > from) out.push_back(path.substr(from, slash - from));
    from = slash + 1;
  }
  return out;
}

}  // namespace

result<hdf5_tree> hdf5_tree::open(const std::string& input) {
  prepare_gdal();
  const gdal_errors errors;
  const char* const drivers[] = {"HDF5", nullptr};
  auto* handle = gdal_role_here() == gdal_role::reader
                     ? GDALOpenEx(input.c_str(), GDAL_OF_MULTIDIM_RASTER | GDAL_OF_READONLY,
                                  drivers, nullptr, nullptr)
                     : nullptr;
  if (handle == nullptr)
    return fail(ec::malformed, "open " + input,
                errors.text().empty() ? "it is no HDF5 file that can be read" : errors.text(),
                "fetch the file again, it seems to be damaged");
  hdf5_tree out;
  out.dataset_ = gdal_dataset(handle, true);
  out.root_.reset(GDALDatasetGetRootGroup(handle));
  if (!out.root_) return fail(ec::malformed, "open " + input, "it has no groups");
  return out;
}

hdf5_tree::group_ptr hdf5_tree::group_at(const std::string& path) const {
  group_ptr at;
  for (const auto& name : parts_of(path)) {
    at.reset(GDALGroupOpenGroup(at ? at.get() : root_.get(), name.c_str(), nullptr));
    if (!at) return nullptr;
  }
  return at;
}

hdf5_tree::array_ptr hdf5_tree::array_at(const std::string& path) const {
  const gdal_errors quiet;
  const auto slash = path.rfind('/');
  const auto name = path.substr(slash == std::string::npos ? 0 : slash + 1);
  const auto parent = slash == std::string::npos ? std::string() : path.substr(0, slash);
  const auto group = group_at(parent);
  if (!group && !parts_of(parent).empty()) return nullptr;
  return array_ptr(GDALGroupOpenMDArray(group ? group.get() : root_.get(), name.c_str(), nullptr));
}

hdf5_attributes hdf5_tree::of_group(const std::string& path) const {
  const auto held = dataset_.lock();
  const gdal_errors quiet;
  const auto group = group_at(path);
  if (!group && !parts_of(path).empty()) return {};
  size_t count = 0;
  auto* list = GDALGroupGetAttributes(group ? group.get() : root_.get(), &count, nullptr);
  return attributes_of(list, count);
}

hdf5_attributes hdf5_tree::of_array(const std::string& path) const {
  const auto held = dataset_.lock();
  const gdal_errors quiet;
  const auto array = array_at(path);
  if (!array) return {};
  size_t count = 0;
  auto* list = GDALMDArrayGetAttributes(array.get(), &count, nullptr);
  auto out = attributes_of(list, count);
  // GDAL keeps some attributes to itself, by what they mean.
  const auto add = [&](const char* name, int has, double value) {
    if (has != FALSE) out.emplace(name, hdf5_attribute{{}, {value}});
  };
  int has = FALSE;
  const double nodata = GDALMDArrayGetNoDataValueAsDouble(array.get(), &has);
  add("_FillValue", has, nodata);
  const double scale = GDALMDArrayGetScale(array.get(), &has);
  add("scale_factor", has, scale);
  const double offset = GDALMDArrayGetOffset(array.get(), &has);
  add("add_offset", has, offset);
  if (const auto* unit = GDALMDArrayGetUnit(array.get()); unit != nullptr && *unit != '\0')
    out.emplace("units", hdf5_attribute{clean_text(unit, defaults::max_name_bytes), {}});
  return out;
}

std::string hdf5_tree::text_of(const std::string& path) const {
  const auto held = dataset_.lock();
  const gdal_errors quiet;
  const auto array = array_at(path);
  if (!array || GDALMDArrayGetTotalElementsCount(array.get()) != 1) return {};
  auto* type = GDALMDArrayGetDataType(array.get());
  std::string out;
  if (GDALExtendedDataTypeGetClass(type) == GEDTC_STRING) {
    const size_t dimensions = GDALMDArrayGetDimensionCount(array.get());
    const std::vector<GUInt64> start(std::max<size_t>(dimensions, 1), 0);
    const std::vector<size_t> count(std::max<size_t>(dimensions, 1), 1);
    char* text = nullptr;
    if (GDALMDArrayRead(array.get(), start.data(), count.data(), nullptr, nullptr, type, &text,
                        nullptr, 0) != FALSE &&
        text != nullptr) {
      const size_t length = ::strnlen(text, max_odl_bytes + 1);
      if (length <= max_odl_bytes) out.assign(text, length);
    }
    CPLFree(text);
  }
  GDALExtendedDataTypeRelease(type);
  return out;
}

std::vector<uint64_t> hdf5_tree::shape_of(const std::string& path) const {
  const auto held = dataset_.lock();
  const gdal_errors quiet;
  const auto array = array_at(path);
  if (!array) return {};
  size_t count = 0;
  auto** dimensions = GDALMDArrayGetDimensions(array.get(), &count);
  std::vector<uint64_t> out;
  for (size_t i = 0; i < count; ++i) out.push_back(GDALDimensionGetSize(dimensions[i]));
  GDALReleaseDimensions(dimensions, count);
  return out;
}

std::vector<std::string> hdf5_tree::arrays_in(const std::string& path) const {
  const auto held = dataset_.lock();
  const gdal_errors quiet;
  const auto group = group_at(path);
  if (!group && !parts_of(path).empty()) return {};
  char** names = GDALGroupGetMDArrayNames(group ? group.get() : root_.get(), nullptr);
  std::vector<std::string> out;
  for (char** name = names; name != nullptr && *name != nullptr; ++name)
    if (out.size() < defaults::max_bands) out.emplace_back(*name);
  CSLDestroy(names);
  return out;
}

std::string hdf5_tree::raster_name(const std::string& input, const std::string& path) {
  auto flat = path;
  // GDAL's names of datasets have no blanks.
  std::replace(flat.begin(), flat.end(), ' ', '_');
  return "HDF5:\"" + input + "\":/" + flat;
}

}  // namespace stip
