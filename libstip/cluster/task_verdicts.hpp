#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libstip/core/clock.hpp"
#include "libstip/core/defaults.hpp"
#include "libstip/core/error.hpp"

namespace stip {

/// What a user has decided of a task: it holds for all of its parts, those too that no node knew of
/// when it was said. Values travel: append only.
struct task_verdict {
  enum class kind : uint8_t { stopped = 0, cleared };

  std::string id;
  /// It concerns what began then or earlier: the id may begin anew.
  version began;
  kind what = kind::stopped;
  /// Wall clock milliseconds since the epoch.
  int64_t at_ms = 0;

  bool operator==(const task_verdict&) const = default;
};

std::string encode(const std::vector<task_verdict>& verdicts);
/// Errors: malformed.
result<std::vector<task_verdict>> decode_task_verdicts(std::string_view bytes);

/// The verdicts that a node remembers: one a task, for defaults::task_verdict_age, at most `most`
/// of them. Two nodes that know the same are equal, in whatever order they learned.
class task_verdicts {
 public:
  explicit task_verdicts(size_t most = defaults::max_task_verdicts) : most_(most) {}

  /// False: it was known, or is too old.
  bool learn(const task_verdict& v, int64_t wall_ms);
  /// The verdict on a task that began then.
  const task_verdict* on(const std::string& id, const version& began) const;
  /// The latest beginning of that id that is decided.
  std::optional<version> latest(const std::string& id) const;
  void expire(int64_t wall_ms);

  std::vector<task_verdict> all() const;
  /// Sum of hashes: equal for equal sets.
  uint64_t fingerprint() const { return fingerprint_; }

 private:
  void forget(const std::string& id);

  size_t most_;
  std::map<std::string, task_verdict> verdicts_;
  uint64_t fingerprint_ = 0;
};

}  // namespace stip
