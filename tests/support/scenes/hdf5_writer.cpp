#include "tests/support/scenes/hdf5_writer.hpp"

#include <hdf5.h>
#include <libdeflate.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>

namespace stip::scenes {

namespace {

constexpr int64_t chunk_edge = 400;
constexpr int deflate_level = 4;
constexpr size_t struct_metadata_bytes = 32000;
const std::string eos_folder = "/HDFEOS INFORMATION";

/// Closes an identifier of the library.
class handle {
 public:
  handle(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {}
  handle(handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  ~handle() {
    if (id_ >= 0) close_(id_);
  }
  operator hid_t() const { return id_; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

hid_t hdf5_type(pixel_type type) {
  switch (type) {
    case pixel_type::int8:
      return H5T_STD_I8LE;
    case pixel_type::int16:
      return H5T_STD_I16LE;
    case pixel_type::uint16:
      return H5T_STD_U16LE;
    case pixel_type::uint32:
      return H5T_STD_U32LE;
    default:
      return H5T_STD_U8LE;
  }
}

bool set_text(hid_t at, const char* name, const std::string& value) {
  const handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type, std::max<size_t>(1, value.size()));
  const handle space(H5Screate(H5S_SCALAR), H5Sclose);
  const handle attribute(H5Acreate2(at, name, type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  return attribute >= 0 && H5Awrite(attribute, type, value.data()) >= 0;
}

bool set_number(hid_t at, const char* name, hid_t type, double value) {
  const hsize_t one = 1;
  const handle space(H5Screate_simple(1, &one, nullptr), H5Sclose);
  const handle attribute(H5Acreate2(at, name, type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  return attribute >= 0 && H5Awrite(attribute, H5T_NATIVE_DOUBLE, &value) >= 0;
}

bool make_group(hid_t file, const std::string& path) {
  const handle group(H5Gcreate2(file, path.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                     H5Gclose);
  return group >= 0;
}

handle untimed(hid_t kind) {
  handle list(H5Pcreate(kind), H5Pclose);
  // Files of one recipe are the same bytes.
  if (kind == H5P_DATASET_CREATE) H5Pset_obj_track_times(list, false);
  return list;
}

bool write_axis(hid_t file, const std::string& path, int64_t count, double first, double step) {
  const hsize_t size = static_cast<hsize_t>(count);
  const handle space(H5Screate_simple(1, &size, nullptr), H5Sclose);
  const auto properties = untimed(H5P_DATASET_CREATE);
  const handle set(
      H5Dcreate2(file, path.c_str(), H5T_IEEE_F64LE, space, H5P_DEFAULT, properties, H5P_DEFAULT),
      H5Dclose);
  std::vector<double> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) values[i] = first + step * (double(i) + 0.5);
  return set >= 0 &&
         H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) >= 0;
}

bool write_structure(hid_t file, const std::string& structure) {
  auto padded = structure;
  padded.resize(std::max(padded.size() + 1, struct_metadata_bytes), '\0');
  const handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type, padded.size());
  const handle space(H5Screate(H5S_SCALAR), H5Sclose);
  const auto properties = untimed(H5P_DATASET_CREATE);
  const handle set(H5Dcreate2(file, (eos_folder + "/StructMetadata.0").c_str(), type, space,
                              H5P_DEFAULT, properties, H5P_DEFAULT),
                   H5Dclose);
  return set >= 0 && H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, padded.data()) >= 0;
}

/// A chunk of whole size: what lies beyond the grid is the fill value.
std::vector<std::byte> paint_chunk(const layer& l, const window& w, int64_t edge) {
  const auto size = size_of(l.type);
  std::vector<std::byte> pixels(w.pixels() * size);
  l.pixels(w, pixels);
  if (w.width == edge && w.height == edge) return pixels;
  std::vector<std::byte> out(static_cast<size_t>(edge * edge) * size);
  visit_pixel_type(l.type, [&]<class T>(std::type_identity<T>) {
    std::fill_n(reinterpret_cast<T*>(out.data()), edge * edge, static_cast<T>(*l.nodata));
  });
  for (int64_t row = 0; row < w.height; ++row)
    std::memcpy(out.data() + static_cast<size_t>(row * edge) * size,
                pixels.data() + static_cast<size_t>(row * w.width) * size,
                static_cast<size_t>(w.width) * size);
  return out;
}

result<void> write_chunks(hid_t set, const layer& l, int64_t edge, size_t threads) {
  const auto across = (l.width + edge - 1) / edge;
  const auto down = (l.height + edge - 1) / edge;
  std::mutex library;
  return in_parallel(static_cast<size_t>(across * down), threads, [&](size_t i) -> result<void> {
    const auto x = static_cast<int64_t>(i) % across * edge;
    const auto y = static_cast<int64_t>(i) / across * edge;
    const auto pixels =
        paint_chunk(l, {x, y, std::min(edge, l.width - x), std::min(edge, l.height - y)}, edge);
    const std::unique_ptr<libdeflate_compressor, decltype(&libdeflate_free_compressor)> packer(
        libdeflate_alloc_compressor(deflate_level), libdeflate_free_compressor);
    std::vector<std::byte> packed(libdeflate_zlib_compress_bound(packer.get(), pixels.size()));
    const auto size = libdeflate_zlib_compress(packer.get(), pixels.data(), pixels.size(),
                                               packed.data(), packed.size());
    const hsize_t at[2] = {static_cast<hsize_t>(y), static_cast<hsize_t>(x)};
    const std::lock_guard held(library);
    if (size == 0 || H5Dwrite_chunk(set, H5P_DEFAULT, 0, at, size, packed.data()) < 0)
      return fail(ec::io_error, "write " + l.name, "the HDF5 library refused a chunk");
    return {};
  });
}

result<void> write_field(hid_t file, const std::string& grid, const layer& l, size_t threads) {
  const auto refuse = [&] {
    return fail(ec::io_error, "write " + l.name, "the HDF5 library refused it");
  };
  const auto edge = std::min(chunk_edge, std::max(l.width, l.height));
  const hsize_t shape[2] = {static_cast<hsize_t>(l.height), static_cast<hsize_t>(l.width)};
  const hsize_t chunk[2] = {static_cast<hsize_t>(edge), static_cast<hsize_t>(edge)};
  const handle space(H5Screate_simple(2, shape, nullptr), H5Sclose);
  const auto properties = untimed(H5P_DATASET_CREATE);
  H5Pset_chunk(properties, 2, chunk);
  H5Pset_deflate(properties, deflate_level);
  const double fill = *l.nodata;
  H5Pset_fill_value(properties, H5T_NATIVE_DOUBLE, &fill);
  const auto name = grid + "/Data Fields/" + l.name;
  const handle set(H5Dcreate2(file, name.c_str(), hdf5_type(l.type), space, H5P_DEFAULT, properties,
                              H5P_DEFAULT),
                   H5Dclose);
  if (set < 0 || !set_text(set, "long_name", l.name) ||
      !set_number(set, "_FillValue", hdf5_type(l.type), fill))
    return refuse();
  if (l.scale && (!set_number(set, "scale_factor", H5T_IEEE_F64LE, *l.scale) ||
                  !set_number(set, "add_offset", H5T_IEEE_F64LE, l.offset.value_or(0))))
    return refuse();
  return write_chunks(set, l, edge, threads);
}

}  // namespace

result<void> write_hdf5(const std::string& path, const hdf5_form& form) {
  const auto refuse = [&] {
    return fail(ec::io_error, "write " + path, "the HDF5 library refused it",
                "free space in its folder");
  };
  const handle file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose);
  if (file < 0) return refuse();
  bool good = make_group(file, "/HDFEOS") && make_group(file, "/HDFEOS/ADDITIONAL") &&
              make_group(file, "/HDFEOS/ADDITIONAL/FILE_ATTRIBUTES") &&
              make_group(file, "/HDFEOS/GRIDS") && make_group(file, eos_folder);
  for (const auto& [name, value] : form.attributes)
    good = good && set_text(file, name.c_str(), value);
  if (!good) return refuse();
  for (const auto& g : form.grids) {
    const auto grid = "/HDFEOS/GRIDS/" + g.shape.name;
    const double pixel = (g.shape.right - g.shape.left) / double(g.shape.edge);
    if (!make_group(file, grid) || !make_group(file, grid + "/Data Fields") ||
        !write_axis(file, grid + "/XDim", g.shape.edge, g.shape.left, pixel) ||
        !write_axis(file, grid + "/YDim", g.shape.edge, g.shape.top, -pixel))
      return refuse();
    for (const auto* l : g.fields) STIP_TRY(write_field(file, grid, *l, form.threads));
  }
  {
    const handle group(H5Gopen2(file, eos_folder.c_str(), H5P_DEFAULT), H5Gclose);
    good = group >= 0 && set_text(group, "HDFEOSVersion", "HDFEOS_5.1.15");
  }
  if (!good || !write_structure(file, form.structure) || H5Fflush(file, H5F_SCOPE_GLOBAL) < 0)
    return refuse();
  return {};
}

}  // namespace stip::scenes
