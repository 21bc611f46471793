#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "libstip/core/defaults.hpp"

namespace stip {

/// Whether a node has what was confirmed while it was away, as a plain state machine over what it
/// sees of the others. A node that was started asks each of them for a round of repair, which
/// brings it what it lacks; until enough have been through one it answers no queries.
///
/// Whatever was confirmed lies on W nodes. So a node that kept its disk has caught up when all that
/// live have been through a round for it and fewer than W of the members have not. A node whose
/// disk is new may stand in the place of one that was lost with its copies: of some images there
/// may be W - 1 copies, or fewer. It has caught up when every member has been through a round in
/// which nothing was left over.
class catch_up {
 public:
  /// Another member of the cluster as this node sees it.
  struct other {
    uint64_t id = 0;
    uint64_t incarnation = 0;
    bool is_down = false;
    bool is_reachable = false;
  };

  /// What a round of another node has done for this one.
  enum class outcome : uint8_t {
    /// It was not made, or failed here.
    failed,
    /// This node has what that one has for it.
    brought,
    /// And so has every other node: nothing was left over.
    whole,
  };

  /// `fresh`: nothing was ever taken in from other nodes here.
  explicit catch_up(bool fresh = false) : fresh_(fresh) {}

  /// The other members have changed, or the albums: `to_confirm` is the least W of those that have
  /// copies (SIZE_MAX: there is none).
  void view_changed(std::vector<other> others, size_t to_confirm);

  /// Whom to ask for a round now; each is answered, or becomes unreachable, before it is named
  /// again.
  std::vector<uint64_t> ask(int64_t now_ms);
  void answered(int64_t now_ms, uint64_t id, uint64_t incarnation, outcome what);
  /// When ask() has somebody to name, if nothing else happens before; INT64_MAX: nobody.
  int64_t due_ms() const;

  /// It has to be brought everything once more.
  void begin_again();

  bool is_done() const { return done_; }
  /// It has caught up once in its life: it is fresh no more.
  bool is_fresh() const { return fresh_; }

 private:
  struct helper {
    uint64_t incarnation = 0;
    bool waiting = false;
    outcome what = outcome::failed;
    int64_t again_ms = 0;
    int64_t gap_ms = 0;
  };

  bool needs(const helper& h) const;
  bool may_ask(const other& o, const helper& h) const;
  void look_for_partition();
  void look_whether_done();

  std::vector<other> others_;
  size_t to_confirm_ = SIZE_MAX;
  std::map<uint64_t, helper> helpers_;
  bool fresh_;
  bool done_ = false;
  /// This node reached so few that the others may have confirmed things without it.
  bool cut_off_ = false;
};

}  // namespace stip
