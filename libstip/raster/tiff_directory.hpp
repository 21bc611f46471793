#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "libstip/core/error.hpp"

// Directories (IFD) of TIFF files in the machine's byte order: TIFF 6.0 section 2, and the BigTIFF
// of libtiff 4.

namespace stip {

/// The values of one tag, as bytes.
struct tiff_values {
  /// TIFF's number of the type: 2 ASCII, 3 SHORT, 4 LONG, 12 DOUBLE, 16 LONG8.
  uint16_t type = 0;
  uint64_t count = 0;
  std::vector<std::byte> bytes;

  static tiff_values shorts(const std::vector<uint16_t>& values);
  static tiff_values longs(const std::vector<uint32_t>& values);
  static tiff_values long8s(const std::vector<uint64_t>& values);
  static tiff_values text(const std::string& value);
};

/// Tags by number.
using tiff_tags = std::map<uint16_t, tiff_values>;

/// The tags of the first directory of a small classic TIFF in memory. Errors: malformed.
result<tiff_tags> read_tiff_tags(std::span<const std::byte> file);

/// Bytes that a directory takes with its values.
uint64_t directory_bytes(const tiff_tags& tags, bool big);

/// The directory that stands at `offset`, its values behind it; `next` is the offset of the next
/// one, 0: it is the last. As many bytes as directory_bytes says.
std::vector<std::byte> make_directory(const tiff_tags& tags, bool big, uint64_t offset,
                                      uint64_t next);

/// The bytes before the first directory, which follows them.
std::vector<std::byte> make_tiff_header(bool big);

}  // namespace stip
