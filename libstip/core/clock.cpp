#include "libstip/core/clock.hpp"

#include <algorithm>
#include <chrono>

#include "libstip/core/defaults.hpp"

namespace stip {

namespace {

class machine_clock final : public clock {
 public:
  int64_t wall_ms() const override {
    return ms(std::chrono::system_clock::now().time_since_epoch());
  }
  int64_t steady_ms() const override {
    return ms(std::chrono::steady_clock::now().time_since_epoch());
  }

 private:
  template <class Duration>
  static int64_t ms(Duration d) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
  }
};

}  // namespace

const clock& system_clock() {
  static const machine_clock instance;
  return instance;
}

std::string to_string(const version& v) {
  return std::to_string(v.wall_ms) + "." + std::to_string(v.logical) + "@" + std::to_string(v.node);
}

version version_clock::next() {
  const std::lock_guard guard{mutex_};
  const auto now = time_->wall_ms();
  if (now > last_.wall_ms)
    last_ = {now, 0, node_};
  else
    last_ = {last_.wall_ms, last_.logical + 1, node_};
  return last_;
}

result<void> version_clock::observe(const version& seen) {
  const std::lock_guard guard{mutex_};
  if (seen.wall_ms > time_->wall_ms() + defaults::max_clock_skew.count())
    return fail(ec::conflict, "accept version " + to_string(seen),
                "its clock is more than " + std::to_string(defaults::max_clock_skew.count()) +
                    " ms ahead of this node's",
                "set the clocks of the nodes (NTP)");
  if (seen > last_) last_ = {seen.wall_ms, seen.logical, node_};
  return {};
}

}  // namespace stip
