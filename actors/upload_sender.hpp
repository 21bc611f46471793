#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <ctime>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "actors/client.hpp"
#include "libstip/format/input_files.hpp"

namespace stip {

/// Sends the inputs of a task (client::store_files) to the node that stores them, on threads of its
/// own: one input after the other, several pieces at a time. What cannot be read here is skipped
/// with the reason; where the node has no room, it waits.
class upload_sender {
 public:
  /// Begins to send. `inputs` are names of this machine, in the order that the task counts them.
  upload_sender(client node, task_record task, std::vector<std::string> inputs);
  /// Sends nothing more; returns when what is under way is answered or given up.
  ~upload_sender();
  upload_sender(const upload_sender&) = delete;
  upload_sender& operator=(const upload_sender&) = delete;

  /// Sends nothing more.
  void stop();

  struct progress {
    /// Inputs that are sent or skipped, and all of them.
    uint64_t sent = 0;
    uint64_t inputs = 0;
    /// Bytes that the node has.
    uint64_t bytes = 0;
    /// The node has no room at the moment.
    bool waits = false;
    /// All is sent, or will never be.
    bool over = false;
  };
  progress look() const;

  /// Why sending ended before all was sent; nothing as long as it goes on, or where the task ended.
  std::optional<error> problem() const;

 private:
  /// An input whose pieces are on their way.
  struct sending {
    uint64_t number = 0;
    std::string name;
    input_files what;
    /// When each file was changed last, as it was announced.
    std::vector<timespec> changed;
    size_t file = 0;
    uint64_t offset = 0;
    /// Pieces that are handed out and not answered; none is left to hand out.
    uint64_t under_way = 0;
    bool all_out = false;
    std::atomic<bool> skipped{false};
  };
  struct piece {
    std::shared_ptr<sending> of;
    size_t file = 0;
    uint64_t offset = 0;
    uint64_t bytes = 0;
  };

  void work();
  /// With the mutex held.
  std::optional<piece> next_piece();
  std::shared_ptr<sending> open(uint64_t number);
  void send(const piece& p);
  void answered(const piece& p, bool good);
  void skip(uint64_t number, const std::string& name, const error& why);
  /// Asks until the node answers for good. Nothing: the sending is over.
  std::optional<result<bool>> ask(const std::function<result<bool>()>& question);
  void end(std::optional<error> why);
  /// False when the sending is over.
  bool pause(std::chrono::milliseconds time);

  const client node_;
  const task_record task_;
  const std::vector<std::string> inputs_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t next_ = 0;
  bool announcing_ = false;
  std::shared_ptr<sending> current_;
  progress progress_;
  std::optional<error> problem_;
  bool over_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace stip
