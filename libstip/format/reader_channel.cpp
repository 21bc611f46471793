#include "libstip/format/reader_channel.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <utility>

#include "libstip/format/reader_settings.hpp"

namespace stip {

namespace {

constexpr auto what = "talk to a reader process";
constexpr size_t length_bytes = 4;

tl::unexpected<error> gone() {
  return fail(ec::unavailable, what, "the other end is gone");
}

}  // namespace

reader_channel::reader_channel(reader_channel&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)) {}

reader_channel& reader_channel::operator=(reader_channel&& other) noexcept {
  if (this != &other) {
    if (socket_ >= 0) ::close(socket_);
    socket_ = std::exchange(other.socket_, -1);
  }
  return *this;
}

reader_channel::~reader_channel() {
  if (socket_ >= 0) ::close(socket_);
}

result<void> reader_channel::wait(short events, time_point until) const {
  constexpr int longest_ms = 60'000;
  for (;;) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= until) return fail(ec::timeout, what, "no answer in time");
    // Rounded up, or the last millisecond would be spent in turning around.
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(std::min<std::chrono::steady_clock::duration>(
            until - now, std::chrono::milliseconds(longest_ms)));
    pollfd one{socket_, events, 0};
    const int ready = ::poll(&one, 1, static_cast<int>(left.count()));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return fail(system_error(what, errno));
  }
}

result<void> reader_channel::send(std::string_view message, time_point until) {
  if (message.size() > max_reader_message_bytes)
    return fail(
        ec::limit_exceeded, what,
        "a message has " + std::to_string(message.size()) + " bytes, more than a message may have");
  std::string bytes;
  bytes.reserve(length_bytes + message.size());
  for (size_t i = 0; i < length_bytes; ++i)
    bytes.push_back(static_cast<char>(message.size() >> (8 * i) & 0xff));
  bytes += message;
  for (size_t sent = 0; sent < bytes.size();) {
    const auto n =
        ::send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) {
      sent += static_cast<size_t>(n);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      STIP_TRY(wait(POLLOUT, until));
    } else if (errno == EPIPE || errno == ECONNRESET) {
      return gone();
    } else if (errno != EINTR) {
      return fail(system_error(what, errno));
    }
  }
  return {};
}

result<void> reader_channel::receive_exactly(char* bytes, size_t count, time_point until) {
  for (size_t got = 0; got < count;) {
    const auto n = ::recv(socket_, bytes + got, count - got, MSG_DONTWAIT);
    if (n == 0) return gone();
    if (n > 0) {
      got += static_cast<size_t>(n);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      STIP_TRY(wait(POLLIN, until));
    } else if (errno == ECONNRESET) {
      return gone();
    } else if (errno != EINTR) {
      return fail(system_error(what, errno));
    }
  }
  return {};
}

result<std::string> reader_channel::receive(time_point until) {
  std::array<char, length_bytes> head{};
  STIP_TRY(receive_exactly(head.data(), head.size(), until));
  size_t length = 0;
  for (size_t i = 0; i < length_bytes; ++i)
    length |= size_t{static_cast<unsigned char>(head[i])} << (8 * i);
  if (length > max_reader_message_bytes)
    return fail(ec::malformed, what,
                "it announces a message of " + std::to_string(length) + " bytes");
  std::string out(length, '\0');
  STIP_TRY(receive_exactly(out.data(), out.size(), until));
  return out;
}

}  // namespace stip
