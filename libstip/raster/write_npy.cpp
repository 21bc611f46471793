#include <bit>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <string>

#include "libstip/raster/writers.hpp"

// The NPY format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html

namespace stip {

namespace {

constexpr size_t npy_alignment = 64;
constexpr size_t npy_prefix_bytes = 10;
constexpr size_t npy_long_prefix_bytes = 12;
constexpr size_t npy_short_header_limit = 65536;

static_assert(std::endian::native == std::endian::little, "pixels are written as they lie");

/// NumPy's name of the type with its byte order: "|u1", "<i2", "<f4".
std::string npy_type(pixel_type type) {
  return visit_pixel_type(type, [&]<class T>(std::type_identity<T>) {
    std::string out = sizeof(T) == 1 ? "|" : "<";
    out += std::is_floating_point_v<T> ? 'f' : std::is_signed_v<T> ? 'i' : 'u';
    return out + std::to_string(sizeof(T));
  });
}

/// Magic, version, length and dictionary; its length is a multiple of npy_alignment.
std::string npy_header(const chip_image& image) {
  std::string dictionary = "{'descr': '" + npy_type(image.description.type) +
                           "', 'fortran_order': False, 'shape': (" + std::to_string(image.bands()) +
                           ", " + std::to_string(image.height()) + ", " +
                           std::to_string(image.width()) + "), }";
  const bool is_short =
      npy_prefix_bytes + dictionary.size() + npy_alignment < npy_short_header_limit;
  const size_t prefix = is_short ? npy_prefix_bytes : npy_long_prefix_bytes;
  const size_t unpadded = prefix + dictionary.size() + 1;
  dictionary.append((npy_alignment - unpadded % npy_alignment) % npy_alignment, ' ');
  dictionary += '\n';
  std::string out = "\x93NUMPY";
  out += is_short ? '\x01' : '\x02';
  out += '\0';
  for (size_t i = 0; i < prefix - 8; ++i)
    out += static_cast<char>(static_cast<uint8_t>(dictionary.size() >> (8 * i)));
  return out + dictionary;
}

}  // namespace

result<void> write_npy(const std::string& path, const chip_image& image) {
  const auto failure = [&] { return fail(system_error("write " + path, errno)); };
  struct closer {
    void operator()(FILE* file) const noexcept { std::fclose(file); }
  };
  errno = 0;
  std::unique_ptr<FILE, closer> file(std::fopen(path.c_str(), "wbe"));
  if (!file) return failure();
  const auto header = npy_header(image);
  if (std::fwrite(header.data(), 1, header.size(), file.get()) != header.size() ||
      std::fwrite(image.pixels.data(), 1, image.pixels.size(), file.get()) != image.pixels.size())
    return failure();
  if (std::fclose(file.release()) != 0) return failure();
  return {};
}

}  // namespace stip
