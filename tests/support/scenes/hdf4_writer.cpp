#include "tests/support/scenes/hdf4_writer.hpp"

#include <hdf/mfhdf.h>

#include <algorithm>
#include <cstring>
#include <mutex>

namespace stip::scenes {

namespace {

/// As MOD09GA has them.
constexpr int chunk_rows = 32;
constexpr int deflate_level = 8;
constexpr size_t struct_metadata_bytes = 32000;

int32 hdf4_type(pixel_type type) {
  switch (type) {
    case pixel_type::int8:
      return DFNT_INT8;
    case pixel_type::int16:
      return DFNT_INT16;
    case pixel_type::uint16:
      return DFNT_UINT16;
    case pixel_type::uint32:
      return DFNT_UINT32;
    default:
      return DFNT_UINT8;
  }
}

/// A number in the field's own type, for attributes.
std::vector<std::byte> raw(pixel_type type, std::initializer_list<double> values) {
  std::vector<std::byte> out(values.size() * size_of(type));
  visit_pixel_type(type, [&]<class T>(std::type_identity<T>) {
    size_t at = 0;
    for (const double v : values) {
      const auto number = static_cast<T>(v);
      std::memcpy(out.data() + at, &number, sizeof(T));
      at += sizeof(T);
    }
  });
  return out;
}

bool set_text(int32 id, const char* name, const std::string& value) {
  return SDsetattr(id, name, DFNT_CHAR8, static_cast<int32>(value.size()), value.data()) != FAIL;
}

bool set_number(int32 id, const char* name, double value) {
  return SDsetattr(id, name, DFNT_FLOAT64, 1, &value) != FAIL;
}

bool write_pixels(int32 sds, const layer& l) {
  std::vector<std::byte> strip;
  for (int64_t y = 0; y < l.height; y += chunk_rows) {
    const window w{0, y, l.width, std::min<int64_t>(chunk_rows, l.height - y)};
    strip.resize(w.pixels() * size_of(l.type));
    l.pixels(w, strip);
    int32 start[2] = {static_cast<int32>(y), 0};
    int32 count[2] = {static_cast<int32>(w.height), static_cast<int32>(w.width)};
    if (SDwritedata(sds, start, nullptr, count, strip.data()) == FAIL) return false;
  }
  return true;
}

/// The reference number of the data set, or FAIL.
int32 write_field(int32 file, const std::string& grid, const hdf4_field& f) {
  const auto& l = *f.pixels;
  const auto type = hdf4_type(l.type);
  int32 sizes[2] = {static_cast<int32>(l.height), static_cast<int32>(l.width)};
  const auto sds = SDcreate(file, l.name.c_str(), type, 2, sizes);
  if (sds == FAIL) return FAIL;
  bool good = SDsetdimname(SDgetdimid(sds, 0), ("YDim:" + grid).c_str()) != FAIL &&
              SDsetdimname(SDgetdimid(sds, 1), ("XDim:" + grid).c_str()) != FAIL;
  good = good && set_text(sds, "long_name", f.long_name) && set_text(sds, "units", f.units);
  const auto range = raw(l.type, {f.valid_low, f.valid_high});
  good = good && SDsetattr(sds, "valid_range", type, 2, range.data()) != FAIL;
  auto fill = raw(l.type, {f.fill});
  good = good && SDsetfillvalue(sds, fill.data()) != FAIL;
  if (l.scale)
    good = good && set_number(sds, "scale_factor", *l.scale) &&
           set_number(sds, "scale_factor_err", 0) &&
           set_number(sds, "add_offset", l.offset.value_or(0)) &&
           set_number(sds, "add_offset_err", 0);
  HDF_CHUNK_DEF chunk{};
  chunk.comp.chunk_lengths[0] = std::min<int32>(chunk_rows, sizes[0]);
  chunk.comp.chunk_lengths[1] = sizes[1];
  chunk.comp.comp_type = COMP_CODE_DEFLATE;
  chunk.comp.cinfo.deflate.level = deflate_level;
  good = good && SDsetchunk(sds, chunk, HDF_CHUNK | HDF_COMP) != FAIL && write_pixels(sds, l);
  const auto ref = SDidtoref(sds);
  return SDendaccess(sds) != FAIL && good ? ref : FAIL;
}

int32 new_group(int32 file, const char* name, const char* kind) {
  const auto group = Vattach(file, -1, "w");
  if (group != FAIL && Vsetname(group, name) != FAIL && Vsetclass(group, kind) != FAIL)
    return group;
  return FAIL;
}

/// A grid is a Vgroup of two: one with the data sets, one with attributes.
bool write_group(int32 file, const std::string& name, const std::vector<int32>& refs) {
  const auto grid = new_group(file, name.c_str(), "GRID");
  const auto data = new_group(file, "Data Fields", "GRID Vgroup");
  const auto attributes = new_group(file, "Grid Attributes", "GRID Vgroup");
  if (grid == FAIL || data == FAIL || attributes == FAIL) return false;
  bool good = Vinsert(grid, data) != FAIL && Vinsert(grid, attributes) != FAIL;
  for (const auto ref : refs) good = good && Vaddtagref(data, DFTAG_NDG, ref) != FAIL;
  good = Vdetach(attributes) != FAIL && good;
  good = Vdetach(data) != FAIL && good;
  return Vdetach(grid) != FAIL && good;
}

}  // namespace

result<void> write_hdf4(const std::string& path, const std::vector<hdf4_grid>& grids,
                        const std::string& structure, const std::string& core,
                        const std::string& archive) {
  static std::mutex library;
  const std::lock_guard held(library);
  const auto refuse = [&] {
    return fail(ec::io_error, "write " + path, HEstring(static_cast<hdf_err_code_t>(HEvalue(1))),
                "HDF4 files end at 2 GiB; also check the free space");
  };
  const auto file = SDstart(path.c_str(), DFACC_CREATE);
  if (file == FAIL) return refuse();
  SDsetfillmode(file, SD_NOFILL);
  bool good = true;
  std::vector<std::vector<int32>> refs(grids.size());
  for (size_t i = 0; i < grids.size() && good; ++i)
    for (const auto& field : grids[i].fields) {
      refs[i].push_back(write_field(file, grids[i].name, field));
      good = good && refs[i].back() != FAIL;
    }
  auto padded = structure;
  padded.resize(std::max(padded.size() + 1, struct_metadata_bytes), '\0');
  good = good && set_text(file, "HDFEOSVersion", "HDFEOS_V2.19") &&
         set_text(file, "StructMetadata.0", padded) && set_text(file, "CoreMetadata.0", core) &&
         set_text(file, "ArchiveMetadata.0", archive);
  if (SDend(file) == FAIL || !good) return refuse();
  const auto again = Hopen(path.c_str(), DFACC_RDWR, 0);
  if (again == FAIL || Vstart(again) == FAIL) return refuse();
  for (size_t i = 0; i < grids.size(); ++i)
    good = good && write_group(again, grids[i].name, refs[i]);
  good = Vend(again) != FAIL && good;
  if (Hclose(again) == FAIL || !good) return refuse();
  return {};
}

}  // namespace stip::scenes
