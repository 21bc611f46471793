#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "libstip/cluster/task_letter.hpp"
#include "libstip/cluster/task_part.hpp"
#include "libstip/cluster/task_verdicts.hpp"
#include "libstip/core/defaults.hpp"
#include "libstip/core/error.hpp"

namespace stip {

/// The two clocks at one moment.
struct task_moment {
  int64_t steady_ms = 0;
  int64_t wall_ms = 0;
};

/// How a node sees another one, as far as tasks go.
enum class node_presence : uint8_t {
  /// It can be spoken to.
  live,
  /// Not now; perhaps it works.
  doubtful,
  /// It is down, has left, or is no member.
  lost,
};
struct task_node {
  uint64_t id = 0;
  node_presence seen = node_presence::doubtful;
};

/// What a ledger wants done.
struct send_task_letter {
  uint64_t to = 0;
  std::string letter;
};
/// Work on what the part has left; reports carry its run.
struct begin_task_work {
  task_part part;
};
struct end_task_work {
  part_run run;
};
using task_effect = std::variant<send_task_letter, begin_task_work, end_task_work>;

/// What somebody wants done.
struct task_wish {
  /// Id (may be empty), kind, album, total and the version that its writes carry.
  task_record task;
  /// See task_part.
  std::string work;
  bool own_files = false;
  /// Other nodes that get a part each.
  std::vector<uint64_t> others;
};

/// What became of an input.
struct input_outcome {
  enum class kind : uint8_t { done, skipped, unreachable };
  kind what = kind::done;
  size_t index = 0;
  uint64_t bytes = 0;
  /// Why it was skipped.
  std::string input, reason;
};

/// How the work on a part ended.
struct work_end {
  /// It could not be done at all; empty: it went through its inputs.
  std::string reason;
  /// The inputs could not even be found here.
  bool unreachable = false;
  /// That there were none is no failure.
  bool may_be_idle = false;
};

/// What a node changes in its directory; no bytes: the value goes.
struct task_change {
  std::string name;
  std::optional<std::string> bytes;
};

/// The tasks that one node works on, its copies of the records of other nodes, and what users have
/// decided: a plain state machine, not thread-safe, which speaks to the ledgers of other nodes in
/// letters. Calls leave effects to be carried out and changes to be written.
///
/// A part that is not running any more, or that another node has taken over, ignores reports: the
/// calls return false, and whoever works for it should stop.
class task_ledger {
 public:
  struct options {
    size_t max_ended = defaults::max_ended_tasks;
    size_t max_running = defaults::max_running_tasks;
    size_t max_parts = defaults::max_task_parts;
    std::chrono::milliseconds grace = defaults::task_takeover_grace;
    /// What ran when the node ended goes on after its restart.
    bool resumes = true;
  };
  task_ledger(uint64_t node, options o);

  // -- work of this node --------------------------------------------------------

  struct started {
    task_record task;
    /// A running task of that id was joined: nothing new begins.
    bool joined = false;
  };
  /// Begins a task: a part of this node, and one of each other node. An empty id is replaced by a
  /// new one, unique over the cluster. The id of a running task of the same kind and album joins
  /// it; that of an ended one begins anew under it. Errors: invalid_argument (id), conflict (that
  /// id runs another kind or album, or began later by its clock), limit_exceeded (too many running
  /// tasks).
  result<started> start(task_moment now, task_wish wish);

  /// The latest known beginning of that id.
  std::optional<version> latest(const std::string& id) const;

  /// The inputs of a part have been found.
  bool list_inputs(task_moment now, const part_run& run, const task_inputs& inputs);
  bool settle_input(task_moment now, const part_run& run, const input_outcome& outcome);
  /// Bytes processed besides.
  bool add_bytes(const part_run& run, uint64_t bytes);
  /// The work has come to its end: the part ends, or goes to another node for what is left.
  bool end_work(task_moment now, const part_run& run, const work_end& how);

  /// For tasks that cannot go on elsewhere: adds what happened since the last report. A `news` that
  /// says done ends the task: as done when something was completed or there was nothing to do and
  /// no error, else as failed; one that says failed or stopped ends it as that.
  bool update(task_moment now, const task_record& news);

  // -- what users decide --------------------------------------------------------

  /// Takes a user's words, here and on all nodes that can be reached now or later.
  void decide(task_moment now, const std::vector<task_verdict>& verdicts);

  // -- between nodes ------------------------------------------------------------

  /// The members of the cluster, this node included.
  void see(task_moment now, const std::vector<task_node>& members);
  void received(task_moment now, uint64_t from, const task_letter& letter);
  /// To be called a few times a second.
  void tick(task_moment now);
  std::vector<task_effect> take_effects();

  // -- what is known ------------------------------------------------------------

  /// All parts, without the names of inputs; or those of one task.
  std::vector<task_part> parts() const;
  std::vector<task_part> parts(const std::string& id) const;
  /// The records that this node knows, each the sum of its parts; see merge_parts.
  std::vector<task_record> list() const { return merge_parts(parts()); }
  std::optional<task_record> find(const std::string& id) const;
  const task_part* find_part(const part_key& key) const;
  /// Parts that this node works on.
  size_t running() const;
  /// Every running part of the task that began here is also known to another node, if there is one.
  bool is_copied(const std::string& id) const;

  // -- over restarts ------------------------------------------------------------

  /// Takes a record of an earlier run of the node.
  void restore(task_moment now, task_part part);
  void restore(task_moment now, const std::vector<task_verdict>& verdicts);
  /// What has to be written since the last call; progress alone only when it is due, or `all`.
  std::vector<task_change> take_changes(task_moment now, bool all);
  /// The same for verdicts, if they changed.
  std::optional<std::string> take_verdicts();
  /// These could not be written.
  void put_back(const std::vector<task_change>& changes);

 private:
  enum class phase : uint8_t { idle, asking, working };
  /// What a node that is written to is known to have.
  struct addressee {
    part_stamp known;
    uint64_t knows_inputs = 0;
    bool in_flight = false;
    int64_t sent_ms = 0;
  };
  struct held {
    task_part part;
    phase now = phase::idle;
    /// This node sees to it that others have the record as it is.
    bool serves = false;
    /// What has changed is more than progress.
    bool hurries = false;
    std::map<uint64_t, addressee> addressees;
    uint64_t keepers_of_view = 0;
    /// While it asks: who has answered, since when, and when it asked last.
    std::set<uint64_t> answered;
    int64_t asking_since_ms = 0;
    int64_t asked_ms = 0;
    /// When this node last heard of it.
    int64_t heard_ms = 0;
    bool unsaved = false;
    bool urgent = false;
    int64_t saved_ms = 0;
  };
  struct seen_node {
    node_presence seen = node_presence::lost;
    int64_t lost_since_ms = 0;
  };
  using parts_map = std::map<part_key, held>;

  std::string new_id(int64_t wall_ms);
  held* find_held(const part_key& key);
  held* working(const part_run& run);
  /// A place for a part, in which there is nothing.
  held& place(task_moment now, const part_key& key);
  held& put(task_moment now, task_part part);
  bool make_room();
  void forget_ended(bool own, size_t most);
  void forget(parts_map::iterator at);
  void forget_older(const std::string& id, const version& began);
  void touch(held& h, bool urgent);

  void finish(task_moment now, held& h);
  void end(task_moment now, held& h, task_state state);
  void hand_on(task_moment now, held& h);
  void conclude(task_moment now, held& h);
  bool learn(task_moment now, const task_verdict& verdict);
  void apply(task_moment now, const task_verdict& verdict);

  void attend(task_moment now, held& h);
  void serve(task_moment now, held& h);
  void choose_keepers(held& h);
  bool is_my_turn(task_moment now, const held& h) const;
  void begin_asking(task_moment now, held& h);
  void ask(task_moment now, held& h);
  void go_on(task_moment now, held& h);
  void work_on(held& h);
  void leave_off(held& h);
  void compare_verdicts(task_moment now);

  void take(task_moment now, uint64_t from, const task_letter::copy& l);
  void take(task_moment now, uint64_t from, const task_letter::acknowledgement& l);
  void take(task_moment now, uint64_t from, const task_letter::question& l);
  void take(task_moment now, uint64_t from, const task_letter::lacks& l);
  void take(task_moment now, uint64_t from, const task_letter::verdicts& l);
  void adopt(task_moment now, held& h, task_part part);

  void send(uint64_t to, task_letter letter, carry what = carry::everything);
  void acknowledge(uint64_t to, const held& h);
  node_presence presence(uint64_t node) const;
  std::vector<uint64_t> live_others() const;
  std::vector<uint64_t> addressees_of(const task_part& part) const;

  uint64_t node_;
  options options_;
  uint64_t counter_ = 0;
  parts_map parts_;
  task_verdicts verdicts_;
  bool verdicts_unsaved_ = false;
  std::map<uint64_t, seen_node> nodes_;
  size_t members_ = 0;
  /// Counts the changes of who is live.
  uint64_t view_ = 0;
  int64_t compared_ms_ = 0;
  uint64_t compared_with_ = 0;
  std::vector<task_effect> effects_;
  std::set<std::string> erased_;
};

}  // namespace stip
