#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace stip {

/// The name of a failure. Values travel between nodes: append only.
enum class ec : uint8_t {
  none = 0,
  /// An argument or option is out of its range or malformed.
  invalid_argument = 1,
  /// The album, image, task, node or file that was named does not exist.
  not_found = 2,
  /// What was to be created exists already.
  already_exists = 3,
  /// A file or message does not have the form that its format demands.
  malformed = 4,
  /// Stored bytes do not match their checksum.
  corrupt = 5,
  /// The operating system refused a read, write or sync.
  io_error = 6,
  /// The disk, a quota or the watermark leaves no room.
  no_space = 7,
  /// A named bound (memory, queue, message, length) would be exceeded.
  limit_exceeded = 8,
  /// No answer within the request's deadline.
  timeout = 9,
  /// A node or peer cannot be reached, or is not ready to serve.
  unavailable = 10,
  /// The operation is known but this input, driver or option cannot be served.
  unsupported = 11,
  /// Another process or node holds the resource.
  locked = 12,
  /// The caller may not do this (outside of input-roots, refused by policy).
  forbidden = 13,
  /// The task or node was asked to stop.
  stopped = 14,
  /// A state that the caller assumed has changed (newer version, deleted album).
  conflict = 15,
  /// The request has another protocol version or another cluster's name.
  incompatible = 16,
  /// A defect of stip itself: an invariant does not hold.
  internal = 17,
};

/// The code's name as users see it in JSON, e.g. "not_found".
std::string_view to_string(ec code) noexcept;

/// A failure: what failed, why, and what to do about it.
/// Rendered as `WHAT FAILED: WHY; WHAT TO DO`; empty parts are left out.
struct error {
  ec code = ec::none;
  /// What failed, with its place: "open scene /data/a.tif", "dial node 10.0.0.2:15606".
  std::string what;
  /// Why it failed: the library's or system's own words where it has some.
  std::string why;
  /// What the user can do now; may be empty.
  std::string advice;

  bool operator==(const error&) const = default;
};

/// One line, without a newline: `what: why; advice`.
std::string to_string(const error& err);

/// A value or the error that stood in its way.
template <class T>
using result = tl::expected<T, error>;

/// Short form for returning a failure from a function that returns result<T>.
inline tl::unexpected<error> fail(ec code, std::string what, std::string why,
                                  std::string advice = {}) {
  return tl::unexpected<error>(error{code, std::move(what), std::move(why), std::move(advice)});
}

/// Passes an error on to a caller with another value type.
inline tl::unexpected<error> fail(error err) {
  return tl::unexpected<error>(std::move(err));
}

/// The error of a system call: code from errno (ENOSPC and EDQUOT become no_space,
/// ENOENT not_found, EACCES and EPERM forbidden, else io_error), why from strerror.
error system_error(std::string what, int errno_value);

}  // namespace stip

/// Returns the error of `expr` (a result) from the enclosing function, else goes on.
#define STIP_TRY(expr)                                    \
  do {                                                    \
    if (auto stip_try_ = (expr); !stip_try_) [[unlikely]] \
      return ::stip::fail(std::move(stip_try_).error());  \
  } while (false)

#define STIP_CONCAT_(a, b) a##b
#define STIP_CONCAT(a, b) STIP_CONCAT_(a, b)

/// `STIP_ASSIGN(auto x, expr)`: x is the value of expr, or the enclosing function returns its
/// error.
#define STIP_ASSIGN(declaration, expr) \
  STIP_ASSIGN_(STIP_CONCAT(stip_value_, __COUNTER__), declaration, expr)
#define STIP_ASSIGN_(name, declaration, expr)     \
  auto name = (expr);                             \
  if (!name) [[unlikely]]                         \
    return ::stip::fail(std::move(name).error()); \
  declaration = std::move(*name)
