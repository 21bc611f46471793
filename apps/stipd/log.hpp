#pragma once

#include <spdlog/logger.h>

#include <memory>

#include "actors/settings.hpp"

namespace stip {

/// The log of a node: a line an event, `TIME LEVEL node=ID TEXT`, to standard error or to a file
/// that is rotated. Control characters of a text (names of files may hold any) become blanks, so
/// that none begins a line of its own. Errors: io_error when the file cannot be opened.
result<std::shared_ptr<spdlog::logger>> make_log(const log_settings& settings);

}  // namespace stip
