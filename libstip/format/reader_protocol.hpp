#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "libstip/core/error.hpp"
#include "libstip/core/hash.hpp"
#include "libstip/format/format.hpp"
#include "libstip/raster/scene.hpp"

// What a node and a reader process say to each other. The node asks, the process answers; pixels go
// through shared memory. Each message is a packed form (core/packed.hpp) of its own version; each
// end takes what the other sends for hostile. Both programs come out of one build.

namespace stip {

/// Opens an input; what was open before is closed. Answer: opened_input, and if `describe` as many
/// opened_scenes after it.
struct open_request {
  std::string format;
  std::string input;
  scene_options options;
  bool describe = true;

  bool operator==(const open_request&) const = default;
};

/// Reads pixels or masks of the open input to the beginning of the shared memory. Answer:
/// pixels_read.
struct read_request {
  uint32_t scene = 0;
  uint32_t subdataset = 0;
  source_window window;
  uint32_t first_band = 0;
  uint32_t count = 0;
  bool mask = false;
};

using reader_request = std::variant<open_request, read_request>;

/// The input is open. The hash is that of its opened_scene messages, one after the other: a second
/// process sees the same scenes, or the file has changed.
struct opened_input {
  uint32_t scenes = 0;
  hash128 hash;
};

struct opened_scene {
  scene_description description;
  /// One for each subdataset.
  std::vector<source_tiling> tilings;
};

struct pixels_read {
  uint64_t bytes = 0;
};

/// An error answers any request that failed; the process goes on.
using reader_answer = std::variant<error, opened_input, opened_scene, pixels_read>;

std::string encode(const reader_request& request);
std::string encode(const reader_answer& answer);

/// Errors: malformed.
result<reader_request> decode_reader_request(std::string_view bytes);

/// Of an opened_scene everything is checked that a cut relies on: grids, types, tilings, as many
/// tilings as subdatasets. Errors: malformed.
result<reader_answer> decode_reader_answer(std::string_view bytes);

}  // namespace stip
