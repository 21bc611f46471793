#include "libstip/raster/gdal_input.hpp"

#include <cpl_vsi.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "libstip/core/defaults.hpp"
#include "libstip/raster/gdal_dataset.hpp"

namespace stip {

namespace {

/// The first bytes of every HDF4 file (HDF Specification 4.2, section 2.2).
constexpr std::array<unsigned char, 4> hdf4_magic = {0x0e, 0x03, 0x13, 0x01};

struct vsi_close {
  void operator()(VSILFILE* file) const noexcept { VSIFCloseL(file); }
};
using vsi_file = std::unique_ptr<VSILFILE, vsi_close>;

result<vsi_file> open_vsi(const std::string& input) {
  errno = 0;
  vsi_file file(VSIFOpenL(input.c_str(), "rb"));
  if (file) return file;
  return fail(system_error("open " + input, errno != 0 ? errno : EIO));
}

}  // namespace

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
  std::array<unsigned char, hdf4_magic.size()> first{};
  if (VSIFReadL(first.data(), 1, first.size(), file.get()) == first.size() && first == hdf4_magic)
    return fail(ec::unsupported, what, "HDF4 files cannot be read yet",
                "convert it to GeoTIFF or NetCDF-4 first");
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
  std::vector<std::byte> buffer(defaults::checksum_buffer_bytes);
  hasher hash;
  for (;;) {
    errno = 0;
    const size_t got = VSIFReadL(buffer.data(), 1, buffer.size(), file.get());
    hash.update(std::span(buffer).first(got));
    if (got == buffer.size()) continue;
    if (VSIFEofL(file.get()) != 0) break;
    return fail(system_error("read " + input, errno != 0 ? errno : EIO));
  }
  return hash.digest128();
}

}  // namespace stip
