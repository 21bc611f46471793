#include "libstip/raster/gdal_input.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "libstip/core/defaults.hpp"
#include "libstip/raster/gdal_dataset.hpp"
#include "libstip/raster/vsi_file.hpp"

namespace stip {

namespace {

/// The first bytes of every HDF4 file (HDF Specification 4.2, section 2.2).
constexpr std::string_view hdf4_magic = "\x0e\x03\x13\x01";

/// Those of NetCDF's classic formats; a version byte follows (NetCDF User's Guide, "File Format").
constexpr std::string_view netcdf_magic = "CDF";
constexpr unsigned char last_netcdf_version = 5;

/// Those of HDF5 and NetCDF-4, at byte 0, 512, 1024, 2048, ... (HDF5 File Format Specification 3.0,
/// II.A); further than the last of these no program puts a user block.
constexpr std::string_view hdf5_magic = "\x89HDF\r\n\x1a\n";
constexpr vsi_l_offset first_user_block = 512;
constexpr vsi_l_offset last_user_block = vsi_l_offset{1} << 20;

result<vsi_file> open_vsi(const std::string& input) {
  errno = 0;
  vsi_file file(VSIFOpenL(input.c_str(), "rb"));
  if (file) return file;
  return fail(system_error("open " + input, errno != 0 ? errno : EIO));
}

/// Up to `count` bytes from there; fewer at the file's end.
std::string bytes_at(VSILFILE& file, vsi_l_offset at, size_t count) {
  std::string out(count, '\0');
  if (VSIFSeekL(&file, at, SEEK_SET) != 0) return {};
  out.resize(VSIFReadL(out.data(), 1, count, &file));
  return out;
}

bool is_isolated(VSILFILE& file) {
  const auto first = bytes_at(file, 0, hdf5_magic.size());
  if (first.starts_with(hdf4_magic) || first == hdf5_magic) return true;
  if (first.starts_with(netcdf_magic) && first.size() > netcdf_magic.size()) {
    const auto version = static_cast<unsigned char>(first[netcdf_magic.size()]);
    return version >= 1 && version <= last_netcdf_version;
  }
  for (auto at = first_user_block; at <= last_user_block; at *= 2) {
    const auto there = bytes_at(file, at, hdf5_magic.size());
    if (there == hdf5_magic) return true;
    if (there.size() < hdf5_magic.size()) break;
  }
  return false;
}

}  // namespace

bool is_isolated(const std::string& input) {
  const gdal_errors quiet;
  if (input.empty() || input.find('\0') != std::string::npos) return false;
  VSIStatBufL status;
  // To open a pipe is to wait for its writer.
  if (VSIStatL(input.c_str(), &status) != 0 || VSI_ISDIR(status.st_mode) ||
      S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode) || VSI_ISCHR(status.st_mode) ||
      VSI_ISBLK(status.st_mode))
    return false;
  const auto file = open_vsi(input);
  return file && is_isolated(**file);
}

result<uint64_t> check_input(const std::string& input) {
  const auto what = "open " + input;
  const gdal_errors quiet;
  if (input.empty() || input.find('\0') != std::string::npos)
    return fail(ec::invalid_argument, "open input", "its name is empty or not a name");
  VSIStatBufL status;
  errno = 0;
  if (VSIStatL(input.c_str(), &status) != 0) {
    if (errno == EACCES) return fail(system_error(what, EACCES));
    return fail(ec::not_found, what, "there is no such file",
                "check the name, as the node sees it");
  }
  if (VSI_ISDIR(status.st_mode))
    return fail(ec::invalid_argument, what, "it is a directory",
                "name the files in it, e.g. with a star");
  // To open a pipe is to wait for its writer, a device may never end.
  if (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode) || VSI_ISCHR(status.st_mode) ||
      VSI_ISBLK(status.st_mode))
    return fail(ec::invalid_argument, what, "it is no file but a pipe, a socket or a device",
                "copy its content to a file");
  STIP_ASSIGN(const auto file, open_vsi(input));
  if (gdal_role_here() != gdal_role::reader && is_isolated(*file))
    return fail(ec::unsupported, what, "HDF and NetCDF files are not read in this process",
                "store it through a node, which reads them in processes of their own");
  // The size as reading sees it: some /vsi file systems do not know it when asked for the status.
  if (VSIFSeekL(file.get(), 0, SEEK_END) != 0)
    return fail(ec::io_error, what, "its size cannot be found out");
  const uint64_t bytes = VSIFTellL(file.get());
  if (bytes == 0) return fail(ec::malformed, what, "the file is empty (0 bytes)", "fetch it again");
  return bytes;
}

result<hash128> checksum_input(const std::string& input) {
  const gdal_errors quiet;
  STIP_ASSIGN(const auto file, open_vsi(input));
  const auto what = "read " + input;
  // Members of archives do not say that they have ended, so it is told by the size.
  if (VSIFSeekL(file.get(), 0, SEEK_END) != 0)
    return fail(ec::io_error, what, "its size cannot be found out");
  const uint64_t bytes = VSIFTellL(file.get());
  VSIRewindL(file.get());
  std::vector<std::byte> buffer(defaults::checksum_buffer_bytes);
  hasher hash;
  for (uint64_t done = 0; done < bytes;) {
    errno = 0;
    const size_t wanted = std::min<uint64_t>(buffer.size(), bytes - done);
    const size_t got = VSIFReadL(buffer.data(), 1, wanted, file.get());
    if (got == 0) return fail(system_error(what, errno != 0 ? errno : EIO));
    hash.update(std::span(buffer).first(got));
    done += got;
  }
  return hash.digest128();
}

}  // namespace stip
