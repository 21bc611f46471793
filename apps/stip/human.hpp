#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "libstip/cluster/task.hpp"

namespace stip::cli {

/// "512 B", "1.5 KiB", "3.2 GiB".
std::string human_bytes(uint64_t bytes);

/// With two digits after the point: "0.42".
std::string human_number(double value);

/// 0..1 as "12.3%"; a share that is not whole is never shown as 0.0% or 100.0%.
std::string human_share(double share);

/// "0.4 s", "12 s", "3 min 20 s", "2 h 5 min".
std::string human_duration(int64_t milliseconds);

/// The text as it may be shown on a terminal and in one line: control characters become blanks.
std::string printable(std::string_view text);

/// The texts, one after the other.
std::string joined(std::initializer_list<std::string_view> texts);

/// Columns that UTF-8 text takes (a code point is one).
size_t shown_width(std::string_view text);

/// One line of a task's progress, at most `width` columns: bar, done/total, MB/s, time left.
std::string progress_line(const task_record& task, int64_t now_ms, size_t width);

/// What a task came to: "stored 3 of 4 inputs, 1 skipped, 1.2 MiB in 2 s".
std::string outcome_line(const task_record& task);

}  // namespace stip::cli
