#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "libstip/core/error.hpp"

namespace stip {

/// One end of the socket between a node and a reader process: messages, each with its length as 4
/// bytes, little-endian, before it. Neither end trusts the other's lengths.
class reader_channel {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  reader_channel() = default;
  /// Takes the socket over.
  explicit reader_channel(int socket) : socket_(socket) {}
  reader_channel(reader_channel&& other) noexcept;
  reader_channel& operator=(reader_channel&& other) noexcept;
  ~reader_channel();

  /// Errors: unavailable, when the other end is gone; timeout; limit_exceeded, when the message is
  /// longer than max_reader_message_bytes.
  result<void> send(std::string_view message, time_point until);

  /// Errors as of send, and malformed for a length that cannot be.
  result<std::string> receive(time_point until);

 private:
  /// Waits until the socket is ready for `events`.
  result<void> wait(short events, time_point until) const;
  result<void> receive_exactly(char* bytes, size_t count, time_point until);

  int socket_ = -1;
};

}  // namespace stip
