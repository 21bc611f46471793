#include <filesystem>

#include "tests/bench/harness.hpp"
#include "tests/bench/synthetic_scene.hpp"

using namespace stip::bench;

STIP_BENCH(scene, "makes the synthetic scene that the others use, and measures its entropy") {
  const synthetic_scene scene;
  const auto path = synthetic_scene_file(scene, "DEFLATE");
  report("its file", double(std::filesystem::file_size(path)) * 1e-6, "MB");
  report("its pixels", double(scene.bytes()) * 1e-6, "MB");
  const synthetic_rows rows{scene};
  for (size_t band = 0; band < synthetic_scene::bands; ++band)
    report("entropy of horizontal differences of band " + std::to_string(band + 1) + " (wanted " +
               std::to_string(synthetic_scene::entropy[band]) + ")",
           rows.measured_entropy(band, 97), "bits");
}
