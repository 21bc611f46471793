#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/core/error.hpp"
#include "libstip/core/time.hpp"
#include "libstip/raster/scene.hpp"

namespace stip {

/// What a user says of inputs that do not say it themselves.
struct scene_options {
  std::optional<std::string> platform;
  std::optional<epoch_seconds> timestamp;
  std::optional<std::string> tile;
  std::optional<std::string> subdataset;

  bool operator==(const scene_options&) const = default;
};

/// A product family: how its files are recognised and opened. A format is one file in
/// libstip/format/ and one line in its registry.
struct format {
  /// As users type it, e.g. "generic".
  std::string_view name;
  std::string_view summary;
  /// How sure the format is that the input is one of its own, by content: 0 no, 1 as a last
  /// resort, 100 certain. Must be cheap and must not fail.
  int (*detect)(const std::string& input);
  /// Opens the scenes in one input (usually one). Errors name what the input lacks.
  result<std::vector<std::unique_ptr<scene>>> (*open)(const std::string& input,
                                                      const scene_options& options);
};

/// Every format, in the order of registration.
const std::vector<format>& formats();

/// The format of that name; `auto` is not one. Errors: not_found, with the names there are.
result<const format*> find_format(std::string_view name);

class reader_pool;

/// Opens the input with the named format, or with `auto` by the format that is surest. HDF and
/// NetCDF files are opened in processes of `readers`. Errors: what detect and open say, and those
/// of reader_pool::open.
result<std::vector<std::unique_ptr<scene>>> open_scenes(std::string_view format_name,
                                                        const std::string& input,
                                                        const scene_options& options,
                                                        reader_pool& readers);

/// The same within this process. Errors: unsupported for HDF and NetCDF files, unless this is a
/// reader process.
result<std::vector<std::unique_ptr<scene>>> open_scenes(std::string_view format_name,
                                                        const std::string& input,
                                                        const scene_options& options);

}  // namespace stip
