#pragma once

#include <cpl_vsi.h>

#include <caf/test/unit_test.hpp>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "libstip/format/format.hpp"
#include "tests/support/libstip/raster_file.hpp"

// Products of several files for tests: their JP2s, folders, zips and tars, and what their scenes
// hold compared with what GDAL reads of each file.

namespace stip::test {

/// The scenes of an input; none, and a failed check, when it cannot be opened.
inline std::vector<std::unique_ptr<scene>> all_of(const std::string& input,
                                                  const scene_options& options = {}) {
  auto scenes = open_scenes("auto", input, options);
  if (scenes) return std::move(*scenes);
  const auto why = to_string(scenes.error());
  CAF_ERROR(why);
  return {};
}

/// Its only scene; null, and a failed check, when there are more or none.
inline std::unique_ptr<scene> opened(const std::string& input, const scene_options& options = {}) {
  auto scenes = all_of(input, options);
  if (scenes.size() == 1) return std::move(scenes.front());
  const auto why = "it has " + std::to_string(scenes.size()) + " scenes";
  CAF_ERROR(why);
  return nullptr;
}

/// Why the input is refused, "CODE: text"; empty when it is not.
inline std::string refusal(const std::string& input, const scene_options& options = {},
                           std::string_view format = "auto") {
  const auto scenes = open_scenes(format, input, options);
  return scenes ? ""
                : std::string(to_string(scenes.error().code)) + ": " + to_string(scenes.error());
}

inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// The pixels that write_raster makes, as a lossless JP2.
inline bool write_jp2(const std::string& path, const raster_file& file) {
  const auto tiff = path + ".tif";
  if (!write_raster(tiff, file)) return false;
  const gdal_errors errors;
  std::unique_ptr<GDALDataset> source(GDALDataset::Open(tiff.c_str()));
  auto* driver = GetGDALDriverManager()->GetDriverByName("JP2OpenJPEG");
  if (!source || driver == nullptr) return false;
  CPLStringList options;
  for (const char* option : {"REVERSIBLE=YES", "QUALITY=100", "YCBCR420=NO", "WRITE_METADATA=NO"})
    options.AddString(option);
  std::unique_ptr<GDALDataset> made(
      driver->CreateCopy(path.c_str(), source.get(), FALSE, options.List(), nullptr, nullptr));
  const bool done = made != nullptr;
  made.reset();
  source.reset();
  std::filesystem::remove(tiff);
  std::filesystem::remove(path + ".aux.xml");
  return done && !errors.failed();
}

/// The files below a folder, by their names relative to it.
inline std::map<std::string, std::string> files_below(const std::string& folder) {
  std::map<std::string, std::string> out;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file())
      out[std::filesystem::relative(entry.path(), folder).string()] =
          read_file(entry.path().string());
  return out;
}

/// Writes files into a zip, by GDAL.
inline bool write_zip(const std::string& path, const std::map<std::string, std::string>& files) {
  const gdal_errors errors;
  auto* const zip = VSIFOpenL(("/vsizip/{" + path + "}").c_str(), "wb");
  if (zip == nullptr) return false;
  for (const auto& [name, bytes] : files) {
    auto* const file = VSIFOpenL(("/vsizip/{" + path + "}/" + name).c_str(), "wb");
    if (file == nullptr) break;
    VSIFWriteL(bytes.data(), 1, bytes.size(), file);
    VSIFCloseL(file);
  }
  VSIFCloseL(zip);
  return !errors.failed();
}

/// A tar (ustar) of the files.
inline std::string tar_of(const std::map<std::string, std::string>& files) {
  constexpr size_t block = 512;
  std::string out;
  for (const auto& [name, bytes] : files) {
    std::string header(block, '\0');
    name.copy(header.data(), 99);
    std::snprintf(header.data() + 100, 8, "%07o", 0644);
    std::snprintf(header.data() + 124, 12, "%011zo", bytes.size());
    std::snprintf(header.data() + 136, 12, "%011o", 0);
    header[156] = '0';
    std::memcpy(header.data() + 257, "ustar\00000", 8);
    std::memset(header.data() + 148, ' ', 8);
    unsigned sum = 0;
    for (const unsigned char c : header) sum += c;
    std::snprintf(header.data() + 148, 8, "%06o", sum);
    out += header + bytes + std::string((block - bytes.size() % block) % block, '\0');
  }
  return out + std::string(2 * block, '\0');
}

/// Compresses bytes into a gzip file.
inline bool write_gzip(const std::string& path, const std::string& bytes) {
  auto* const file = VSIFOpenL(("/vsigzip/" + path).c_str(), "wb");
  if (file == nullptr) return false;
  const bool written = VSIFWriteL(bytes.data(), 1, bytes.size(), file) == bytes.size();
  return VSIFCloseL(file) == 0 && written;
}

/// The subdataset of that id; nullptr when there is none.
inline const subdataset_description* subdataset(const scene& of, const std::string& id) {
  for (const auto& one : of.description().subdatasets)
    if (one.id == id) return &one;
  return nullptr;
}

/// "id: band band, id: band": the subdatasets and bands of a scene, in their order.
inline std::string bands_of(const scene& of) {
  std::string out;
  for (const auto& one : of.description().subdatasets) {
    out += (out.empty() ? "" : ", ") + one.id + ":";
    for (const auto& band : one.bands) out += " " + band.name;
  }
  return out;
}

/// A property of the scene; empty when it has none.
inline std::string property(const scene& of, const std::string& name) {
  const auto& all = of.description().properties;
  const auto at = all.find(name);
  return at == all.end() ? std::string() : at->second;
}

/// How the pixels and the place of a subdataset's band differ from a file's; empty when they do
/// not.
inline std::string difference(const scene& of, const std::string& id, size_t band,
                              const std::string& path, int file_band = 1) {
  const auto& all = of.description().subdatasets;
  size_t index = 0;
  while (index < all.size() && all[index].id != id) ++index;
  if (index == all.size()) return "no subdataset " + id;
  const auto& d = all[index];
  const gdal_errors quiet;
  const std::unique_ptr<GDALDataset> file(GDALDataset::Open(path.c_str(), GDAL_OF_RASTER));
  if (!file) return "cannot open " + path;
  if (file->GetRasterXSize() != d.grid.width || file->GetRasterYSize() != d.grid.height)
    return "the sizes differ";
  std::array<double, 6> transform{};
  file->GetGeoTransform(transform.data());
  if (transform != d.grid.transform) return "the transforms differ";
  auto reader = of.open_reader();
  if (!reader) return to_string(reader.error());
  std::vector<std::byte> ours(size_t(d.grid.width * d.grid.height) * size_of(d.type));
  auto theirs = ours;
  if (auto read = (*reader)->read(index, {0, 0, d.grid.width, d.grid.height}, band, 1, ours); !read)
    return to_string(read.error());
  if (file->GetRasterBand(file_band)->RasterIO(GF_Read, 0, 0, int(d.grid.width), int(d.grid.height),
                                               theirs.data(), int(d.grid.width), int(d.grid.height),
                                               gdal_type(d.type), 0, 0) != CE_None)
    return "GDAL cannot read " + path;
  return ours == theirs ? "" : "the pixels differ";
}

/// The mask plane of a subdataset with validity::mask, whole.
inline std::vector<std::byte> mask_of(const scene& of, const std::string& id) {
  const auto& all = of.description().subdatasets;
  size_t index = 0;
  while (index < all.size() && all[index].id != id) ++index;
  if (index == all.size()) return {};
  const auto& grid = all[index].grid;
  std::vector<std::byte> out(size_t(grid.width * grid.height));
  auto reader = of.open_reader();
  if (!reader || !(*reader)->read_mask(index, {0, 0, grid.width, grid.height}, 0, 1, out))
    return {};
  return out;
}

/// A text with a few of its bytes changed, cut out, doubled or moved.
inline std::string mutated(std::string text, std::mt19937_64& random) {
  const auto below = [&](size_t n) { return n == 0 ? 0 : random() % n; };
  for (auto changes = 1 + below(3); changes > 0 && !text.empty(); --changes) {
    const auto at = below(text.size());
    const auto length = std::min(1 + below(random() % 4 == 0 ? 400 : 12), text.size() - at);
    switch (below(6)) {
      case 0:
        text[at] = char(random());
        break;
      case 1:
        text.erase(at, length);
        break;
      case 2:
        text.insert(at, text.substr(at, length));
        break;
      case 3:
        text.insert(below(text.size()), text.substr(at, length));
        break;
      case 4: {
        static constexpr const char* hostile[] = {"-1",  "nan", "1e999", "\"", "<",  "/>", "0",
                                                  "../", "inf", "&#0;",  "{",  "}}", "\n", "<a>"};
        text.insert(at, hostile[below(std::size(hostile))]);
        break;
      }
      default:
        text.resize(random() % 8 == 0 ? at : text.size());
    }
  }
  return text;
}

}  // namespace stip::test
