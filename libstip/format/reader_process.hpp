#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "libstip/core/error.hpp"
#include "libstip/format/reader_channel.hpp"
#include "libstip/format/reader_protocol.hpp"
#include "libstip/format/reader_settings.hpp"

namespace stip {

/// Where stip-reader should be: beside the program that runs.
std::string reader_program();

/// One process that reads for this one. It inherits no descriptors but its socket and the shared
/// memory, leaves no core, and dies with the thread that started it. One thread at a time may use
/// the object. After an error other than one that the process itself answered the object is of no
/// use any more.
class reader_process {
 public:
  /// Starts one. The calling thread must live as long as the process.
  /// Errors: unavailable, when the program cannot be started.
  static result<std::unique_ptr<reader_process>> start(const reader_settings& settings);

  /// Kills it.
  ~reader_process();
  reader_process(const reader_process&) = delete;
  reader_process& operator=(const reader_process&) = delete;

  pid_t pid() const noexcept { return pid_; }

  /// What the process wrote last; the process may change it at any time.
  std::span<const std::byte> shared() const noexcept { return {shared_, shared_bytes_}; }

  /// Asks about an input. Error: the process's own answer with `alive` true; or with `alive` false
  /// what became of the process, which is killed: corrupt (it crashed, or answered nonsense),
  /// timeout, limit_exceeded (processor time), io_error (somebody killed it).
  result<reader_answer> ask(const reader_request& request, const std::string& what,
                            std::chrono::milliseconds deadline, bool& alive);

  /// The next message of an answer that has several.
  result<reader_answer> more(const std::string& what, std::chrono::milliseconds deadline,
                             bool& alive);

 private:
  reader_process() = default;
  result<reader_answer> answer(const std::string& what, std::chrono::milliseconds deadline,
                               bool& alive);
  /// The error that the channel's error means for the user; ends the process.
  error verdict(const error& of_channel, const std::string& what,
                std::chrono::milliseconds deadline);
  /// Waits for its end, or kills it first; the wait status.
  int end(bool at_once) noexcept;

  pid_t pid_ = -1;
  reader_channel channel_;
  const std::byte* shared_ = nullptr;
  size_t shared_bytes_ = 0;
};

}  // namespace stip
