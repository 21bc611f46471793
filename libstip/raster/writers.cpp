#include "libstip/raster/writers.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <filesystem>

namespace stip {

namespace {

struct named_format {
  image_format format;
  std::string_view name;
  std::string_view extension;
};

constexpr std::array<named_format, 3> named_formats = {{{image_format::cog, "cog", ".tif"},
                                                        {image_format::png, "png", ".png"},
                                                        {image_format::npy, "npy", ".npy"}}};

/// A name beside `path` that no other writer of any process on this machine uses.
std::string temporary_name(const std::filesystem::path& path) {
  static std::atomic<uint64_t> next{0};
  // Exported names are long already; the temporary one does not repeat them.
  return (path.parent_path() / (".stip-" + std::to_string(getpid()) + "-" + std::to_string(next++) +
                                path.extension().string()))
      .string();
}

result<void> sync_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return fail(system_error("write " + path, errno));
  const int status = ::fsync(file);
  const int failure = errno;
  ::close(file);
  if (status != 0) return fail(system_error("write " + path, failure));
  return {};
}

result<void> write_as(const std::string& path, image_format format, const chip_image& image) {
  switch (format) {
    case image_format::cog:
      return write_cog(path, image);
    case image_format::png:
      return write_png(path, image);
    case image_format::npy:
      break;
  }
  return write_npy(path, image);
}

/// Whether the picture is as large as its description says; what follows relies on it.
bool is_whole(const chip_image& image) {
  const auto& d = image.description;
  return check_grid(d.grid).has_value() && !d.bands.empty() && is_known(d.type) &&
         image.pixels.size() == image.area() * d.bands.size() * size_of(d.type) &&
         image.masks.size() == image.area() * mask_planes(d.valid, d.bands.size());
}

}  // namespace

std::string_view to_string(image_format format) noexcept {
  for (const auto& known : named_formats)
    if (known.format == format) return known.name;
  return "unknown";
}

std::string_view extension(image_format format) noexcept {
  for (const auto& known : named_formats)
    if (known.format == format) return known.extension;
  return "";
}

result<image_format> parse_image_format(std::string_view name) {
  for (const auto& known : named_formats)
    if (known.name == name) return known.format;
  return fail(ec::invalid_argument, "export format '" + std::string(name) + "'",
              "there is no such format", "use cog, png or npy");
}

result<void> write_image(const std::string& path, image_format format, const chip_image& image) {
  if (!is_whole(image))
    return fail(ec::internal, "write " + path, "the image's pixels do not fit its description");
  std::error_code failure;
  const auto parent = std::filesystem::path(path).parent_path();
  if (!parent.empty() && !std::filesystem::is_directory(parent, failure))
    return fail(ec::not_found, "write " + path, "there is no directory " + parent.string(),
                "create it first");
  const auto temporary = temporary_name(path);
  auto written = write_as(temporary, format, image);
  if (written) written = sync_file(temporary);
  if (written && std::rename(temporary.c_str(), path.c_str()) != 0)
    written = fail(system_error("write " + path, errno));
  std::filesystem::remove(temporary, failure);
  std::filesystem::remove(temporary + ".aux.xml", failure);
  if (written) return {};
  // The user knows the name that was asked for, not the temporary one.
  auto err = written.error();
  err.what = "write " + path;
  return fail(std::move(err));
}

}  // namespace stip
