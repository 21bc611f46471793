#include "apps/stip/human.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace stip::cli {

namespace {

constexpr int64_t second_ms = 1000;
constexpr int64_t minute_ms = 60 * second_ms;
constexpr int64_t hour_ms = 60 * minute_ms;

/// Below so much, tenths of a second are worth showing.
constexpr int64_t tenths_below_ms = 10 * second_ms;

constexpr size_t max_bar_width = 30;
constexpr size_t min_bar_width = 5;

std::string with_digits(double value, int digits) {
  // The largest double has 309 digits before the point.
  std::array<char, 400> text{};
  const int length = std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return {text.data(), static_cast<size_t>(std::max(length, 0))};
}

std::string tenths(double value) {
  return with_digits(value, 1);
}

}  // namespace

std::string human_bytes(uint64_t bytes) {
  constexpr std::array units = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  constexpr double step = 1024;
  if (bytes < 1024) return std::to_string(bytes) + " B";
  double value = static_cast<double>(bytes) / step;
  size_t unit = 0;
  // 1023.96 would be shown as 1024.0.
  while (std::round(value * 10) >= step * 10 && unit + 1 < units.size()) {
    value /= step;
    ++unit;
  }
  return tenths(value) + " " + units[unit];
}

std::string human_number(double value) {
  return with_digits(value, 2);
}

std::string human_share(double share) {
  const double percent = share * 100;
  if (share > 0 && percent < 0.05) return "<0.1%";
  if (share < 1 && percent >= 99.95) return ">99.9%";
  return tenths(percent) + "%";
}

std::string human_duration(int64_t milliseconds) {
  const auto ms = std::max<int64_t>(milliseconds, 0);
  if (ms < tenths_below_ms) return tenths(static_cast<double>(ms) / second_ms) + " s";
  if (ms < minute_ms) return std::to_string(ms / second_ms) + " s";
  if (ms < hour_ms)
    return std::to_string(ms / minute_ms) + " min " + std::to_string(ms % minute_ms / second_ms) +
           " s";
  return std::to_string(ms / hour_ms) + " h " + std::to_string(ms % hour_ms / minute_ms) + " min";
}

std::string printable(std::string_view text) {
  std::string out{text};
  for (auto& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

std::string joined(std::initializer_list<std::string_view> texts) {
  std::string out;
  for (const auto text : texts) out += text;
  return out;
}

size_t shown_width(std::string_view text) {
  // Bytes of the form 10xxxxxx continue a code point.
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string progress_line(const task_record& task, int64_t now_ms, size_t width) {
  const auto through = task.completed + task.skipped;
  auto tail = std::to_string(through) + "/" + std::to_string(task.total);
  if (task.skipped > 0) tail += " (" + std::to_string(task.skipped) + " skipped)";
  tail += "  " + tenths(bytes_per_second(task, now_ms) / 1e6) + " MB/s";
  if (const auto left = time_left_ms(task, now_ms)) tail += "  " + human_duration(*left) + " left";
  // Brackets and two blanks.
  constexpr size_t around = 4;
  const auto room = width > tail.size() + around ? width - tail.size() - around : 0;
  const auto bar = std::min(room, max_bar_width);
  if (bar < min_bar_width) return tail.substr(0, width);
  const auto share = task.total == 0 ? 0.0 : double(through) / double(task.total);
  const auto full = static_cast<size_t>(std::clamp(share, 0.0, 1.0) * double(bar));
  return joined({"[", std::string(full, '#'), std::string(bar - full, '.'), "]  ", tail});
}

std::string outcome_line(const task_record& task) {
  const bool moves = task.kind == "drain" || task.kind == "move" || task.kind == "repair";
  const std::string noun = moves ? (task.kind == "drain" ? "image" : "fact") : "input";
  auto out = std::to_string(task.completed) + " of " + std::to_string(task.total) + " " + noun +
             (task.total == 1 ? "" : "s");
  if (moves)
    out += task.kind == "drain" ? " handed over" : " brought to other nodes";
  else
    out += (task.kind == "store" ? " stored or already there, " : " done, ") +
           std::to_string(task.skipped) + " skipped";
  if (task.bytes > 0) out += ", " + human_bytes(task.bytes);
  if (task.ended_ms > 0) out += " in " + human_duration(task.ended_ms - task.started_ms);
  return out;
}

}  // namespace stip::cli
