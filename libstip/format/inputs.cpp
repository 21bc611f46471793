#include "libstip/format/inputs.hpp"

#include <cpl_string.h>
#include <cpl_vsi.h>
#include <fnmatch.h>
#include <glob.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>

#include "libstip/core/defaults.hpp"

namespace stip {

namespace {

bool is_vsi(const std::string& name) {
  return name.starts_with("/vsi");
}

/// How object stores and servers are named by their own tools, and by GDAL.
struct scheme {
  std::string_view name;
  std::string_view prefix;
};
constexpr std::array schemes = {scheme{"s3://", "/vsis3/"}, scheme{"gs://", "/vsigs/"},
                                scheme{"az://", "/vsiaz/"}, scheme{"http://", "/vsicurl/http://"},
                                scheme{"https://", "/vsicurl/https://"}};

tl::unexpected<error> nothing_matches(const std::string& glob) {
  return fail(ec::not_found, "find inputs for '" + glob + "'", "no file matches",
              "check the path on the node that is asked, and quote the pattern for your shell");
}

result<std::vector<std::string>> resolve_vsi(const std::string& name) {
  const auto slash = name.rfind('/');
  const auto directory = name.substr(0, slash);
  const auto pattern = name.substr(slash + 1);
  if (pattern.find_first_of("*?[") == std::string::npos) return std::vector{name};
  const std::unique_ptr<char*, decltype(&CSLDestroy)> entries{
      VSIReadDirEx(directory.c_str(), int(defaults::max_inputs) + 1), &CSLDestroy};
  std::vector<std::string> out;
  for (char** entry = entries.get(); entry != nullptr && *entry != nullptr; ++entry)
    if (::fnmatch(pattern.c_str(), *entry, FNM_PERIOD) == 0)
      out.push_back(directory + "/" + *entry);
  return out;
}

result<std::vector<std::string>> resolve_paths(const std::string& pattern) {
  glob_t found{};
  const int code = ::glob(pattern.c_str(), GLOB_TILDE, nullptr, &found);
  const std::unique_ptr<glob_t, decltype(&::globfree)> guard{&found, &::globfree};
  if (code == GLOB_NOSPACE) return fail(system_error("find inputs for '" + pattern + "'", ENOMEM));
  if (code == GLOB_ABORTED) return fail(system_error("find inputs for '" + pattern + "'", errno));
  std::vector<std::string> out;
  for (size_t i = 0; i < found.gl_pathc; ++i) out.emplace_back(found.gl_pathv[i]);
  return out;
}

}  // namespace

result<std::string> input_name(const std::string& name) {
  const auto end = name.find("://");
  if (end == std::string::npos || is_vsi(name)) return name;
  std::string known;
  for (const auto& s : schemes) {
    if (name.starts_with(s.name)) return std::string(s.prefix) + name.substr(s.name.size());
    known += (known.empty() ? "" : ", ") + std::string(s.name);
  }
  return fail(ec::unsupported, "read '" + name + "'",
              name.substr(0, end + 3) + " names cannot be read",
              "use one of " + known + ", or copy the files to a disk of the node");
}

result<std::vector<std::string>> resolve_inputs(const std::string& given) {
  STIP_ASSIGN(const auto glob, input_name(given));
  STIP_ASSIGN(auto inputs, is_vsi(glob) ? resolve_vsi(glob) : resolve_paths(glob));
  if (inputs.empty()) return nothing_matches(glob);
  if (inputs.size() > defaults::max_inputs)
    return fail(ec::limit_exceeded, "find inputs for '" + glob + "'",
                "more than " + std::to_string(defaults::max_inputs) + " files match",
                "load them in several tasks");
  std::sort(inputs.begin(), inputs.end());
  return inputs;
}

result<void> check_input(const std::string& input, const std::vector<std::string>& roots) {
  namespace fs = std::filesystem;
  const auto what = "read '" + input + "'";
  if (is_vsi(input)) {
    // ".." could climb out of what the prefix means.
    const bool climbs = input.find("/../") != std::string::npos || input.ends_with("/..");
    for (const auto& root : roots)
      if (!climbs && is_vsi(root) && input.starts_with(root)) return {};
  } else {
    std::error_code failed;
    const auto path = fs::weakly_canonical(input, failed);
    if (failed) return fail(ec::io_error, what, failed.message());
    for (const auto& root : roots) {
      if (is_vsi(root)) continue;
      const auto base = fs::weakly_canonical(root, failed);
      if (failed) continue;
      const auto [in_base, in_path] =
          std::mismatch(base.begin(), base.end(), path.begin(), path.end());
      // A root that was written with a trailing slash ends in an empty part.
      if (in_base == base.end() || (in_base->empty() && std::next(in_base) == base.end()))
        return {};
    }
  }
  return fail(ec::forbidden, what, "it is not under the node's input-roots",
              "move it there, or add its directory to `input-roots` in the configuration");
}

}  // namespace stip
