#include <cpl_conv.h>
#include <cpl_string.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "libstip/raster/gdal_dataset.hpp"
#include "libstip/raster/plain_tiff.hpp"
#include "libstip/raster/writers.hpp"

// GDAL's COG driver only copies: so a plain GeoTIFF is written first, in a temporary file that goes
// away. The copy has metadata of the default domain alone; plain_tiff.hpp says what becomes of the
// domain STIP.

namespace stip {

namespace {

/// The directories and metadata of a COG stand before its pixels, within so many bytes.
constexpr size_t cog_head_bytes = size_t{16} << 20;

/// Gives the items of plain_tiff their domain. False when the file cannot be read or written.
bool place_in_domain(const std::string& path) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  std::error_code failure;
  const auto size = std::filesystem::file_size(path, failure);
  if (!file || failure) return false;
  std::string head(std::min<uintmax_t>(size, cog_head_bytes), '\0');
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  if (!file) return false;
  // A quote in a value is written as an entity, so no value can look like the end of a name.
  std::string wanted(plain_tiff::domain_placeholder);
  wanted += '"';
  for (auto at = head.find(wanted); at != std::string::npos; at = head.find(wanted, at + 1)) {
    file.seekp(static_cast<std::streamoff>(at));
    file.write(plain_tiff::domain_attribute.data(),
               static_cast<std::streamsize>(plain_tiff::domain_attribute.size()));
  }
  file.close();
  return !file.fail();
}

/// Removes the file and what GDAL put beside it.
class scratch_file {
 public:
  explicit scratch_file(std::string path) : path_(std::move(path)) {}
  ~scratch_file() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
    std::filesystem::remove(path_ + ".aux.xml", ignored);
  }
  scratch_file(const scratch_file&) = delete;
  scratch_file& operator=(const scratch_file&) = delete;
  const char* name() const { return path_.c_str(); }

 private:
  std::string path_;
};

}  // namespace

result<void> write_cog(const std::string& path, const chip_image& image) {
  prepare_gdal();
  const scratch_file plain(path + ".plain.tif");
  STIP_TRY(plain_tiff::write(plain.name(), image));
  STIP_ASSIGN(const auto in, open_gdal(plain.name()));
  const gdal_errors errors;
  const auto driver = GDALGetDriverByName("COG");
  if (driver == nullptr)
    return fail(ec::unsupported, "write " + path, "GDAL has no COG driver", "install it");
  CPLStringList options;
  options.SetNameValue("COMPRESS", "DEFLATE");
  options.SetNameValue("PREDICTOR", "YES");
  options.SetNameValue("BIGTIFF", "IF_SAFER");
  // Classes and bit fields have no means between them.
  options.SetNameValue("OVERVIEW_RESAMPLING", "NEAREST");
  const CPLConfigOptionSetter internal("GDAL_TIFF_INTERNAL_MASK", "YES", false);
  gdal_dataset out(
      GDALCreateCopy(driver, path.c_str(), in.handle(), FALSE, options.List(), nullptr, nullptr),
      false);
  std::string why;
  if (!out || errors.failed())
    why = errors.text().empty() ? "GDAL could not write the file" : errors.text();
  else
    why = out.close();
  if (!why.empty())
    return fail(errors.out_of_memory() ? ec::limit_exceeded : ec::io_error, "write " + path,
                std::move(why));
  if (!place_in_domain(path))
    return fail(ec::io_error, "write " + path, "its metadata cannot be written");
  return {};
}

}  // namespace stip
