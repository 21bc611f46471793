#pragma once

#include <caf/error.hpp>

#include "actors/protocol.hpp"
#include "libstip/core/error.hpp"

namespace stip {

/// A failure of libstip as a message: code, what, why, advice.
caf::error to_caf(const error& err);

/// A failure out of a message. Failures of CAF itself (a deadline, a link that went down) get a
/// code of ours; `what` then names what was being done.
error from_caf(const caf::error& err, std::string_view what);

/// How the category "stip" prints, for actor_system_config::add_error_category.
std::string render_error(uint8_t code, caf::atom_value, const caf::message& context);

/// A libstip result as a handler's answer.
template <class T>
caf::result<T> to_answer(result<T> value) {
  if (!value) return to_caf(value.error());
  return std::move(*value);
}

}  // namespace stip
