#pragma once

#include <atomic>
#include <caf/actor_system.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/album_images.hpp"
#include "actors/chip_delivery.hpp"
#include "actors/loader.hpp"
#include "actors/tasks.hpp"

namespace stip {

/// What every kind of work on a part of a task has.
struct part_plan {
  task_part part;
  album target;
  /// Threads that work at the same time.
  size_t threads = 1;
};

/// The work of this node on a part of a task: its inputs, and what its threads do with them. The
/// actor owns it, the workers share it; what becomes of each input is told to the tasks actor.
class part_work {
 public:
  part_work(caf::actor_system& system, context_ptr context, std::shared_ptr<shared_view> view,
            transfer_actor transfer, tasks_actor tasks, part_plan plan);
  virtual ~part_work() = default;

  /// Finds the inputs, if the part does not list them, and tells the task of them. Blocks. Errors:
  /// those of look_for_inputs.
  result<void> find_inputs();

  /// There will be so many inputs. Who brings them one by one says it instead of find_inputs.
  void expect_inputs(uint64_t inputs);

  /// Workers that should run at the same time.
  size_t workers() const { return workers_; }

  /// Takes inputs one after the other until there are none. Blocks for as long as they take.
  void work();

  void stop() { *stopped_ = true; }
  bool stopped() const { return *stopped_; }

  /// Whether it is no failure that there is no input.
  virtual bool may_be_idle() const = 0;

 protected:
  /// The inputs by name. Blocks.
  virtual result<std::vector<std::string>> look_for_inputs() = 0;
  /// Does what is to be done with an input, and reports it. Any thread, workers() at a time.
  virtual void take_input(size_t index) = 0;

  /// The images of the album that the work is on. Errors: unavailable.
  result<album_images> images_of_album() const;
  /// Has one core and runs `make`, which brings images to their owners; once more where a node went
  /// away meanwhile. `input` is for the log. Errors: those of `make`; stopped.
  result<load_outcome> make_images(
      const std::string& input, int precision,
      const std::function<result<load_outcome>(const load_request&, const load_services&)>& make);
  /// Something that the user should read of an input which is not skipped for it.
  void note(const std::string& input, std::string what);

  const std::string& input(size_t index) const { return (*inputs_)[index]; }
  void report(decltype(part_news::what) news);

  caf::actor_system& system_;
  const context_ptr context_;
  const std::shared_ptr<shared_view> view_;
  const part_plan plan_;
  /// One for each thread that works at the same time, of all workers.
  budget cores_;

 private:
  const tasks_actor tasks_;
  task_inputs inputs_;
  /// Those that are left, as indices.
  std::vector<size_t> left_;
  size_t workers_ = 1;
  std::atomic<size_t> next_input_{0};
  const std::shared_ptr<std::atomic<bool>> stopped_ = std::make_shared<std::atomic<bool>>(false);

 protected:
  const delivery_means means_;
};

/// Workers for so many threads: while some wait for confirmations, others work. Of small inputs a
/// commit takes in several.
inline size_t workers_of(size_t threads) {
  return 4 * threads;
}

}  // namespace stip
