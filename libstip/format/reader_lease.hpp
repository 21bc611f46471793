#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "libstip/format/reader_pool.hpp"
#include "libstip/format/reader_process.hpp"

namespace stip {

/// An input that scenes of a pool stand for, and what its description was made of.
struct isolated_input {
  open_request request;
  opened_input seen;
};

/// A process of a pool: free, or leased to one thread for one request.
struct pooled_reader {
  std::unique_ptr<reader_process> process;
  pid_t pid = -1;
  /// What it has open; expired or null: nothing that anybody needs.
  std::weak_ptr<const isolated_input> open;
  /// The scene of it that was read last; nothing: none, and nothing is decoded.
  std::optional<uint32_t> scene;
  size_t inputs = 0;
  std::chrono::steady_clock::time_point free_since;
};

/// What a pool and its scenes share: the processes and the thread that starts them. A thread leases
/// a process for one request and holds none between two, so that threads never wait for each other
/// in a circle.
class reader_pool::state {
 public:
  explicit state(reader_settings settings);
  ~state() { close(); }

  const reader_settings& settings() const { return settings_; }

  /// A process for one request about a scene of the input: one that has it open and was near that
  /// scene, since neighbours lie in the same compressed chunks, or has it open and read nothing of
  /// it; else one that has nothing to do, a new one, any that has it open, one that has another
  /// input open, or after waiting whichever is free first. Errors: unavailable.
  result<pooled_reader> lease(const std::shared_ptr<const isolated_input>& input, uint32_t scene);
  /// Gives it back; one that is of no use any more (no process) makes room for another.
  void give_back(pooled_reader reader);

  std::vector<pid_t> processes() const;

  /// Ends every process that is free; nothing can be leased afterwards. Those that are leased end
  /// when they are given back.
  void close();

 private:
  using started = result<std::unique_ptr<reader_process>>;

  /// Starts processes when asked, ends those that nobody needs. A thread of its own, since a
  /// process dies with the thread that started it.
  void run_starter();
  /// The free process that suits best, or end().
  std::vector<pooled_reader>::iterator choose(const isolated_input* input, uint32_t scene);
  /// The one that has the input open and read the nearest scene of it, or none; or end().
  std::vector<pooled_reader>::iterator nearest(const isolated_input* input, uint32_t scene);
  void end_idle(std::unique_lock<std::mutex>& lock);

  const reader_settings settings_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::condition_variable wanted_;
  std::vector<pooled_reader> free_;
  /// Ids of all that live.
  std::vector<pid_t> alive_;
  /// Processes that live or are being started.
  size_t count_ = 0;
  bool closed_ = false;
  std::deque<std::promise<started>> orders_;
  std::thread starter_;
};

/// Whether a process that answered with this error may be used again: its library found nothing
/// wrong with the file, so that nothing in the process can have come to harm.
bool leaves_unharmed(const error& answered) noexcept;

/// A scene whose pixels come from the pool's processes.
std::unique_ptr<scene> make_isolated_scene(std::shared_ptr<reader_pool::state> pool,
                                           std::shared_ptr<const isolated_input> input,
                                           uint32_t index, opened_scene opened);

/// Makes the leased process have the input open. Errors: of reader_process; io_error when the file
/// is not what it was.
result<void> turn_to(pooled_reader& reader, const std::shared_ptr<const isolated_input>& input,
                     const reader_settings& settings);

}  // namespace stip
