#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "apps/stip/output.hpp"

namespace stip::cli {

/// What of a frame fits on a terminal: its first lines, cut to the width, each erasing what stood
/// there before. The last line says how many are missing.
std::string draw_frame(const std::string& title, const std::string& text, size_t rows,
                       size_t columns);

/// Runs a command every so many seconds and shows its answer and its complaints in place of those
/// before, until Ctrl-C. Returns the last exit status. Errors: unsupported off a terminal.
result<int> watch(const std::string& title, int64_t seconds, const output& like,
                  const std::function<int(output&)>& run);

}  // namespace stip::cli
