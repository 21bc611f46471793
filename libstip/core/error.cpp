#include "libstip/core/error.hpp"

#include <cerrno>
#include <system_error>

namespace stip {

std::string_view to_string(ec code) noexcept {
  switch (code) {
    case ec::none:
      return "none";
    case ec::invalid_argument:
      return "invalid_argument";
    case ec::not_found:
      return "not_found";
    case ec::already_exists:
      return "already_exists";
    case ec::malformed:
      return "malformed";
    case ec::corrupt:
      return "corrupt";
    case ec::io_error:
      return "io_error";
    case ec::no_space:
      return "no_space";
    case ec::limit_exceeded:
      return "limit_exceeded";
    case ec::timeout:
      return "timeout";
    case ec::unavailable:
      return "unavailable";
    case ec::unsupported:
      return "unsupported";
    case ec::locked:
      return "locked";
    case ec::forbidden:
      return "forbidden";
    case ec::stopped:
      return "stopped";
    case ec::conflict:
      return "conflict";
    case ec::incompatible:
      return "incompatible";
    case ec::internal:
      return "internal";
  }
  return "unknown";
}

std::string to_string(const error& err) {
  std::string out = err.what;
  if (!err.why.empty()) out += (out.empty() ? "" : ": ") + err.why;
  if (!err.advice.empty()) out += (out.empty() ? "" : "; ") + err.advice;
  for (auto& c : out)
    if (c == '\n' || c == '\r') c = ' ';
  return out;
}

error system_error(std::string what, int errno_value) {
  auto code = ec::io_error;
  std::string advice;
  switch (errno_value) {
    case ENOSPC:
    case EDQUOT:
      code = ec::no_space;
      advice = "free some space on that file system";
      break;
    case ENOENT:
      code = ec::not_found;
      break;
    case EACCES:
    case EPERM:
      code = ec::forbidden;
      advice = "check the owner and the mode of the file";
      break;
    default:
      break;
  }
  return {code, std::move(what), std::generic_category().message(errno_value), std::move(advice)};
}

}  // namespace stip
