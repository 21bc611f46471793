#define CAF_SUITE cli.terminal_picture

#include "apps/stip/terminal_picture.hpp"

#include <caf/test/unit_test.hpp>
#include <map>

using namespace stip;
using namespace stip::cli;

namespace {

terminal_graphics graphics(std::map<std::string, std::string> environment) {
  return graphics_of([&](const std::string& name) -> std::optional<std::string> {
    const auto at = environment.find(name);
    return at == environment.end() ? std::nullopt : std::optional(at->second);
  });
}

picture sample(int64_t width, int64_t height) {
  picture out;
  out.width = width;
  out.height = height;
  for (int64_t i = 0; i < width * height; ++i)
    // Hard to compress.
    out.pixels.push_back({static_cast<uint8_t>(i * i * 2654435761 >> 13),
                          static_cast<uint8_t>(i * 40503 >> 7), 40,
                          static_cast<uint8_t>(i % 5 == 0 ? 0 : 255)});
  return out;
}

std::string shown(const picture& of, terminal_graphics as) {
  auto made = terminal_picture(of, as);
  if (!made) CAF_FAIL(to_string(made.error()));
  return std::move(*made);
}

std::string from_base64(const std::string& text) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    if (c == '=') break;
    const auto at = digits.find(c);
    CAF_REQUIRE(at != std::string::npos);
    bits = bits << 6 | static_cast<uint32_t>(at);
    count += 6;
    if (count >= 8) out += static_cast<char>(bits >> (count -= 8));
  }
  return out;
}

}  // namespace

CAF_TEST(only terminals that surely show pictures get them) {
  using g = terminal_graphics;
  CAF_CHECK(graphics({}) == g::none);
  CAF_CHECK(graphics({{"TERM", "xterm-256color"}}) == g::none);
  CAF_CHECK(graphics({{"TERM", "xterm-kitty"}}) == g::kitty);
  CAF_CHECK(graphics({{"TERM", "xterm-256color"}, {"KITTY_WINDOW_ID", "1"}}) == g::kitty);
  CAF_CHECK(graphics({{"TERM_PROGRAM", "iTerm.app"}}) == g::iterm2);
  CAF_CHECK(graphics({{"TERM", "foot"}}) == g::sixel);
  CAF_CHECK(graphics({{"TERM", "mlterm"}}) == g::sixel);
  // Multiplexers do not pass them on.
  CAF_CHECK(graphics({{"TERM", "xterm-kitty"}, {"TMUX", "/tmp/x"}}) == g::none);
  CAF_CHECK(graphics({{"TERM", "screen-256color"}, {"KITTY_WINDOW_ID", "1"}}) == g::none);
}

CAF_TEST(kitty and iTerm2 get the bytes of a PNG) {
  const auto p = shrink(sample(640, 500), thumbnail_edge);
  const auto png = encode_png(p);
  CAF_REQUIRE(png.has_value());
  const auto kitty = shown(p, terminal_graphics::kitty);
  std::string text;
  size_t pieces = 0;
  for (size_t at = 0; (at = kitty.find("\033_G", at)) != std::string::npos; ++pieces) {
    const auto begin = kitty.find(';', at) + 1, end = kitty.find("\033\\", at);
    CAF_REQUIRE(end != std::string::npos && end - begin <= 4096);
    const bool last = kitty.find("\033_G", end) == std::string::npos;
    CAF_CHECK(kitty.substr(at, begin - at).ends_with(last ? "m=0;" : "m=1;"));
    text += kitty.substr(begin, end - begin);
    at = end;
  }
  CAF_CHECK(pieces > 1);
  CAF_CHECK(from_base64(text) == *png);
  const auto iterm = shown(p, terminal_graphics::iterm2);
  const auto begin = iterm.find(':') + 1;
  CAF_CHECK(iterm.starts_with("\033]1337;File=inline=1;size=" + std::to_string(png->size())));
  CAF_CHECK(from_base64(iterm.substr(begin, iterm.find('\a') - begin)) == *png);
}

CAF_TEST(sixels draw each pixel that is there in the nearest of their colours) {
  const auto p = sample(40, 15);
  const auto text = shown(p, terminal_graphics::sixel);
  CAF_REQUIRE(text.starts_with("\033P"));
  // A terminal in a few lines.
  std::vector<int> drawn(p.pixels.size(), -1);
  size_t at = text.find(";40;15") + 6;
  int colour = 0;
  size_t x = 0, y = 0;
  const auto number = [&] {
    int n = 0;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') n = n * 10 + (text[at++] - '0');
    return n;
  };
  while (at < text.size() && text[at] != '\033') {
    const char c = text[at++];
    if (c == '#') {
      colour = number();
      while (at < text.size() && text[at] == ';') ++at, number();
    } else if (c == '$') {
      x = 0;
    } else if (c == '-') {
      x = 0;
      y += 6;
    } else {
      int repeat = 1;
      char sixel = c;
      if (c == '!') {
        repeat = number();
        sixel = text[at++];
      }
      CAF_REQUIRE(sixel >= 63 && sixel <= 126);
      for (int i = 0; i < repeat; ++i, ++x)
        for (size_t bit = 0; bit < 6; ++bit)
          if (((sixel - 63) >> bit & 1) != 0) {
            const auto pixel = (y + bit) * 40 + x;
            CAF_REQUIRE(pixel < drawn.size());
            CAF_CHECK_EQUAL(drawn[pixel], -1);
            drawn[pixel] = colour;
          }
    }
  }
  size_t wrong = 0;
  for (size_t i = 0; i < drawn.size(); ++i) {
    const auto& q = p.pixels[i];
    if (q[3] == 0) {
      wrong += drawn[i] != -1 ? 1 : 0;
      continue;
    }
    const int red = drawn[i] / 36 * 51, green = drawn[i] / 6 % 6 * 51, blue = drawn[i] % 6 * 51;
    wrong += std::abs(red - q[0]) > 26 || std::abs(green - q[1]) > 26 || std::abs(blue - q[2]) > 26;
  }
  CAF_CHECK_EQUAL(wrong, 0u);
}

CAF_TEST(blocks have two pixels each and end their colours) {
  const auto text = shown(sample(8, 6), terminal_graphics::blocks);
  size_t lines = 0;
  for (size_t at = 0; (at = text.find('\n', at)) != std::string::npos; ++at) {
    ++lines;
    CAF_CHECK(text.substr(0, at).ends_with("\033[0m"));
  }
  CAF_CHECK_EQUAL(lines, 3u);
  CAF_CHECK(shown(sample(3, 3), terminal_graphics::none).empty());
}
