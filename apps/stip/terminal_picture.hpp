#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "libstip/core/error.hpp"
#include "libstip/raster/picture.hpp"

namespace stip::cli {

/// How a terminal shows pictures.
enum class terminal_graphics : uint8_t {
  none,
  /// The graphics protocol of kitty: PNG in pieces of base64.
  kitty,
  /// Inline images of iTerm2: the same in one piece.
  iterm2,
  /// DEC's sixels (VT340).
  sixel,
  /// Half blocks of 24-bit colours: text that nearly every terminal shows.
  blocks,
};

/// What the terminal can show, as its environment tells; none where that is not certain, and within
/// tmux and screen, which do not pass pictures on. Nothing is asked of the terminal itself.
terminal_graphics graphics_of(
    const std::function<std::optional<std::string>(const std::string&)>& environment);

/// Pixels along the longer edge of a thumbnail, for pictures and for blocks.
inline constexpr int64_t thumbnail_edge = 320;
inline constexpr int64_t thumbnail_blocks = 64;

/// The picture as bytes for the terminal, with a line's end. Errors: those of encode_png.
result<std::string> terminal_picture(const picture& of, terminal_graphics as);

}  // namespace stip::cli
