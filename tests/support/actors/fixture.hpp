#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/actors/precompiled.hpp"
#include "tests/support/libstip/sample_chips.hpp"
#include "tests/support/libstip/scratch_directory.hpp"

namespace stip::test {

/// A clock that stands still until it is told otherwise.
class fake_clock final : public clock {
 public:
  int64_t now_ms = 1'700'000'000'000;
  int64_t wall_ms() const override { return now_ms; }
  int64_t steady_ms() const override { return now_ms; }
};

/// Every message, error category and setting of stip, without a network.
struct actor_config : system_config {
  actor_config() : system_config(networking::off) {}
};

/// The handler with which a test actor answers later: a promise may be kept only in the context of
/// the actor that made it.
inline constexpr auto runs_jobs = [](job& todo) { (*todo)(); };

/// Requests that a test actor was sent, and the answers that it still owes. The actor's behavior
/// has `runs_jobs` and the handler that `take` is.
template <class Request, class Answer>
struct owed_answers {
  std::vector<Request> got;
  std::deque<caf::typed_response_promise<Answer>> owed;
  caf::event_based_actor* who = nullptr;

  caf::result<Answer> take(caf::event_based_actor* me, Request request) {
    who = me;
    got.push_back(std::move(request));
    owed.push_back(me->make_response_promise<Answer>());
    return owed.back();
  }
  /// Answers the oldest request, when messages are handled next.
  void answer_next(Answer answer) {
    keep_promise([answer](auto& promise) { promise.deliver(answer); });
  }
  void fail_next(const error& why) {
    keep_promise([why](auto& promise) { promise.deliver(to_caf(why)); });
  }

 private:
  template <class Keep>
  void keep_promise(Keep keep) {
    CAF_REQUIRE(!owed.empty());
    auto promise = owed.front();
    owed.pop_front();
    caf::anon_send(caf::actor{who}, std::make_shared<std::function<void()>>(
                                        [promise, keep]() mutable { keep(promise); }));
  }
};

/// Jobs that an executor has taken and does not run until it is told: whatever waits for the disk
/// waits for the test.
struct held_jobs {
  std::deque<job> waiting;
  owed_answers<int, bool> answers;

  size_t size() const { return waiting.size(); }
  /// Runs the oldest one; its outcome is told when messages are handled next.
  void run_one() {
    CAF_REQUIRE(!waiting.empty());
    (*waiting.front())();
    waiting.pop_front();
    answers.answer_next(true);
  }
};

/// What a request will bring; nothing as long as there is no answer.
template <class T>
using awaited = std::shared_ptr<std::optional<result<T>>>;

/// The actors of one node without threads and sockets: time passes and messages are handled when
/// the test says so. The node is number 1; other nodes are test actors.
struct actor_fixture : test_coordinator_fixture<actor_config> {
  static constexpr uint64_t own_id = 1;

  actor_fixture();
  ~actor_fixture() override;

  /// Handles all messages, and those that they lead to.
  void settle() { consume_messages(); }
  /// Lets so many milliseconds pass, in steps as long as a tick.
  void pass(int64_t ms);
  void pass(std::chrono::milliseconds time) { pass(time.count()); }

  /// Ends the actor with the test.
  template <class Handle>
  Handle keep(const Handle& handle) {
    kept_.push_back(caf::actor_cast<caf::strong_actor_ptr>(handle));
    return handle;
  }

  /// A test actor that stands for one of the interfaces. Requests that `handlers` does not know are
  /// answered with an error.
  template <class Handle>
  Handle fake(std::function<caf::behavior(caf::event_based_actor*)> handlers) {
    return caf::actor_cast<Handle>(spawn_fake(std::move(handlers)));
  }

  /// An executor that keeps its jobs in `jobs`.
  executor_actor held_executor(const std::shared_ptr<held_jobs>& jobs);

  /// Sends a request; the answer may come later.
  template <class T, class Handle, class... Ts>
  awaited<T> begin(const Handle& to, const Ts&... content) {
    return send_request<T>(caf::actor_cast<caf::actor>(to), caf::make_message(content...));
  }
  /// Sends a request and handles messages until nothing happens any more.
  template <class T, class Handle, class... Ts>
  result<T> ask(const Handle& to, const Ts&... content) {
    const auto answer = begin<T>(to, content...);
    settle();
    if (*answer) return **answer;
    return fail(ec::internal, "ask", "no answer has come");
  }
  template <class Handle, class... Ts>
  void tell(const Handle& to, const Ts&... content) {
    caf::anon_send(caf::actor_cast<caf::actor>(to), content...);
    settle();
  }

  /// A node that can be reached and has no actors yet.
  peer other_node(uint64_t id) const;
  /// The cluster of this node (with the handles that are given) and others.
  cluster_view_ptr view_of(const node_handles& own, const std::vector<peer>& others,
                           const std::vector<std::string>& missing = {}, uint64_t version = 7);

  /// A new context on a directory beside the first one.
  std::shared_ptr<node_context> make_context(const std::string& directory);

  /// A definition of an album as a node would make it.
  album make_album(const std::string& name, int64_t created_ms = 1000);

  /// An image of one subdataset, whole in one message.
  chip_parts image_message(const image_key& key, int64_t written_ms);

  std::string log_text() const { return log_.str(); }

  scratch_directory files;
  fake_clock time;
  std::shared_ptr<node_context> context;
  std::mt19937_64 random{20240117};

 private:
  caf::actor spawn_fake(std::function<caf::behavior(caf::event_based_actor*)> handlers);

  template <class T>
  awaited<T> send_request(const caf::actor& to, const caf::message& content) {
    auto slot = std::make_shared<std::optional<result<T>>>();
    keep(sys.spawn([to, content, slot](caf::event_based_actor* me) {
      me->request(to, caf::infinite, content)
          .then([slot](T& answer) { *slot = std::move(answer); },
                [slot](caf::error& err) { *slot = fail(from_caf(err, "ask")); });
    }));
    return slot;
  }

  std::vector<caf::strong_actor_ptr> kept_;
  std::vector<std::shared_ptr<held_jobs>> held_;
  std::ostringstream log_;
  uint64_t uploads_ = 0;
};

}  // namespace stip::test
