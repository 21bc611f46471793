#include <netcdf.h>

#include <charconv>
#include <cstdio>
#include <string_view>

#include "libstip/format/reader_server.hpp"

// Reads HDF4, HDF5 and NetCDF files for stip and stipd, which start it (libstip/format/
// reader_process.hpp): their libraries allow one thread only, and crash on some damaged files.

namespace {

/// Decoded chunks that the NetCDF library keeps of a variable, and slots of their table (a prime).
/// Files of days have chunks of many days: without room for a whole layer of them each would be
/// decoded once for every day.
constexpr size_t chunk_cache_bytes = size_t{128} << 20;
constexpr size_t chunk_cache_slots = 4133;
constexpr float chunk_preemption = 0.75F;

template <class Number>
bool read(std::string_view text, Number& out) {
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), out);
  return failed == std::errc{} && end == text.data() + text.size();
}

}  // namespace

int main(int argc, char** argv) {
  stip::reader_limits limits;
  long seconds = 0;
  constexpr int words = 4;
  constexpr int misused = 64;
  if (argc != words || !read(argv[1], limits.parent) ||
      !read(argv[2], limits.address_space_bytes) || !read(argv[3], seconds)) {
    std::fputs("stip-reader reads files for stip and stipd, which start it themselves\n", stderr);
    return misused;
  }
  ::nc_set_chunk_cache(chunk_cache_bytes, chunk_cache_slots, chunk_preemption);
  limits.cpu_time = std::chrono::seconds(seconds);
  return stip::serve_reader(limits);
}
