#pragma once

#include <cstdint>
#include <string>

#include "libstip/core/error.hpp"
#include "libstip/core/hash.hpp"

namespace stip {

/// Checks that the input (a path, or a /vsi name) is a file with something in it that may be read.
/// Returns its size in bytes.
/// Errors: not_found; invalid_argument (a directory); malformed (empty); forbidden, io_error;
/// unsupported (is_isolated, unless this is a reader process).
result<uint64_t> check_input(const std::string& input);

/// Whether the input is HDF4, HDF5 or NetCDF, by its first bytes: a file of a library that allows
/// one thread only and may crash. Such files are opened in reader processes alone. False when it
/// cannot be read.
bool is_isolated(const std::string& input);

/// XXH3-128 of the input's bytes, read in pieces of defaults::checksum_buffer_bytes.
/// Errors: not_found, forbidden, io_error.
result<hash128> checksum_input(const std::string& input);

}  // namespace stip
