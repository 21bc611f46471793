#pragma once

#include <functional>
#include <iosfwd>
#include <optional>
#include <string>

namespace stip::cli {

/// The hidden first word of the command line that asks for completions: `stip __complete LINE`.
/// apps/stip/completion/stip.bash is who does.
inline constexpr auto completion_word = "__complete";

/// Prints how the command line (up to the cursor, the program's name included) may go on. The first
/// line says what follows: `words`, `open` (no blank belongs after them), or `files` (none follow:
/// bash knows files better). Silent whatever is wrong with the line or the node.
void print_completion(
    const std::string& line,
    const std::function<std::optional<std::string>(const std::string&)>& environment,
    std::ostream& to);

}  // namespace stip::cli
