#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace stip {

/// The text as valid UTF-8 without control characters, at most max_bytes long: what comes out of
/// files is shown to people and kept in JSON. Invalid bytes become '?', control characters ' '.
std::string clean_text(std::string_view text, size_t max_bytes);

/// Whether the text is UTF-8 without control characters.
bool is_clean_text(std::string_view text);

}  // namespace stip
