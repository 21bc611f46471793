#include "libstip/format/format.hpp"

#include "libstip/format/reader_pool.hpp"
#include "libstip/raster/gdal_input.hpp"

// Every format: libstip/format/NAME.cpp defines NAME_format(), and a line here registers it. Order
// decides between formats that are equally sure of an input.
// clang-format off
#define STIP_FORMATS(register_format) \
  register_format(sentinel2)          \
  register_format(landsat)            \
  register_format(naip)               \
  register_format(nlcd)               \
  register_format(mcd43a4)            \
  register_format(mod11a1)            \
  register_format(mod11a2)            \
  register_format(modis)              \
  register_format(vnp21v001)          \
  register_format(viirs)              \
  register_format(gridmet)            \
  register_format(generic)
// clang-format on

namespace stip {

#define STIP_DECLARE_FORMAT(name) format name##_format();
STIP_FORMATS(STIP_DECLARE_FORMAT)
#undef STIP_DECLARE_FORMAT

const std::vector<format>& formats() {
#define STIP_LIST_FORMAT(name) name##_format(),
  static const std::vector<format> all = {STIP_FORMATS(STIP_LIST_FORMAT)};
#undef STIP_LIST_FORMAT
  return all;
}

result<const format*> find_format(std::string_view name) {
  std::string names = "auto";
  for (const auto& known : formats()) {
    if (known.name == name) return &known;
    names += ", " + std::string(known.name);
  }
  return fail(ec::not_found, "format '" + std::string(name) + "'", "there is no such format",
              "use one of " + names);
}

result<std::vector<std::unique_ptr<scene>>> open_scenes(std::string_view format_name,
                                                        const std::string& input,
                                                        const scene_options& options) {
  const format* chosen = nullptr;
  if (format_name != "auto") {
    STIP_ASSIGN(chosen, find_format(format_name));
  }
  // Directories are products of some formats; those that take only files refuse them themselves.
  if (auto checked = check_input(input); !checked && checked.error().code == ec::unsupported)
    return fail(checked.error());
  int surest = 0;
  for (const auto& candidate : formats()) {
    if (format_name != "auto") break;
    const int sure = candidate.detect(input);
    if (sure <= surest) continue;
    surest = sure;
    chosen = &candidate;
  }
  if (chosen != nullptr) return chosen->open(input, options);
  if (auto checked = check_input(input); !checked) return fail(checked.error());
  return fail(ec::unsupported, "open " + input, "no format recognises it",
              "give a raster file, or name its format");
}

result<std::vector<std::unique_ptr<scene>>> open_scenes(std::string_view format_name,
                                                        const std::string& input,
                                                        const scene_options& options,
                                                        reader_pool& readers) {
  if (!is_isolated(input)) return open_scenes(format_name, input, options);
  if (format_name != "auto") STIP_TRY(find_format(format_name));
  return readers.open(std::string(format_name), input, options);
}

}  // namespace stip
