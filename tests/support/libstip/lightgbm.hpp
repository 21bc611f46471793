#pragma once

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/libstip/scratch_directory.hpp"

// LightGBM's own Python package, where there is one, to compare with.

namespace stip::test {

inline std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

template <class T>
std::vector<T> read_numbers(const std::string& path) {
  const auto bytes = read_text(path);
  std::vector<T> out(bytes.size() / sizeof(T));
  std::memcpy(out.data(), bytes.data(), out.size() * sizeof(T));
  return out;
}

inline std::vector<std::span<const float>> spans_of(const std::vector<std::vector<float>>& planes) {
  return {planes.begin(), planes.end()};
}

/// The Python that has lightgbm: that of STIP_PYTHON, else python3; nullopt when it has none.
inline std::optional<std::string> python_with_lightgbm() {
  const auto* chosen = std::getenv("STIP_PYTHON");
  const std::string python = chosen == nullptr ? "python3" : chosen;
  const auto command = "'" + python + "' -c 'import lightgbm, numpy' >/dev/null 2>&1";
  if (std::system(command.c_str()) != 0) return std::nullopt;
  return python;
}

/// Runs a script with arguments that hold no quotes; whether it succeeded.
inline bool run_python(const std::string& python, const std::string& script,
                       const std::string& arguments) {
  const scratch_directory scratch;
  const auto path = scratch / "script.py";
  std::ofstream(path) << script;
  return std::system(("'" + python + "' '" + path + "' " + arguments).c_str()) == 0;
}

/// The model that the package s2cloudless brings, if that is there.
inline std::optional<std::string> s2cloudless_model(const std::string& python) {
  const auto command =
      "'" + python +
      "' -c 'import importlib.util as u; print(u.find_spec(\"s2cloudless\").origin)' 2>/dev/null";
  std::string said;
  if (auto* pipe = ::popen(command.c_str(), "r")) {
    std::array<char, 4096> line{};
    if (std::fgets(line.data(), line.size(), pipe) != nullptr) said = line.data();
    ::pclose(pipe);
  }
  while (!said.empty() && said.back() == '\n') said.pop_back();
  const auto path = std::filesystem::path(said).parent_path() / "models" /
                    "pixel_s2_cloud_detector_lightGBM_v0.1.txt";
  if (said.empty() || !std::filesystem::exists(path)) return std::nullopt;
  return path.string();
}

/// Trains models of several kinds and leaves them in a folder: N.txt, N.pixels (features x pixels,
/// float32), N.raw and N.output (float64).
inline constexpr const char* training_script = R"python(
import sys
import lightgbm, numpy

random = numpy.random.default_rng(20260503)
rows = 4000


def values(features, categories):
    x = random.normal(0.3, 0.2, (rows, features)).astype(numpy.float32)
    for c in categories:
        x[:, c] = random.integers(0, 70, rows)
    x[random.random(x.shape) < 0.07] = numpy.nan
    x[random.random(x.shape) < 0.07] = 0
    return x


kinds = [
    (6, [], dict(objective="binary")),
    (6, [], dict(objective="binary", zero_as_missing=True, sigmoid=0.7)),
    (6, [], dict(objective="binary", use_missing=False)),
    (5, [1, 4], dict(objective="binary", min_data_per_group=5, cat_smooth=1)),
    (5, [0], dict(objective="cross_entropy", min_data_per_group=5, max_cat_to_onehot=64)),
    (6, [], dict(objective="regression", max_bin=1000, min_data_in_bin=1)),
    (6, [2], dict(objective="binary", boosting="rf", bagging_freq=1, bagging_fraction=0.5)),
    (6, [], dict(objective="binary", boosting="dart", num_leaves=300, min_data_in_leaf=2)),
]
for number, (features, categories, wishes) in enumerate(kinds):
    x = values(features, categories)
    target = numpy.nan_to_num(x[:, 0]) % 7 + numpy.nan_to_num(x[:, 1]) * 0.5 % 3 + random.normal(0, 0.3, rows)
    if wishes["objective"] != "regression":
        target = (target > numpy.median(target)).astype(int)
    wishes = dict(dict(verbose=-1, num_leaves=31, seed=5, num_threads=1), **wishes)
    data = lightgbm.Dataset(x, target, categorical_feature=categories)
    lightgbm.train(wishes, data, 30).save_model(f"{sys.argv[1]}/{number}.txt")
    model = lightgbm.Booster(model_file=f"{sys.argv[1]}/{number}.txt")
    x = values(features, categories)
    x[::50] *= -3
    x[7::50] *= 1e30
    x[9::50, :] = numpy.inf
    x[11::50, :] = numpy.nan
    numpy.ascontiguousarray(x.T).tofile(f"{sys.argv[1]}/{number}.pixels")
    model.predict(x, raw_score=True).astype(numpy.float64).tofile(f"{sys.argv[1]}/{number}.raw")
    model.predict(x).astype(numpy.float64).tofile(f"{sys.argv[1]}/{number}.output")
)python";

}  // namespace stip::test
