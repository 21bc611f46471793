#include "libstip/raster/writers.hpp"

#include <array>

#include "libstip/raster/new_file.hpp"

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
  STIP_ASSIGN(auto file, new_file::beside(path));
  auto written = write_as(file.name(), format, image);
  if (written) written = file.commit();
  if (written) return {};
  // The user knows the name that was asked for, not the temporary one.
  auto err = written.error();
  err.what = "write " + path;
  return fail(std::move(err));
}

}  // namespace stip
