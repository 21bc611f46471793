#include "apps/stip/terminal_picture.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace stip::cli {

namespace {

/// Bytes of base64 in one command of kitty's protocol.
constexpr size_t kitty_piece = 4096;

/// Pixels with less alpha are not drawn.
constexpr uint8_t least_alpha = 128;

/// Levels of each of red, green and blue of a sixel picture, and rows of a sixel.
constexpr int sixel_levels = 6;
constexpr int64_t sixel_rows = 6;

std::string base64(const std::string& bytes) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    uint32_t bits = 0;
    for (size_t k = 0; k < 3; ++k)
      bits = bits << 8 | (k < count ? static_cast<uint8_t>(bytes[i + k]) : 0u);
    for (size_t k = 0; k < 4; ++k) out += k <= count ? digits[bits >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

std::string as_kitty(const std::string& png) {
  const auto text = base64(png);
  std::string out;
  for (size_t at = 0; at < text.size(); at += kitty_piece) {
    const bool more = at + kitty_piece < text.size();
    out += at == 0 ? "\033_Gf=100,a=T,m=" : "\033_Gm=";
    out += more ? "1;" : "0;";
    out.append(text, at, kitty_piece);
    out += "\033\\";
  }
  return out + "\n";
}

std::string as_iterm2(const std::string& png) {
  return "\033]1337;File=inline=1;size=" + std::to_string(png.size()) + ":" + base64(png) + "\a\n";
}

int sixel_colour(const rgba& p) {
  const auto level = [](uint8_t v) { return (v * (sixel_levels - 1) + 127) / 255; };
  return (level(p[0]) * sixel_levels + level(p[1])) * sixel_levels + level(p[2]);
}

std::string as_sixel(const picture& of) {
  constexpr int colours = sixel_levels * sixel_levels * sixel_levels;
  std::string out =
      "\033P0;1;0q\"1;1;" + std::to_string(of.width) + ";" + std::to_string(of.height);
  for (int c = 0; c < colours; ++c) {
    const auto percent = [](int level) { return std::to_string(level * 100 / (sixel_levels - 1)); };
    out += "#" + std::to_string(c) + ";2;" + percent(c / (sixel_levels * sixel_levels)) + ";" +
           percent(c / sixel_levels % sixel_levels) + ";" + percent(c % sixel_levels);
  }
  const auto width = static_cast<size_t>(of.width);
  for (int64_t y = 0; y < of.height; y += sixel_rows) {
    std::vector<std::vector<uint8_t>> bits(colours);
    for (int64_t r = y; r < std::min(of.height, y + sixel_rows); ++r)
      for (size_t x = 0; x < width; ++x) {
        const auto& p = of.pixels[static_cast<size_t>(r) * width + x];
        if (p[3] < least_alpha) continue;
        auto& row = bits[static_cast<size_t>(sixel_colour(p))];
        row.resize(width);
        row[x] |= static_cast<uint8_t>(1 << (r - y));
      }
    for (size_t c = 0; c < bits.size(); ++c) {
      if (bits[c].empty()) continue;
      out += "#" + std::to_string(c);
      for (size_t x = 0; x < width;) {
        size_t end = x;
        while (end < width && bits[c][end] == bits[c][x]) ++end;
        const char sixel = static_cast<char>(63 + bits[c][x]);
        if (end - x > 3)
          out += "!" + std::to_string(end - x) + sixel;
        else
          out.append(end - x, sixel);
        x = end;
      }
      out += "$";
    }
    out += "-";
  }
  return out + "\033\\\n";
}

std::string as_blocks(const picture& of) {
  const auto at = [&](int64_t x, int64_t y) -> rgba {
    if (y >= of.height) return {0, 0, 0, 0};
    return of.pixels[static_cast<size_t>(y * of.width + x)];
  };
  const auto colour = [](const char* layer, const rgba& c) {
    return std::string("\033[") + layer + ";2;" + std::to_string(c[0]) + ";" +
           std::to_string(c[1]) + ";" + std::to_string(c[2]) + "m";
  };
  std::string out;
  for (int64_t y = 0; y < of.height; y += 2) {
    for (int64_t x = 0; x < of.width; ++x) {
      const auto upper = at(x, y), lower = at(x, y + 1);
      const bool has_upper = upper[3] >= least_alpha, has_lower = lower[3] >= least_alpha;
      if (!has_upper && !has_lower)
        out += "\033[0m ";
      else if (has_upper)
        out += "\033[0m" + colour("38", upper) + (has_lower ? colour("48", lower) : "") + "\u2580";
      else
        out += "\033[0m" + colour("38", lower) + "\u2584";
    }
    out += "\033[0m\n";
  }
  return out;
}

}  // namespace

terminal_graphics graphics_of(
    const std::function<std::optional<std::string>(const std::string&)>& environment) {
  const auto value = [&](const char* name) { return environment(name).value_or(""); };
  const auto term = value("TERM"), program = value("TERM_PROGRAM");
  if (!value("TMUX").empty() || term.starts_with("screen") || term.starts_with("tmux"))
    return terminal_graphics::none;
  if (!value("KITTY_WINDOW_ID").empty() || term == "xterm-kitty" || term == "xterm-ghostty" ||
      program == "ghostty")
    return terminal_graphics::kitty;
  if (program == "iTerm.app" || program == "WezTerm" || value("LC_TERMINAL") == "iTerm2")
    return terminal_graphics::iterm2;
  if (term == "mlterm" || term == "foot" || term == "foot-extra" || term == "yaft-256color" ||
      term.ends_with("-sixel"))
    return terminal_graphics::sixel;
  return terminal_graphics::none;
}

result<std::string> terminal_picture(const picture& of, terminal_graphics as) {
  const auto small =
      shrink(of, as == terminal_graphics::blocks ? thumbnail_blocks : thumbnail_edge);
  switch (as) {
    case terminal_graphics::none:
      return std::string();
    case terminal_graphics::sixel:
      return as_sixel(small);
    case terminal_graphics::blocks:
      return as_blocks(small);
    case terminal_graphics::kitty:
    case terminal_graphics::iterm2:
      break;
  }
  STIP_ASSIGN(const auto png, encode_png(small));
  return as == terminal_graphics::kitty ? as_kitty(png) : as_iterm2(png);
}

}  // namespace stip::cli
