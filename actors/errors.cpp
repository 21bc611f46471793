#include "actors/errors.hpp"

#include <caf/sec.hpp>

namespace stip {

caf::error to_caf(const error& err) {
  return caf::make_error(err.code, err.what, err.why, err.advice);
}

error from_caf(const caf::error& err, std::string_view what) {
  if (err.category() == caf::atom("stip")) {
    const auto& context = err.context();
    error out{static_cast<ec>(err.code()), std::string{what}, {}, {}};
    if (context.match_elements<std::string, std::string, std::string>()) {
      out.what = context.get_as<std::string>(0);
      out.why = context.get_as<std::string>(1);
      out.advice = context.get_as<std::string>(2);
    } else if (context.match_elements<std::string>()) {
      out.why = context.get_as<std::string>(0);
    }
    return out;
  }
  if (err.category() == caf::atom("system")) {
    switch (static_cast<caf::sec>(err.code())) {
      case caf::sec::request_timeout:
        return {ec::timeout, std::string{what}, "no answer within the deadline",
                "look at `stip node list` and the node's log"};
      case caf::sec::request_receiver_down:
      case caf::sec::remote_linking_failed:
      case caf::sec::cannot_connect_to_node:
      case caf::sec::disconnect_during_handshake:
      case caf::sec::connection_timeout:
        return {ec::unavailable, std::string{what},
                "the node cannot be reached (" + to_string(static_cast<caf::sec>(err.code())) + ")",
                "start it, or look at its log"};
      case caf::sec::incompatible_application_ids:
      case caf::sec::incompatible_versions:
      case caf::sec::unexpected_actor_messaging_interface:
        return {ec::incompatible, std::string{what},
                "the other side speaks another version of the protocol",
                "run the same release of stip on every node and client"};
      default:
        break;
    }
  }
  return {ec::internal, std::string{what}, to_string(err), {}};
}

std::string render_error(uint8_t code, caf::atom_value, const caf::message& context) {
  const auto err =
      from_caf(caf::error{code, caf::atom("stip"), context}, to_string(static_cast<ec>(code)));
  return to_string(err);
}

}  // namespace stip
